"""Grouping: an incident is a connected component of episodes over the link rules.

A new episode opens an incident, joins one, or joins several into one. The earliest id stays; the others
redirect to it. An alert that fires again goes where its last firing is and links nothing: what flaps all
day says nothing of what else begins meanwhile. Links never join what a person has parted.
"""

from __future__ import annotations

from itertools import chain

from core import barriers, severity
from core.asking import explain_soon
from core.correlation.index import LINK_RULES, add_links, remove_links, spots_of
from core.correlation.link import Spot
from core.correlation.regroup import linked_to, regroup, still_together
from core.correlation.runs import add_run, after, before
from core.lifecycle import reopen
from core.merging import merge
from core.model.incident import OPEN, Episode, Incident
from core.naming import new_incident_id
from core.paging import announce_opening, watch_for_more
from core.settling import await_settling
from core.storm import count_alert
from core.timelines import outward
from core.world import Turn, World

_FAR = 1 << 62


def place(turn: Turn, episode: Episode) -> None:
    """Put a new episode where it belongs."""
    count_alert(turn)
    incident, recalled = _where_it_was(turn, episode)
    spots: list[Spot] = []
    if incident is None:
        spots = spots_of(turn.world, episode)
        incident = _by_links(turn, episode, spots, recalled)
    _join(turn, incident, episode)
    add_run(turn.world, episode)
    add_links(turn.world, episode, spots)
    for later in list(after(turn.world, episode)):
        _follow(turn, episode, later)
    if not episode.again:
        weigh_soon(turn, turn.world.incident_of(episode))
    await_settling(turn, episode)


def join(turn: Turn, episodes: list[str], reason: str) -> None:
    """These belong together after all: what became known later joins the incidents that are open."""
    world = turn.world
    found = {one.id: one for one in (world.incident_of(world.state.episodes[name]) for name in episodes)}
    still_open = [one for one in found.values() if one.status in OPEN]
    if len(still_open) > 1:
        weigh_soon(turn, merge_all(turn, in_order(still_open), reason))


def weigh_soon(turn: Turn, incident: Incident) -> None:
    """Call when links have come or gone; see core/correlation/weighing.py. Of few alerts any link will do."""
    rule = turn.world.rules.one_incident
    if len(incident.members) > rule.enough or incident.id in turn.world.state.loose:
        turn.world.timers.arm_if_idle(f"weigh:{incident.id}", turn.at + rule.after, turn.seq)


def _where_it_was(turn: Turn, episode: Episode) -> tuple[Incident | None, str]:
    """The incident of what it follows, when that may still be joined; else the id of what it recalls."""
    found = before(turn.world, episode)
    if found is None:
        return None, ""
    incident = turn.world.incident_of(found[1])
    if not _conducts(turn, incident, episode):
        return None, incident.id
    episode.again = True
    return incident, ""


def _follow(turn: Turn, episode: Episode, later: Episode) -> None:
    """An alert that was heard late comes before one that counted as the first, or that followed another: that
    one links nothing now, and goes where this one is."""
    world = turn.world
    followed = before(world, later)
    if followed is None or followed[1] is not episode:
        return
    if later.again and later.incident == episode.incident:
        return
    incident = world.incident_of(later)
    if not _conducts(turn, incident, episode):
        return
    if not later.again:
        beside = linked_to(world, later, set(incident.members))
        later.again = True
        remove_links(world, later)
        weigh_soon(turn, incident)
        if later.incident == episode.incident and still_together(world, episode, beside):
            return
    members = list(incident.members)
    regroup(turn, incident, "fires_again")
    for name in members:
        _rejoin(turn, world.state.episodes[name])
    for name in members:
        weigh_soon(turn, world.incident_of(world.state.episodes[name]))


def _rejoin(turn: Turn, episode: Episode) -> None:
    """Where what it follows is."""
    followed = before(turn.world, episode) if episode.again else None
    if followed is None or followed[1].incident == episode.incident:
        return
    incidents = [turn.world.incident_of(one) for one in (episode, followed[1])]
    if all(incident.status in OPEN for incident in incidents):
        merge_all(turn, in_order(incidents), "linked")


def _by_links(turn: Turn, episode: Episode, spots: list[Spot], recalled: str) -> Incident:
    linked, barred = _linked_incidents(turn, episode, spots)
    return merge_all(turn, linked, "linked") if linked else _open(turn, episode, recalled or barred)


