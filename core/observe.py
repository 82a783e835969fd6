"""Folding what sources say about alerts into episodes, as a set: order and repetition do not matter.

A firing observation counts as of its start, a resolved one as of its end, so a late firing does not undo a
resolve. `ends_at` and the lease are maxima. Annotations decide nothing and stay in the journal. A source's
own id of one firing (its `occurrence`) stands for the start where both are told.
"""

from __future__ import annotations

from sys import intern

from core.asking import watch_for_news
from core.canonical import canonical_texts
from core.correlation.grouping import place
from core.correlation.index import come_back
from core.early_ends import GUESSED, end_early, end_of, fold_end, loose_end_of, note_loose_end, note_named_end
from core.findings.recent_change import attach_to_episode
from core.identify import Identify
from core.journal import Record
from core.lifecycle import reopen, watch_for_quiet
from core.model.events import AlertEvent
from core.model.incident import Episode
from core.paging import watch_for_page
from core.severity import raise_rank
from core.silence_end import watch_lease
from core.spread import watch_for_spread
from core.suppression.holding import relabelled
from core.times import DAY
from core.world import Turn

_FAR = 366 * DAY
# Values of labels, so that alerts share them. Interned they would cost as much again, told once or often.
_TEXTS: dict[str, str] = {}
_REMEMBERED = 65_536


def observe(turn: Turn, record: Record, alert: AlertEvent, identify: Identify) -> None:
    fingerprint = identify.fingerprint_of(alert, record.source)
    if _names_no_firing(turn, record, alert):
        _end_all(turn, record, alert, identify, fingerprint)
        return
    episode = _same_occurrence(turn, record, alert, fingerprint)
    if episode is None:
        starts_at, flags = _start(turn, record, alert, fingerprint)
        if starts_at is None:
            note_named_end(turn, record, alert, fingerprint)
            return
        episode = turn.world.state.episodes.get(f"{record.domain}/{fingerprint}@{starts_at}")
        if episode is None:
            _begin(turn, record, alert, identify, fingerprint, starts_at, flags)
            return
    _again(turn, record, alert, identify, episode)


def _usable(turn: Turn, record: Record, starts_at: int | None) -> bool:
    """Whether a start can be true."""
    now, late_after = record.received_at, turn.world.rules.lifecycle.late_after
    return starts_at is not None and now - _FAR <= starts_at <= now + late_after


def _names_no_firing(turn: Turn, record: Record, alert: AlertEvent) -> bool:
    if alert.status == "firing" or alert.occurrence:
        return False
    return not _usable(turn, record, alert.starts_at)


def _end_all(turn: Turn, record: Record, alert: AlertEvent, identify: Identify, fingerprint: str) -> None:
    note_loose_end(turn, record, alert, fingerprint)
    ended = loose_end_of(turn, record, alert)
    timeline = turn.world.index.firings(record.domain, fingerprint)
    for _, name in list(timeline):
        episode = turn.world.state.episodes[name]
        over = episode.ends_at is not None and not episode.loose_end and not episode.silent_end
        # A start that the source did not give is when we heard of it, by our clock and not by its own.
        guessed = episode.status != "resolved" and bool(GUESSED & set(episode.flags))
        if (guessed or episode.starts_at <= ended) and not over:
            _again(turn, record, alert, identify, episode)


def _same_occurrence(turn: Turn, record: Record, alert: AlertEvent, fingerprint: str) -> Episode | None:
    """The episode that the source told of under the same id before."""
    if not alert.occurrence:
        return None
    name = turn.world.index.by_occurrence.get((record.domain, fingerprint, alert.occurrence))
    return turn.world.state.episodes[name] if name else None


def _start(
    turn: Turn, record: Record, alert: AlertEvent, fingerprint: str
) -> tuple[int | None, tuple[str, ...]]:
    """The episode's start. A source that gives none, or an impossible one, goes on with the open episode;
    None for the end of what has not been heard to begin."""
    now, starts_at = record.received_at, alert.starts_at
    if starts_at is not None and _usable(turn, record, starts_at):
        late = now - starts_at > turn.world.rules.lifecycle.late_after
        return starts_at, ("late",) if late else ()
    flag = "start_missing" if starts_at is None else "start_clamped"
    for _, name in reversed(turn.world.index.firings(record.domain, fingerprint)):
        episode = turn.world.state.episodes[name]
        if alert.occurrence and episode.occurrence:
            continue  # Told apart by their ids.
        if episode.status != "resolved" or alert.status == "resolved":
            return episode.starts_at, (flag,)
    return (None if alert.status == "resolved" else now), (flag,)


