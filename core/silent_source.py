"""A source that falls silent although it was to be heard: an alert of our own, raised and ended by rule.

A source is to be heard while something it tells again and again still fires (`resends`), or always, where
the operator says so (`expected`): in the default domain from when the rule comes into force, elsewhere once
it has been heard there for a while, so that a mistyped domain is no source that fell silent. One timer per
source; it looks again when the source was heard meanwhile.
"""

from __future__ import annotations

from core.identify import Identify
from core.journal import DEFAULT_DOMAIN, Record
from core.model.events import AlertEvent, AlertStatus
from core.model.incident import SourceLife
from core.observe import observe
from core.own_alerts import NEVER_HEARD, SOURCE, SOURCE_SILENT
from core.world import Turn

# How often a source must have been heard in another domain before it is missed there.
_OFTEN = 10


def watch_source(turn: Turn, key: str, life: SourceLife, identify: Identify) -> None:
    """Call when the source `key` (`domain/source`) was heard."""
    life.first_heard = life.first_heard or life.heard_since
    _end(turn, key, life, identify)
    life.expected_since = None
    after = patience(turn, key, life)
    if after:
        _look_by(turn, key, turn.at + after)


def expect_sources(turn: Turn, identify: Identify) -> None:
    """Call when configuration came into force: what is expected is waited for although it was never heard,
    and what is expected no longer is not missed any more. The second time it changes nothing."""
    sources, named = turn.world.state.sources, _named(turn)
    for key in named:
        if key not in sources:
            sources[key] = SourceLife(0, 0, expected_since=turn.at)
    for key in sorted(sources):
        life = sources[key]
        if not patience(turn, key, life):
            _end(turn, key, life, identify)
            turn.world.timers.cancel(f"silent:{key}")
            if not life.records:
                del sources[key]
        elif life.silent_since is None and _expected(turn, key, life):
            _look_by(turn, key, turn.at + patience(turn, key, life))


def on_silent_timer(turn: Turn, key: str, identify: Identify) -> None:
    life = turn.world.state.sources[key]
    after = patience(turn, key, life)
    if not after or life.silent_since is not None:
        return
    since = life.last_heard if life.expected_since is None else life.expected_since
    if since + after > turn.at:
        turn.arm(f"silent:{key}", since + after)
    elif _wanted(turn, key, life):
        life.silent_since = turn.at
        _tell(turn, key, life, "firing", turn.at, identify)


def patience(turn: Turn, key: str, life: SourceLife) -> int:
    """For how long the source may be silent, in ms; 0 when nothing is expected of it."""
    resends = turn.world.rules.silent_source.resends if life.records else {}
    return _expected(turn, key, life) or resends.get(key.partition("/")[2], 0)


def _named(turn: Turn) -> list[str]:
    """Keys of the sources that the rule expects from the start."""
    names = turn.world.rules.silent_source.expected
    return sorted({name if "/" in name else f"{DEFAULT_DOMAIN}/{name}" for name in names})


def _expected(turn: Turn, key: str, life: SourceLife) -> int:
    """The patience with a source that is always to be heard, else 0."""
    rule = turn.world.rules.silent_source
    after = rule.patience_with(key)
    if key in rule.expected or key.partition("/")[0] == DEFAULT_DOMAIN:
        return after
    known = life.records >= _OFTEN and life.last_heard - life.first_heard >= after
    return after if known else 0


def _wanted(turn: Turn, key: str, life: SourceLife) -> bool:
    if _expected(turn, key, life):
        return True
    episodes = turn.world.state.episodes.values()
    return any(episode.source == key and episode.status != "resolved" for episode in episodes)


def _look_by(turn: Turn, key: str, due: int) -> None:
    armed = turn.world.timers.armed.get(f"silent:{key}")
    if armed is None or armed[0] > due:
        turn.arm(f"silent:{key}", due)


def _end(turn: Turn, key: str, life: SourceLife, identify: Identify) -> None:
    if life.silent_since is not None:
        _tell(turn, key, life, "resolved", life.silent_since, identify)
        life.silent_since = None


def _tell(
    turn: Turn, key: str, life: SourceLife, status: AlertStatus, since: int, identify: Identify
) -> None:
    domain, _, source = key.partition("/")
    never = {} if life.expected_since is None else {NEVER_HEARD: "never"}
    alert = AlertEvent(
        labels={"alertname": SOURCE_SILENT, "source": source, "severity": "warning", **never},
        status=status,
        index=-1,
        starts_at=since,
        ends_at=turn.at if status == "resolved" else None,
        identity=("source", "severity"),
    )
    observe(turn, Record(turn.seq, turn.at, "ingest", SOURCE, b"", domain), alert, identify)
