"""Explaining an alert or an incident: why it is where it is, what it nearly joined, why this severity, who
was told.

Links and misses come from the link rules, severity from its conditions, pages from the history: nothing is
judged a second time.
"""

from __future__ import annotations

from heapq import nsmallest

from core.barriers import apart, touching
from core.correlation.places import elsewhere, kept_apart, places_apart
from core.correlation.verdict import between, joined_by, nearby
from core.correlation.weighing import links_between
from core.document import suppression_json
from core.explain_origin import called_in_trouble
from core.explain_words import when_holds
from core.findings import refresh
from core.model.document import Document
from core.model.finding import Why, why_json
from core.model.incident import SEVERITIES, Episode, Incident
from core.narrative.why import TOLD
from core.narrative.why import told as told_rows
from core.narrative.why_me import routed_said, severity_means
from core.severity import why_severity
from core.storm import waiting
from core.suppression import suppressed_now
from core.times import format_rfc3339
from core.why_people import parted_by
from core.world import World

_SHOWN = 3
# How many alerts of an incident are asked what they nearly joined: those that began first, and as many of the
# last.
_ASKED = 20
# Of a storm, an alert is compared with so many of other incidents: those nearest in time.
_COMPARED = 30
# How many times the longest window of one service counts as near.
_REACH = 3


def explain_alert(world: World, fingerprint: str, latest: int = 0) -> list[Document]:
    """One entry per episode in memory with this fingerprint (ours), in order of start; of those that began
    last only, where `latest` says how many."""
    episodes = firings(world, fingerprint)
    return [explain_episode(world, episode) for episode in episodes[-latest:]]


def firings(world: World, fingerprint: str) -> list[Episode]:
    """In order of start."""
    episodes = [e for e in world.state.episodes.values() if e.fingerprint == fingerprint]
    episodes.sort(key=lambda e: (e.starts_at, e.id))
    return episodes


def explain_episode(world: World, episode: Episode) -> Document:
    incident = world.incident_of(episode)
    joined = joined_by(world, episode, set(incident.members)) or _alone(episode)
    return {
        "episode": episode.id,
        "name": episode.name,
        "fingerprint": episode.fingerprint,
        "service": episode.entity.service,
        "starts_at": format_rfc3339(episode.starts_at),
        "status": episode.status,
        "flags": list(episode.flags),
        "incident": incident.id,
        "first_incident": episode.first_incident or None,
        "joined": [why_json(joined)],
        "suppressed": [suppression_json(by) for by in suppressed_now(world, episode, world.state.clock)],
        "nearly_joined": _misses(world, [episode]),
        "severity": why_json(why_severity(world, incident)),
        "told": told(incident),
    }


def explain_incident(world: World, incident: Incident) -> Document:
    """Why these alerts are one incident, what nearly joined, why this severity, and who was told when.

    `storm`: since when there is one that makes the first page wait, and when that is due; else None.
    `called`: what the probable origin calls and that alerts in an open incident.
    """
    refresh(world, incident)
    waits = waiting(world, incident)
    return {
        "incident": incident.id,
        "severity": why_json(why_severity(world, incident)),
        "severity_said": severity_said(world, incident),
        "routed": routed_said(world, incident),
        "means": severity_means(world, incident.severity),
        "why": why_json(incident.why) if incident.why else None,
        "nearly_joined": _misses(world, _ends(world.members(incident))),
        "told": told(incident),
        "called": called_in_trouble(world, incident),
        "storm": {"since": format_rfc3339(waits.since), "due": format_rfc3339(waits.due)} if waits else None,
    }


def told(incident: Incident) -> list[Document]:
    """Each time that somebody was paged, or was not, with the reason, and in words; of the history."""
    history = [
        {"at": format_rfc3339(m.at), "what": m.what, "reason": m.reason, "detail": m.detail}
        for m in incident.history
        if m.what in TOLD
    ]
    return told_rows({"history": history})


