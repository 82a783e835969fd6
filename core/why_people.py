"""What people did to two incidents: who merged them or parted them, when, and with which words.

Read from the histories, which go along when incidents are merged; a person's words are from the comment that
a merge or a split leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import msgspec

from core.barriers import apart
from core.correlation.regroup import components
from core.model.incident import Incident, Moment
from core.narrative.plain import one_line
from core.times import format_rfc3339
from core.world import World

_NAME, _TEXT, _SHOWN = 80, 200, 3
_DID = {
    "merged": "merged {1} into it",
    "split": "split {1} off from {0}",
    "split_off": "split {0} off from {1}",
}


class Act(NamedTuple):
    """`incident` is whose history tells of it, `other` what was merged into it, or split off, or what it was
    split off from; `words` the person's reason."""

    what: str
    at: int
    actor: str
    incident: str
    other: str
    words: str

    @property
    def said(self) -> str:
        """A clause, such as `ana merged INC-A into it at 08:01 UTC on 2026-03-02 ("same fault")`."""
        at, did = format_rfc3339(self.at), _DID[self.what].format(self.incident, one_line(self.other, _NAME))
        because = f' ("{one_line(self.words, _TEXT)}")' if self.words else ""
        return f"{one_line(self.actor, _NAME)} {did} at {at[11:16]} UTC on {at[:10]}{because}"


def merged_by(world: World, one: str, other: str) -> list[Act]:
    """The merges by which two ids came to be one incident, where a person made any of them."""
    chains = [list(_chain(world, name)) for name in (one, other)]
    incident = world.state.incidents[chains[0][-1]]
    between = set(chains[0]) ^ set(chains[1])
    return [act for act in _acts(incident, "merged") if act.other in between]


def tied_by(world: World, incident: Incident, left: Collection[str], right: Collection[str]) -> list[Act]:
    """The last merges that people made in an incident, where nothing but these holds `left` and `right`
    (episode ids) together."""
    if not incident.ties:
        return []
    linked = msgspec.structs.replace(incident, ties=[])
    for part in components(world, linked):
        if not set(left).isdisjoint(part) and not set(right).isdisjoint(part):
            return []
    return _acts(incident, "merged")[-_SHOWN:]


def parted_by(world: World, a: Incident, b: Incident) -> Act | None:
    """The last split by which a person has parted two incidents; None where they are not parted, or nobody
    knows any more who did."""
    if not apart(world, a, b):
        return None
    acts = [(own, act) for own in (a, b) for act in _acts(own, "split", "split_off")]
    # The words are with the one of the two that the person named.
    acts.sort(key=lambda row: (row[1].at, bool(row[1].words)))
    # Of what was split again, or merged since, the histories name others.
    named = [act for own, act in acts if world.resolve_id(act.other) == (b if own is a else a).id]
    return next(reversed(named or [act for _, act in acts]), None)


def act_json(act: Act) -> dict[str, Any]:
    """`reason` is in the person's words."""
    return {
        "what": "merged" if act.what == "merged" else "split",
        "at": format_rfc3339(act.at),
        "actor": act.actor,
        "incident": act.incident,
        "other": act.other,
        "reason": act.words,
    }


def _acts(incident: Incident, *what: str) -> list[Act]:
    return [
        Act(moment.what, moment.at, moment.actor, incident.id, moment.detail, _words(incident, moment))
        for moment in incident.history
        if moment.what in what and moment.reason == "person"
    ]


def _words(incident: Incident, moment: Moment) -> str:
    said = (one.text for one in incident.remarks if (one.at, one.author) == (moment.at, moment.actor))
    return next(said, "")


def _chain(world: World, name: str) -> Iterator[str]:
    """The id and those that it went by since."""
    yield name
    while name in world.state.redirects:
        name = world.state.redirects[name]
        yield name
