"""The lifecycle of an incident: triggered, acknowledged, mitigated, resolved, closed; and the way back.

People move it by `transition` records (see transitions.py), rules by timers and by what fires. What is not
allowed is refused with what is.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core import paging, response
from core.asking import explain_now, explain_soon
from core.correlation.index import unlink
from core.errors import TransitionRefused
from core.findings import refresh
from core.journal import Draft, json_draft
from core.model.incident import OPEN, Episode, Incident, IncidentStatus
from core.narrative.plain import one_line
from core.recurrence import remember
from core.times import format_rfc3339
from core.world import Turn, World

ALLOWED: dict[IncidentStatus, tuple[IncidentStatus, ...]] = {
    "triggered": ("acknowledged", "mitigated", "resolved"),
    "acknowledged": ("mitigated", "resolved"),
    "mitigated": ("resolved", "acknowledged", "triggered"),
    "resolved": ("closed", "triggered"),
    "closed": (),
}
# Why an incident that was resolved by hand is open again although nothing new was told.
STILL_FIRING = "still_firing"
# The timer for alerts that fire in an incident that is over; `anew` is the engine's own, see renewal.py.
_LEFTOVER = {"resolved": "still", "closed": "anew"}
# Merged is no status: its id leads to another incident then. Nor is split.
Target = Literal[IncidentStatus, "merged", "split"]


class Transition(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a `transition` record. `into` is an incident, of a merge; `alerts` are episode ids or
    fingerprints, of a split."""

    incident: str
    to: Target
    actor: str
    reason: str = ""
    into: str = ""
    alerts: tuple[str, ...] = ()


def transition_draft(transition: Transition, source: str) -> Draft:
    return json_draft("transition", source, {"reason": "", **msgspec.to_builtins(transition)})


def allowed(status: IncidentStatus, alerts: int) -> tuple[Target, ...]:
    """What people may do with an incident of so many alerts."""
    if status == "closed":
        return ()
    apart: tuple[Target, ...] = ("split",) if alerts > 1 else ()
    return (*ALLOWED[status], "merged", *apart)


def check(name: str, status: IncidentStatus, alerts: int, to: str, brought: str = "") -> None:
    """Whether an incident of so many alerts may become `to`; `brought` says when it came to its status, and
    by whom. Raises TransitionRefused, saying what is allowed."""
    possible = allowed(status, alerts)
    if to in possible:
        return
    if to == "split" and possible:
        raise TransitionRefused(f"{name} has one alert", where="transition", mend="There is nothing to split")
    what = f"{name} is {status}{brought}"
    mend = f"Allowed from here: {', '.join(possible)}" if possible else "A closed incident stays closed"
    raise TransitionRefused(f"{what}, so it cannot become {to!r}", where="transition", mend=mend)


def brought_by(incident: Incident) -> str:
    """` since 2026-11-21T08:00:00.000Z by ann`, of its status; "" for one that nobody brought about."""
    names = (incident.status, "effect_back") if incident.status == "acknowledged" else (incident.status,)
    last = next((one for one in reversed(incident.history) if one.what in names), None)
    return f" since {format_rfc3339(last.at)} by {one_line(last.actor, 100)}" if last is not None else ""


def move(turn: Turn, incident: Incident, to: Target, actor: str, words: str) -> None:
    """A person changes the status, as ALLOWED allows; `words` are the person's."""
    match to:
        case "acknowledged":
            _acknowledge(turn, incident, actor, words)
        case "mitigated":
            _mitigate(turn, incident, actor, words)
        case "resolved":
            response.answered(turn, incident)
            _resolve(turn, incident, "person", actor, words)
        case "triggered":
            reopen(turn, incident, "person", actor, words)
        case "closed":
            _close(turn, incident, "person", actor, words)


