"""What happens when the response or the update clock has run out: reminders, and the steps of the escalation;
and when those are over, the same again.

A route's own steps go before those of the rule. A step is a page to its receiver; one whose receiver no route
knows is recorded as not possible, once. While all is quiet steps wait: it may be over. What is held back does
not stop them once somebody was told, see standing.py.
"""

from __future__ import annotations

from typing import Any

from core.model.incident import OPEN, Incident
from core.paging import about, notify
from core.response import AT_WORK, repeats
from core.rules.responding import Step, Steps
from core.standing import arm, stands_instead
from core.times import format_rfc3339, optional_rfc3339
from core.world import Turn, World


def on_respond_timer(turn: Turn, incident: Incident) -> None:
    """Nobody has responded in time. Whoever was paged first hears it, unless a step was taken just now."""
    if incident.status != "triggered" or stands_instead(turn, incident, "respond"):
        return
    incident.clocks.overdue = True
    turn.note(incident, "response_overdue", "not_acknowledged_in_time", detail=incident.severity)
    if not _calm(turn, incident):
        notify(turn, incident, f"response_overdue:{incident.severity}", gated=False)


def on_escalate_timer(turn: Turn, incident: Incident) -> None:
    """Take the step that is due; once all are behind it, tell people again."""
    clocks = incident.clocks
    if incident.status != "triggered" or clocks.escalating_since is None:
        return
    steps, every = path(turn.world, incident, turn.at), repeats(turn.world, incident.severity)
    if clocks.steps >= len(steps) and every is None:
        return
    if _waits(turn, incident, "escalate") or stands_instead(turn, incident, "escalate"):
        return
    if clocks.steps < len(steps):
        _step(turn, incident, steps)
    else:
        again = _again_at(turn.world, incident, steps)
        if again is not None and again <= turn.at:
            _tell_again(turn, incident, steps)
    if clocks.steps >= len(steps) and clocks.steps and clocks.repeat_at is None:
        clocks.repeat_at = turn.at + every if every is not None else None
    due = _due(turn.world, incident, steps)
    if due is not None:
        turn.arm(f"escalate:{incident.id}", max(due, turn.at))


def on_remind_timer(turn: Turn, incident: Incident) -> None:
    """Who has it is reminded; each time after that without an update, the next on the path is told, and when
    there is none, who has it again."""
    clocks, every = incident.clocks, turn.world.rules.response.update.get(incident.severity)
    if incident.status not in AT_WORK or every is None or _waits(turn, incident, "remind"):
        return
    if stands_instead(turn, incident, "remind"):
        return
    clocks.missed += 1
    steps, clocks.repeat_at = path(turn.world, incident, turn.at), None
    if clocks.missed == 1:
        turn.note(incident, "update_overdue", "no_update_in_time", detail=incident.severity)
        notify(turn, incident, "update_due", gated=False)
    else:
        _pass_over(turn, incident, steps)
        if clocks.steps < len(steps):
            _take(turn, incident, steps[clocks.steps])
        else:
            notify(turn, incident, "update_due", gated=False)
    if clocks.steps < len(steps):
        arm(turn, incident, "remind", turn.at + every)
    elif rest := repeats(turn.world, incident.severity):
        clocks.repeat_at = turn.at + max(every, rest)
        arm(turn, incident, "remind", clocks.repeat_at)


def path(world: World, incident: Incident, at: int) -> Steps:
    """The steps for an incident of this severity and place, in order; `at` in ms UTC."""
    routes = world.config.routes
    if not any(route.escalation for route in routes.routes):
        return world.rules.escalation.steps.get(incident.severity, ())
    own = routes.escalation_of(about(world, incident), at)
    return own or world.rules.escalation.steps.get(incident.severity, ())