def _linked_incidents(turn: Turn, episode: Episode, spots: list[Spot]) -> tuple[list[Incident], str]:
    """Incidents to join, earliest first, and the latest one that would have been but for a barrier.

    Of two that were parted, the one with the alert that is nearest in time.
    """
    nearest, barred = _nearest(turn, episode, spots)
    if not nearest:
        return [], max(barred, default=(0, ""))[1]
    world = turn.world
    chosen: list[Incident] = []
    for _, name in sorted((gap, name) for name, gap in nearest.items()):
        incident = world.state.incidents[name]
        if not any(_barred(world, incident, other) for other in chosen):
            chosen.append(incident)
    return in_order(chosen), ""


def _barred(world: World, a: Incident, b: Incident) -> bool:
    return barriers.apart(world, a, b) or barriers.touching(world, a, b)


def _nearest(turn: Turn, episode: Episode, spots: list[Spot]) -> tuple[dict[str, int], list[tuple[int, str]]]:
    """Incidents with an alert linked to it, by how near in time; and those that may not be joined any more,
    with when they were resolved. The hot path: most keys have nobody, or an alert of an incident found
    already."""
    world, start = turn.world, episode.starts_at
    links, episodes, incidents = world.links, world.state.episodes, world.state.incidents
    nearest: dict[str, int] = {}
    barred: list[tuple[int, str]] = []

    def conducts(name: str) -> bool:
        return _conducts(turn, incidents[episodes[name].incident], episode)

    here = [(key, start - window, start + window) for key, window in spots]
    for key, low, high in chain(here, *(rule.looks(world, episode) for rule in LINK_RULES)):
        timeline = links.get(key)
        if timeline is None:
            continue
        moment, name = timeline[-1]
        if moment < low:
            continue
        if moment <= start and incidents[found := episodes[name].incident].status in OPEN:
            if start - moment < nearest.get(found, _FAR):
                nearest[found] = start - moment
            continue
        for name, verdict in outward(timeline, start, low, high, conducts):
            found = episodes[name].incident
            if verdict:
                nearest[found] = min(abs(episodes[name].starts_at - start), nearest.get(found, _FAR))
            else:
                barred.append((incidents[found].resolved_at or 0, found))
    return nearest, barred


def _conducts(turn: Turn, incident: Incident, episode: Episode) -> bool:
    if incident.status in OPEN:
        return True
    if incident.status == "closed" or incident.resolved_at is None:
        return False
    return episode.starts_at <= incident.resolved_at + turn.world.rules.lifecycle.reopen_window


def in_order(incidents: list[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda one: (one.opened_at, one.opened_seq, one.id))


def merge_all(turn: Turn, incidents: list[Incident], reason: str) -> Incident:
    """Into the first of them, but for those that were parted from it."""
    first = incidents[0]
    for other in incidents[1:]:
        if not barriers.apart(turn.world, first, other):
            merge(turn, first, other, reason)
    return first


def _open(turn: Turn, episode: Episode, recurrence_of: str) -> Incident:
    incident = Incident(
        id=new_incident_id(turn, episode.id),
        domain=episode.entity.domain,
        opened_at=turn.at,
        opened_seq=turn.seq,
        members=[],
        recurrence_of=recurrence_of,
    )
    turn.world.state.incidents[incident.id] = incident
    reason = "recurrence" if recurrence_of else "first_alert"
    turn.note(incident, "opened", reason, detail=recurrence_of)
    turn.decide("open", incident.id, reason)
    return incident


def _join(turn: Turn, incident: Incident, episode: Episode) -> None:
    incident.members.append(episode.id)
    episode.incident = incident.id
    incident.firing += episode.status != "resolved"
    known = len(incident.entities)
    severity.add_member(turn, incident, episode)
    turn.touch(incident)
    if len(incident.members) == 1:
        severity.update(turn, incident)
        announce_opening(turn, incident)
        explain_soon(turn, incident)
        return
    if incident.status == "resolved" and episode.status != "resolved":
        reopen(turn, incident, "new_alert")
    severity.update(turn, incident)
    if len(incident.entities) > known:
        turn.note(incident, "service_joined", "linked", detail=episode.entity.service)
        watch_for_more(turn, incident)
