"""Alerts of our own on error budgets: the firings that the tellings of an objective amount to are observed.

A firing begins with the first telling in which its condition holds, and ends with the first in which it does
not. A telling that comes late can begin, end or part firings of the past; it does not move the start of one.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.error_budget import Condition, burn
from core.identify import Identify
from core.journal import Record
from core.model.events import AlertEvent
from core.model.slo import Mark, Raised, Slo
from core.observe import observe
from core.world import Turn

# Alerts that no sender's body holds have places below 0, each its own in a record. At -1 is a silent source.
_FIRST, _STEP = -2, 16
# Beside service, environment, cluster and the alert's name, this label says which alert it is.
LABEL = "slo"
# For a rule that links by labels: which objective it is, whatever others are called.
SHARED = "slo_id"
_IDENTITY = (LABEL, SHARED)
_KEPT = 32


class Alerts:
    """Of one objective, during one turn. `number` tells the objectives of a turn apart."""

    def __init__(self, turn: Turn, slo: Slo, identify: Identify, number: int = 0) -> None:
        self._turn, self._slo, self._identify = turn, slo, identify
        self._place = _FIRST - number * _STEP

    def follow(self, condition: Condition, since: int | None = None) -> None:
        """Bring the firings of one condition in line with the tellings. A second time it changes nothing.
        `since`: when the condition came into force, if that is what is new; it held for nobody before."""
        marks, name = list(_deciding(self._slo.marks)), condition.alert
        for row in self._slo.raised.get(name, []):
            self._end_where_over(name, row, marks)
        for mark in marks:
            rows = self._slo.raised.get(name, [])
            forgotten = len(rows) == _KEPT and mark.at < rows[0].start
            if name in mark.held and not forgotten and not _covered(rows, marks, mark, name):
                self._begin(condition, mark, marks, since)
        for row in self._slo.raised.get(name, []):
            if _add_numbers(row, condition, marks):
                self._tell(condition, row)

    def end_all(self, name: str, *, gone: bool = False) -> None:
        """End what fires, now: nobody tells more of it, or the rule has no such condition any more."""
        for row in self._slo.raised.get(name, []):
            if row.ended is None:
                row.gone = gone
                self._end(name, row, max(self._turn.at, row.start))

    def forgotten(self) -> None:
        """Its incidents lose the numbers."""
        for name, rows in sorted(self._slo.raised.items()):
            for row in rows:
                self._touch(name, row)

    def _begin(self, condition: Condition, mark: Mark, marks: list[Mark], since: int | None) -> None:
        assert mark.event is not None
        start = mark.at if since is None else max(mark.at, since)
        row = Raised(start, mark.event, mark.content, _burn(condition, mark))
        self._place -= 1
        rows = [*self._slo.raised.get(condition.alert, []), row]
        self._slo.raised[condition.alert] = sorted(rows, key=lambda one: one.start)[-_KEPT:]
        _add_numbers(row, condition, marks)
        self._tell(condition, row)
        self._end_where_over(condition.alert, row, marks)

    def _end_where_over(self, name: str, row: Raised, marks: list[Mark]) -> None:
        over = next((one.at for one in marks if one.at >= row.start and name not in one.held), None)
        if over is not None and (row.ended is None or over < row.ended):
            self._end(name, row, over)

    def _end(self, name: str, row: Raised, at: int) -> None:
        row.ended = at
        self._say(AlertEvent(self._labels(name), "resolved", self._place, ends_at=at, identity=_IDENTITY))

    def _tell(self, condition: Condition, row: Raised) -> None:
        """It fires, until so long after the latest telling of it; and its numbers are others."""
        labels = self._labels(condition.alert, condition.level)
        if row.ended is None:
            until = row.told.at + condition.lasts
            self._say(AlertEvent(labels, "firing", self._place, row.start, None, until, identity=_IDENTITY))
        self._touch(condition.alert, row)

    def _touch(self, name: str, row: Raised) -> None:
        fingerprint = self._identify.fingerprint(self._labels(name), _IDENTITY)
        domain = self._slo.entity.domain
        episode = self._turn.world.state.episodes.get(f"{domain}/{fingerprint}@{row.start}")
        if episode is not None:
            self._turn.touch(self._turn.world.incident_of(episode))

    def _say(self, alert: AlertEvent) -> None:
        turn, domain = self._turn, self._slo.entity.domain
        source = self._slo.source.partition("/")[2]
        observe(turn, Record(turn.seq, turn.at, "ingest", source, b"", domain), alert, self._identify)

    def _labels(self, alert: str, level: str = "") -> dict[str, str]:
        rules, entity = self._identify.rules, self._slo.entity
        names = rules.identity
        found = (
            ("alertname", alert),
            (next(iter(names.service), "service"), entity.service),
            (next(iter(names.environment), "environment"), entity.environment),
            (next(iter(names.cluster), "cluster"), entity.cluster),
            (LABEL, self._slo.latest.slo),
            (SHARED, f"{entity.service}/{self._slo.latest.slo}"),
            (rules.severity.label, level),
        )
        return {name: value for name, value in found if value}


def rejudged(mark: Mark, held: tuple[str, ...], slo: Slo) -> Mark:
    """The mark of the latest telling, under other rules."""
    return Mark(mark.at, mark.content, held, slo.latest if held else None)


def _deciding(marks: list[Mark]) -> Iterator[Mark]:
    """One telling for each time, in order: the last of those that name the same."""
    for number, mark in enumerate(marks):
        if number + 1 == len(marks) or marks[number + 1].at != mark.at:
            yield mark


def _covered(rows: list[Raised], marks: list[Mark], mark: Mark, name: str) -> bool:
    """Whether a firing stands for the telling: one that lasted then, or one that begins later while the
    condition holds in all tellings in between."""
    for row in rows:
        if row.start == mark.at or row.start < mark.at < (mark.at + 1 if row.ended is None else row.ended):
            return True
        if row.start > mark.at and all(name in one.held for one in marks if mark.at < one.at <= row.start):
            return True
    return False


def _add_numbers(row: Raised, condition: Condition, marks: list[Mark]) -> bool:
    """From the tellings in which it held; whether there is anything new."""
    before = (row.content, row.peak)
    over = row.ended if row.ended is not None else row.told.at + 1
    own = [one for one in marks if condition.alert in one.held and one.at >= row.start]
    own = [one for one in own if row.ended is None or one.at < row.ended]
    if row.told.at >= over and own and own[0].event is not None:
        # A late telling has ended it before what was its latest one.
        row.told, row.content, row.peak = own[0].event, own[0].content, 0
    for one in own:
        if one.event is not None:
            row.peak = max(row.peak, _burn(condition, one))
            if (one.at, one.content) > (row.told.at, row.content):
                row.told, row.content = one.event, one.content
    return (row.content, row.peak) != before


def _burn(condition: Condition, mark: Mark) -> int:
    window = condition.burn.long if condition.burn is not None else 0
    return (burn(mark.event, window) if mark.event is not None else None) or 0
