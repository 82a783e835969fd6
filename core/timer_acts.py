"""What is done when a timer is due: one table, by the timer's name. `forget` and `anew` are the engine's own.

Timers of an incident, and of an episode, do nothing when it has left memory; the others look for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.asking import on_explain_timer
from core.changes import forget_change
from core.correlation.weighing import on_weigh_timer
from core.escalation import on_escalate_timer, on_remind_timer, on_respond_timer
from core.identify import Identify
from core.lifecycle import on_close_timer, on_resolve_timer, on_still_timer
from core.model.incident import Incident
from core.paging import on_notify_timer, on_update_timer
from core.risk.assessments import on_assessment_timer
from core.settling import on_settle_timer
from core.silence_end import on_lease_timer
from core.silent_source import on_silent_timer
from core.slo import on_slo_timer
from core.spread import on_spread_timer
from core.standing import judge
from core.storm import on_storm_timer
from core.suppression.returning import on_held_timer
from core.suppression.silencing import on_silence_timer
from core.watchdog import on_watchdog_timer
from core.world import Turn

# Of a turn at the time it is due, and what the timer is about.
Act = Callable[[Turn, str], None]
IncidentAct = Callable[[Turn, Incident], None]

_OF_INCIDENT: dict[str, IncidentAct] = {
    "notify": on_notify_timer,
    "update": on_update_timer,
    "held": on_held_timer,
    "spread": on_spread_timer,
    "resolve": on_resolve_timer,
    "close": on_close_timer,
    "still": on_still_timer,
    "respond": on_respond_timer,
    "escalate": on_escalate_timer,
    "remind": on_remind_timer,
    "stand": judge,
    "explain": on_explain_timer,
    "weigh": on_weigh_timer,
}


def timer_acts(identify: Callable[[], Identify], own: Mapping[str, IncidentAct]) -> dict[str, Act]:
    """By name. `identify` is by the rules in force when it is asked; `own` are of incidents too."""
    return {
        **{name: _of_incident(act) for name, act in {**_OF_INCIDENT, **own}.items()},
        "lease": _lease,
        "settle": lambda turn, _: on_settle_timer(turn),
        "storm": lambda turn, _: on_storm_timer(turn),
        "silence": on_silence_timer,
        "silent": lambda turn, key: on_silent_timer(turn, key, identify()),
        "watchdog": lambda turn, key: on_watchdog_timer(turn, key, identify()),
        "slo": lambda turn, key: on_slo_timer(turn, key, identify()),
        "change": forget_change,
        "assessment": on_assessment_timer,
    }


def _of_incident(act: IncidentAct) -> Act:
    def due(turn: Turn, subject: str) -> None:
        incident = turn.world.state.incidents.get(subject)
        if incident is not None:
            act(turn, incident)

    return due


def _lease(turn: Turn, subject: str) -> None:
    episode = turn.world.state.episodes.get(subject)
    if episode is not None:
        on_lease_timer(turn, episode)
