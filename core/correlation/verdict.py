"""Verdicts: whether and why two alerts are linked, from the link rules themselves, as why-tree nodes.

A node that did not count says which term failed. Nothing is judged here that grouping does not judge.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from core.correlation.index import LINK_RULES, looks_of, spots_of
from core.correlation.link import Key, LinkRule, Look
from core.correlation.reach import capped
from core.correlation.runs import SAME_ALERT, before
from core.correlation.symptom import contained, symptom, told_by
from core.model.finding import Terms, Why
from core.model.incident import Episode
from core.timelines import Timeline, outward
from core.times import beside, spoken
from core.world import World

# Of a place, how many alerts of other incidents on each side are compared, of how many that began nearest.
_NEAREST, _LOOKED_AT = 8, 400


class Tie(NamedTuple):
    """A link that holds between two alerts, the later one and the earlier `other`; `window` in ms."""

    order: int
    gap: int
    episode: str
    other: str
    window: int
    key: Key


def _rank(tie: Tie) -> tuple[int, int, str, str, int, str]:
    """The strongest first; whole, so that nothing hangs on the order in which they were found."""
    return (tie.order, tie.gap, tie.episode, tie.other, tie.window, repr(tie.key))


def joined_by(world: World, episode: Episode, members: set[str]) -> Why | None:
    """What joins it to a member that started before it, or else to any; the nearest under the first rule."""
    if episode.again:
        return _again(world, episode, members)
    found = _ties(world, episode, members)
    if not found:
        return None
    earlier = [tie for tie in found if tie.episode == episode.id]
    return _shown(world, min(earlier or found, key=_rank))


def joins_all(world: World, members: list[Episode]) -> list[tuple[Episode, Why]]:
    """A tree of links that holds `members` (sorted by start) together, by the later alert of each; as few
    and as strong links as will do. Alerts that nothing joins are left out."""
    names = {episode.id for episode in members}
    boss = {name: name for name in names}

    def find(name: str) -> str:
        while boss[name] != name:
            name = boss[name]
        return name

    rows: list[tuple[Episode, Why]] = []
    ties: list[Tie] = []
    for episode in members:
        if not episode.again:
            ties += _ties(world, episode, names)
        elif (why := _again(world, episode, names)) is not None:
            rows.append((episode, why))
            boss[find(episode.id)] = find(why.evidence[1])
    for tie in sorted(set(ties), key=_rank):
        if find(tie.episode) != find(tie.other):
            boss[find(tie.episode)] = find(tie.other)
            rows.append((world.state.episodes[tie.episode], _shown(world, tie)))
    return sorted(rows, key=lambda row: (row[0].starts_at, row[0].id))


def _ties(world: World, episode: Episode, members: set[str]) -> list[Tie]:
    """Its links to members, the nearest on each side under each key."""
    found: list[Tie] = []

    def elsewhere(name: str) -> bool:
        return name in members and name != episode.id

    for rule, look in looks_of(world, episode):
        key, low, high = look
        timeline = world.links.get(key, [])
        for name, wanted in outward(timeline, episode.starts_at, low, high, elsewhere):
            if wanted:
                ends = sorted((episode, world.state.episodes[name]), key=lambda one: (one.starts_at, one.id))
                gap = ends[1].starts_at - ends[0].starts_at
                order, window = LINK_RULES.index(rule), _window(episode, look, world.state.episodes[name])
                found.append(Tie(order, gap, ends[1].id, ends[0].id, window, key))
    return found


def _shown(world: World, tie: Tie) -> Why:
    episodes = world.state.episodes
    rule, later, other = LINK_RULES[tie.order], episodes[tie.episode], episodes[tie.other]
    return _node(world, rule, later, other, tie.key, tie.window, counted=True)


def between(world: World, episode: Episode, other: Episode) -> Why | None:
    """The verdict on one pair: a link that holds, else the one that failed by least; None where no rule would
    ever link the two."""
    held = {key for key, _ in spots_of(world, other)}
    nodes = [
        (not node.counted, _excess(look, other), LINK_RULES.index(rule), node)
        for rule, look in looks_of(world, episode)
        for key, low, high in (look,)
        if key in held
        for window in (_window(episode, look, other),)
        for counted in (low <= other.starts_at <= high,)
        for node in (_node(world, rule, episode, other, key, window, counted=counted),)
    ]
    if not nodes:
        return _ruled_out(world, episode, other)
    best = min(nodes, key=lambda row: row[:3])[3]
    return _quiet(episode, other) if best.counted and (episode.again or other.again) else best


def _again(world: World, episode: Episode, members: set[str]) -> Why | None:
    found = before(world, episode)
    if found is None or found[1].id not in members:
        return None
    run, other = found
    gap = episode.starts_at - other.starts_at
    terms: Terms = {"gap_ms": gap, "window_ms": run.window}
    if run.rule == SAME_ALERT:
        summary = f"{episode.name} fires again, {spoken(gap)} after its last firing"
    else:
        summary = f"{called(episode)}, {spoken(gap)} after {other.name}: states of one workload"
    return Why(run.rule, summary, terms=terms, evidence=(episode.id, other.id))


def _quiet(episode: Episode, other: Episode) -> Why:
    which = episode if episode.again else other
    gap = abs(episode.starts_at - other.starts_at)
    hint = f"{called(which)} follows an earlier alert: it links nothing else"
    return Why("runs", f"{called(other)}, {spoken(gap)} apart", False, hint, {"gap_ms": gap}, (other.id,))


def _window(episode: Episode, look: Look, other: Episode) -> int:
    """To the side on which the other one began."""
    _, low, high = look
    return high - episode.starts_at if other.starts_at > episode.starts_at else episode.starts_at - low


def _node(
    world: World, rule: LinkRule, episode: Episode, other: Episode, key: Key, window: int, *, counted: bool
) -> Why:
    gap = abs(episode.starts_at - other.starts_at)
    apart, within = beside(gap, window)
    hint = "" if counted else f"{apart} apart, the window is {within}"
    said = rule.shared(world, episode, other, key)
    summary = f"{called(episode)} and {called(other)}, {apart} apart: {said}"
    terms: Terms = {"gap_ms": gap, "window_ms": window}
    return Why(rule.name, summary, counted, hint, terms, (episode.id, other.id))


def called(episode: Episode) -> str:
    """`HighLatency of search`."""
    return f"{episode.name or 'an alert'} of {episode.entity.service or 'no known service'}"


def _excess(look: Look, other: Episode) -> int:
    _, low, high = look
    return max(low - other.starts_at, other.starts_at - high, 0)


def _ruled_out(world: World, episode: Episode, other: Episode) -> Why | None:
    """Neighbours in the catalogue that yet do not conduct."""
    a, b, catalogue = episode.entity, other.entity, world.config.catalogue
    rule = world.rules.dependency_edge
    calls = b.service in catalogue.calls(a) or a.service in catalogue.calls(b)
    if not a.service or a.peer(b.service) != b or not (calls or a == b):
        return None
    gap = abs(episode.starts_at - other.starts_at)
    terms: Terms = {"gap_ms": gap}
    summary = f"{called(episode)} and {called(other)}, {spoken(gap)} apart"
    for which in (episode, other):
        if contained(world, which):
            hint = f"{which.name} tells of trouble that stays where it is ({symptom(world, which)})"
            return Why("symptom", summary, False, hint, terms, (episode.id, other.id))
        if calls and told_by(world, which.name).part == "late":
            hint = f"{which.name} comes so late that its start tells of no other service"
            return Why("dependency-edge", summary, False, hint, terms, (episode.id, other.id))
    callee = b if b.service in catalogue.calls(a) else a
    if calls and capped(catalogue, callee, rule):
        count = len(catalogue.callers(callee))
        hint = f"{callee.service} has {count} dependants, more than {rule.max_dependants}: too many to tell"
        hint += ", as it alerts of no cause itself" if rule.gather_window is not None else ""
        return Why("dependency-edge", summary, False, hint, terms, (episode.id, other.id))
    return None


def nearby(world: World, episode: Episode, reach: int) -> Iterator[Episode]:
    """Alerts of other incidents that start within `reach` ms, each once: wherever a link rule looks for its
    partners, and on its service and directly beside that. Of each place the few that began nearest to it."""
    known: set[str] = set()
    for timeline in _places(world, episode):
        for name in foreign(world, episode, timeline, reach):
            if name not in known:
                known.add(name)
                yield world.state.episodes[name]


def _places(world: World, episode: Episode) -> Iterator[Timeline]:
    catalogue, entity = world.config.catalogue, episode.entity
    if entity.service:
        for service in (entity.service, *catalogue.calls(entity), *catalogue.callers(entity)):
            yield world.index.by_entity.get(entity.peer(service), [])
    for _, look in looks_of(world, episode):
        yield world.links.get(look[0], [])


def foreign(world: World, episode: Episode, timeline: Timeline, reach: int) -> Iterator[str]:
    """The nearest on each side that are in another incident; of a storm, only so many are looked at."""
    middle = bisect_left(timeline, (episode.starts_at, ""))
    for side in (range(middle - 1, -1, -1), range(middle, len(timeline))):
        found = 0
        for position in side[:_LOOKED_AT]:
            at, name = timeline[position]
            if found == _NEAREST or abs(at - episode.starts_at) > reach:
                break
            if world.state.episodes[name].incident != episode.incident:
                found += 1
                yield name
