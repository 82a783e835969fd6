"""Whatever happens in whatever order: no page is lost, and a restart at any point changes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from core.engine import Engine
from core.journal import Draft
from core.state import State
from core.suppression import suppressed
from core.suppression.silencing import dismiss_draft, expire_draft, put_draft, return_draft
from core.times import SECOND
from tests.timeline import SHOP, START, Timeline, alert, change
from tests.unit.test_suppression import silence

RULES = {
    "110-inhibition.yaml": """
rule: inhibition
summary: test
inhibitions:
  - {name: down, source: [alertname=Down], target: [alertname=Slow], equal: ["@service"]}
  - {name: core, source: [service=ledger], target: ['service=~"mailer|search"']}
""",
    "111-quiet-times.yaml": """
rule: quiet-times
summary: test
windows:
  - {name: quarter, matchers: [service=mailer],
     intervals: [{times: [{start_time: "08:15", end_time: "08:30"},
                          {start_time: "09:00", end_time: "09:01"}]}]}
""",
}
SERVICES = ("search", "mailer", "payments", "ledger", "cart")
SILENCES = ('service="search"', 'alertname="Slow"', 'service=~"p.*|l.*"', 'alertname="Down", service!="cart"')


Step = Callable[[Timeline], None]


def story(rng: random.Random, length: int) -> list[tuple[float, Step]]:
    """Steps with their times, in seconds."""
    at = 0.0
    steps: list[tuple[float, Step]] = []
    begun: list[tuple[str, str, str, float]] = []
    for _ in range(length):
        at += rng.choice((1, 5, 30, 120, 400))
        match rng.randrange(9):
            case 0 | 1 | 2:
                row = (
                    rng.choice(SERVICES),
                    rng.choice(("Slow", "Down")),
                    rng.choice(("critical", "warning")),
                    at,
                )
                begun.append(row)
                steps.append((at, told(at, row, None)))
            case 3 | 4 if begun:
                steps.append((at, told(at, begun.pop(rng.randrange(len(begun))), at)))
            case 5:
                name, lasts = rng.choice(("S1", "S2")), rng.choice((60, 600, 3000))
                one = silence(rng.choice(SILENCES), at, at + lasts, name)
                steps.append((at, appended(at, put_draft(one, "api"))))
            case 6:
                steps.append((at, appended(at, expire_draft(rng.choice(("S1", "S2")), "a", "api"))))
            case 7:
                steps.append((at, dismissed(at, rng.choice((0, 100, 2000)), rng.random())))
            case _:
                state = rng.choice(("started", "succeeded", "failed"))
                body = change(rng.choice(SERVICES), at, state=state, ref=str(rng.randrange(3)))
                steps.append((at, partial(Timeline.changed, arrives=at, body=body)))
    return steps


def appended(at: float, draft: Draft) -> Step:
    return lambda t: t._append(at, draft)


def told(at: float, row: tuple[str, str, str, float], ends: float | None) -> Step:
    service, name, severity, starts = row
    return lambda t: t.push(at, alert(service, name, severity=severity, starts=starts, ends=ends))


def dismissed(at: float, lasts: float, which: float) -> Step:
    def step(t: Timeline) -> None:
        names = sorted(t.engine.state.incidents)
        if names:
            name = names[int(which * len(names))]
            until = START + int((at + lasts) * SECOND)
            draft = dismiss_draft(name, until, "ana", "", "api") if lasts else return_draft(name, "bo", "api")
            t._append(at, draft)

    return step


def nothing_is_lost(t: Timeline) -> None:
    """An incident that fires and of which nobody was told has its page before it, or is held."""
    world = t.engine.world
    now = world.state.clock
    for incident in world.state.incidents.values():
        if incident.status != "triggered" or not incident.firing:
            continue
        firing = [one for one in world.members(incident) if one.status != "resolved"]
        free = [one for one in firing if not suppressed(world, one, now)]
        owed = incident.held is not None
        assert not (owed and free), (incident.held, [one.id for one in free])
        if not incident.notified and not owed:
            assert f"notify:{incident.id}" in world.timers.armed, incident.history
        if incident.held is not None and not (incident.held.waits_for or incident.held.places):
            assert f"held:{incident.id}" in world.timers.armed
        if incident.snooze is not None:
            assert now < incident.snooze.until


def restarted(t: Timeline) -> None:
    state = msgspec.json.decode(msgspec.json.encode(t.engine.state), type=State)
    t.fold.engine = Engine(t.engine.parse, state, on_forgotten=t.fold.forgotten.append)


@pytest.mark.parametrize("seed", range(40))
def test_no_page_is_lost_and_restarts_and_ticks_change_nothing(seed: int) -> None:
    steps = story(random.Random(seed), 45)
    rng = random.Random(-seed)
    plain, other = Timeline(SHOP, rules=RULES), Timeline(SHOP, rules=RULES)
    for at, step in steps:
        step(plain)
        nothing_is_lost(plain)
        if rng.random() < 0.3:
            other.wait(at - rng.random())
            nothing_is_lost(other)
        step(other)
        if rng.random() < 0.3:
            restarted(other)
    for t in (plain, other):
        t.wait(steps[-1][0] + 20_000)
        nothing_is_lost(t)
    assert plain.fold.decisions == other.fold.decisions
    assert plain.digest() == other.digest()


def test_the_stories_hold_pages_back_and_let_them_go() -> None:
    """Else the test above would prove nothing."""
    reasons: set[str] = set()
    for seed in range(40):
        t = Timeline(SHOP, rules=RULES)
        for _, step in story(random.Random(seed), 45):
            step(t)
        t.wait(50_000)
        for incident in t.incidents():
            reasons |= {row["reason"].partition(":")[0] for row in incident["history"]}
        reasons |= {"after" for row in t.decisions("notify") if "after " in row["reason"]}
    assert {"silenced", "inhibited", "muted", "dismissed", "after", "time_is_up", "opened"} <= reasons
