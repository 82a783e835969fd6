"""Ends that overtook their beginnings: a source told that an alert is over before it told that it fires.

Nothing is opened for an end alone. It is kept for a day, and when the beginning comes with the same id, or
with a start that lies before it, the alert is over at once: the order of arrival did not matter.
"""

from __future__ import annotations

from core.journal import Record
from core.model.events import AlertEvent
from core.model.incident import Episode
from core.state import keep_recent
from core.world import Turn


def note_early_end(turn: Turn, record: Record, alert: AlertEvent, fingerprint: str) -> None:
    ends = turn.world.state.early_ends
    key = _key(record.domain, fingerprint, alert.occurrence)
    ended = record.received_at if alert.ends_at is None else alert.ends_at
    ends[key] = max(ended, ends.get(key, ended))
    keep_recent(ends, turn.at)


def end_early(turn: Turn, alert: AlertEvent, episode: Episode) -> None:
    """Call with a new episode, before it is placed."""
    ended = turn.world.state.early_ends.pop(
        _key(episode.entity.domain, episode.fingerprint, episode.occurrence), None
    )
    if ended is None or episode.ends_at is not None:
        return
    if alert.occurrence or (alert.starts_at is not None and ended >= episode.starts_at):
        episode.ends_at = max(ended, episode.starts_at)
        episode.status, episode.lease_until = "resolved", None


def _key(domain: str, fingerprint: str, occurrence: str) -> str:
    return f"{domain}/{fingerprint}#{occurrence}"