def _begin(
    turn: Turn,
    record: Record,
    alert: AlertEvent,
    identify: Identify,
    fingerprint: str,
    starts_at: int,
    flags: tuple[str, ...],
) -> None:
    labels, entity = alert.labels, identify.entity(record.domain, alert.labels)
    episode = Episode(
        id=f"{record.domain}/{fingerprint}@{starts_at}",
        fingerprint=fingerprint,
        starts_at=starts_at,
        entity=entity,
        labels=_shared(labels),
        alert_rank=identify.levels.rank(labels, alert.status),
        source=intern(f"{record.domain}/{record.source}"),
        seq=turn.seq,
        index=alert.index,
        received_at=record.received_at,
        last_heard=record.received_at,
        flags=(*flags, *alert.flags),
        occurrence=alert.occurrence,
        fixed=identify.fixed(labels, alert.identity),
    )
    _fold(turn, episode, alert, record)
    end_early(turn, episode)
    turn.world.state.episodes[episode.id] = episode
    turn.world.index.add(episode)
    place(turn, episode)
    attach_to_episode(turn.world, episode)
    _watch(turn, episode)


def _again(turn: Turn, record: Record, alert: AlertEvent, identify: Identify, episode: Episode) -> None:
    episode.heard += 1
    if alert.identity and alert.labels != episode.labels:
        _fold_labels(turn, alert, identify, episode)
    episode.last_heard = record.received_at
    before = (episode.status, episode.ends_at)
    _fold(turn, episode, alert, record)
    if episode.status != before[0]:
        incident = turn.world.incident_of(episode)
        incident.firing += (episode.status != "resolved") - (before[0] != "resolved")
        if before[0] == "resolved" and incident.status in ("resolved", "closed"):
            come_back(turn.world, incident)
            reopen(turn, incident, "alert_fires_again")
        turn.world.index.unknown.get(episode.source, set()).discard(episode.id)
    if (episode.status, episode.ends_at) != before:
        turn.touch(turn.world.incident_of(episode))
    _watch(turn, episode)


def _fold_labels(turn: Turn, alert: AlertEvent, identify: Identify, episode: Episode) -> None:
    """Of labels that do not identify, those of the worst telling stay; ties go by their content."""
    rank = identify.levels.rank(alert.labels, alert.status)
    before = (episode.alert_rank, canonical_texts(episode.labels))
    if (rank, canonical_texts(alert.labels)) >= before:
        return
    episode.labels, episode.alert_rank = alert.labels, rank
    relabelled(turn, episode)
    incident = turn.world.incident_of(episode)
    turn.touch(incident)
    raise_rank(turn, incident, rank)


def _watch(turn: Turn, episode: Episode) -> None:
    incident = turn.world.incident_of(episode)
    watch_for_quiet(turn, incident, episode)
    watch_for_page(turn, incident)
    watch_for_spread(turn, incident, episode)
    watch_for_news(turn, incident)
    watch_lease(turn, episode)


def _fold(turn: Turn, episode: Episode, alert: AlertEvent, record: Record) -> None:
    """Add one observation to the set that `episode` sums up."""
    if alert.flags and not set(alert.flags) <= set(episode.flags):
        episode.flags = tuple(dict.fromkeys([*episode.flags, *alert.flags]))
    if alert.status == "resolved":
        loose = alert.starts_at is None and not alert.occurrence
        ended = loose_end_of(turn, record, alert) if loose else end_of(record, alert)
        fold_end(episode, ended, loose=loose)
    elif episode.ends_at is None or episode.silent_end:
        if alert.lease_until is not None:
            episode.lease_until = max(alert.lease_until, episode.lease_until or 0)
            episode.firm_lease = alert.firm_lease
        episode.status, episode.unknown_since = "firing", None
        episode.ends_at, episode.silent_end = None, False


def _shared(texts: dict[str, str]) -> dict[str, str]:
    """The same, of texts that alerts share: most are told again and again, some once only."""
    if len(_TEXTS) > _REMEMBERED:
        _TEXTS.clear()
    known = _TEXTS.setdefault
    return {intern(name): known(value, value) for name, value in texts.items()}
