"""What holds many alerts back is asked about few of them; and asking few gives what asking all would give."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from core.rules.linking import Flapping
from core.suppression import suppressed
from core.suppression.flapping import Counted, count
from core.suppression.holding import look
from core.times import MINUTE
from tests.timeline import SHOP, Timeline, alert, change
from tests.unit.test_suppression import expire, not_paged, one, put, silence, told
from tests.unit.test_suppression_story import RULES, restarted, story

MIN = 60
PAIR = """
rule: threshold
summary: test
thresholds:
  - {name: pair, matchers: [alertname=HighErrorRatio], alerts: 2, services: 2}
"""
NERVOUS = """
rule: flapping
summary: test
within: 1h
begins: 2
ends: 1
steady_after: 5m
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often it was asked so far whether an alert is suppressed."""
    times = 0
    ask = suppressed

    def counting(*given: Any) -> Any:
        nonlocal times
        times += 1
        return ask(*given)

    monkeypatch.setattr("core.suppression.holding.suppressed", counting)
    return lambda: times


def many(t: Timeline, alerts: int) -> None:
    for n in range(alerts):
        t.push(10 + n, alert("search", severity="warning", starts=10 + n / 10, instance=str(n)))
    assert len(one(t)["alerts"]) == alerts
    assert told(t) == []


def test_many_alerts_after_a_deploy_are_asked_about_once_each(asked: Callable[[], int]) -> None:
    t = Timeline(SHOP)
    t.changed(0, change("search", 0))
    many(t, 200)
    assert asked() < 500


def test_many_alerts_below_a_threshold_are_asked_about_once_each(asked: Callable[[], int]) -> None:
    t = Timeline(SHOP, rules={"086-threshold.yaml": PAIR})
    many(t, 200)
    assert asked() < 500


def test_what_ended_is_not_asked_about(asked: Callable[[], int]) -> None:
    t = Timeline(SHOP)
    for n in range(200):
        at = n * 4 * MIN
        t.push(at, alert("search", starts=at))
        t.push(at + MIN, alert("search", starts=at, ends=at + 50))
    assert len(one(t)["alerts"]) == 200
    assert asked() < 1000


def test_a_free_alert_that_is_the_newest_settles_it_at_once(asked: Callable[[], int]) -> None:
    t = Timeline(SHOP)
    put(t, 0, silence("alertname=HighErrorRatio", ends=60_000))
    many(t, 100)
    before = asked()
    t.push(200, alert("search", "Down", starts=25))
    assert [page for page in told(t) if page[0] == 200]
    assert asked() - before < 10


@pytest.mark.parametrize("state", ["failed", "rolled_back"])
def test_a_deploy_that_fails_frees_all_that_it_held(state: str) -> None:
    t = Timeline(SHOP)
    t.changed(0, change("search", 0, ref="1", state="started"))
    many(t, 20)
    restarted(t)
    t.push(40, alert("search", severity="warning", starts=13, instance="late"))
    t.changed(60, change("search", 0, ref="1", state=state))
    assert [at for at, _ in told(t)] == [60]


def test_a_deploy_that_goes_on_well_frees_nothing() -> None:
    t = Timeline(SHOP)
    t.changed(0, change("search", 0, ref="1", state="started"))
    many(t, 20)
    t.changed(60, change("search", 0, ref="1", state="succeeded"))
    t.push(70, alert("search", severity="warning", starts=60, instance="x"))
    assert told(t) == []
    assert len(not_paged(t)) == 1


def test_a_deploy_that_was_of_another_place_frees_what_it_held() -> None:
    t = Timeline(SHOP)
    t.changed(0, change("search", 0, ref="1", state="started"))
    many(t, 20)
    t.changed(60, {**change("search", 0, ref="1", state="succeeded"), "environment": "staging"})
    assert [at for at, _ in told(t)] == [60]


def test_the_threshold_reached_frees_all_that_it_held() -> None:
    t = Timeline(SHOP, rules={"086-threshold.yaml": PAIR})
    many(t, 20)
    t.push(60, alert("frontend", severity="warning", starts=50))
    assert [at for at, _ in told(t)][:1] == [60]


def test_what_was_said_to_those_at_work_is_owed_also_where_the_first_page_was_held() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service=~".+"', ends=9000))
    t.push(10, alert("search", severity="warning", starts=10))
    t.wait(50)
    t.move(55, one(t)["id"], "acknowledged")
    t.push(60, alert("search", "Down", severity="critical", starts=60))
    expire(t, 100)
    assert [page for page in t.pages() if page[0] == 100] == [(100, "severity_raised")]


@pytest.mark.parametrize("seed", range(30))
def test_counted_step_by_step_is_counted_at_once(seed: int) -> None:
    rng = random.Random(seed)
    rule = Flapping(summary="x", within="60m", begins=3, ends=1)
    timeline: list[tuple[int, str]] = []
    known: Counted | None = None
    for n in range(80):
        start = rng.randrange(n * 10, n * 25 + 10) * MINUTE
        if rng.random() < 0.8 and timeline:
            start = timeline[-1][0] + rng.randrange(1, 50) * MINUTE
        timeline.append((start, f"e{n}"))
        timeline.sort()
        if rng.random() < 0.1:
            del timeline[0]
        if timeline:
            known = count(timeline, rule, known)
            assert known == count(timeline, rule)
            if len(timeline) >= rule.begins:
                assert known.flap == count(timeline, rule).flap


@pytest.mark.parametrize("seed", range(20))
def test_a_look_at_few_finds_what_a_look_at_all_finds(seed: int) -> None:
    rules = {**RULES, "086-threshold.yaml": PAIR, "085-flapping.yaml": NERVOUS}
    t = Timeline(SHOP, rules=rules)
    for _, step in story(random.Random(seed), 120):
        step(t)
        world = t.engine.world
        now = world.state.clock
        for incident in world.state.incidents.values():
            if incident.held is None or not incident.firing:
                continue
            firing = [one for one in world.members(incident) if one.status != "resolved"]
            free = [one for one in firing if not suppressed(world, one, now)]
            assert (look(world, incident, now) is None) == bool(free)
            assert not (free and incident.status == "triggered")


@pytest.mark.parametrize("seed", range(10))
def test_a_restart_changes_nothing_of_what_is_held(seed: int) -> None:
    rules = {**RULES, "086-threshold.yaml": PAIR, "085-flapping.yaml": NERVOUS}
    plain, other = Timeline(SHOP, rules=rules), Timeline(SHOP, rules=rules)
    rng = random.Random(-seed)
    for _, step in story(random.Random(seed), 120):
        step(plain)
        step(other)
        if rng.random() < 0.3:
            restarted(other)
    assert plain.fold.decisions == other.fold.decisions
    assert plain.digest() == other.digest()
