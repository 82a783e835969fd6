"""The timers of an incident, by name, and what is done when one is due. `forget` and `anew` are the engine's
own."""

from __future__ import annotations

from collections.abc import Callable

from core.escalation import on_escalate_timer, on_remind_timer, on_respond_timer
from core.explaining import on_explain_timer
from core.lifecycle import on_close_timer, on_resolve_timer, on_still_timer
from core.model.incident import Incident
from core.paging import on_notify_timer, on_update_timer
from core.standing import judge
from core.suppression.returning import on_held_timer
from core.world import Turn

INCIDENT_TIMERS: dict[str, Callable[[Turn, Incident], None]] = {
    "notify": on_notify_timer,
    "update": on_update_timer,
    "held": on_held_timer,
    "resolve": on_resolve_timer,
    "close": on_close_timer,
    "still": on_still_timer,
    "respond": on_respond_timer,
    "escalate": on_escalate_timer,
    "remind": on_remind_timer,
    "stand": judge,
    "explain": on_explain_timer,
}
