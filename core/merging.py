"""Merging: two incidents become one. The one that is kept keeps its id, the other redirects to it.

Links merge by rule, people by a transition. Nothing is lost: alerts, history, pages, comments and what the
agents were asked go along, and what either was parted from stays parted.
"""

from __future__ import annotations

from core import barriers, response, severity
from core.asking import explain_soon, watch_for_news
from core.lifecycle import watch_for_quiet
from core.model.incident import Incident, IncidentStatus
from core.paging import announce_merge, announce_reopening, watch_for_more, watch_for_page
from core.risk.causes import follow_merge
from core.spread import known_by_merge
from core.storm import uncount_incident
from core.suppression.holding import let_go, unsettle
from core.world import Turn, World

_TIMERS = ("notify", "update", "held", "explain", "resolve", "close", "still", "spread", "weigh")


def merge(turn: Turn, kept: Incident, absorbed: Incident, reason: str, *, actor: str = "rule") -> None:
    """`reason` names the rule's ground, such as `linked`, or is `person`."""
    state = turn.world.state
    known_by_merge(turn, kept, absorbed)
    uncount_incident(turn, absorbed)
    for name in absorbed.members:
        state.episodes[name].incident = kept.id
    _add_up(kept, absorbed)
    follow_merge(turn.world, kept, absorbed)
    severity.merge(kept, absorbed)
    reopened = _merge_status(turn, kept, absorbed)
    let_go(turn.world, absorbed)
    state.redirects[absorbed.id] = kept.id
    del state.incidents[absorbed.id]
    barriers.inherit(turn.world, kept, absorbed)
    weighed = turn.world.timers.armed.get(f"weigh:{absorbed.id}")
    if weighed is not None:
        turn.arm_by(f"weigh:{kept.id}", weighed[0])
    waits = turn.world.timers.armed.get(f"notify:{absorbed.id}")
    for timer in _TIMERS:
        turn.world.timers.cancel(f"{timer}:{absorbed.id}")
    turn.note(kept, "merged", reason, actor=actor, detail=absorbed.id)
    how = reason if actor != "rule" else f"{reason.partition(':')[0]}_with"
    turn.decide("merge", kept.id, f"{how}:{absorbed.id}")
    if reopened:
        _reopen(turn, kept)
    response.join(turn, kept, absorbed)
    severity.update(turn, kept)
    announce_merge(turn, kept, absorbed, untold=waits is not None)
    watch_for_more(turn, kept)
    watch_for_news(turn, kept)
    watch_for_quiet(turn, kept)
    watch_for_page(turn, kept)
    if waits is not None and f"notify:{kept.id}" in turn.world.timers.armed:
        turn.arm_by(f"notify:{kept.id}", waits[0])
    look_soon(turn, kept)


def forget(world: World, incident: Incident) -> None:
    """It has left memory: from here on its last document says what was merged into it."""
    for name in incident.merged_from:
        world.state.redirects.pop(name, None)
    barriers.forget(world, incident.id)


def look_soon(turn: Turn, incident: Incident) -> None:
    """Its alerts are others now: whether its pages are held back is looked at anew, at once."""
    unsettle(incident)
    if incident.held is not None or incident.snooze is not None:
        turn.arm(f"held:{incident.id}", turn.at)


def _add_up(kept: Incident, absorbed: Incident) -> None:
    kept.members.extend(absorbed.members)
    kept.firing += absorbed.firing
    kept.changes = sorted({*kept.changes, *absorbed.changes})
    kept.merged_from = sorted({*kept.merged_from, absorbed.id, *absorbed.merged_from})
    kept.recurrence_of = kept.recurrence_of or absorbed.recurrence_of
    kept.history = sorted([*kept.history, *absorbed.history], key=lambda moment: moment.at)
    kept.deliveries += absorbed.deliveries
    kept.remarks += absorbed.remarks
    kept.asked.extend(absorbed.asked)
    kept.ties += absorbed.ties
    kept.split_into = tuple(dict.fromkeys([*kept.split_into, *absorbed.split_into]))
    if absorbed.split_from != kept.id:
        kept.split_from = kept.split_from or absorbed.split_from


def _merge_status(turn: Turn, kept: Incident, absorbed: Incident) -> bool:
    """Somebody at work on either is at work on both; open wins over resolved, what hurts over mitigated.

    Whether people had been told that `kept` is over, and now it is not.
    """
    before, both = kept.status, {kept.status, absorbed.status}
    kept.status = _status_of(both)
    if kept.status == "resolved":
        kept.resolved_at = max(kept.resolved_at or 0, absorbed.resolved_at or 0)
        return False
    kept.resolved_at = None
    for timer in ("close", "still"):
        turn.world.timers.cancel(f"{timer}:{kept.id}")
    if kept.status == "triggered":
        kept.acknowledged_at, kept.acknowledged_by = None, ""
    else:
        at_work = [one for one in (kept, absorbed) if one.acknowledged_at is not None]
        first = min(at_work, key=lambda one: (one.acknowledged_at or 0, one.opened_at))
        kept.acknowledged_at, kept.acknowledged_by = first.acknowledged_at, first.acknowledged_by
    if kept.status == "mitigated":
        last = max(kept, absorbed, key=lambda one: one.mitigated_at or 0)
        kept.mitigated_at, kept.mitigated_by = last.mitigated_at, last.mitigated_by
        kept.calm = kept.firing
    else:
        kept.mitigated_at, kept.mitigated_by = None, ""
    return before == "resolved"


def _status_of(both: set[IncidentStatus]) -> IncidentStatus:
    if len(both) == 1:
        return next(iter(both))
    open_ones = both - {"resolved"}
    if len(open_ones) == 1:
        return next(iter(open_ones))
    return "acknowledged"


def _reopen(turn: Turn, kept: Incident) -> None:
    """People were told that it is over; what came in is not."""
    turn.decide("reopen", kept.id, "merged_with_open")
    turn.note(kept, "reopened", "merged_with_open")
    announce_reopening(turn, kept)
    kept.explained = None
    explain_soon(turn, kept)
