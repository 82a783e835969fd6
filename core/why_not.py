"""Why two incidents, or two alerts, are not one: the link that failed by least, asked of the link rules.

Nothing is judged here that grouping does not judge. Of large incidents the pairs that began nearest to each
other are asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from heapq import nsmallest

from core.correlation.places import kept_apart, places_apart
from core.correlation.verdict import between, joined_by
from core.errors import InputError, NotFound
from core.explain import barred, excess, firings
from core.explain_words import missed_by
from core.model.document import Document
from core.model.finding import Why, why_json
from core.model.incident import Episode
from core.narrative.plain import one_line
from core.times import spoken
from core.why_people import Act, act_json, merged_by, parted_by, tied_by
from core.world import World

LOOK = (
    "`watchkeeper incidents` lists ids, `show ID` fingerprints in brackets. An alert of an incident that has"
    " left memory is explained with it: `explain ID`"
)
_PAIRS, _BESIDE = 400, 4


def why_not(world: World, one: str, other: str) -> Document:
    """Both are ids of incidents, or fingerprints. `together`: whether they are one incident. `why`: what
    joins them, or failed by least; None where no rule ever joins them. `people`: what persons did that they
    are together or apart, the last ones. Raises NotFound and InputError."""
    left, right = named(world, one, "explain"), named(world, other, "why-not")
    merged = one != other and world.resolve_id(one) == world.resolve_id(other)
    inside = {episode.id for episode in left} & {episode.id for episode in right}
    if not merged and inside and (one == other or len(left) == len(right) == len(inside)):
        raise InputError(f"{one_line(one, 60)} twice", where="why-not", mend="Name another incident or alert")
    together = len({episode.incident for episode in (*left, *right)}) == 1
    if merged:
        people = merged_by(world, one, other)
    else:
        people = _tied(world, left, right) if together else _parted(world, left, right)
    asked = _joining if together else _closest
    why = None if together and people else asked(world, left, right)
    return {
        "one": one,
        "other": other,
        "together": together,
        "incident": left[0].incident if together else None,
        "why": why_json(why) if why else None,
        "people": [act_json(act) for act in people],
        "words": _words(why, left, right, people, together=together),
    }


def _tied(world: World, left: Sequence[Episode], right: Sequence[Episode]) -> list[Act]:
    ours, theirs = ({episode.id for episode in side} for side in (left, right))
    return tied_by(world, world.incident_of(left[0]), ours - theirs or ours, theirs - ours or theirs)


def _parted(world: World, left: Sequence[Episode], right: Sequence[Episode]) -> list[Act]:
    """Of the first two incidents that a person has parted."""
    for a in dict.fromkeys(episode.incident for episode in left):
        for b in dict.fromkeys(episode.incident for episode in right):
            act = parted_by(world, world.state.incidents[a], world.state.incidents[b])
            if act is not None:
                return [act]
    return []


def named(world: World, name: str, where: str) -> list[Episode]:
    """The alerts of an incident, or the firings of a fingerprint, in order of start. Raises NotFound."""
    incident = world.state.incidents.get(world.resolve_id(name))
    found = world.members(incident) if incident else firings(world, name)
    if not found:
        what = f"no incident or alert {one_line(name, 60)!r} in memory"
        raise NotFound(what, where=where, mend=LOOK)
    return found


def known(world: World, name: str) -> bool:
    """Whether an incident, or an alert by its fingerprint, is in memory."""
    return world.resolve_id(name) in world.state.incidents or bool(firings(world, name))


def gone(name: str, where: str) -> NotFound:
    """Of an incident that has left memory: nothing can be asked of its alerts."""
    what = f"{one_line(name, 60)} has left memory, and with it what its alerts nearly joined"
    return NotFound(what, where=where, mend=f"`explain {one_line(name, 60)}` still tells what is kept of it")


def _joining(world: World, left: Sequence[Episode], right: Sequence[Episode]) -> Why | None:
    """What joins an alert of the one to the other, else to any of their incident."""
    for ours, theirs in ((left, right), (right, left)):
        for members in ({episode.id for episode in theirs}, set(world.incident_of(ours[0]).members)):
            for episode in ours[:_PAIRS]:
                why = joined_by(world, episode, members - {episode.id})
                if why is not None:
                    return why
    return None


def _closest(world: World, left: Sequence[Episode], right: Sequence[Episode]) -> Why | None:
    found = []
    for place, (_, a, b) in enumerate(_pairs(left, right)):
        why = between(world, a, b) or kept_apart(world, a, b)
        if why is not None:
            rank = (not why.counted, places_apart(why), excess(why, a, b), place)
            found.append((rank, barred(world, a, b, why)))
    return min(found, key=lambda row: row[0])[1] if found else None


def _pairs(left: Sequence[Episode], right: Sequence[Episode]) -> list[tuple[int, Episode, Episode]]:
    """Each with the few of the other side that began nearest to it; the nearest pairs first."""
    starts = [episode.starts_at for episode in right]
    found: list[tuple[int, Episode, Episode]] = []
    for a in left:
        place = bisect_left(starts, a.starts_at)
        beside = right[max(0, place - _BESIDE) : place + _BESIDE]
        found += [(abs(a.starts_at - b.starts_at), a, b) for b in beside if a.incident != b.incident]
    return nsmallest(_PAIRS, found, key=lambda row: (row[0], row[1].id, row[2].id))


def _words(
    why: Why | None, left: Sequence[Episode], right: Sequence[Episode], people: list[Act], *, together: bool
) -> str:
    said = "; ".join(act.said for act in people)
    if together:
        return f"They are one incident: {said}." if said else "They are one incident."
    if said:
        return f"They are apart: {said}."
    if why is not None:
        return f"They are apart: {missed_by(why_json(why))}."
    gap = min((row[0] for row in _pairs(left, right)), default=0)
    return (
        f"They are apart: no rule joins alerts like these, however close. They began {spoken(gap)} apart; one"
        f" is on {_services(left)}, the other on {_services(right)}."
    )


def _services(episodes: Sequence[Episode]) -> str:
    names = sorted({one_line(episode.entity.service, 60) or "no known service" for episode in episodes})
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
