"""Finding recent-change: what changed on an alerting service, or on what it calls, shortly before.

Changes are attached to an incident when either arrives; which of them count is decided from the starts of
the alerts, never from the order of arrival. Those that came too early or too late are kept and say so.
"""

from __future__ import annotations

from typing import NamedTuple

from core.asking import watch_for_news
from core.correlation.names import called, namespaced
from core.correlation.reach import calls_to, meets
from core.findings.case import Case, finding, shortened
from core.model.entity import Entity
from core.model.events import ChangeEvent
from core.model.finding import Finding, Why
from core.model.incident import Change, Episode, Incident
from core.narrative.plain import one_line, short_version
from core.rules.schema import RecentChange
from core.timelines import within
from core.times import beside, spoken
from core.world import Turn, World

kind = "recent-change"
_PLACE = 40
_REACH = 3  # lookbacks: how far away a change is still shown as considered


class Match(NamedTuple):
    """A change seen from one member entity: calls away, time before its onset, and what that is worth."""

    confidence: int
    entity: Entity
    hops: int
    age: int
    hint: str


def attach_to_episode(world: World, episode: Episode) -> None:
    """Note the changes that a new episode's service has seen."""
    if not episode.entity.service or not world.index.changes:
        return
    catalogue, rule = world.config.catalogue, world.rules.recent_change
    services = [*called(world, episode.entity), *(catalogue.calls(episode.entity) if rule.hops else ())]
    low = episode.starts_at - _REACH * rule.lookback
    found: list[str] = []
    for service in services:
        timeline = world.index.changes.get((episode.entity.domain, service), [])
        found += [
            name
            for name in within(timeline, low, episode.starts_at + rule.lookback)
            if calls_to(catalogue, episode.entity, world.state.changes[name].event, rule.hops) is not None
        ]
    _attach(world, episode, found)


def attach_change(turn: Turn, change: Change) -> None:
    """Note a new change at the incidents of the episodes that it may explain."""
    world = turn.world
    catalogue, rule = world.config.catalogue, world.rules.recent_change
    services = [
        change.event.service,
        *(catalogue.callers_anywhere(change.event.service) if rule.hops else ()),
    ]
    for service in services:
        named = sorted(world.index.entities.get((change.domain, service), ()))
        for entity in (*named, *namespaced(world, change.domain, service)):
            if calls_to(catalogue, entity, change.event, rule.hops) is None:
                continue
            high = change.event.at + _REACH * rule.lookback
            timeline = world.index.by_entity.get(entity, [])
            for name in within(timeline, change.event.at - rule.lookback, high):
                _attach(world, world.state.episodes[name], [change.id])
                watch_for_news(turn, world.incident_of(world.state.episodes[name]))


def elsewhere(world: World, incident: Incident) -> list[Change]:
    """Changes on its services, as long before as counts, that were in another environment or cluster; the
    latest first."""
    starts = [world.state.episodes[name].starts_at for name in incident.members]
    rule, found = world.rules.recent_change, {}
    for entity in incident.entities if starts and world.index.changes else ():
        for service in called(world, entity) if entity.service else ():
            timeline = world.index.changes.get((entity.domain, service), [])
            for name in within(timeline, min(starts) - rule.lookback, min(starts) + rule.grace):
                if name not in incident.changes and not meets(world.state.changes[name].event, entity):
                    found[name] = world.state.changes[name]
    return sorted(found.values(), key=order, reverse=True)


def detach_change(turn: Turn, change_id: str) -> list[Incident]:
    """Take a change that has moved from the incidents that are not closed; which they were."""
    found = [
        incident
        for incident in turn.world.state.incidents.values()
        if change_id in incident.changes and incident.status != "closed"
    ]
    for incident in found:
        incident.changes = [name for name in incident.changes if name != change_id]
        turn.touch(incident)
    return found


def _attach(world: World, episode: Episode, changes: list[str]) -> None:
    incident = world.incident_of(episode)
    new = set(changes) - set(incident.changes)
    if new and incident.status != "closed":
        incident.changes = sorted({*incident.changes, *new})
        incident.dirty = True
        incident.version += 1


def matches(case: Case, change: Change) -> Match | None:
    """The best view of a change from any member entity."""
    rule = case.rules.recent_change
    views = [
        _view(rule, change.event, entity, hops, case.onset(entity) - change.event.at)
        for entity in case.groups
        if (hops := calls_to(case.catalogue, entity, change.event, rule.hops)) is not None
    ]
    return max(views, key=lambda m: (m.confidence, -m.hops, -abs(m.age), m.entity), default=None)


def _view(rule: RecentChange, event: ChangeEvent, entity: Entity, hops: int, age: int) -> Match:
    if age < -rule.grace:
        return Match(0, entity, hops, age, f"{spoken(age)} after the first alert of {entity.service}")
    if age > rule.lookback:
        before, within = beside(age, rule.lookback)
        hint = f"{before} before the first alert, the window is {within}"
        return Match(0, entity, hops, age, hint)
    worth = rule.weights.get(event.kind, 0) * (1000 - 500 * max(age, 0) // rule.lookback) // 1000
    return Match(max(1, worth - hops * rule.hop_penalty), entity, hops, age, "")


def find(case: Case) -> tuple[list[Finding], Why]:
    rows = [(match, change) for change in case.changes if (match := matches(case, change)) is not None]
    rows.sort(key=lambda row: (-row[0].confidence, abs(row[0].age), order(row[1])))
    nodes = [(_why(change, match), match, change) for match, change in rows]
    findings = [
        finding(case, kind, change.id, match.confidence, why) for why, match, change in nodes if why.counted
    ]
    children = shortened([why for why, _, _ in nodes], kind)
    if findings:
        return findings, Why(kind, findings[0].summary, evidence=findings[0].evidence, children=children)
    lookback = spoken(case.rules.recent_change.lookback)
    hint = f"no change on these services or what they call in the {lookback} before their first alert"
    return [], Why(kind, "No recent change", counted=False, hint=hint, children=children)


def order(change: Change) -> tuple[int, str, str, str, str, str]:
    """Ties go by what identifies a change; its id, which hashes free text (the version) too, comes last."""
    event = change.event
    return (event.at, event.kind, event.service, event.environment, event.cluster, change.id)


def _why(change: Change, match: Match) -> Why:
    event = change.event
    side = "before" if match.age >= 0 else "after"
    where = "" if match.hops == 0 else f", which {match.entity.service} calls,"
    place = event.environment if not match.entity.environment else ""
    where = f" in {one_line(place, _PLACE)}{where}" if place else where
    summary = f"{describe(event)}{where} {spoken(match.age)} {side} the first alert of {match.entity.service}"
    terms: dict[str, int | str] = {"age_ms": match.age, "hops": match.hops, "confidence": match.confidence}
    return Why(kind, summary, not match.hint, match.hint, terms, (change.id,))


def describe(event: ChangeEvent) -> str:
    """`deploy of payments 2.4.0`. The version is the sender's word: shown, never used."""
    version = f" {short_version(event.version)}" if event.version else ""
    if event.kind == "deploy":
        return f"deploy of {event.service}{version}"
    detail = f" ({short_version(event.version)})" if event.version else ""
    return f"{event.kind} change of {event.service}{detail}"
