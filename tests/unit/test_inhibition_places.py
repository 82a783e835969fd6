"""What a page held by inhibition waits for: that nothing stands at a place any more, and not that one alert
ends. What is looked at is counted; what pages is what asking about everything all the time would page.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.forgetting import Forget, Said, forget
from core.model.incident import Episode, Held, Incident, InhibitionPlace
from core.rules.quiet import InhibitionRow
from core.state import State
from core.suppression import suppressed
from core.suppression.holding import look
from core.suppression.inhibition import Inhibitors
from core.suppression.waiting import Waiting
from core.world import Turn
from tests.inhibition_stories import ALONE, TOGETHER, Played, Story, stories
from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_inhibition import RULE, expected, retelling
from tests.unit.test_matchers import episode
from tests.unit.test_suppression_story import restarted
from watchkeeper.files import rules_content

MANY = 60
TWO_SIDES = """
rule: inhibition
summary: test
inhibitions:
  - {name: sides, source: [alertname=~"Down.*|Both.*"], target: [alertname=~"Slow|Both.*"], equal: [zone]}
"""


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often so far an incident was looked at, or an alert asked about."""
    times = 0

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            nonlocal times
            times += 1
            return real(*given)

        return call

    monkeypatch.setattr("core.suppression.holding.suppressed", counting(suppressed))
    monkeypatch.setattr("core.suppression.returning.look", counting(look))
    return lambda: times


def held_by_three(rule: str = RULE, names: tuple[str, ...] = ("Down",) * 3) -> Timeline:
    """Three alerts of `search` that fire from 0, 1 and 2 on, and many of other services, held back."""
    t = Timeline(rules={"110-inhibition.yaml": rule})
    for n, name in enumerate(names):
        t.push(n, alert("search", name, starts=n, instance=str(n), zone="a"))
    t.push(9, *(alert(f"other-{n}", "Slow", starts=9, severity="warning", zone="a") for n in range(MANY)))
    t.wait(600)
    assert paged(t) == 1
    return t


def over(t: Timeline, at: float, number: int, name: str = "Down") -> None:
    t.push(at, alert("search", name, starts=number, ends=at, instance=str(number), zone="a"))


def paged(t: Timeline) -> int:
    return sum(reason == "opened" for _, reason in t.pages())


def test_one_that_ends_while_another_stands_wakes_nobody(looks: Callable[[], int]) -> None:
    t = held_by_three()
    before, armed = looks(), dict(t.engine.state.timers)
    over(t, 700, 0)
    over(t, 701, 2)
    t.wait(800)
    assert (looks(), paged(t)) == (before, 1)
    held = {name: row for name, row in armed.items() if name.startswith("held:")}
    assert held == {name: row for name, row in t.engine.state.timers.items() if name.startswith("held:")}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
@pytest.mark.parametrize("again", [False, True])
def test_the_last_one_wakes_all_at_once(order: tuple[int, ...], again: bool) -> None:
    """Whichever is the last, and with restarts in between."""
    t = held_by_three()
    for step, number in enumerate(order):
        assert paged(t) == 1
        if again:
            restarted(t)
        over(t, 700 + step, number)
    assert paged(t) == 1 + MANY
    assert {(at, reason) for at, reason in t.pages()[1:]} == {(702.0, "opened")}
    assert {one["reason"] for one in t.decisions("notify")[1:]} == {"opened:after down-over-slow"}


def test_another_that_begins_in_the_same_record_takes_the_place() -> None:
    t = held_by_three(names=("Down",))
    ends = alert("search", "Down", starts=0, ends=700, instance="0", zone="a")
    t.push(700, ends, alert("mailer", "Down", starts=700, zone="a"))
    t.wait(900)
    assert paged(t) == 2
    t.push(1000, alert("mailer", "Down", starts=700, ends=1000, zone="a"))
    assert paged(t) == 2 + MANY


def test_one_on_both_sides_stands_for_those_that_are_on_one_alone() -> None:
    """It holds back what is slow, and not another on both sides."""
    t = held_by_three(TWO_SIDES, ("Down", "BothA"))
    t.push(601, alert("payments", "BothB", starts=601, zone="a"))
    t.wait(650)
    assert paged(t) == 1
    over(t, 700, 0)
    assert [one["reason"] for one in t.decisions("notify")[1:]] == ["opened:after sides"]
    assert paged(t) == 2
    over(t, 701, 1, "BothA")
    assert paged(t) == 2
    t.push(702, alert("payments", "BothB", starts=601, ends=702, zone="a"))
    assert paged(t) == 2 + MANY


def test_one_that_no_longer_fits_leaves_its_place() -> None:
    """Of labels that may change those of the worst telling stay: what was filed as info turns critical."""
    t = Timeline(SHOP, rules={"110-inhibition.yaml": RULE.replace("alertname=Down", "severity=info")})
    tell = retelling(t)
    for at, host, severity, name in (
        (1, "search", "info", "Base"),
        (2, "search", "info", "Other"),
        (3, "mailer", "warning", "Slow"),
    ):
        tell(at, host, severity, name)
    t.wait(100)
    assert paged(t) == 1
    tell(200, "search", "critical", "Base")
    pages = paged(t)
    t.wait(300)
    assert paged(t) == pages
    tell(400, "search", "critical", "Other")
    assert t.decisions("notify")[-1]["reason"] == "opened:after down-over-slow"


