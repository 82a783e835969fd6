"""What is said of an incident that is over while alerts of it still fire, or nobody knows whether they do:
when it comes back."""

from __future__ import annotations

from typing import Any

from core.lifecycle import comes_back_at, left_firing
from core.model.incident import Incident
from core.times import format_rfc3339
from core.world import World


def leftover_json(world: World, incident: Incident) -> dict[str, Any] | None:
    """`alerts` that fire, `at` when it comes back by itself or None, and both as `text`; where all that is
    left is unknown, the number of those. None where all has ended, and where the rules have no reopen
    window."""
    window = world.rules.lifecycle.reopen_window
    ended = incident.resolved_at if incident.status == "resolved" else incident.closed_at
    if incident.status not in ("resolved", "closed") or not window or ended is None:
        return None
    alerts = len(left_firing(world, incident))
    if not alerts:
        return _unknown(world, incident, ended + window)
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


def _unknown(world: World, incident: Incident, told_from: int) -> dict[str, Any] | None:
    alerts = sum(world.state.episodes[name].status == "unknown" for name in incident.members)
    if not alerts:
        return None
    one = alerts == 1
    said = f"Nobody knows whether {'1 alert still fires' if one else f'{alerts:,} alerts still fire'}"
    then = "it comes back" if incident.status == "resolved" else "a new incident opens"
    text = f"{said}, their source is silent: {then} when {'it is' if one else 'they are'} told again"
    closes = world.timers.armed.get(f"close:{incident.id}")
    if one:
        text = text.replace("their source", "its source")
    if told_from > world.state.clock:
        text += f" after {_clock(told_from)}"
    if incident.status == "resolved" and closes is not None:
        text += f"; until then it stays resolved, and closes at {_clock(closes[0])}"
    return {"alerts": alerts, "at": None, "text": text}


def _clock(at: int) -> str:
    """`08:31 UTC on 2026-03-02`."""
    text = format_rfc3339(at)
    return f"{text[11:16]} UTC on {text[:10]}"
