"""Watchdogs: alerts that always fire. Told, they open nothing; untold or resolved, they are our own alert.

What is told of one folds as a set: a resolved telling ends the firings that began before it, and only those.
A watchdog is waited for from when it was first heard; one timer for each, which looks again when it was heard
meanwhile.
"""

from __future__ import annotations

import msgspec

from core.identify import Identify
from core.journal import Record
from core.model.events import AlertEvent, AlertStatus
from core.model.watchdog import Trouble, Watchdog
from core.narrative.plain import one_line
from core.observe import observe
from core.own_alerts import SOURCE, TROUBLE, WATCHDOG_LABELS, WATCHDOG_SILENT
from core.world import Turn

# Beyond these an alert is one like others: labels that differ at every telling must not fill memory.
MOST = 1_000
# Labels that say nothing of where a watchdog is; and of the others so many are kept, for people.
_NO_PLACE, _OTHERS = ("severity", "alertgroup", "monitor"), 4


def take_watchdog(turn: Turn, record: Record, alert: AlertEvent, identify: Identify, came: int) -> bool:
    """Whether the alert is a watchdog, and so taken. `came`: when the body first came in, ms UTC."""
    if not _named_by_rule(turn, alert.labels):
        return False
    watchdogs = turn.world.state.watchdogs
    fingerprint = identify.fingerprint_of(alert, record.source)
    key = f"{record.domain}/{record.source}/{fingerprint}"
    if key not in watchdogs:
        if len(watchdogs) >= MOST:
            return False
        watchdogs[key] = Watchdog(f"{record.domain}/{record.source}", _named(alert, identify))
        _end_alert_of_before(turn, record, alert, fingerprint, identify)
    dog = watchdogs[key]
    if alert.status == "firing":
        _heard(turn, key, dog, alert, came, identify)
    else:
        _resolved(turn, key, dog, alert, came, identify)
    return True


def on_watchdog_timer(turn: Turn, key: str, identify: Identify) -> None:
    dog = turn.world.state.watchdogs.get(key)
    if dog is None:
        return
    due = _due(turn, dog)
    if due > turn.at:
        turn.arm(f"watchdog:{key}", due)
    elif dog.trouble:
        _forget(turn, key, dog, identify)
    else:
        _trouble(turn, key, dog, "silent", due - 1, identify)


def judge_watchdogs(turn: Turn, identify: Identify) -> None:
    """Call when rules came into force: what is no watchdog any more is forgotten, a new patience counts. A
    second time it changes nothing."""
    watchdogs = turn.world.state.watchdogs
    for key in sorted(watchdogs):
        dog = watchdogs[key]
        if not _named_by_rule(turn, dog.labels):
            _forget(turn, key, dog, identify)
        else:
            _look_by(turn, key, _due(turn, dog))


def _named_by_rule(turn: Turn, labels: dict[str, str]) -> bool:
    rule = turn.world.rules.watchdog
    if labels.get("alertname", "") in rule.alerts:
        return True
    return not rule.labels.items().isdisjoint(labels.items())


def _due(turn: Turn, dog: Watchdog) -> int:
    """When it has been silent for longer than its patience, or in trouble for long enough to be forgotten."""
    rule = turn.world.rules.watchdog
    if dog.trouble:
        return dog.since + rule.forget_after
    return dog.last_heard + rule.patience_with(dog.source) + 1


def _look_by(turn: Turn, key: str, due: int) -> None:
    """Not in the past: what a record brings is decided at its own time."""
    armed = turn.world.timers.armed.get(f"watchdog:{key}")
    if armed is None or armed[0] > due:
        turn.arm(f"watchdog:{key}", max(due, turn.at))


def _named(alert: AlertEvent, identify: Identify) -> dict[str, str]:
    """The labels by which it is known again: its name, what the rule goes by, where it is."""
    names = identify.rules.identity
    places = (*names.environment, *names.place(), *names.team)
    first = dict.fromkeys(("alertname", *identify.rules.watchdog.labels, *places))
    others = [name for name in sorted(alert.labels) if name not in (*first, *names.ignored, *_NO_PLACE)]
    return {name: alert.labels[name] for name in (*first, *others[:_OTHERS]) if alert.labels.get(name)}


