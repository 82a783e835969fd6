"""`watchkeeper sources`: what it lists, prints and makes of a body, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from connectors.inbound.registry import SOURCES
from core.errors import InputError, NotFound, SourceError
from core.times import format_rfc3339
from tests.timeline import START, Timeline, alert
from watchkeeper.cli.source_views import MODULES_MAKE
from watchkeeper.cli.sources import sources_app
from watchkeeper.files import builtin_mappings

MAPPING = """\
source: backup
summary: Backups
kept: [x-run]
events:
  - when: {result: FAILED}
    alert:
      labels: {alertname: {text: BackupFailed}, service: job}
      severity: {from: level, map: {2: high}}
      status: {text: firing}
      starts_at: since
      occurrence: _headers."x-run"
  - when: {result: DEPLOYED}
    change: {kind: {text: deploy}, service: job}
  - when: {result: OK}
    ignore: a good run
"""


def run(*words: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(sources_app, [str(word) for word in words], input=stdin)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "backup.yaml").write_text(MAPPING)
    (folder / "zabbix.yaml").write_text(MAPPING.replace("source: backup", "source: zabbix"))
    return folder


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.json"
    value = {"result": "FAILED", "job": "db", "level": 2, "since": START}
    path.write_bytes(orjson.dumps(value))
    return path


def rows(result: Result) -> dict[str, dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return {row["name"]: row for row in json.loads(result.output)["sources"]}


def test_every_source_is_listed_with_its_address_proof_and_page() -> None:
    found = rows(run("--json"))
    assert sorted(found) == sorted({*SOURCES, *builtin_mappings()})
    pages = Path(__file__).parent.parent.parent
    for name, row in found.items():
        assert row["address"] == f"/v1/ingest/{name}"
        assert row["makes"], name
        assert row["proof"]
        assert row["origin"] == "built-in"
        assert row["sender"] == "no secret set"
        assert (pages / row["page"]).is_file(), row["page"]


def test_what_modules_make_is_said_for_each() -> None:
    assert sorted(MODULES_MAKE) == sorted(SOURCES)
    assert {word for makes in MODULES_MAKE.values() for word in makes} == {
        "alerts", "assessments", "changes", "objectives",
    }  # fmt: skip


def test_own_mappings_join_and_replace(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_TOKEN", "s3cret")
    senders = tmp_path / "senders.yaml"
    senders.write_text("senders: {backup: {secret_env: BACKUP_TOKEN}}")
    result = run("--sources", own, "--senders", senders, "--json")
    found = rows(result)
    assert (found["backup"]["origin"], found["backup"]["makes"]) == ("own", ["alerts", "changes"])
    assert found["backup"]["sender"] == "must prove itself"
    assert found["zabbix"]["origin"] == "replaces the built-in"
    assert "s3cret" not in result.output


def test_the_list_for_people(own: Path) -> None:
    printed = run("--sources", own).output
    assert "backup            alerts, changes  /v1/ingest/backup  (own)" in printed
    assert f"{len(SOURCES) + len(builtin_mappings()) + 1} sources in force, all well formed" in printed


def test_a_broken_directory_says_which_file(own: Path) -> None:
    (own / "broken.yaml").write_text(MAPPING.replace("source: backup", "source: other"))
    found = run("--sources", own).exception
    assert isinstance(found, SourceError)
    assert str(own / "broken.yaml") in str(found)


def test_a_mapping_is_printed_as_it_is(own: Path) -> None:
    assert run("show", "opsgenie").output == builtin_mappings()["opsgenie"]
    assert run("show", "backup", "--sources", own).output == MAPPING
    for name, what in (("github", "read by a program"), ("nope", "no mapping 'nope'")):
        found = run("show", name).exception
        assert isinstance(found, NotFound)
        assert what in str(found)


def test_an_alert_is_tried_with_a_file(own: Path, body: Path) -> None:
    words = ("--header", "X-Run: 88", "--header", "cookie: c", "--at", "2026-03-02T08:00:00Z")
    result = run("try", own / "backup.yaml", body, *words, "--json")
    assert result.exit_code == 0
    found = json.loads(result.output)
    assert (found["ignored"], found["problems"]) == ("", [])
    assert found["events"] == [
        {
            "event": "alert",
            "service": "db",
            "fingerprint": found["events"][0]["fingerprint"],
            "labels": {"alertname": "BackupFailed", "service": "db", "severity": "high"},
            "status": "firing",
            "index": 0,
            "starts_at": format_rfc3339(START),
            "occurrence": "88",
        }
    ]


def test_the_fingerprint_is_the_engines(tmp_path: Path) -> None:
    one = {"alerts": [alert("payments", pod="p-1", replica="a")]}
    path = tmp_path / "body.json"
    path.write_bytes(orjson.dumps(one))
    timeline = Timeline()
    timeline.push(0, *one["alerts"])
    [incident] = timeline.incidents()
    [event] = json.loads(run("try", "alertmanager", path, "--json").output)["events"]
    assert event["fingerprint"] == incident["alerts"][0]["fingerprint"]


def test_people_read_a_line_for_each_part_and_no_control_characters(own: Path) -> None:
    given = {"result": "FAILED", "job": "db\x1b[31m\nx", "level": 9, "since": "soon"}
    result = run("try", own / "backup.yaml", "-", stdin=json.dumps(given))
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "0  alert  -  firing  db [31m x  BackupFailed"
    assert "left out: body: events.1.alert.severity: '9' is not in the map." in result.output
    assert "left out: body: events.1.alert.starts_at: 'soon' is no time." in result.output
    assert "\x1b" not in result.output


def test_a_change_and_what_is_nothing(own: Path) -> None:
    given = json.dumps({"result": "DEPLOYED", "job": "db"})
    changed = run("try", "backup", "-", "--sources", own, "--at", "2026-03-02T08:00:00Z", stdin=given)
    assert changed.output.splitlines()[0] == "0  change  -  -  db  deploy"
    assert "at             2026-03-02T08:00:00.000Z" in changed.output
    good = run("try", own / "backup.yaml", "-", stdin='{"result": "OK"}')
    assert (good.exit_code, good.output) == (0, "nothing is made of it: a good run\n")


@pytest.mark.parametrize("given", ["", "{", "[]", '{"result": "ODD"}'])
def test_nothing_usable_is_the_answer_no(own: Path, given: str) -> None:
    result = run("try", own / "backup.yaml", "-", stdin=given)
    assert result.exit_code == 1
    assert result.output.startswith("left out: body")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("nope", "-"), "unknown source 'nope'"),
        (("no/such.yaml", "-"), "the mapping file cannot be read"),
        (("opsgenie", "no/such.json"), "the body cannot be read"),
        (("opsgenie", "-", "--header", "x"), "'x' is no header"),
        (("opsgenie", "-", "--at", "now"), "'now' is no time"),
    ],
)
def test_wrong_use(words: tuple[str, ...], what: str) -> None:
    found = run("try", *words).exception
    assert isinstance(found, InputError)
    assert what in str(found)