def severity_said(world: World, incident: Incident) -> list[str]:
    """The condition that decided, and of each that makes it worse the first term that failed."""
    name, conditions = incident.severity_reason, world.rules.severity.conditions
    decided = next((one for one in conditions if one.name == name), None)
    if decided is None or decided.severity != incident.severity:
        return [f"It is {incident.severity}: {name.replace('-', ' ')}, under rules that are others now."]
    said = [f"It is {incident.severity} because {when_holds(decided.when)}."]
    tree = why_severity(world, incident)
    for condition, node in zip(conditions, tree.children, strict=False):
        worse = SEVERITIES.index(condition.severity) < SEVERITIES.index(incident.severity)
        if worse and not node.counted:
            said.append(f"It is not {condition.severity} ({condition.name.replace('-', ' ')}): {node.hint}.")
    return said


def _alone(episode: Episode) -> Why:
    if not episode.entity.service:
        hint = "no label names its service: it joins nothing by service"
    else:
        hint = "nothing was linked to it when it came"
    return Why("links", "It opened the incident", hint=hint, evidence=(episode.id,))


def _ends(episodes: list[Episode]) -> list[Episode]:
    return episodes if len(episodes) <= 2 * _ASKED else [*episodes[:_ASKED], *episodes[-_ASKED:]]


def _misses(world: World, episodes: list[Episode]) -> list[Document]:
    """For each other incident near these alerts, the link that failed by least; the closest first, and before
    those in other places."""
    rule = world.rules.same_entity
    reach = _REACH * max(rule.window, rule.instance_window, rule.whole_window)
    nearest: dict[str, tuple[tuple[bool, int, int], Why]] = {}
    for episode in episodes:
        for other in _others(world, episode, reach):
            why = between(world, episode, other) or kept_apart(world, episode, other)
            if why is None:
                continue
            rank = (not why.counted, places_apart(why), excess(why, episode, other))
            known = nearest.get(other.incident)
            if known is None or rank < known[0]:
                nearest[other.incident] = (rank, barred(world, episode, other, why))
    rows = sorted(nearest.items(), key=lambda row: (row[1][0], row[0]))
    return [{"incident": name, "why": why_json(why)} for name, (_, why) in rows[:_SHOWN]]


def excess(why: Why, episode: Episode, other: Episode) -> int:
    """By how many ms two alerts are too far apart for a link; of one that no time would join, all of it."""
    gap, window = abs(episode.starts_at - other.starts_at), why.terms.get("window_ms", 0)
    return max(gap - int(window), 0)


def _others(world: World, episode: Episode, reach: int) -> list[Episode]:
    """Alerts of other incidents nearby, those that began nearest to it; then those in other places."""
    found = [
        (abs(other.starts_at - episode.starts_at), other.id, other) for other in nearby(world, episode, reach)
    ]
    far = [
        (abs(other.starts_at - episode.starts_at), other.id, other)
        for other in elsewhere(world, episode, reach)
    ]
    return [other for rows in (found, far) for _, _, other in nsmallest(_COMPARED, rows)]


def barred(world: World, episode: Episode, other: Episode, why: Why) -> Why:
    """A link that holds and yet did not join: an incident conducts no more, a person parted them, or what
    links them came later than they did."""
    if not why.counted:
        return why
    pair = [world.incident_of(other), world.incident_of(episode)]
    over = next((one for one in pair if one.status in ("resolved", "closed")), None)
    if apart(world, *pair):
        act = parted_by(world, *pair)
        hint = act.said if act else "a person has parted the two incidents"
    elif touching(world, *pair):
        linked, of = links_between(world, *pair)
        hint = f"the two incidents only touch: {linked} of {of} pairs of their alerts are linked"
    elif over is not None:
        hint = f"{over.id} was {over.status} by then"
    else:
        hint = "the rules, the catalogue or a change that links them came later than they did"
    return Why(why.rule, why.summary, False, hint, why.terms, why.evidence)
