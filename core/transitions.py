"""Transitions: what people do with an incident, as records. Status, merge and split; see lifecycle.py.

They are checked at the door and again when they are applied: of two people who act at once, the first wins.
"""

from __future__ import annotations

from core import barriers, response
from core.errors import InputError, NotFound, TransitionRefused
from core.lifecycle import Transition, brought_by, check, move
from core.merging import merge
from core.model.incident import Incident, Remark
from core.narrative.plain import one_line
from core.paging import announce_answer
from core.splitting import split
from core.times import format_rfc3339
from core.world import Turn, World


def check_transition(world: World, incident: Incident, wanted: Transition) -> None:
    """Raises TransitionRefused, saying what is allowed; NotFound and InputError for what is not there."""
    alerts = len(incident.members)
    check(incident.id, incident.status, alerts, wanted.to, brought_by(incident))
    if wanted.to == "merged":
        _check_merge(world, incident, wanted)
    elif wanted.to == "split":
        leaving(world, incident, wanted.alerts)


def apply_transition(turn: Turn, wanted: Transition) -> None:
    incident = turn.world.state.incidents.get(turn.world.resolve_id(wanted.incident))
    if incident is None:
        what = f"{one_line(wanted.incident, 60)} has left memory"
        turn.refused = TransitionRefused(what, where="transition", mend="It stays as it is")
        return
    try:
        check_transition(turn.world, incident, wanted)
    except (TransitionRefused, NotFound, InputError) as error:
        # What was refused at the door cannot come here: somebody else, or a rule, was quicker.
        turn.refused = error
        return
    match wanted.to:
        case "merged":
            incident = _merge(turn, incident, wanted)
        case "split":
            _split(turn, incident, wanted)
        case _:
            move(turn, incident, wanted.to, wanted.actor, wanted.reason)
    response.updated(turn, incident)
    announce_answer(turn, incident)


def leaving(world: World, incident: Incident, alerts: tuple[str, ...]) -> list[str]:
    """The episodes that `alerts` (ids or fingerprints) name. Raises InputError when none or all would go."""
    members = [world.state.episodes[name] for name in incident.members]
    for name in alerts:
        if not any(name in (episode.id, episode.fingerprint) for episode in members):
            raise InputError(
                f"{incident.id} has no alert {one_line(name, 80)!r}",
                where="alerts",
                mend="Give episodes or fingerprints of its alerts",
            )
    found = [one.id for one in members if one.id in alerts or one.fingerprint in alerts]
    if not found:
        raise InputError("no alerts to split off", where="alerts", mend="Name some of the incident's alerts")
    if len(found) == len(members):
        raise InputError(
            f"all alerts of {incident.id}: nothing would stay", where="alerts", mend="Leave out at least one"
        )
    return found


def _check_merge(world: World, incident: Incident, wanted: Transition) -> None:
    into = wanted.into
    if not into:
        mend = "Name the other incident; `watchkeeper incidents` lists them"
        raise InputError("a merge names no other incident", where="into", mend=mend)
    if into == wanted.incident:
        mend = "Name another incident; `watchkeeper incidents` lists them"
        raise InputError(f"{incident.id} cannot be merged with itself", where="into", mend=mend)
    other = world.state.incidents.get(world.resolve_id(into))
    if other is None:
        raise NotFound(
            f"no incident {one_line(into, 60)!r} to merge into, or it was closed long ago",
            where="into",
            mend="`watchkeeper incidents` lists them",
        )
    if other.id == incident.id:
        names = dict.fromkeys((wanted.incident, into, incident.id))
        what = f"{' and '.join(one_line(name, 60) for name in names)} are one incident already"
        raise TransitionRefused(what + _merged_by(incident), where="into", mend="Nothing is left to do")
    if other.status == "closed":
        raise TransitionRefused(f"{other.id} is {other.status}", where="into", mend="Take another")
    if other.domain != incident.domain:
        raise TransitionRefused(
            f"{other.id} is of domain {other.domain!r}, {incident.id} of {incident.domain!r}",
            where="into",
            mend="Domains never mix",
        )


def _merged_by(incident: Incident) -> str:
    last = next((one for one in reversed(incident.history) if one.what == "merged"), None)
    if last is None:
        return ""
    return f": merged at {format_rfc3339(last.at)} by {one_line(last.actor, 100)}"


def _merge(turn: Turn, incident: Incident, wanted: Transition) -> Incident:
    """A must-link. The earlier id stays, whichever way round people name the two."""
    other = turn.world.state.incidents[turn.world.resolve_id(wanted.into)]
    kept, absorbed = sorted((incident, other), key=lambda one: (one.opened_at, one.opened_seq, one.id))
    kept.ties += (barriers.tie(kept, absorbed),)
    merge(turn, kept, absorbed, "person", actor=wanted.actor)
    _say(turn, kept, wanted)
    return kept


def _split(turn: Turn, incident: Incident, wanted: Transition) -> None:
    """A cannot-link."""
    names = leaving(turn.world, incident, wanted.alerts)
    new = split(turn, incident, names, "person", actor=wanted.actor)
    barriers.part(turn.world, incident, new)
    _say(turn, incident, wanted)


def _say(turn: Turn, incident: Incident, wanted: Transition) -> None:
    """The reason that a person gave, at the incident that the record names: there it is found to be erased.
    The history's detail names the other one."""
    if wanted.reason:
        incident.remarks += (Remark(turn.at, wanted.actor, "comment", wanted.reason),)
