"""What is said of an incident that is over while alerts of it still fire: when it comes back."""

from __future__ import annotations

from typing import Any

from core.lifecycle import comes_back_at, left_firing
from core.model.incident import Incident
from core.times import format_rfc3339
from core.world import World


def leftover_json(world: World, incident: Incident) -> dict[str, Any] | None:
    """`alerts` that fire, `at` when it comes back by itself or None, and both as `text`. None where nothing
    fires, and where the rules have no reopen window."""
    window = world.rules.lifecycle.reopen_window
    ended = incident.resolved_at if incident.status == "resolved" else incident.closed_at
    if incident.status not in ("resolved", "closed") or not window or ended is None:
        return None
    alerts = len(left_firing(world, incident))
    if not alerts:
        return None
    at = comes_back_at(world, incident)
    returns = format_rfc3339(at) if at is not None else None
    return {"alerts": alerts, "at": returns, "text": _text(incident, alerts, at, ended + window)}


def _text(incident: Incident, alerts: int, at: int | None, told_from: int) -> str:
    one = alerts == 1
    firing = "1 alert still fires" if one else f"{alerts:,} alerts still fire"
    if at is not None:
        return f"{firing}: it comes back at {_clock(at)} if {'it still does' if one else 'they still do'}"
    then = "it comes back" if incident.status == "resolved" else "a new incident opens"
    return f"{firing}: {then} when {'it is' if one else 'they are'} told again after {_clock(told_from)}"


def _clock(at: int) -> str:
    """`08:31 UTC on 2026-03-02`."""
    text = format_rfc3339(at)
    return f"{text[11:16]} UTC on {text[:10]}"
