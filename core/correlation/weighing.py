"""Weighing: whether what links join is one incident, or several that only touch.

Nearly all alerts of one fault are linked with one another. Two faults at once on services that hang together
are linked here and there. So groups grow from the closest pairs, and two become one only where enough of the
pairs between them are linked, or where both hang on one alert: a function of the alerts and their links,
whatever came first. What touches is kept apart until it is weighed again. What people merged is not parted,
nor joined what they parted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, islice

from core import barriers
from core.correlation.grouping import in_order, merge_all
from core.correlation.growing import Groups
from core.correlation.pairs import Pairs, bits, pairs_of
from core.correlation.runs import before
from core.model.incident import Incident
from core.splitting import split
from core.world import Turn, World

REASON = "loosely_linked"


def on_weigh_timer(turn: Turn, incident: Incident) -> None:
    """With all that it was parted from, so that the answer is that of all that hangs together."""
    world, rule = turn.world, turn.world.rules.one_incident
    beside = _beside(world, incident)
    if not rule.least_links or (len(beside) == 1 and _too_many(world, incident)):
        return
    pairs = pairs_of(world, beside)
    groups = _grown(world, beside, pairs)
    for one in beside[:]:
        beside += _parted(turn, one, groups)
    joined: dict[int, list[Incident]] = {}
    for one in beside:
        joined.setdefault(groups.find(one.members[0]), []).append(one)
    for several in joined.values():
        if len(several) > 1:
            merge_all(turn, in_order(several), "linked")
    _keep_apart(world, beside, pairs)


def links_between(world: World, a: Incident, b: Incident) -> tuple[int, int]:
    """How many pairs of alerts of the two are linked, and of how many."""
    pairs = pairs_of(world, [a, b])
    some, others = pairs.of(a.members), pairs.of(b.members)
    sizes = [(one & pairs.linking).bit_count() for one in (some, others)]
    return pairs.between(some, others), sizes[0] * sizes[1]


def _beside(world: World, incident: Incident) -> list[Incident]:
    found = {incident.id: incident}
    todo = [incident]
    while todo:
        for name in world.state.loose.get(todo.pop().id, ()):
            one = world.state.incidents[name]
            if name not in found and one.closed_at is None:
                found[name] = one
                todo.append(one)
    return in_order(list(found.values())) if incident.closed_at is None else []


def _too_many(world: World, incident: Incident) -> bool:
    most = world.rules.one_incident.at_most
    if len(incident.members) <= most:
        return False
    linking = (name for name in incident.members if not world.state.episodes[name].again)
    return next(islice(linking, most, None), None) is not None


def _grown(world: World, incidents: Sequence[Incident], pairs: Pairs) -> Groups:
    """What belongs together. More alerts that hang together than may be weighed are one."""
    rule, groups = world.rules.one_incident, Groups(pairs)
    for both in _held(world, incidents):
        groups.join(*both)
    place: dict[int, int] = {}
    for row in groups.hanging():
        place.update(dict.fromkeys(bits(row), row))
        if rule.enough < (row & pairs.linking).bit_count() <= rule.at_most:
            groups.grow(row, rule.least_links)
        else:
            groups.gather(row)
    for one in incidents:
        first = one.members[0]
        for name in one.members:
            # What no link holds together is not for links to part.
            if place[pairs.numbers[name]] != place[pairs.numbers[first]]:
                groups.join(first, name)
    return groups


def _held(world: World, incidents: Sequence[Incident]) -> Iterable[tuple[str, str]]:
    """What is together for other reasons: it follows another, a person has merged it, or it was so when the
    rules or the catalogue changed."""
    known = {name for one in incidents for name in one.members}
    for one in incidents:
        old = [name for name in one.members if world.state.episodes[name].seq <= world.state.configured_seq]
        together = one.members if one.ties else old
        yield from ((together[0], name) for name in together[1:])
        for name in one.members:
            episode = world.state.episodes[name]
            followed = before(world, episode) if episode.again else None
            if episode.again:
                beside = followed[1].id if followed and followed[1].id in known else one.members[0]
                yield name, beside


def _parted(turn: Turn, incident: Incident, groups: Groups) -> list[Incident]:
    """Incidents split off; what came first stays."""
    parts: dict[int, list[str]] = {}
    for name in incident.members:
        parts.setdefault(groups.find(name), []).append(name)
    return [split(turn, incident, part, REASON) for part in list(parts.values())[1:]]


def _keep_apart(world: World, incidents: Sequence[Incident], pairs: Pairs) -> None:
    there = [one for one in incidents if one.id in world.state.incidents]
    if len(there) == 1:
        return
    sets = {one.id: pairs.of(one.members) for one in there}
    for one, other in combinations(there, 2):
        barriers.loosen(world, one, other, touch=pairs.between(sets[one.id], sets[other.id]) > 0)
