"""The response and update clocks: armed here, looked at in escalation.py when they have run out.

The response clock runs from the opening, a reopening or a rise in severity until somebody acknowledges; the
update clock from then on, from one update to the next. An update is what a person says or does; its words are
not read.
"""

from __future__ import annotations

from core.model.clocks import Clocks
from core.model.incident import Incident
from core.world import Turn

TIMERS = ("respond", "escalate", "remind")
AT_WORK = frozenset({"acknowledged", "mitigated"})


def start(turn: Turn, incident: Incident) -> None:
    """Somebody must respond. Call when the incident has opened; its severity is known."""
    _run(turn, incident)


def start_anew(turn: Turn, incident: Incident) -> None:
    """The same of one that reopens."""
    stop(turn, incident)
    incident.clocks = Clocks()
    _run(turn, incident)


def hasten(turn: Turn, incident: Incident) -> None:
    """Severity rose: less time is left, and the escalation path begins anew. More time is never given."""
    if incident.status == "triggered":
        _run(turn, incident)
    elif incident.status in AT_WORK:
        every = turn.world.rules.response.update.get(incident.severity)
        known = incident.clocks.update_by
        if every is not None and (known is None or turn.at + every < known):
            _next_update(turn, incident, turn.at + every)


def answered(turn: Turn, incident: Incident) -> None:
    """A person has it now."""
    clocks = incident.clocks
    _cancel(turn, incident, "respond", "escalate")
    clocks.responded_at = turn.at if clocks.responded_at is None else clocks.responded_at
    clocks.escalating_since, clocks.steps = None, 0


def updated(turn: Turn, incident: Incident) -> None:
    """A person said or did something about it."""
    clocks, every = incident.clocks, turn.world.rules.response.update.get(incident.severity)
    clocks.updated_at = turn.at
    if incident.status not in AT_WORK:
        return
    clocks.missed, clocks.steps, clocks.update_by = 0, 0, None
    _cancel(turn, incident, "remind")
    if every is not None:
        _next_update(turn, incident, turn.at + every)


def stop(turn: Turn, incident: Incident) -> None:
    """Nobody waits any more: it is over, or another incident's now."""
    _cancel(turn, incident, *TIMERS)
    incident.clocks.update_by = incident.clocks.escalating_since = None


def join(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    """Two incidents have become one, whose status is known: the earlier of two times holds."""
    mine, theirs = kept.clocks, absorbed.clocks
    if kept.status in AT_WORK:
        if mine.responded_at is None:
            mine.responded_at = theirs.responded_at
            answered(turn, kept)
        _join_updates(turn, kept, absorbed)
    elif kept.status == "triggered" and theirs.respond_by is not None and theirs.responded_at is None:
        if not theirs.overdue and (mine.respond_by is None or theirs.respond_by < mine.respond_by):
            mine.respond_by = theirs.respond_by
            turn.arm(f"respond:{kept.id}", mine.respond_by)
        mine.overdue = mine.overdue or theirs.overdue
    stop(turn, absorbed)


def carry(turn: Turn, old: Incident, new: Incident) -> None:
    """`new` came out of `old` and is as far as it: its clocks stand where those do."""
    new.clocks = Clocks(**{name: getattr(old.clocks, name) for name in Clocks.__struct_fields__})
    for timer in TIMERS:
        armed = turn.world.timers.armed.get(f"{timer}:{old.id}")
        if armed is not None:
            turn.arm(f"{timer}:{new.id}", armed[0])


def rearm(turn: Turn) -> None:
    """Call when rules came into force: clocks that they have now, and did not have, run from here."""
    for incident in turn.world.state.incidents.values():
        if incident.status == "triggered":
            _rearm_response(turn, incident)
        elif incident.status in AT_WORK and incident.clocks.update_by is None:
            every = turn.world.rules.response.update.get(incident.severity)
            if every is not None:
                _next_update(turn, incident, turn.at + every)
                incident.version += 1


def _rearm_response(turn: Turn, incident: Incident) -> None:
    clocks = incident.clocks
    within = turn.world.rules.response.respond.get(incident.severity)
    if within is not None and clocks.respond_by is None:
        clocks.respond_by = turn.at + within
        turn.arm(f"respond:{incident.id}", clocks.respond_by)
        incident.version += 1
    first = _first_step(turn, incident)
    if first is None or f"escalate:{incident.id}" in turn.world.timers.armed:
        return
    if not clocks.steps:
        clocks.escalating_since = turn.at
        incident.version += 1
    # Where steps were taken, the timer finds whether there are more.
    turn.arm(f"escalate:{incident.id}", turn.at if clocks.steps else turn.at + first)


def _join_updates(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    """By a merge nobody has said anything: the time of the earlier update holds, and what was missed."""
    mine, theirs = kept.clocks, absorbed.clocks
    armed, every = turn.world.timers.armed, turn.world.rules.response.update.get(kept.severity)
    mine.updated_at = max((at for at in (mine.updated_at, theirs.updated_at) if at is not None), default=None)
    if absorbed.status in AT_WORK:
        mine.missed, mine.steps = max((mine.missed, mine.steps), (theirs.missed, theirs.steps))
    known = [at for at in (mine.update_by, theirs.update_by) if at is not None]
    if every is not None and not mine.missed:
        known.append(turn.at + every)
    mine.update_by = min(known, default=None)
    names = [f"remind:{one.id}" for one in (kept, absorbed)]
    due = [armed[name][0] for name in names if name in armed]
    if mine.update_by is not None and not mine.missed:
        due.append(mine.update_by)
    if due:
        turn.arm(names[0], min(due))


def _run(turn: Turn, incident: Incident) -> None:
    clocks, rules = incident.clocks, turn.world.rules
    within = rules.response.respond.get(incident.severity)
    if within is not None and not clocks.overdue:
        due = turn.at + within
        if clocks.respond_by is None or due < clocks.respond_by:
            clocks.respond_by = due
            turn.arm(f"respond:{incident.id}", due)
    clocks.escalating_since, clocks.steps = turn.at, 0
    first = _first_step(turn, incident)
    if first is not None:
        turn.arm(f"escalate:{incident.id}", turn.at + first)


def _first_step(turn: Turn, incident: Incident) -> int | None:
    """The earliest that any path begins; which one it is depends on what is known of the incident by then."""
    config = turn.world.config
    steps = config.rules.escalation.steps.get(incident.severity, ())
    own, first = config.routes.first_step, steps[0].after if steps else None
    return first if own is None else own if first is None else min(own, first)


def _next_update(turn: Turn, incident: Incident, due: int) -> None:
    incident.clocks.update_by = due
    turn.arm(f"remind:{incident.id}", due)


def _cancel(turn: Turn, incident: Incident, *timers: str) -> None:
    for timer in timers:
        turn.world.timers.cancel(f"{timer}:{incident.id}")
