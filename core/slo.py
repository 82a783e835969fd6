"""Service level objectives: what is told of each is folded as a set, and may raise alerts of our own.

Of each objective the latest telling by the source's time counts. While nothing is told, its alerts become
`unknown` as those of other sources do, and after a day they end: what nobody looks at does not page for ever.
`budget` says where the objectives of a service stand.
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

import msgspec

from core.canonical import canonical_json, sha256_hex
from core.correlation.names import called
from core.error_budget import Basis, conditions, exhausted_in, holds, left, reached, spent
from core.identify import Identify
from core.journal import Record
from core.model.entity import Entity
from core.model.events import SignalEvent
from core.model.slo import Mark, Point, Slo, slo_key
from core.slo_alerts import Alerts, rejudged
from core.times import DAY, HOUR, MINUTE
from core.world import Turn, World

# Tellings this much older than the latest decide nothing: twice as much as deliveries may be late.
_MARKS_FOR, _MARKS = 20 * MINUTE, 240
_POINT_EVERY, _POINTS = 6 * HOUR, 124
_REMEMBERED, _MOST, _MOST_KEPT = 35 * DAY, 10_000, 9_000


class Standing(NamedTuple):
    """Where an objective stands. `spent` and `left` are thousandths of its error budget (None: not known),
    `basis` says whether that was told or estimated, `bands` what has been reached, `burning` which alerts
    fire or are unknown, `exhausted_in` ms at the present pace (None: never, or not known), `stale` that
    nothing was told of it for a while."""

    slo: Slo
    spent: int | None
    left: int | None
    basis: Basis
    bands: tuple[str, ...]
    burning: tuple[str, ...]
    exhausted_in: int | None
    stale: bool


def budget(world: World, entity: Entity) -> list[Standing]:
    """The standings of a service's objectives, by name. One that was told without environment or cluster is
    the service's in each of them."""
    names = called(world, entity)
    found = [slo for slo in world.state.slos.values() if _is_of(slo.entity, entity, names)]
    return [standing(world, slo) for slo in sorted(found, key=lambda slo: slo.id)]


def standing(world: World, slo: Slo) -> Standing:
    used = spent(slo.latest)
    firing = (name for name, rows in sorted(slo.raised.items()) if any(row.ended is None for row in rows))
    return Standing(
        slo=slo,
        spent=used.thousandths,
        left=None if used.share is None else left(used.share),
        basis=used.basis,
        bands=reached(world.rules.slo_burn, used.share),
        burning=tuple(firing),
        exhausted_in=exhausted_in(slo.latest, present_window(world, slo)),
        stale=slo.stale_since is not None,
    )


def present_window(world: World, slo: Slo) -> int:
    """The window (ms) whose pace is taken as the present one: the long one of the first condition for which
    it was told, else the shortest told; 0 when none was."""
    told = [window for window, _ in slo.latest.rates]
    known = [one.long for one in world.rules.slo_burn.burns if one.long in told]
    return next(iter(known or told), 0)


def take_signal(turn: Turn, record: Record, event: SignalEvent, identify: Identify) -> None:
    """Fold one telling. The same one again changes nothing."""
    number, event = event.index, _placed(turn, record, event, identify)
    content = sha256_hex(canonical_json(msgspec.to_builtins(event)))[:16]
    slo = _known(turn, record, event, content, identify)
    if slo is None or any((one.at, one.content) == (event.at, content) for one in slo.marks):
        return
    if (event.at, content) >= (slo.latest.at, slo.content):
        slo.latest, slo.content, slo.source = event, content, f"{record.domain}/{record.source}"
    held = _held(turn, event)
    _remember(slo, Mark(event.at, content, held, event if held else None))
    _add_point(slo, event, content)
    alerts = Alerts(turn, slo, identify, number)
    for condition in conditions(turn.world.rules.slo_burn):
        alerts.follow(condition)
    _watch(turn, slo)


def judge_again(turn: Turn, identify: Identify) -> None:
    """Call when rules came into force: what was told last is held against them. A second time it changes
    nothing."""
    slos = turn.world.state.slos
    known = {condition.alert: condition for condition in conditions(turn.world.rules.slo_burn)}
    for number, key in enumerate(sorted(slos)):
        slo = slos[key]
        alerts = Alerts(turn, slo, identify, number)
        for name in sorted(set(slo.raised) - set(known)):
            alerts.end_all(name)
        if slo.stale_since is not None or not slo.marks:
            continue
        before = slo.marks[-1]
        # What was believed and is only old by now is for its timer.
        held = tuple(name for name in known if name in _held(turn, slo.latest) or name in before.held)
        held = tuple(name for name in held if holds(known[name], slo.latest))
        slo.marks[-1] = rejudged(before, held, slo)
        for condition in known.values():
            alerts.follow(condition, turn.at)


