"""Alerts that end by silence: API v2 says "firing until"; what is not said again by then may have ended.

Silence only means an end while its source is alive, that is, heard without a long gap ever since the alert
was last heard. Otherwise (we restarted, or the source is down) the alert is `unknown`, not resolved, and the
question is asked again once the source has been heard for as long as a lease. Where a source never tells of
an end, its parser gives a firm lease: then quiet is the end.
"""

from __future__ import annotations

from core.journal import Record
from core.lifecycle import watch_for_quiet
from core.model.incident import Episode, SourceLife
from core.world import Turn


def hear(turn: Turn, record: Record) -> str:
    """Note that a source is alive; its key. When it returns, its unknown alerts are asked about."""
    key = f"{record.domain}/{record.source}"
    life = turn.world.state.sources.get(key)
    now = record.received_at
    if life is None:
        turn.world.state.sources[key] = SourceLife(now, now, 1)
        return key
    silent = now - life.last_heard > turn.world.rules.lifecycle.alive_gap
    life.last_heard = now
    life.records += 1
    if silent:
        life.heard_since = now
        for episode_id in sorted(turn.world.index.unknown.get(key, ())):
            episode = turn.world.state.episodes[episode_id]
            turn.arm(f"lease:{episode_id}", now + _lease_length(turn, episode))
    return key


def watch_lease(turn: Turn, episode: Episode) -> None:
    """One timer per episode; it looks again where the lease was extended meanwhile."""
    if episode.lease_until is not None and episode.status == "firing":
        turn.world.timers.arm_if_idle(f"lease:{episode.id}", episode.lease_until, turn.seq)


def on_lease_timer(turn: Turn, episode: Episode) -> None:
    if episode.status == "resolved" or episode.lease_until is None:
        return
    if episode.status == "firing" and episode.lease_until > turn.at:
        turn.arm(f"lease:{episode.id}", episode.lease_until)
        return
    life = turn.world.state.sources[episode.source]
    incident = turn.world.incident_of(episode)
    if episode.firm_lease or _alive(turn, life, episode):
        episode.status, episode.unknown_since = "resolved", None
        episode.ends_at, episode.silent_end = episode.lease_until, True
        incident.firing -= 1
        turn.world.index.unknown.get(episode.source, set()).discard(episode.id)
        watch_for_quiet(turn, incident)
    else:
        episode.status = "unknown"
        episode.unknown_since = episode.unknown_since or episode.lease_until
        turn.world.index.unknown.setdefault(episode.source, set()).add(episode.id)
        if turn.at - life.last_heard <= turn.world.rules.lifecycle.alive_gap:
            turn.arm(f"lease:{episode.id}", life.heard_since + _lease_length(turn, episode))
    turn.touch(incident)


def _alive(turn: Turn, life: SourceLife, episode: Episode) -> bool:
    gap = turn.world.rules.lifecycle.alive_gap
    if turn.at - life.last_heard > gap:
        return False
    if life.heard_since <= episode.last_heard:
        return True
    return turn.at - life.heard_since >= _lease_length(turn, episode)


def _lease_length(turn: Turn, episode: Episode) -> int:
    lease = (episode.lease_until or 0) - episode.last_heard
    return max(lease, turn.world.rules.lifecycle.alive_gap)
