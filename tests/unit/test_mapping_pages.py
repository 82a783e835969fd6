"""Pages of sources checked against the sources: the index, addresses, and the templates to paste."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.inbound.mapping import compiled
from connectors.inbound.registry import SOURCES, source
from core.model.events import AlertEvent, Parsed
from core.times import parse_rfc3339
from watchkeeper.files import builtin_mappings

PAGES = Path(__file__).parent.parent.parent / "docs" / "sources"
INDEX = (PAGES / "README.md").read_text()
MAPPINGS = builtin_mappings()
MINE = (
    *("azure_monitor", "cloudwatch", "datadog", "dynatrace"),
    *("eventbridge", "gcp_monitoring", "newrelic", "opsgenie"),
)
NOW = parse_rfc3339("2026-11-21T03:00:00Z")
START = parse_rfc3339("2026-11-21T02:00:00Z")


def test_the_index_names_every_source_and_what_it_sends() -> None:
    rows = dict(re.findall(r"^\| \[?`([a-z_]+)`(?:\]\(\1\.md\))? \| ([a-z, ]+) \|", INDEX, re.MULTILINE))
    assert sorted(rows) == sorted({*SOURCES, *MAPPINGS})
    for name, text in MAPPINGS.items():
        assert rows[name] == ", ".join(compiled(text, f"{name}.yaml").makes), name


@pytest.mark.parametrize("name", MINE)
def test_a_page_names_its_address_and_where_the_secret_goes(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text()
    assert f"`POST /v1/ingest/{name}`" in text
    assert f"`{name}` into the" in re.sub(r"\s+", " ", text)
    assert "https://watchkeeper.example/v1/ingest/" + name in text


def block(page: str, language: str) -> str:
    found = re.findall(
        rf"^```{language}\n(.*?)^```", (PAGES / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE
    )
    return str(found[0])


def filled(template: str, values: dict[str, str]) -> bytes:
    """The template with each placeholder replaced; every one of `values` must be in it."""
    for placeholder, value in values.items():
        assert placeholder in template, placeholder
        template = template.replace(placeholder, value)
    return template.encode()


DATADOG = {
    "$ALERT_ID": "123",
    "$ALERT_TITLE": "[Triggered on {host:a}] Slow checkout",
    "$ALERT_TRANSITION": "Triggered",
    "$ALERT_CYCLE_KEY": "cycle-9",
    "$ALERT_PRIORITY": "P2",
    "$ALERT_SCOPE": "host:a",
    "$HOSTNAME": "a",
    "$TAGS": "service:checkout,env:production,monitor",
    "$DATE": str(START),
    "$TEXT_ONLY_MSG": "p99 is 2 s",
    "$LINK": "https://app.datadog.example/event/1",
}


def datadog(**changes: str) -> Parsed:
    values = {**DATADOG, **{f"${name}": value for name, value in changes.items()}}
    return source("datadog", MAPPINGS).parse({}, filled(block("datadog", "json"), values), NOW)


def test_datadogs_payload_is_read() -> None:
    parsed = datadog()
    assert parsed.problems == ()
    assert parsed.events == (
        AlertEvent(
            labels={
                "service": "checkout",
                "env": "production",
                "alertname": "Slow checkout",
                "monitor_id": "123",
                "scope": "host:a",
                "instance": "a",
                "severity": "high",
            },
            status="firing",
            starts_at=START,
            annotations={"summary": "[Triggered on {host:a}] Slow checkout", "description": "p99 is 2 s"},
            generator_url="https://app.datadog.example/event/1",
            occurrence="cycle-9",
            identity=("alertname", "monitor_id", "scope"),
        ),
    )


@pytest.mark.parametrize(
    ("transition", "status", "start", "end"),
    [
        ("Warn", "firing", START, None),
        ("No Data", "firing", START, None),
        ("Re-Triggered", "firing", None, None),
        ("Renotify", "firing", None, None),
        ("Recovered", "resolved", None, START),
    ],
)
def test_datadogs_transitions(transition: str, status: str, start: int | None, end: int | None) -> None:
    [event] = datadog(ALERT_TRANSITION=transition, ALERT_TITLE="[Recovered on {host:a}] Slow checkout").events
    assert isinstance(event, AlertEvent)
    assert (event.status, event.starts_at, event.ends_at) == (status, start, end)
    assert event.labels["alertname"] == "Slow checkout"


def test_a_datadog_monitor_without_a_priority() -> None:
    for unset in ("", "null", "$ALERT_PRIORITY", "normal"):
        [event] = datadog(ALERT_PRIORITY=unset).events
        assert "severity" not in event.labels  # type: ignore[union-attr]


def dynatrace(state: str, **changes: str) -> Parsed:
    values = {
        "{State}": state,
        "{ProblemID}": "P-77",
        "{PID}": "-123_V2",
        "{ProblemTitle}": "Failure rate increase",
        "{ProblemSeverity}": "ERROR",
        "{ProblemImpact}": "SERVICES",
        "{ImpactedEntities}": '[{"type":"HOST","name":"h"},{"type":"SERVICE","name":"checkout"}]',
        "{Tags}": "environment:production, plain, [AWS]zone:a",
        "{ProblemURL}": "https://live.dynatrace.example/p/77",
        **changes,
    }
    return source("dynatrace", MAPPINGS).parse({}, filled(block("dynatrace", "text"), values), NOW)


def test_dynatraces_payload_is_read() -> None:
    parsed = dynatrace("OPEN")
    assert parsed.problems == ()
    assert parsed.events == (
        AlertEvent(
            labels={
                "environment": "production",
                "[AWS]zone": "a",
                "alertname": "Failure rate increase",
                "service": "checkout",
                "problem": "P-77",
                "severity": "critical",
            },
            status="firing",
            annotations={"summary": "Failure rate increase", "description": "SERVICES"},
            generator_url="https://live.dynatrace.example/p/77",
            occurrence="-123_V2",
            identity=("alertname", "problem"),
        ),
    )
    for state in ("RESOLVED", "MERGED"):
        [event] = dynatrace(state, **{"{ImpactedEntities}": "[]"}).events
        assert isinstance(event, AlertEvent)
        assert (event.status, event.occurrence) == ("resolved", "-123_V2")


def test_the_example_of_the_guide_works() -> None:
    text = (PAGES / "mapping.md").read_text()
    [body] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    [file] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    backup = compiled(file, "sources/backup.yaml")
    [event] = backup.parse({}, body.encode(), NOW).events
    assert isinstance(event, AlertEvent)
    assert (event.status, event.labels["environment"]) == ("firing", "production")
    failed: dict[str, Any] = orjson.loads(body)
    [ended] = backup.parse({}, orjson.dumps({**failed, "result": "success"}), NOW).events
    assert isinstance(ended, AlertEvent)
    assert (ended.status, ended.labels) == ("resolved", event.labels)
    assert (
        backup.parse({}, b'{"result": "SKIPPED"}', NOW).ignored
        == "neither a failed nor a good run: 'SKIPPED'"
    )


def test_the_event_pattern_of_eventbridge_names_what_is_read() -> None:
    pattern = orjson.loads(block("eventbridge", "json"))["detail-type"]
    for kind in (kind for kind in pattern if isinstance(kind, str)):
        assert kind in MAPPINGS["eventbridge"]
