"""Freezes: times in which nothing is to be deployed, once or again and again, and whether one holds now."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from core.calendars import Intervals, TimeInterval
from core.risk.known import Freeze
from core.times import EPOCH
from core.yamltext import Strict


def _start(value: object) -> object:
    """A day stands for its first moment."""
    return datetime.combine(value, time(), UTC) if type(value) is date else value


def _end(value: object) -> object:
    """A day stands for the moment after it."""
    return datetime.combine(value + timedelta(days=1), time(), UTC) if type(value) is date else value


def _zoned(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time without a zone; write it as 2026-12-24T18:00:00Z, or the day alone")
    return value


Words = Annotated[str, Field(min_length=1, max_length=500)]
Start = Annotated[datetime, BeforeValidator(_start), AfterValidator(_zoned)]
End = Annotated[datetime, BeforeValidator(_end), AfterValidator(_zoned)]


class FreezeWindow(Strict):
    """A time in which nothing is to be deployed: from `start` to `end`, or while a calendar holds."""

    name: Words = Field(description="What people call it")
    reason: Words = Field(description="Why")
    start: Start | None = Field(default=None, description="A day, or a time with its zone")
    end: End | None = Field(
        default=None, description="A day (it belongs to the freeze), or a time with its zone"
    )
    time_intervals: tuple[TimeInterval, ...] = Field(
        default=(), description="Times of the week, as in calendars: it holds while any of them does"
    )

    @model_validator(mode="after")
    def _bounded(self) -> FreezeWindow:
        if not self.time_intervals and (self.start is None or self.end is None):
            raise ValueError("write start and end, or time_intervals")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("it ends before it starts")
        return self

    def at(self, now: int) -> Freeze | None:
        """The freeze, if it holds at `now` (ms UTC)."""
        started = self.start is None or _ms(self.start) <= now
        if not started or (self.end is not None and now >= _ms(self.end)):
            return None
        ends = [_ms(self.end)] if self.end is not None else []
        if self.time_intervals:
            calendar = Intervals(time_intervals=self.time_intervals)
            if not calendar.holds(now):
                return None
            change = calendar.next_change(now)
            ends += [change] if change is not None else []
        return Freeze(self.name, self.reason, min(ends, default=None))


def _ms(moment: datetime) -> int:
    return int((moment - EPOCH) / timedelta(milliseconds=1))
