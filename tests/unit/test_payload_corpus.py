"""Bodies that senders really sent, or that their documentation shows, through the product's own path.

They are read from payloads/ below the directory that `WATCHKEEPER_EVAL_DATA` names; its INDEX.tsv lists them.
`pytest -s` prints what is made of each. The expectations say what the bodies say, written by hand.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from connectors.inbound.registry import SOURCES, source
from core.config import Config
from core.errors import InputError
from core.identify import Identify
from core.model.events import AlertEvent, ChangeEvent, Event, Parsed, RiskEvent
from core.rules.loader import BUILTIN
from core.times import parse_rfc3339
from tests.unit.corpus_expected import EXPECTED, IGNORED, PAIRS, WITHOUT_SERVICE, WITHOUT_SEVERITY
from watchkeeper.files import builtin_mappings, builtin_rules

DOCS = Path(__file__).parent.parent.parent / "docs" / "sources"
CORPUS = Path(os.environ.get("WATCHKEEPER_EVAL_DATA") or "/nowhere") / "payloads"
NOW = parse_rfc3339("2026-11-21T03:00:00Z")
MAPPINGS = builtin_mappings()
RULES = Config({"rules": {"bundle": BUILTIN, "files": builtin_rules()}})
IDENTIFY = Identify(RULES)
# Folders that are named after something else than the source that reads them.
FOLDERS = {
    "alertmanager_captured": "alertmanager",
    "aws_cloudwatch_lambda": "cloudwatch",
    "aws_cloudwatch_logs": "cloudwatch",
    "aws_cloudwatch_sns": "sns",
    "aws_config": "eventbridge",
    "aws_eventbridge": "eventbridge",
    "aws_eventbridge_sagemaker": "eventbridge",
    "aws_sns": "sns",
    "grafana_legacy": "grafana",
    "grafana_unified": "grafana",
    "libre_nms": "librenms",
    "vmware_vrops": "vrops",
}


def listed() -> list[str]:
    """Folder and file of every body, as the index has them, and those captured from a running sender."""
    if not (CORPUS / "INDEX.tsv").is_file():
        return []
    with (CORPUS / "INDEX.tsv").open(newline="") as index:
        rows = [f"{row['source']}/{row['file']}" for row in csv.DictReader(index, delimiter="\t")]
    captured = sorted((CORPUS / "alertmanager_captured").glob("*.json"))
    rows += [f"{path.parent.name}/{path.name}" for path in captured if not path.stem.endswith(".headers")]
    return [row for row in rows if not row.startswith("_")]


BODIES = listed()
pytestmark = pytest.mark.skipif(
    not BODIES, reason="WATCHKEEPER_EVAL_DATA names no directory that holds payloads/"
)


class Row(NamedTuple):
    kind: str
    service: str
    severity: str
    state: str
    fingerprint: str = ""


def parse(body: str) -> Parsed:
    folder = body.partition("/")[0]
    reader = source(FOLDERS.get(folder, folder), MAPPINGS)
    return reader.parse({}, (CORPUS / body).read_bytes(), NOW)


def row(event: Event) -> Row:
    if isinstance(event, ChangeEvent):
        return Row(event.kind, event.service, "", event.state)
    assert isinstance(event, AlertEvent)
    labels = event.labels
    fingerprint = IDENTIFY.fingerprint(labels, event.identity)
    return Row("alert", IDENTIFY.service(labels), labels.get("severity", ""), event.status, fingerprint)


def documented(body: str) -> bool:
    """What is refused is on the page of what is not taken, under the name of its folder."""
    return f"`{body.partition('/')[0]}`" in (DOCS / "not-taken.md").read_text()


@pytest.mark.parametrize("body", BODIES)
def test_a_body_is_read_or_there_is_a_documented_reason(body: str) -> None:
    try:
        parsed = parse(body)
    except InputError:
        assert documented(body)
        return
    assert bool(parsed.events) != bool(parsed.ignored)
    assert parsed.problems == ()
    for event in parsed.events:
        if isinstance(event, AlertEvent):
            _is_whole(body, event)
        else:
            assert not isinstance(event, RiskEvent)
            assert event.service
            assert event.at > 0


def _is_whole(body: str, event: AlertEvent) -> None:
    assert event.labels["alertname"]
    assert event.status in ("firing", "resolved")
    folder, name = body.partition("/")[0], event.labels.get("severity", "")
    known = {word for words in RULES.rules.severity.levels.values() for word in words} | {"low"}
    assert name.lower() in known if name else {folder, body} & set(WITHOUT_SEVERITY)
    assert IDENTIFY.service(event.labels) or {folder, body} & set(WITHOUT_SERVICE)


@pytest.mark.parametrize(("body", "expected"), EXPECTED.items())
def test_what_a_body_says(body: str, expected: tuple[tuple[str, str, str, str], ...]) -> None:
    found = [row(event)[:4] for event in parse(body).events]
    assert found == [tuple(one) for one in expected]


@pytest.mark.parametrize(("body", "words"), IGNORED.items())
def test_what_is_ignored_says_why(body: str, words: str) -> None:
    parsed = parse(body)
    assert parsed.events == ()
    assert words in parsed.ignored


@pytest.mark.parametrize(("began", "ended"), PAIRS)
def test_an_end_is_told_of_the_same_alert(began: str, ended: str) -> None:
    firing = {row(event).fingerprint for event in parse(began).events}
    assert {row(event).fingerprint for event in parse(ended).events} <= firing


def test_every_folder_has_a_page() -> None:
    for folder in {body.partition("/")[0] for body in BODIES}:
        name = FOLDERS.get(folder, folder)
        own = name in SOURCES or name in MAPPINGS
        assert documented(folder) if not own else (DOCS / f"{name}.md").is_file() or name == "alertmanager"


def test_the_tables_name_bodies_that_are_there() -> None:
    folders = {body.partition("/")[0] for body in BODIES}
    named = {
        *EXPECTED,
        *IGNORED,
        *WITHOUT_SERVICE,
        *WITHOUT_SEVERITY,
        *(one for pair in PAIRS for one in pair),
    }
    assert named <= folders | set(BODIES)
    assert len(EXPECTED) >= 40


def test_the_table() -> None:
    """For people; `pytest -s` shows it."""
    lines = [line for body in BODIES for line in _lines(body)]
    print("\n".join(["", "body | kind | service | severity | state | fingerprint", *lines]))
    assert len(lines) >= len(BODIES)


def _lines(body: str) -> list[str]:
    try:
        parsed = parse(body)
    except InputError as error:
        return [f"{body} | refused: {str(error)[:80]} (docs/sources/not-taken.md)"]
    if parsed.ignored:
        return [f"{body} | ignored: {parsed.ignored[:100]}"]
    found = [" | ".join([body, *row(event)]) for event in parsed.events]
    return found if len(found) <= 5 else [*found[:3], f"{body} | and {len(found) - 3} more"]