def clocks_json(world: World, incident: Incident) -> dict[str, Any]:
    """Times are RFC 3339 or None. `met`: whether somebody responded in time, None while that is open. While
    they stand, `stands` says since when and why, and what has not run out has no time."""
    clocks, stands = incident.clocks, incident.clocks.stands
    met = False if clocks.overdue else None
    if clocks.responded_at is not None and clocks.respond_by is not None:
        met = clocks.responded_at <= clocks.respond_by
    step = _next_step(world, incident)
    return {
        "respond_by": optional_rfc3339(None if stands and not clocks.overdue else clocks.respond_by),
        "responded_at": optional_rfc3339(clocks.responded_at),
        "met": met,
        "next_update_by": optional_rfc3339(None if stands and not clocks.missed else clocks.update_by),
        "updated_at": optional_rfc3339(clocks.updated_at),
        "update_overdue": clocks.missed > 0,
        "escalates_at": optional_rfc3339(step[0]) if step else None,
        "escalates_to": step[1] if step else None,
        "repeats_at": optional_rfc3339(_told_again(world, incident)),
        "stands": {"since": format_rfc3339(stands.since), "why": stands.why} if stands else None,
    }


def _next_step(world: World, incident: Incident) -> tuple[int, str] | None:
    clocks, known = incident.clocks, world.config.routes.known
    if incident.status != "triggered" or clocks.escalating_since is None or not known or clocks.stands:
        return None
    for step in path(world, incident, clocks.escalating_since)[clocks.steps :]:
        if step.receiver in known:
            return clocks.escalating_since + step.after, step.receiver
    return None


def _told_again(world: World, incident: Incident) -> int | None:
    """When people are told again, once all steps are behind it."""
    clocks = incident.clocks
    if clocks.stands is not None or incident.status not in OPEN:
        return None
    if clocks.repeat_at is not None or incident.status in AT_WORK or clocks.escalating_since is None:
        return clocks.repeat_at
    return _again_at(world, incident, path(world, incident, clocks.escalating_since))


def _again_at(world: World, incident: Incident, steps: Steps) -> int | None:
    """The same of one that nobody has; None while there are steps to be taken."""
    clocks, every = incident.clocks, repeats(world, incident.severity)
    if every is None or clocks.steps < len(steps) or clocks.escalating_since is None:
        return None
    if clocks.repeat_at is None and not clocks.steps:
        return clocks.escalating_since + every
    return clocks.repeat_at


def _due(world: World, incident: Incident, steps: Steps) -> int | None:
    clocks = incident.clocks
    if clocks.steps < len(steps):
        return (clocks.escalating_since or 0) + steps[clocks.steps].after
    return _again_at(world, incident, steps)


def _tell_again(turn: Turn, incident: Incident, steps: Steps) -> None:
    """Those whom the routes name, and the last of the path."""
    known = [step.receiver for step in steps if step.receiver in turn.world.config.routes.known]
    notify(turn, incident, f"unanswered:{incident.severity}", also=known[-1:], gated=False)
    incident.clocks.repeat_at = turn.at + (repeats(turn.world, incident.severity) or 0)


def _step(turn: Turn, incident: Incident, steps: Steps) -> None:
    """Take the next one, if it is due."""
    due = (incident.clocks.escalating_since or 0) + steps[incident.clocks.steps].after
    if due <= turn.at and not _pass_over(turn, incident, steps):
        _take(turn, incident, steps[incident.clocks.steps])


def _take(turn: Turn, incident: Incident, step: Step) -> None:
    incident.clocks.steps += 1
    reason = f"escalated:{incident.clocks.steps}:{step.receiver}"
    notify(turn, incident, reason, to=[step.receiver], gated=False)


def _pass_over(turn: Turn, incident: Incident, steps: Steps) -> bool:
    """Whether the next step is none that can be taken; it and those like it right after it are behind us."""
    clocks, known = incident.clocks, turn.world.config.routes.known
    missing: list[str] = []
    while clocks.steps < len(steps) and steps[clocks.steps].receiver not in known:
        missing.append(steps[clocks.steps].receiver)
        clocks.steps += 1
    if missing:
        turn.note(incident, "not_escalated", "no_receiver", detail=", ".join(missing))
    return bool(missing)


def _waits(turn: Turn, incident: Incident, timer: str) -> bool:
    if not _calm(turn, incident):
        return False
    turn.arm(f"{timer}:{incident.id}", turn.at + max(1, turn.world.rules.lifecycle.clear_after))
    return True


def _calm(turn: Turn, incident: Incident) -> bool:
    """Nothing fires, and it resolves by itself soon. What a person reopened does not."""
    return not incident.firing and f"resolve:{incident.id}" in turn.world.timers.armed