def test_one_whose_source_fell_silent_leaves_its_place_and_may_take_it_again() -> None:
    t = Timeline(SHOP, rules={"110-inhibition.yaml": RULE})
    t.post(0, {**alert("search", "Down"), "endsAt": "2026-03-02T08:05:00Z"})
    t.push(1, alert("mailer", "Slow", starts=1, severity="warning"))
    t.wait(299)
    assert paged(t) == 1
    t.wait(301)
    assert t.pages()[1:] == [(300.0, "opened")]


def test_under_other_rules_another_stands_at_the_place() -> None:
    t = held_by_three(names=("Down", "Other"))
    content = rules_content(None)
    content["files"]["110-inhibition.yaml"] = RULE.replace("alertname=Down", "alertname=Other")
    t.configure(700, "rules", content)
    t.wait(800)
    assert paged(t) == 1
    over(t, 801, 1, "Other")
    assert paged(t) == 1 + MANY


def test_erasing_what_made_it_stand_lets_go_what_waits_for_it() -> None:
    t = held_by_three(names=("Down",), rule=RULE.replace("equal: [cluster]", "equal: [zone]"))
    world = t.engine.world
    labels = next(one.labels for one in world.state.episodes.values() if one.name == "Down")
    forget(Turn(world, world.state.clock, world.state.seq, []), Forget(1, "", "ana"), Said((labels,)))
    restarted(t)
    t.wait(601)
    assert paged(t) == 1 + MANY


@pytest.mark.parametrize(("fires", "woken"), [(1, ["H"]), (0, [])])
def test_what_fires_is_woken_wherever_the_incident_of_the_last_one_goes(fires: int, woken: list[str]) -> None:
    sources = [episode(n, {"alertname": "Down"}) for n in range(2)]
    place = InhibitionPlace("r", sources[0].entity.domain, (), True)
    held = Incident("H", "default", 0, 1, ["e"], firing=fires)
    held.held = Held("opened", "inhibited:r", None, places=(place,))
    first, second = (Incident(name, "default", 0, n, [], firing=1) for n, name in enumerate("AB"))
    world = world_of(sources, held, first, second)
    waiting = Waiting()
    waiting.note(world, held)
    assert waiting.woken(world, first) == []
    sources[0].incident = "A"
    assert waiting.woken(world, first) == []
    sources[0].incident, second.merged_from = "B", ["A"]
    assert waiting.woken(world, second) == []
    sources[1].status = sources[0].status = "resolved"
    assert waiting.woken(world, first) == []
    assert waiting.woken(world, second) == woken
    held.held = None
    waiting.note(world, held)
    assert waiting.woken(world, second) == []


def world_of(sources: list[Episode], *incidents: Incident) -> Any:
    """As much of one as what waits looks at. The first source has no incident yet."""
    row = InhibitionRow(name="r", source=["alertname=Down"], target=["alertname=Slow"])
    inhibitors = Inhibitors([row])
    for one in sources:
        inhibitors.take(one)
    state = State(episodes={one.id: one for one in sources}, incidents={one.id: one for one in incidents})
    return SimpleNamespace(state=state, suppression=SimpleNamespace(inhibitors=lambda world: inhibitors))


def firing(played: Played) -> list[Any]:
    return [one for one in played.t.engine.state.episodes.values() if one.status != "resolved"]


def inhibits_as_defined(played: Played) -> None:
    """And nothing that is held back has an alert that is free."""
    world = played.t.engine.world
    episodes = list(world.state.episodes.values())
    free = set()
    for one in firing(played):
        told = [by.id for by in suppressed(world, one, world.state.clock) if by.kind == "inhibition"]
        assert told == [name for name, _ in expected(played.rows, episodes, one)]
        if not told:
            free.add(one.incident)
    for incident in world.state.incidents.values():
        assert not (incident.id in free and incident.held and incident.status == "triggered")
        if incident.held is not None and incident.firing:
            assert incident.held.places
            assert all(world.suppression.waiting.taken(world, place) for place in incident.held.places)


@settings(max_examples=200)
@given(stories)
def test_what_pages_and_what_is_noted_is_what_asking_about_all_gives(story: Story) -> None:
    played, asking = Played(ALONE), Played(ALONE, ask_all=True)
    for later, what in story:
        played.step(later, what)
        asking.step(later, what)
        inhibits_as_defined(played)
    assert played.pages() == asking.pages()
    assert played.held_back() == asking.held_back()


@settings(max_examples=100)
@given(stories)
def test_of_several_rules_what_pages_is_the_same(story: Story) -> None:
    """The names that a page gives are those of when its alerts were last asked about."""
    played, asking = Played(TOGETHER), Played(TOGETHER, ask_all=True)
    for later, what in story:
        played.step(later, what)
        asking.step(later, what)
        inhibits_as_defined(played)
    heads = [
        [(at, which, why.partition(":")[0]) for at, which, why in one.pages()] for one in (played, asking)
    ]
    assert heads[0] == heads[1]


@settings(max_examples=100)
@given(stories, st.sampled_from([ALONE, TOGETHER]), st.integers(0, 99))
def test_a_restart_anywhere_changes_nothing(story: Story, sets: Any, seed: int) -> None:
    """Not even the state: whichever of several alerts is known to stand at a place."""
    rng = random.Random(seed)
    plain, other = Played(sets), Played(sets)
    for later, what in story:
        plain.step(later, what)
        if rng.random() < 0.5:
            other.restart()
        other.step(later, what)
        assert plain.encoded() == other.encoded()
    assert plain.t.fold.decisions == other.t.fold.decisions
    assert plain.t.digest() == other.t.digest()