def watch_for_quiet(turn: Turn, incident: Incident, changed: Episode | None = None) -> None:
    """Call after an alert changed: the clear timer runs while nothing fires, and what fires again ends a
    mitigation. Without `changed` every alert that was heard just now is taken for it."""
    name = f"resolve:{incident.id}"
    if incident.status not in OPEN:
        turn.world.timers.cancel(name)
        _watch_leftover(turn, incident)
    elif incident.firing:
        turn.world.timers.cancel(name)
    elif name not in turn.world.timers.armed:
        turn.arm(name, turn.at + turn.world.rules.lifecycle.clear_after)
    if incident.status == "mitigated":
        _watch_effect(turn, incident, changed)


def on_resolve_timer(turn: Turn, incident: Incident) -> None:
    if not incident.firing and incident.status not in ("resolved", "closed"):
        _resolve(turn, incident, "all_alerts_resolved", "rule", "")


def on_close_timer(turn: Turn, incident: Incident) -> None:
    if incident.status == "resolved":
        # Of alerts whose source is silent nobody knows: they do not keep open what a person resolved.
        untold = f"resolved_untold:{incident.firing}" if incident.firing else ""
        _close(turn, incident, untold or "resolved_long_enough", "rule", "")


def on_still_timer(turn: Turn, incident: Incident) -> None:
    """It was resolved while alerts fired, and the reopen window is over: those that still fire bring it back.
    Of one whose source is silent nobody knows; when it is told again it is looked at again."""
    due = comes_back_at(turn.world, incident)
    if incident.status != "resolved" or due is None:
        return
    if due > turn.at:
        turn.arm(f"still:{incident.id}", due)
    else:
        reopen(turn, incident, STILL_FIRING)


def comes_back_at(world: World, incident: Incident) -> int | None:
    """When an incident that was resolved comes back, in ms UTC, if its sources go on to say that an alert of
    it fires; None when it does not."""
    window, ended = world.rules.lifecycle.reopen_window, incident.resolved_at
    if incident.status != "resolved" or not incident.firing or not window or ended is None:
        return None
    told = (_says_so(world, episode, ended) for episode in left_firing(world, incident))
    return ended + window if any(told) else None


def left_firing(world: World, incident: Incident) -> list[Episode]:
    """The alerts that fire. One that began anew since has ended, whether that was told or not; of one whose
    source is silent nobody knows."""
    found = [one for one in map(world.state.episodes.__getitem__, incident.members) if one.status == "firing"]
    return [one for one in found if world.index.firings(incident.domain, one.fingerprint)[-1][1] == one.id]


def _says_so(world: World, episode: Episode, since: int) -> bool:
    """Whether its source says that it fires: by a lease, by a telling since then, or since it is heard, tells
    again what fires, and would have told the end. Who tells a thing once says nothing of how it is now; what
    we tell ourselves we know."""
    if episode.lease_until is not None or episode.last_heard > since or episode.index < 0:
        return True
    life, name = world.state.sources.get(episode.source), episode.source.partition("/")[2]
    return life is not None and life.silent_since is None and name in world.rules.silent_source.resends


def reopen(turn: Turn, incident: Incident, reason: str, actor: str = "rule", words: str = "") -> None:
    incident.status, incident.resolved_at = "triggered", None
    incident.acknowledged_at, incident.acknowledged_by = None, ""
    incident.mitigated_at, incident.mitigated_by = None, ""
    for timer in ("close", "resolve", *_LEFTOVER.values()):
        turn.world.timers.cancel(f"{timer}:{incident.id}")
    turn.decide("reopen", incident.id, reason)
    turn.note(incident, "reopened", reason, actor=actor, detail=words)
    paging.announce_reopening(turn, incident, reason if reason == STILL_FIRING else "")
    incident.explained = None
    explain_soon(turn, incident)


def _acknowledge(turn: Turn, incident: Incident, actor: str, words: str) -> None:
    """Of a mitigated one: the effect is back, and the one who says so is on it."""
    incident.status = "acknowledged"
    incident.acknowledged_by = actor
    incident.acknowledged_at = turn.at
    incident.spread, incident.spread_at = [], None
    incident.mitigated_at, incident.mitigated_by = None, ""
    response.answered(turn, incident)
    turn.decide("acknowledge", incident.id, "person")
    turn.note(incident, "acknowledged", "person", actor=actor, detail=words)


