"""A source that falls silent although it was to be heard is an alert, and ends when it is heard again."""

from __future__ import annotations

from core.document import Document
from core.model.events import AlertEvent
from core.times import format_rfc3339
from tests.timeline import SHOP
from tests.told import Told, moment

EXPECTED = {"095-silent-source.yaml": "rule: silent-source\nsummary: s\nexpected: {told: 10m}\n"}


def alert(service: str = "payments", **more: str) -> AlertEvent:
    return AlertEvent({"alertname": "Down", "service": service, **more}, "firing", starts_at=moment(0))


def silent(told: Told) -> list[Document]:
    return [one for one in told.incidents() if one["alerts"][0]["name"] == "SourceSilent"]


def test_prometheus_is_missed_while_something_of_it_fires() -> None:
    told = Told(SHOP)
    told.tell(0, alert(), source="prometheus")
    told.wait(899)
    assert silent(told) == []
    told.wait(901)
    [incident] = silent(told)
    [finding] = incident["findings"]
    assert finding["kind"] == "silent-source"
    assert finding["summary"] == (
        f"Nothing has come from prometheus since {format_rfc3339(moment(0))}: what it would tell is not known"
    )


def test_it_ends_when_the_source_is_heard_again() -> None:
    told = Told(SHOP)
    told.tell(0, alert(), source="prometheus")
    told.tell(1_200, alert(), source="prometheus")
    [incident] = silent(told)
    assert incident["alerts"][0]["status"] == "resolved"
    assert incident["findings"][0]["summary"].startswith("Nothing came from prometheus for 20 min")


def test_a_source_with_nothing_to_repeat_is_not_missed() -> None:
    told = Told(SHOP)
    told.tell(0, alert(), source="prometheus")
    told.tell(60, AlertEvent(alert().labels, "resolved", starts_at=moment(0)), source="prometheus")
    told.tell(60, alert("ledger"), source="github")
    told.wait(50_000)
    assert silent(told) == []


def test_one_that_is_always_expected_is_missed_once_by_each_silence() -> None:
    told = Told(SHOP, EXPECTED)
    told.tell(0)
    told.tell(550)
    told.wait(1_100)
    assert silent(told) == []
    told.wait(90_000)
    assert len(silent(told)) == 1
    told.tell(90_000)
    told.wait(91_000)
    assert len(silent(told)) == 2


def test_domains_fall_silent_apart() -> None:
    told = Told(SHOP, EXPECTED)
    told.tell(0, domain="east")
    told.tell(0, domain="west")
    for at in range(300, 3_000, 300):
        told.tell(at, domain="west")
    assert [one["domain"] for one in silent(told)] == ["east"]
