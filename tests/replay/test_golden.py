"""Golden journals: the recorded cases say what really happened, byte for byte the same everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.replay.golden import DIGESTS, replay_case


def test_a_case_replays_to_its_digest(case: Path) -> None:
    assert replay_case(case)["digest"] == json.loads(DIGESTS.read_text())[case.name]


def test_a_case_tells_what_really_happened(case: Path) -> None:
    """One incident per trouble, with its members and no others, its origin and its change."""
    expected = yaml.safe_load((case / "expected.yaml").read_text())["incidents"]
    found = {incident["origin"]["service"]: incident for incident in replay_case(case)["incidents"]}
    assert sorted(found) == sorted(truth["origin"] for truth in expected)
    for truth in expected:
        incident = found[truth["origin"]]
        assert sorted({row["service"] for row in incident["alerts"]}) == sorted(truth["members"])
        if truth["change"] is None:
            assert incident["questions"]["likely_fix"]["status"] == "unknown"
        else:
            first = incident["changes"][0]
            assert {key: first[key] for key in truth["change"]} == truth["change"]
            assert incident["questions"]["what_changed"]["status"] == "known"


@pytest.mark.parametrize("seed", ["0", "1"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_hash_seed_and_time_zone_change_nothing(case: Path, seed: str, zone: str) -> None:
    command = [sys.executable, "-m", "watchkeeper", "replay", str(case / "events.jsonl"), "--json"]
    done = subprocess.run(
        [*command, "--catalog", str(case / "catalog.yaml")],
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["digest"] == json.loads(DIGESTS.read_text())[case.name]


def test_the_output_has_the_keys_that_others_rely_on(case: Path) -> None:
    document = replay_case(case)
    assert {"version", "digest", "incidents", "findings", "decisions"} <= set(document)
    for incident in document["incidents"]:
        assert {
            "id", "severity", "status", "title", "opened_at", "alerts", "findings", "origin", "changes",
            "questions", "merged_from",
        } <= set(incident)  # fmt: skip
        assert set(incident["questions"]) == {"what_changed", "already_known", "likely_fix"}
        for row in incident["alerts"]:
            assert {"line", "index", "fingerprint", "first_incident", "decided_at"} <= set(row)
        for finding in incident["findings"]:
            assert {"id", "kind", "summary", "confidence", "evidence", "why"} <= set(finding)
    for decision in document["decisions"]:
        assert {"id", "kind", "subject", "reason", "at"} <= set(decision)


def test_lines_point_into_the_file(case: Path) -> None:
    lines = (case / "events.jsonl").read_text().splitlines()
    for incident in replay_case(case)["incidents"]:
        for row in incident["alerts"]:
            body = json.loads(lines[row["line"] - 1])["body"]
            sent = (body["alerts"] if isinstance(body, dict) else body)[row["index"]]
            assert sent["labels"]["alertname"] == row["name"]
