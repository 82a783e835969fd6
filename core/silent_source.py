"""A source that falls silent although it was to be heard: an alert of our own, raised and ended by rule.

A source is to be heard while something it tells again and again still fires (`resends`), or always, where
the operator says so (`expected`). One timer per source; it looks again when the source was heard meanwhile.
"""

from __future__ import annotations

from core.findings.silent_source import ALERT, SOURCE
from core.identify import Identify
from core.journal import Record
from core.model.events import AlertEvent, AlertStatus
from core.model.incident import SourceLife
from core.observe import observe
from core.world import Turn


def watch_source(turn: Turn, key: str, life: SourceLife, identify: Identify) -> None:
    """Call when the source `key` (`domain/source`) was heard."""
    if life.silent_since is not None:
        _tell(turn, key, "resolved", life.silent_since, identify)
        life.silent_since = None
    after = patience(turn, key)
    if after:
        turn.world.timers.arm_if_idle(f"silent:{key}", turn.at + after, turn.seq)


def on_silent_timer(turn: Turn, key: str, identify: Identify) -> None:
    life, after = turn.world.state.sources[key], patience(turn, key)
    if not after or life.silent_since is not None:
        return
    if life.last_heard + after > turn.at:
        turn.arm(f"silent:{key}", life.last_heard + after)
    elif _wanted(turn, key):
        life.silent_since = turn.at
        _tell(turn, key, "firing", turn.at, identify)


def patience(turn: Turn, key: str) -> int:
    """For how long the source may be silent, in ms; 0 when nothing is expected of it."""
    rule, source = turn.world.rules.silent_source, key.partition("/")[2]
    return rule.expected.get(source) or rule.resends.get(source) or 0


def _wanted(turn: Turn, key: str) -> bool:
    if key.partition("/")[2] in turn.world.rules.silent_source.expected:
        return True
    episodes = turn.world.state.episodes.values()
    return any(episode.source == key and episode.status != "resolved" for episode in episodes)


def _tell(turn: Turn, key: str, status: AlertStatus, since: int, identify: Identify) -> None:
    domain, _, source = key.partition("/")
    alert = AlertEvent(
        labels={"alertname": ALERT, "source": source, "severity": "warning"},
        status=status,
        index=-1,
        starts_at=since,
        ends_at=turn.at if status == "resolved" else None,
    )
    observe(turn, Record(turn.seq, turn.at, "ingest", SOURCE, b"", domain), alert, identify)