def _mitigate(turn: Turn, incident: Incident, actor: str, words: str) -> None:
    """The effect is gone or bearable; whoever did that is at work on it."""
    incident.status = "mitigated"
    incident.mitigated_at, incident.mitigated_by = turn.at, actor
    incident.calm = incident.firing
    if incident.acknowledged_at is None:
        incident.acknowledged_at, incident.acknowledged_by = turn.at, actor
        incident.spread, incident.spread_at = [], None
        turn.decide("acknowledge", incident.id, "by_mitigating")
    response.answered(turn, incident)
    turn.decide("mitigate", incident.id, "person")
    turn.note(incident, "mitigated", "person", actor=actor, detail=words)


def _watch_effect(turn: Turn, incident: Incident, changed: Episode | None) -> None:
    """One more alert fires than did at the calmest. What began before the mitigation and is only heard of now
    does not count."""
    if incident.firing <= incident.calm:
        incident.calm = incident.firing
        return
    incident.calm = incident.firing
    since = incident.mitigated_at or 0
    episodes = turn.world.state.episodes
    for episode in (changed,) if changed else [episodes[name] for name in incident.members]:
        if episode.status != "firing" or episode.last_heard != turn.at:
            continue
        news = episode.received_at == turn.at
        if episode.starts_at > since or not news:
            _effect_is_back(turn, incident, "new_alert" if news else "alert_fires_again")
            return


def _effect_is_back(turn: Turn, incident: Incident, reason: str) -> None:
    """Somebody has it already: it is theirs again, and people are told. Nobody has said anything: their clock
    runs on."""
    incident.status = "acknowledged"
    incident.mitigated_at, incident.mitigated_by = None, ""
    turn.decide("reopen", incident.id, f"mitigation_over:{reason}")
    turn.note(incident, "effect_back", reason)
    paging.notify(turn, incident, f"effect_back:{reason}")


def _watch_leftover(turn: Turn, incident: Incident) -> None:
    """Of what is over: while an alert fires, look when the reopen window is over."""
    window, timer = turn.world.rules.lifecycle.reopen_window, f"{_LEFTOVER[incident.status]}:{incident.id}"
    if not incident.firing:
        turn.world.timers.cancel(timer)
    elif window and timer not in turn.world.timers.armed:
        ended = incident.resolved_at if incident.status == "resolved" else incident.closed_at
        turn.arm(timer, max(turn.at, (ended or 0) + window))


def _resolve(turn: Turn, incident: Incident, reason: str, actor: str, words: str) -> None:
    incident.status, incident.resolved_at = "resolved", turn.at
    turn.world.timers.cancel(f"resolve:{incident.id}")
    _watch_leftover(turn, incident)
    turn.arm(f"close:{incident.id}", turn.at + turn.world.rules.lifecycle.close_after)
    turn.decide("resolve", incident.id, reason)
    turn.note(incident, "resolved", reason, actor=actor, detail=words)
    remember(turn, incident)
    paging.announce_resolution(turn, incident)
    explain_now(turn, incident, "resolved")


def _close(turn: Turn, incident: Incident, reason: str, actor: str, words: str) -> None:
    turn.decide("close", incident.id, reason)
    turn.note(incident, "closed", reason, actor=actor, detail=words)
    refresh(turn.world, incident)
    incident.status, incident.closed_at = "closed", turn.at
    for episode in turn.world.members(incident):
        unlink(turn.world, episode)
    for timer in ("close", "still"):
        turn.world.timers.cancel(f"{timer}:{incident.id}")
    turn.arm(f"forget:{incident.id}", turn.at + turn.world.rules.lifecycle.reopen_window)


def may_forget(world: World, incident: Incident) -> bool:
    """A closed incident stays in memory while one of its alerts still fires: its resends belong here."""
    return incident.status == "closed" and incident.firing == 0
