"""Calendars: named times of the week, month and year, written as Alertmanager's `time_intervals`.

Wall-clock times are read in the interval's own `location`, in the zones of the pinned `tzdata` package: never
in the machine's, so that a replay elsewhere decides the same. A wall-clock time that a change of the clocks
skips holds for no moment, and one that comes twice holds both times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from pydantic import Field, model_validator

from core.calendar_words import Clock as Clock
from core.calendar_words import Days, Months, Weekdays, Years, ZoneName, clock
from core.times import DAY, EPOCH
from core.yamltext import Strict
from core.zones import zone

# How far ahead `next_change` looks.
HORIZON_DAYS = 2 * 366
# Years 2 to 9998, so that no zone leaves what a datetime can say.
_EARLIEST, _LATEST = -62_100_000_000_000, 253_300_000_000_000
_MINUTE = timedelta(minutes=1)


class TimeRange(Strict):
    """From `start_time` until before `end_time`, in minutes since midnight; `24:00` is the day's end."""

    start_time: Clock = Field(description="The first minute, such as 09:00")
    end_time: Clock = Field(description="The minute after the last one; 24:00 is the day's end")

    @model_validator(mode="after")
    def _forward(self) -> TimeRange:
        if self.start_time >= self.end_time:
            end, start = clock(self.end_time), clock(self.start_time)
            raise ValueError(
                f"{start} is not before {end}; over midnight write two: {start} to 24:00 and 00:00 to {end}"
            )
        return self


class TimeInterval(Strict):
    """A moment is in it when each list that is given holds it; an empty list holds every moment."""

    times: tuple[TimeRange, ...] = Field(default=(), description="Times of day; none for the whole day")
    weekdays: tuple[Weekdays, ...] = Field(default=(), description="Days of the week, such as monday:friday")
    days_of_month: tuple[Days, ...] = Field(
        default=(), description="Days of the month, 1 to 31; -1 is the last one"
    )
    months: tuple[Months, ...] = Field(default=(), description="Months, such as january:march, or 1:3")
    years: tuple[Years, ...] = Field(default=(), description="Years, such as 2026:2027")
    location: ZoneName = Field(
        default="UTC", description="The time zone that these are in, such as Europe/Berlin"
    )

    def holds(self, at_ms: int) -> bool:
        local = _local(at_ms, self.location)
        minute = local.hour * 60 + local.minute
        return self._day_holds(local.date()) and (
            not self.times or any(one.start_time <= minute < one.end_time for one in self.times)
        )

    def edges(self, start: int, end: int) -> Iterator[int]:
        """Every moment in [start, end) at which `holds` may change, and others; at most a day apart."""
        if not self._near(start, end):
            return
        local_zone = zone(self.location)
        first, last = _local(start, self.location), _local(end, self.location)
        minutes = {0, *(minute for one in self.times for minute in (one.start_time, one.end_time))}
        for number in range((last.date() - first.date()).days + 1):
            midnight = datetime.combine(first.date() + timedelta(days=number), datetime.min.time())
            for minute in minutes:
                wall = midnight + minute * _MINUTE
                for fold in (0, 1):
                    moment = _ms(wall.replace(tzinfo=local_zone, fold=fold))
                    if start <= moment < end:
                        yield moment
        if first.utcoffset() != last.utcoffset():
            yield _turn_of_clocks(start, end, self.location)

    def _near(self, start: int, end: int) -> bool:
        """Whether a day that holds is so near, in any zone, that it may begin or end in [start, end)."""
        days = range(start // DAY - 2, end // DAY + 2)
        return any(self._day_holds(date.fromordinal(EPOCH.toordinal() + day)) for day in days)

    def _day_holds(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        return (
            _within(self.years, day.year)
            and _within(self.months, day.month)
            and _within(self.weekdays, weekday)
            and (not self.days_of_month or any(_day_within(*one, day) for one in self.days_of_month))
        )


class Intervals(Strict):
    """A calendar: it holds while any of its intervals does."""

    name: str = ""
    time_intervals: tuple[TimeInterval, ...] = Field(min_length=1)

    def holds(self, at_ms: int) -> bool:
        """Whether the moment, in ms UTC, is in the calendar."""
        return any(interval.holds(at_ms) for interval in self.time_intervals)

    def next_change(self, at_ms: int) -> int | None:
        """The next moment after `at_ms`, in ms UTC, at which `holds` differs from now; None: not in the
        next HORIZON_DAYS days."""
        now = self.holds(at_ms)
        for number in range(HORIZON_DAYS):
            start = at_ms + number * DAY
            if not _EARLIEST <= start < _LATEST:
                return None
            moments = {edge for one in self.time_intervals for edge in one.edges(start, start + DAY)}
            for moment in sorted(moments):
                if moment > at_ms and self.holds(moment) != now:
                    return moment
        return None


def _within(ranges: tuple[tuple[int, int], ...], value: int) -> bool:
    return not ranges or any(low <= value <= high for low, high in ranges)


def _day_within(low: int, high: int, day: date) -> bool:
    """Days below 0 count from the month's end; what lies outside the month is cut off."""
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    length = (following - timedelta(days=1)).day
    first = length + low + 1 if low < 0 else low
    last = length + high + 1 if high < 0 else high
    return first <= day.day <= last


def _local(at_ms: int, location: str) -> datetime:
    moment = EPOCH + timedelta(milliseconds=max(_EARLIEST, min(at_ms, _LATEST)))
    return moment.astimezone(zone(location))


def _ms(moment: datetime) -> int:
    delta = moment - EPOCH
    return delta.days * DAY + delta.seconds * 1_000 + delta.microseconds // 1_000


def _turn_of_clocks(start: int, end: int, location: str) -> int:
    """The moment in (start, end] from which the later offset holds."""
    before = _local(start, location).utcoffset()
    while end - start > 1:
        middle = (start + end) // 2
        if _local(middle, location).utcoffset() == before:
            start = middle
        else:
            end = middle
    return end
