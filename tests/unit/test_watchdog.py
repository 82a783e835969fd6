"""Watchdogs: while told they open nothing; untold or resolved they are an alert of our own, and a P1."""

from __future__ import annotations

import itertools

import orjson
import pytest

from core.config import config_draft
from core.engine import Engine
from core.errors import RuleError
from core.model.document import Document
from core.model.events import AlertEvent
from core.narrative.page import page_text
from core.times import format_rfc3339
from core.watchdog import MOST
from tests.restarts import copy_state
from tests.timeline import SHOP, Timeline
from tests.timeline import alert as pushed
from tests.told import Told, moment, parse_told, picture
from tests.unit.test_console_intake import House, running
from watchkeeper.files import rules_content

NAME = "120-watchdog.yaml"


def rule(**more: str) -> dict[str, str]:
    given = {"alerts": "[Watchdog]", "labels": "{watchdog: 'true'}", **more}
    lines = "".join(f"{key}: {value}\n" for key, value in given.items())
    return {NAME: f"rule: watchdog\nsummary: s\n{lines}"}


def dog(name: str = "Watchdog", starts: float = -3_600, **labels: str) -> AlertEvent:
    return AlertEvent({"alertname": name, "severity": "none", **labels}, "firing", starts_at=moment(starts))


def over(starts: float = -3_600, ends: float = 0) -> AlertEvent:
    return AlertEvent(dog().labels, "resolved", starts_at=moment(starts), ends_at=moment(ends))


def kept(told: Told, until: int, every: int = 300) -> None:
    for at in range(0, until, every):
        told.tell(at, dog())


def summary(incident: Document) -> str:
    [finding] = incident["findings"]
    assert finding["kind"] == "watchdog"
    return str(finding["summary"])


def statuses(told: Told) -> list[tuple[str, str]]:
    return [(one["status"], alert["status"]) for one in told.incidents() for alert in one["alerts"]]


def configure(told: Told, at: float, rules: dict[str, str]) -> None:
    content = rules_content(None)
    content["files"] |= rules
    told._apply(at, "config", "rules", config_draft("rules", content).payload)


@pytest.mark.parametrize(
    "one", [dog(), dog("DeadMansSwitch"), dog("AlwaysOn", watchdog="true"), dog(service="payments")]
)
def test_while_it_is_told_there_is_no_incident_and_no_page(one: AlertEvent) -> None:
    told = Told(SHOP)
    for at in range(0, 7_200, 240):
        told.tell(at, one)
    assert told.incidents() == []
    assert told.fold.decisions == []
    [known] = told.fold.engine.state.watchdogs.values()
    assert (known.first_heard, known.last_heard, known.times) == (moment(0), moment(6_960), 30)


def test_other_alerts_of_the_same_body_are_as_ever() -> None:
    told = Told(SHOP)
    other = AlertEvent({"alertname": "Down", "service": "payments"}, "firing", starts_at=moment(0))
    told.tell(0, dog(), other, dog("watchdog"), dog("W", watchdog="false"))
    names = sorted(alert["name"] for one in told.incidents() for alert in one["alerts"])
    assert names == ["Down", "W", "watchdog"]


def test_silence_for_longer_than_its_patience_is_a_p1_of_its_own() -> None:
    told = Told(SHOP)
    told.tell(0, dog())
    told.wait(600)
    assert told.incidents() == []
    told.wait(601)
    [incident] = told.incidents()
    assert (incident["severity"], incident["status"]) == ("P1", "triggered")
    assert incident["alerts"][0]["name"] == "WatchdogSilent"
    assert summary(incident) == (
        f"The path of alerts is broken: Watchdog from told was last told at {format_rfc3339(moment(0))};"
        " others may be lost"
    )
    told.wait(700)
    text = page_text(incident, "opened", "https://watch.example")
    assert text.startswith("P1 WatchdogSilent (Watchdog from told)\n")
    assert "What is the likely fix? The path of alerts is broken: Watchdog from told was last told at" in text
    pages = [one["reason"] for one in told.fold.decisions if one["kind"] == "notify"]
    assert pages == ["opened"]


