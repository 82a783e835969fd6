"""A crash between the agents' work and its record, or right after it: one annotation, not none, not two."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.integration import export
from tests.integration.rules import quick_rules
from tests.integration.server import Server, watchkeeper, within

pytestmark = pytest.mark.integration
DYING = Path(__file__).with_name("dying_server.py")
ALERT = {"labels": {"alertname": "HighErrorRatio", "service": "payments", "severity": "critical"}}


def committed(data: Path) -> list[dict[str, object]]:
    file = data.parent / "journal.jsonl"
    done = watchkeeper("journal", "export", file, "--data", data, cwd=data.parent)
    assert done.returncode == 0, done.stderr
    return [export.body(line) for line in export.lines(file) if line["kind"] == "annotation"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_the_record_leaves_one_annotation(tmp_path: Path, moment: str) -> None:
    marker, data = tmp_path / "died", tmp_path / "data"
    rules = quick_rules(tmp_path / "rules", explain_wait="0s")
    extra = {"DIE": moment, "MARKER": str(marker)}
    with Server(data, "--rules", rules, extra=extra, program=DYING) as server:
        answer = httpx.post(f"{server.url}/api/v2/alerts", json=[ALERT])
        assert answer.status_code == 200
        assert within(20, lambda: marker.exists() and not server.alive())
        assert len(committed(data)) == (moment == "after")
        server.launch_again()
        [incident] = server.incidents()
        assert within(20, lambda: server.get(f"/v1/incidents/{incident['id']}")["explained"] == "done")
        found = server.get(f"/v1/incidents/{incident['id']}")["annotations"]
        assert [note["author"] for note in found] == ["narrator", "retriever", "risk-analyst", "planner"]
        assert server.terminate() == 0
        [one] = committed(data)
        assert one["incident"] == incident["id"]
