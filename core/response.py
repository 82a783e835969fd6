"""The response and update clocks: armed here, looked at in escalation.py when they have run out; they may
stand meanwhile, see standing.py.

The response clock runs from the opening, a reopening or a rise in severity until somebody acknowledges; the
update clock from then on, from one update to the next. An update is what a person says or does; its words are
not read.
"""

from __future__ import annotations

from core.model.clocks import Clocks
from core.model.incident import Incident, Severity
from core.standing import TIMERS, arm, cancel, catch_up, drop, due_of, judge, judge_soon
from core.world import Turn, World

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
    catch_up(turn, incident)
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
    drop(turn, incident)
    cancel(turn, incident, "respond", "escalate")
    clocks.responded_at = turn.at if clocks.responded_at is None else clocks.responded_at
    clocks.escalating_since, clocks.steps, clocks.repeat_at = None, 0, None


def updated(turn: Turn, incident: Incident) -> None:
    """A person said or did something about it."""
    clocks, every = incident.clocks, turn.world.rules.response.update.get(incident.severity)
    catch_up(turn, incident)
    clocks.updated_at = turn.at
    if incident.status not in AT_WORK:
        return
    clocks.missed, clocks.steps, clocks.update_by, clocks.repeat_at = 0, 0, None, None
    cancel(turn, incident, "remind")
    if every is not None:
        _next_update(turn, incident, turn.at + every)
        judge(turn, incident)


def stop(turn: Turn, incident: Incident) -> None:
    """Nobody waits any more: it is over, or another incident's now."""
    drop(turn, incident)
    cancel(turn, incident, *TIMERS)
    clocks = incident.clocks
    clocks.update_by = clocks.escalating_since = clocks.repeat_at = None


def join(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    """Two incidents have become one, whose status is known: the earlier of two times holds."""
    mine, theirs = kept.clocks, absorbed.clocks
    for one in (kept, absorbed):
        catch_up(turn, one)
        if one.clocks.stands is not None:
            judge_soon(turn, kept)
    mine.told = mine.told or theirs.told
    if kept.status in AT_WORK:
        if mine.responded_at is None:
            mine.responded_at = theirs.responded_at
            answered(turn, kept)
        _join_updates(turn, kept, absorbed)
    elif kept.status == "triggered" and theirs.respond_by is not None and theirs.responded_at is None:
        if not theirs.overdue and (mine.respond_by is None or theirs.respond_by < mine.respond_by):
            mine.respond_by = theirs.respond_by
            arm(turn, kept, "respond", mine.respond_by)
        mine.overdue = mine.overdue or theirs.overdue
        if mine.stands is not None and theirs.stands is None:
            _take_path(turn, kept, absorbed)
    stop(turn, absorbed)


def carry(turn: Turn, old: Incident, new: Incident) -> None:
    """`new` came out of `old` and is as far as it: its clocks stand where those do."""
    new.clocks = Clocks(**{name: getattr(old.clocks, name) for name in Clocks.__struct_fields__})
    for timer in TIMERS:
        armed = turn.world.timers.armed.get(f"{timer}:{old.id}")
        if armed is not None:
            turn.arm(f"{timer}:{new.id}", armed[0])
    for one in (old, new):
        if one.clocks.stands is not None:
            judge_soon(turn, one)


def rearm(turn: Turn) -> None:
    """Call when rules came into force: clocks that they have now, and did not have, run from here."""
    for incident in turn.world.state.incidents.values():
        catch_up(turn, incident)
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
        arm(turn, incident, "respond", clocks.respond_by)
        incident.version += 1
    first = _first_step(turn, incident)
    if first is None or due_of(turn, incident, "escalate") is not None:
        return
    if not clocks.steps:
        clocks.escalating_since = turn.at
        incident.version += 1
    # Where steps were taken, the timer finds whether there are more.
    arm(turn, incident, "escalate", turn.at if clocks.steps else turn.at + first)


def _take_path(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    """The path of the one that ran; that of the other stood."""
    due = due_of(turn, absorbed, "escalate")
    kept.clocks.escalating_since = absorbed.clocks.escalating_since
    kept.clocks.steps = absorbed.clocks.steps
    kept.clocks.repeat_at = absorbed.clocks.repeat_at
    cancel(turn, kept, "escalate")
    if due is not None:
        arm(turn, kept, "escalate", due)


def _join_updates(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    """By a merge nobody has said anything: the time of the earlier update holds, and what was missed."""
    mine, theirs = kept.clocks, absorbed.clocks
    every = turn.world.rules.response.update.get(kept.severity)
    mine.updated_at = max((at for at in (mine.updated_at, theirs.updated_at) if at is not None), default=None)
    if absorbed.status in AT_WORK:
        mine.missed, mine.steps = max((mine.missed, mine.steps), (theirs.missed, theirs.steps))
        again = [at for at in (mine.repeat_at, theirs.repeat_at) if at is not None]
        mine.repeat_at = min(again, default=None)
    known = [at for at in (mine.update_by, theirs.update_by) if at is not None]
    if every is not None and not mine.missed:
        known.append(turn.at + every)
    mine.update_by = min(known, default=None)
    reminded = [due_of(turn, one, "remind") for one in (kept, absorbed)]
    due = [at for at in reminded if at is not None]
    if mine.update_by is not None and not mine.missed:
        due.append(mine.update_by)
    if due:
        arm(turn, kept, "remind", min(due))


def _run(turn: Turn, incident: Incident) -> None:
    clocks, rules = incident.clocks, turn.world.rules
    catch_up(turn, incident)
    within = rules.response.respond.get(incident.severity)
    if within is not None and not clocks.overdue:
        due = turn.at + within
        if clocks.respond_by is None or due < clocks.respond_by:
            clocks.respond_by = due
            arm(turn, incident, "respond", due)
    clocks.escalating_since, clocks.steps, clocks.repeat_at = turn.at, 0, None
    first = _first_step(turn, incident)
    if first is not None:
        arm(turn, incident, "escalate", turn.at + first)


def _first_step(turn: Turn, incident: Incident) -> int | None:
    """The earliest that any path begins, or that people are told again; which one it is depends on what is
    known of the incident by then."""
    config, severity = turn.world.config, incident.severity
    steps = config.rules.escalation.steps.get(severity, ())
    found = (config.routes.first_step, steps[0].after if steps else None, repeats(turn.world, severity))
    return min((after for after in found if after is not None), default=None)


def repeats(world: World, severity: Severity) -> int | None:
    """How often people are told again once all steps are behind it, in ms; None for never."""
    return world.rules.escalation.repeat.get(severity) or None


def _next_update(turn: Turn, incident: Incident, due: int) -> None:
    incident.clocks.update_by = due
    arm(turn, incident, "remind", due)