def test_it_ends_when_it_is_heard_again_and_the_incident_resolves() -> None:
    told = Told(SHOP)
    told.tell(0, dog())
    told.tell(1_200, dog())
    [incident] = told.incidents()
    assert incident["alerts"][0]["status"] == "resolved"
    assert summary(incident).startswith(
        "The path of alerts was broken: Watchdog from told was not told for 20 min"
    )
    for at in range(1_400, 2_400, 200):
        told.tell(at, dog())
    assert statuses(told) == [("resolved", "resolved")]
    told.wait(4_000)
    assert statuses(told)[-1] == ("triggered", "firing")


def test_a_resolved_watchdog_is_trouble_at_once_and_says_so() -> None:
    told = Told(SHOP)
    kept(told, 900)
    told.tell(700, over(ends=690))
    [incident] = told.incidents()
    assert incident["severity"] == "P1"
    assert "its sender resolved it at" in summary(incident)
    told.tell(800, dog(starts=790))
    assert statuses(told) == [("triggered", "resolved")]


def test_the_end_of_a_firing_that_another_has_followed_is_no_trouble_for_long() -> None:
    """Whatever the order: the same state in the end."""
    tellings = [dog(starts=-3_600), over(starts=-3_600, ends=-60), dog(starts=-30)]
    ends = []
    for order in itertools.permutations(tellings):
        told = Told(SHOP)
        for at, one in enumerate(order):
            told.tell(at, one)
        [known] = told.fold.engine.state.watchdogs.values()
        ends.append((known.trouble, [status for _, status in statuses(told) if status == "firing"]))
    assert set(map(str, ends)) == {"('', [])"}


def test_an_old_firing_told_again_after_its_end_is_no_sign_of_life() -> None:
    told = Told(SHOP)
    told.tell(0, dog())
    told.tell(100, over(ends=90))
    told.tell(110, dog())
    [known] = told.fold.engine.state.watchdogs.values()
    assert known.trouble == "resolved"


def test_each_source_and_each_watchdog_of_it_is_a_path_of_its_own() -> None:
    told = Told(SHOP, rule(patience="10m"))
    for at in range(0, 3_000, 300):
        told.tell(at, dog(cluster="east"), source="alertmanager")
        if at < 900:
            told.tell(at, dog(cluster="west"), source="alertmanager")
            told.tell(at, dog(cluster="east"), source="prometheus")
    found = sorted(
        (alert["labels"]["source"], alert["cluster"]) for one in told.incidents() for alert in one["alerts"]
    )
    assert found == [("alertmanager", "west"), ("prometheus", "east")]
    assert len(told.incidents()) == 2


def test_a_source_may_have_a_patience_of_its_own() -> None:
    told = Told(SHOP, rule(patience="10m", sources="{told: 5h, east/told: 20m}"))
    told.tell(0, dog())
    told.tell(0, dog(), domain="east")
    told.wait(17_000)
    assert [one["domain"] for one in told.incidents()] == ["east"]
    told.wait(18_001)
    assert len(told.incidents()) == 2


def test_not_in_production_is_severe_as_the_severity_rule_says() -> None:
    told = Told(SHOP)
    told.tell(0, dog(environment="staging"))
    told.wait(601)
    assert [one["severity"] for one in told.incidents()] == ["P3"]


def test_one_that_was_taken_down_is_forgotten() -> None:
    told = Told(SHOP, rule(forget_after="1d"))
    told.tell(0, dog())
    told.wait(2_000)
    assert statuses(told) == [("triggered", "firing")]
    told.wait(90_000)
    assert told.fold.engine.state.watchdogs == {}
    assert statuses(told) == [("resolved", "resolved")]
    assert not [name for name in told.fold.engine.state.timers if name.startswith("watchdog:")]


def test_without_the_rule_it_is_an_alert_like_others() -> None:
    content = rules_content(None)
    del content["files"][NAME]
    told = Told(SHOP)
    told._apply(0, "config", "rules", config_draft("rules", content).payload)
    told.tell(0, dog())
    assert [one["alerts"][0]["name"] for one in told.incidents()] == ["Watchdog"]