def on_slo_timer(turn: Turn, key: str, identify: Identify) -> None:
    """When nothing was told of it for a while it is stale, later its alerts end, at last it is forgotten."""
    slo, rule = turn.world.state.slos.get(key), turn.world.rules.slo_burn
    if slo is None:
        return
    silence = turn.at - slo.latest.at
    if silence >= rule.stale_after and slo.stale_since is None:
        slo.stale_since = turn.at
    if silence >= rule.gone_after:
        _end_alerts(turn, slo, identify)
    if silence >= _REMEMBERED:
        _forget(turn, slo, identify)
        return
    steps = (rule.stale_after, rule.gone_after, _REMEMBERED)
    turn.arm(f"slo:{key}", slo.latest.at + min(step for step in steps if step > silence))


def _is_of(told: Entity, entity: Entity, names: list[str]) -> bool:
    return (
        told.domain == entity.domain
        and told.service in names
        and told.environment in ("", entity.environment)
        and told.cluster in ("", entity.cluster)
    )


def _placed(turn: Turn, record: Record, event: SignalEvent, identify: Identify) -> SignalEvent:
    """By the catalogue's name of the service. What lies ahead of all clocks counts as of its arrival."""
    environment = identify.environments.name(event.environment)
    entity = identify.catalogue.entity(record.domain, event.service, environment, event.cluster)
    ahead = event.at > record.received_at + turn.world.rules.lifecycle.late_after
    return msgspec.structs.replace(
        event,
        service=entity.service,
        environment=entity.environment,
        cluster=entity.cluster,
        at=record.received_at if ahead else event.at,
        index=0,
    )


def _known(turn: Turn, record: Record, event: SignalEvent, content: str, identify: Identify) -> Slo | None:
    """The objective of the telling, a new one when it was never told of; None when there is no room."""
    entity = Entity(record.domain, event.environment, event.cluster, event.service)
    key, slos = slo_key(entity, event.slo), turn.world.state.slos
    if key not in slos:
        slos[key] = Slo(key, entity, f"{record.domain}/{record.source}", event, content)
        _make_room(turn, identify)
    return slos.get(key)


def _held(turn: Turn, event: SignalEvent) -> tuple[str, ...]:
    """The alerts whose conditions hold in it, unless it is too old by now to be believed."""
    known = conditions(turn.world.rules.slo_burn)
    return tuple(one.alert for one in known if event.at + one.lasts > turn.at and holds(one, event))


def _remember(slo: Slo, mark: Mark) -> None:
    insort(slo.marks, mark, key=lambda one: (one.at, one.content))
    oldest = slo.latest.at - _MARKS_FOR
    slo.marks = [one for one in slo.marks if one.at >= oldest][-_MARKS:]


def _add_point(slo: Slo, event: SignalEvent, content: str) -> None:
    """Of each quarter of a day the latest telling."""
    share = spent(event).share
    if share is not None:
        points = {}
        for point in sorted([*slo.history, Point(event.at, content, share)]):
            points[point.at // _POINT_EVERY] = point
        slo.history = list(points.values())[-_POINTS:]


def _watch(turn: Turn, slo: Slo) -> None:
    """One timer per objective; it looks again where something was told meanwhile."""
    name, stale = f"slo:{slo.id}", slo.latest.at + turn.world.rules.slo_burn.stale_after
    if stale > turn.at:
        slo.stale_since = None
    armed = turn.world.timers.armed.get(name)
    if armed is None or armed[0] > max(stale, turn.at):
        turn.arm(name, max(stale, turn.at))


def _end_alerts(turn: Turn, slo: Slo, identify: Identify) -> None:
    alerts = Alerts(turn, slo, identify)
    for name in sorted(slo.raised):
        alerts.end_all(name, gone=True)


def _forget(turn: Turn, slo: Slo, identify: Identify) -> None:
    turn.world.timers.cancel(f"slo:{slo.id}")
    del turn.world.state.slos[slo.id]
    Alerts(turn, slo, identify).forgotten()


def _make_room(turn: Turn, identify: Identify) -> None:
    """Names are the sender's to choose: of too many, those leave that were told of the longest ago."""
    slos = turn.world.state.slos
    if len(slos) <= _MOST:
        return
    oldest = sorted(slos.values(), key=lambda slo: (slo.latest.at, slo.id))
    for slo in oldest[: len(slos) - _MOST_KEPT]:
        _end_alerts(turn, slo, identify)
        _forget(turn, slo, identify)
