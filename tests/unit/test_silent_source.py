"""A source that falls silent although it was to be heard is an alert, and ends when it is heard again."""

from __future__ import annotations

from core.config import config_draft
from core.engine import Engine
from core.model.document import Document
from core.model.events import AlertEvent
from core.times import format_rfc3339
from tests.restarts import copy_state
from tests.timeline import SHOP
from tests.told import Told, moment, parse_told
from watchkeeper.files import rules_content

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


def rule(expected: str) -> dict[str, str]:
    return {"095-silent-source.yaml": f"rule: silent-source\nsummary: s\nexpected: {expected}\n"}


def configure(told: Told, at: float, expected: str) -> None:
    """Put another rule in force."""
    content = rules_content(None)
    content["files"] |= rule(expected)
    told._apply(at, "config", "rules", config_draft("rules", content).payload)


def heard(told: Told, domain: str, times: int, until: float) -> None:
    """Often, from 0 on; the last time at `until`."""
    for number in range(times):
        told.tell(until * number / (times - 1), domain=domain)


def summary(incident: Document) -> str:
    [finding] = incident["findings"]
    return str(finding["summary"])


def test_domains_fall_silent_apart() -> None:
    told = Told(SHOP, EXPECTED)
    for at in range(0, 900, 60):
        for domain in ("default", "east", "west"):
            told.tell(at, domain=domain)
    for at in range(900, 3_000, 300):
        told.tell(at, domain="default")
        told.tell(at, domain="west")
    assert [one["domain"] for one in silent(told)] == ["east"]


def test_one_that_was_never_heard_is_missed_after_its_patience_and_says_so() -> None:
    told = Told(SHOP, rule("{github: 10m}"))
    told.wait(599)
    assert silent(told) == []
    told.wait(601)
    [incident] = silent(told)
    assert summary(incident) == (
        "Nothing has come from github since the rule came into force: what it would tell is not known"
    )
    life = told.fold.engine.state.sources["default/github"]
    assert (life.records, life.last_heard, life.first_heard) == (0, 0, 0)
    told.wait(90_000)
    assert len(silent(told)) == 1


def test_it_ends_when_it_is_first_heard_and_is_missed_as_any_other_from_then_on() -> None:
    told = Told(SHOP, rule("{github: 10m}"))
    told.tell(900, source="github")
    [incident] = silent(told)
    assert incident["alerts"][0]["status"] == "resolved"
    assert summary(incident) == (
        f"Nothing came from github from when the rule came into force until {format_rfc3339(moment(900))}"
    )
    told.wait(9_000)
    summaries = sorted(summary(one) for one in silent(told) if one["status"] == "triggered")
    assert summaries == [
        f"Nothing has come from github since {format_rfc3339(moment(900))}: what it would tell is not known"
    ]


def test_the_same_rule_again_does_not_begin_the_wait_anew() -> None:
    told = Told(SHOP, rule("{github: 10m}"))
    configure(told, 400, "{github: 10m}")
    told.wait(601)
    assert len(silent(told)) == 1
    configure(told, 700, "{github: 10m}")
    told.wait(2_000)
    assert len(silent(told)) == 1


def test_a_shorter_patience_counts_at_once_and_a_longer_one_too() -> None:
    shorter, longer = Told(SHOP, rule("{github: 10h}")), Told(SHOP, rule("{github: 10m}"))
    configure(shorter, 60, "{github: 10m}")
    configure(longer, 60, "{github: 10h}")
    for told in (shorter, longer):
        told.wait(661)
    assert (len(silent(shorter)), len(silent(longer))) == (1, 0)


def test_a_fold_that_goes_on_from_a_checkpoint_still_waits() -> None:
    told = Told(SHOP, rule("{github: 10m}"))
    told.wait(300)
    told.fold.engine = Engine(parse_told, copy_state(told.fold.engine.state))
    told.wait(601)
    assert len(silent(told)) == 1


def test_what_is_expected_no_longer_is_missed_no_more() -> None:
    told = Told(SHOP, rule("{githbu: 10m, gitlab: 1h}"))
    told.wait(700)
    configure(told, 800, "{}")
    told.wait(9_000)
    [incident] = silent(told)
    assert incident["alerts"][0]["status"] == "resolved"
    assert told.fold.engine.state.sources == {}


def test_a_source_that_was_heard_long_ago_is_waited_for_when_it_becomes_expected() -> None:
    told = Told(SHOP)
    told.tell(0, source="github")
    configure(told, 50_000, "{github: 10m}")
    told.wait(50_599)
    assert silent(told) == []
    told.wait(50_601)
    assert len(silent(told)) == 1


def test_mistyped_domains_are_no_sources_that_fell_silent() -> None:
    told = Told(SHOP, EXPECTED)
    for number in range(30):
        told.tell(number, domain=f"typo{number}")
    told.wait(599)
    told.tell(599)
    told.wait(1_100)
    assert silent(told) == []


def test_elsewhere_it_must_be_heard_often_and_for_long_before_it_is_missed() -> None:
    told = Told(SHOP, EXPECTED)
    heard(told, "briefly", 40, 100)
    heard_later = Told(SHOP, EXPECTED)
    heard(heard_later, "rarely", 9, 900)
    known = Told(SHOP, EXPECTED)
    heard(known, "known", 10, 600)
    for one in (told, heard_later, known):
        one.wait(3_000)
    elsewhere = [[row["domain"] for row in silent(one)] for one in (told, heard_later, known)]
    assert elsewhere == [["default"], ["default"], ["default", "known"]]


def test_what_the_rule_names_in_a_domain_is_expected_there_from_the_start() -> None:
    told = Told(SHOP, rule("{east/told: 10m}"))
    told.tell(0, domain="west")
    told.wait(601)
    assert [one["domain"] for one in silent(told)] == ["east"]
