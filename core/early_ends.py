"""Ends that overtook their beginnings: a source told that an alert is over before it told that it fires.

An end names one firing, by its start or by the source's id of it, or it names none: then it is the end of
every firing of the alert that began before it, and for each of them the first such end counts. Nothing is
opened for an end alone. Ends are kept for a day, so that a beginning that comes later is over at once: the
order of arrival does not matter.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from core.journal import Record
from core.model.events import AlertEvent
from core.model.incident import Episode
from core.state import keep_recent
from core.times import DAY
from core.world import Turn

_ENDS_KEPT = 64
# Flags of episodes whose start is when we heard of them.
GUESSED = frozenset({"start_missing", "start_clamped"})


def end_of(record: Record, alert: AlertEvent) -> int:
    return record.received_at if alert.ends_at is None else alert.ends_at


def loose_end_of(turn: Turn, record: Record, alert: AlertEvent) -> int:
    """An end that names no firing lies in the past, but for clocks that differ: it must not end what has not
    begun."""
    ended = end_of(record, alert)
    return (
        ended if ended <= record.received_at + turn.world.rules.lifecycle.late_after else record.received_at
    )


def note_named_end(turn: Turn, record: Record, alert: AlertEvent, fingerprint: str) -> None:
    """Of a firing with an id that has not been heard to begin."""
    ends = turn.world.state.named_ends
    key = f"{record.domain}/{fingerprint}#{alert.occurrence}"
    ends[key] = max(end_of(record, alert), ends.get(key, 0))
    keep_recent(ends, turn.at, lambda at: at)


def note_loose_end(turn: Turn, record: Record, alert: AlertEvent, fingerprint: str) -> None:
    """Of every firing that began before it."""
    ends = turn.world.state.loose_ends
    moments = ends.setdefault(f"{record.domain}/{fingerprint}", [])
    ended = loose_end_of(turn, record, alert)
    if ended not in moments:
        insort(moments, ended)
        del moments[:-_ENDS_KEPT]
    keep_recent(ends, turn.at, max)


def end_early(turn: Turn, episode: Episode) -> None:
    """Call with a new episode, before it is placed. Ends of more than a day ago are forgotten."""
    state, alert = turn.world.state, f"{episode.entity.domain}/{episode.fingerprint}"
    ended = state.named_ends.pop(f"{alert}#{episode.occurrence}", None) if episode.occurrence else None
    if ended is not None and ended > turn.at - DAY:
        fold_end(episode, ended, loose=False)
    if not GUESSED.isdisjoint(episode.flags):
        return  # Which came first is not known: what was heard first counts as first.
    moments = state.loose_ends.get(alert, ())
    first = bisect_left(moments, episode.starts_at)
    if first < len(moments) and moments[first] > turn.at - DAY:
        fold_end(episode, moments[first], loose=True)


def fold_end(episode: Episode, ended: int, *, loose: bool) -> None:
    """Of the ends that name this firing the last counts, before any that names none; of those the first."""
    ended, known = max(ended, episode.starts_at), episode.ends_at
    if loose and known is not None and not episode.silent_end:
        episode.ends_at = min(known, ended) if episode.loose_end else known
    else:
        named = known is not None and not episode.loose_end and not episode.silent_end
        episode.ends_at = max(ended, known or 0) if named else ended
        episode.loose_end = loose
    episode.status, episode.lease_until, episode.unknown_since = "resolved", None, None
    episode.silent_end = False