def _heard(turn: Turn, key: str, dog: Watchdog, alert: AlertEvent, came: int, identify: Identify) -> None:
    if dog.over_until is not None and alert.starts_at is not None and alert.starts_at <= dog.over_until:
        return
    if alert.starts_at is not None:
        dog.began = max(alert.starts_at, dog.began or 0)
    dog.first_heard = dog.first_heard or came
    dog.last_heard = max(dog.last_heard, came)
    dog.times += 1
    # A body that came in long ago, and could be read only now, is no sign of life.
    if dog.trouble and came + turn.world.rules.watchdog.patience_with(dog.source) >= turn.at:
        _end(turn, key, dog, identify)
    _look_by(turn, key, _due(turn, dog))


def _resolved(turn: Turn, key: str, dog: Watchdog, alert: AlertEvent, came: int, identify: Identify) -> None:
    """An end that came in late, of a firing that another has followed, changes nothing."""
    ended = came if alert.ends_at is None else min(alert.ends_at, came)
    dog.over_until = max(ended, dog.over_until or 0)
    if not dog.trouble and (dog.began is None or dog.began <= ended):
        _trouble(turn, key, dog, "resolved", turn.at, identify)


def _trouble(turn: Turn, key: str, dog: Watchdog, trouble: Trouble, since: int, identify: Identify) -> None:
    dog.trouble, dog.since = trouble, since
    _tell(turn, key, dog, "firing", identify)
    turn.arm(f"watchdog:{key}", _due(turn, dog))


def _end(turn: Turn, key: str, dog: Watchdog, identify: Identify) -> None:
    if dog.trouble:
        _tell(turn, key, dog, "resolved", identify)
        dog.trouble, dog.since = "", 0
        turn.world.timers.cancel(f"watchdog:{key}")


def _forget(turn: Turn, key: str, dog: Watchdog, identify: Identify) -> None:
    _end(turn, key, dog, identify)
    turn.world.timers.cancel(f"watchdog:{key}")
    del turn.world.state.watchdogs[key]


def _tell(turn: Turn, key: str, dog: Watchdog, status: AlertStatus, identify: Identify) -> None:
    domain, _, source = dog.source.partition("/")
    names = identify.rules.identity
    kept = (*names.environment, *names.place(), *names.team)
    places = {name: dog.labels[name] for name in kept if name in dog.labels}
    known = ("alertname", *identify.rules.watchdog.labels)
    words = ", ".join(f"{name} {dog.labels[name]}" for name in sorted(dog.labels) if name not in known)
    own = {
        "alertname": WATCHDOG_SILENT,
        "watchdog": dog.labels.get("alertname", ""),
        "watchdog_fingerprint": key.rpartition("/")[2],
        "source": source,
        "severity": "critical",
        TROUBLE: dog.trouble,
        **({WATCHDOG_LABELS: one_line(words, 200)} if words else {}),
    }
    alert = AlertEvent(
        labels={**places, **own},
        status=status,
        index=-1,
        starts_at=dog.since,
        ends_at=turn.at if status == "resolved" else None,
        identity=("source", "watchdog", "watchdog_fingerprint"),
    )
    observe(turn, Record(turn.seq, turn.at, "ingest", SOURCE, b"", domain), alert, identify)


def _end_alert_of_before(
    turn: Turn, record: Record, alert: AlertEvent, fingerprint: str, identify: Identify
) -> None:
    """Before the rule was there it was an alert like others, which nobody would end any more."""
    state = turn.world.state
    for _, name in list(turn.world.index.firings(record.domain, fingerprint)):
        episode = state.episodes[name]
        if episode.status != "resolved" and episode.source == f"{record.domain}/{record.source}":
            ended = msgspec.structs.replace(
                alert,
                status="resolved",
                starts_at=episode.starts_at,
                ends_at=turn.at,
                lease_until=None,
                occurrence=episode.occurrence,
            )
            observe(turn, record, ended, identify)