def test_when_the_rule_comes_the_alert_of_before_ends() -> None:
    content = rules_content(None)
    del content["files"][NAME]
    told = Told(SHOP)
    told._apply(0, "config", "rules", config_draft("rules", content).payload)
    told.tell(0, dog())
    configure(told, 50, {})
    told.tell(100, dog())
    assert statuses(told) == [("triggered", "resolved")]
    assert len(told.fold.engine.state.watchdogs) == 1


def test_what_is_no_watchdog_any_more_is_missed_no_more() -> None:
    told = Told(SHOP)
    told.tell(0, dog())
    told.tell(0, dog("DeadMansSwitch"))
    told.wait(700)
    configure(told, 800, rule(alerts="[DeadMansSwitch]"))
    assert [known.labels["alertname"] for known in told.fold.engine.state.watchdogs.values()] == [
        "DeadMansSwitch"
    ]
    assert sorted(status for _, status in statuses(told)) == ["firing", "resolved"]


def test_a_new_patience_counts_at_once_and_the_same_rule_changes_nothing() -> None:
    shorter, longer, same = Told(SHOP), Told(SHOP), Told(SHOP)
    for told, after in ((shorter, rule(patience="5m")), (longer, rule(patience="1h")), (same, {})):
        told.tell(0, dog())
        configure(told, 400, after)
    assert (len(shorter.incidents()), len(longer.incidents()), len(same.incidents())) == (1, 0, 0)
    for told in (longer, same):
        told.wait(601)
    assert (len(longer.incidents()), len(same.incidents())) == (0, 1)


def test_a_fold_that_goes_on_from_a_checkpoint_still_waits() -> None:
    told, whole = Told(SHOP), Told(SHOP)
    for one in (told, whole):
        one.tell(0, dog())
        one.wait(300)
    told.fold.engine = Engine(parse_told, copy_state(told.fold.engine.state))
    for one in (told, whole):
        one.tell(1_000, dog())
        one.wait(5_000)
    assert picture(told.incidents()) == picture(whole.incidents())
    assert len(told.incidents()) == 1


def test_labels_that_differ_at_every_telling_do_not_fill_memory() -> None:
    told = Told(SHOP)
    told.tell(0, *(dog(request=str(number)) for number in range(MOST + 5)))
    assert len(told.fold.engine.state.watchdogs) == MOST
    assert sum(len(one["alerts"]) for one in told.incidents()) == 5


def test_the_webhook_of_alertmanager_is_heard() -> None:
    t = Timeline(SHOP)
    for at in range(0, 1_500, 300):
        t.push(at, pushed("", "Watchdog", severity="none"))
    t.wait(1_200 + 5 * 3_600)
    assert t.incidents() == []
    t.wait(1_201 + 5 * 3_600)
    assert [one["severity"] for one in t.incidents()] == ["P1"]


@pytest.mark.parametrize(
    "more", [{"patience": "0s"}, {"patience": "10"}, {"alerts": "Watchdog"}, {"dogs": "[]"}]
)
def test_a_broken_rule_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(RuleError):
        Told(SHOP, rule(**more))


def test_the_page_intake_shows_when_each_was_heard_and_what_is_wrong() -> None:
    with running() as house:
        assert "Watchdogs" not in house.page().text
        tell(house, "firing", None)
        house.clock.at += 120_000
        words = " ".join(house.page().text.split())
        assert "Watchdog cluster=<b>east alertmanager 2 min ago" in words
        assert "Resolved by its sender" not in words
        tell(house, "resolved", 60)
        words = " ".join(house.page().text.split())
        assert "Resolved by its sender, found" in words


def tell(house: House, status: str, ends: float | None) -> None:
    one = pushed("", "Watchdog", ends=ends, cluster="<b>east")
    body = {"version": "4", "status": status, "alerts": [one]}
    assert house.tell("/v1/ingest/alertmanager", orjson.dumps(body)) == 202
