"""Calendars: Alertmanager's time intervals, right when the clocks change, and the same on each machine."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.calendars import Intervals
from core.errors import RoutesError
from core.times import DAY, MINUTE, format_rfc3339, parse_rfc3339
from core.yamltext import checked, read_yaml
from core.zones import zone

OFFICE = "{times: [{start_time: '09:00', end_time: '17:00'}], weekdays: ['monday:friday'], location: %s}"


def calendar(*intervals: str) -> Intervals:
    text = "time_intervals: [" + ", ".join(intervals) + "]"
    return checked(Intervals, read_yaml(text, RoutesError, "routes.yaml"), RoutesError, "routes.yaml")


def at(text: str) -> int:
    return parse_rfc3339(text if text.endswith("Z") else f"{text}:00Z")


def changes(one: Intervals, start: str, count: int) -> list[str]:
    """The next `count` changes, as `2026-03-29T01:00`."""
    found, moment = [], at(start)
    for _ in range(count):
        following = one.next_change(moment)
        assert following is not None
        found.append(format_rfc3339(following)[:16])
        moment = following
    return found


def test_office_hours_in_utc() -> None:
    office = calendar(OFFICE % "UTC")
    held = {hour: office.holds(at(f"2026-11-20T{hour}")) for hour in ("08:59", "09:00", "16:59", "17:00")}
    assert held == {"08:59": False, "09:00": True, "16:59": True, "17:00": False}
    assert not office.holds(at("2026-11-21T12:00"))
    assert changes(office, "2026-11-20T10:00", 3) == [
        "2026-11-20T17:00", "2026-11-23T09:00", "2026-11-23T17:00",
    ]  # fmt: skip


def test_the_last_millisecond_belongs_to_it_and_the_end_does_not() -> None:
    office, end = calendar(OFFICE % "UTC"), at("2026-11-20T17:00")
    assert office.holds(end - 1)
    assert not office.holds(end)
    assert office.next_change(end - 1) == end


@pytest.mark.parametrize(
    ("place", "opens"),
    [("Europe/Berlin", "08:00"), ("America/New_York", "14:00"), ("Asia/Kolkata", "03:30"), ("UTC", "09:00")],
)
def test_office_hours_are_those_of_the_place(place: str, opens: str) -> None:
    office = calendar(OFFICE % place)
    assert changes(office, "2026-11-19T00:00", 1) == [f"2026-11-19T{opens}"]
    assert office.holds(at(f"2026-11-19T{opens}"))
    assert not office.holds(at(f"2026-11-19T{opens}") - 1)


def test_office_hours_move_with_the_clocks() -> None:
    office = calendar(OFFICE % "Europe/Berlin")
    assert changes(office, "2026-03-27T16:00", 2) == ["2026-03-30T07:00", "2026-03-30T15:00"]
    assert changes(office, "2026-10-23T15:00", 2) == ["2026-10-26T08:00", "2026-10-26T16:00"]


def test_a_time_that_spring_skips_begins_when_the_clocks_turn() -> None:
    """On 29 March 2026 Berlin goes from 02:00 to 03:00, at 01:00 UTC."""
    early = calendar("{times: [{start_time: '02:30', end_time: '03:30'}], location: Europe/Berlin}")
    assert changes(early, "2026-03-29T00:00", 2) == ["2026-03-29T01:00", "2026-03-29T01:30"]
    skipped = calendar("{times: [{start_time: '02:10', end_time: '02:50'}], location: Europe/Berlin}")
    assert changes(skipped, "2026-03-28T12:00", 1) == ["2026-03-30T00:10"]


def test_a_time_that_comes_twice_in_autumn_holds_twice() -> None:
    """On 25 October 2026 Berlin goes from 03:00 back to 02:00, at 01:00 UTC."""
    early = calendar("{times: [{start_time: '02:30', end_time: '02:45'}], location: Europe/Berlin}")
    assert changes(early, "2026-10-25T00:00", 4) == [
        "2026-10-25T00:30", "2026-10-25T00:45", "2026-10-25T01:30", "2026-10-25T01:45",
    ]  # fmt: skip
    until = calendar("{times: [{start_time: '01:30', end_time: '02:30'}], location: Europe/Berlin}")
    assert changes(until, "2026-10-24T12:00", 4) == [
        "2026-10-24T23:30", "2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30",
    ]  # fmt: skip


def test_new_york_changes_its_clocks_on_days_of_its_own() -> None:
    early = calendar("{times: [{start_time: '02:30', end_time: '03:30'}], location: America/New_York}")
    assert changes(early, "2026-03-08T05:00", 2) == ["2026-03-08T07:00", "2026-03-08T07:30"]


def test_days_are_counted_from_both_ends_of_the_month() -> None:
    ends = calendar("{days_of_month: ['1:2', '-2:-1']}")
    assert changes(ends, "2026-02-15T00:00", 2) == ["2026-02-27T00:00", "2026-03-03T00:00"]
    days = [day for day in range(1, 31) if ends.holds(at(f"2026-04-{day:02d}T12:00"))]
    assert days == [1, 2, 29, 30]
    assert [
        d for d in range(1, 30) if calendar("{days_of_month: ['30:31']}").holds(at(f"2028-02-{d:02d}T12:00"))
    ] == []
    assert calendar("{days_of_month: ['20:-1']}").holds(at("2028-02-29T12:00"))


def test_months_years_and_several_lists_hold_together() -> None:
    one = calendar("{months: ['november:december', 2], years: ['2026:2027'], weekdays: [sunday]}")
    assert one.holds(at("2026-11-22T12:00"))
    assert one.holds(at("2027-02-07T12:00"))
    assert not one.holds(at("2028-11-26T12:00"))
    assert not one.holds(at("2026-10-25T12:00"))
    assert not one.holds(at("2026-11-23T12:00"))


def test_several_intervals_are_one_calendar() -> None:
    night = "{times: [{start_time: '22:00', end_time: '24:00'}, {start_time: '00:00', end_time: '06:00'}]}"
    one = calendar(night, "{weekdays: [saturday, sunday]}")
    assert changes(one, "2026-11-18T23:00", 5) == [
        "2026-11-19T06:00", "2026-11-19T22:00", "2026-11-20T06:00", "2026-11-20T22:00", "2026-11-23T06:00",
    ]  # fmt: skip


def test_what_never_changes_has_no_next_change() -> None:
    assert calendar("{}").next_change(at("2026-11-21T12:00")) is None
    assert calendar("{years: [2019]}").next_change(at("2026-11-21T12:00")) is None
    assert changes(calendar("{years: [2028]}"), "2026-11-21T12:00", 1) == ["2028-01-01T00:00"]


@pytest.mark.parametrize("moment", [-(10**17), 0, 10**17])
def test_moments_beyond_all_calendars_do_no_harm(moment: int) -> None:
    one = calendar(OFFICE % "Pacific/Auckland")
    assert one.holds(moment) in (True, False)
    one.next_change(moment)


def test_it_is_written_back_as_it_was_read() -> None:
    one = calendar(
        "{times: [{start_time: 17:00, end_time: 24:00}], weekdays: ['Monday:friday', sunday], months: [may,"
        " 1:3], days_of_month: [1:15, '-3:-1', 7], years: [2026, '2028:2030'], location: Asia/Kolkata}"
    )
    data = one.model_dump(mode="json", exclude_defaults=True)
    assert data["time_intervals"][0] == {
        "times": [{"start_time": "17:00", "end_time": "24:00"}],
        "weekdays": ["monday:friday", "sunday:sunday"],
        "days_of_month": ["1:15", "-3:-1", "7:7"],
        "months": ["5:5", "1:3"],
        "years": ["2026:2026", "2028:2030"],
        "location": "Asia/Kolkata",
    }
    assert checked(Intervals, read_yaml(yaml.safe_dump(data), RoutesError, "w"), RoutesError, "w") == one


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        (
            "{times: [{start_time: '22:00', end_time: '06:00'}]}",
            "over midnight write two: 22:00 to 24:00 and",
        ),
        ("{times: [{start_time: '9:00', end_time: '17:00'}]}", "'9:00' is no time of day"),
        ("{times: [{start_time: '09:00', end_time: '24:01'}]}", "'24:01' is no time of day"),
        ("{times: [{start_time: '09:00'}]}", "end_time: it is missing"),
        ("{times: [{start_time: true, end_time: '17:00'}]}", "write it in quotes"),
        ("{weekdays: ['monday:freitag']}", "'freitag' is no weekday; write sunday"),
        ("{weekdays: ['saturday:sunday']}", "write two, such as saturday and sunday"),
        ("{weekdays: [':friday']}", "':friday' is no weekday"),
        ("{weekdays: monday}", "weekdays: not a list"),
        ("{days_of_month: [0]}", "a month has no day 0"),
        ("{days_of_month: [32]}", "'32' is no day of a month"),
        ("{days_of_month: ['-1:3']}", "write two"),
        ("{days_of_month: ['-1:-3']}", "-1:-3 is in no month"),
        ("{days_of_month: ['31:-5']}", "31:-5 is in no month"),
        ("{days_of_month: ['1:2:3']}", "'1:2:3' is no day of a month"),
        ("{days_of_month: ['\u0661']}", "is no day of a month"),
        ("{months: [13]}", "'13' is no month"),
        ("{months: ['november:february']}", "november:december and january"),
        ("{years: [26]}", "'26' is no year"),
        ("{years: ['2027:2026']}", "ends before it begins"),
        ("{location: Local}", "no time zone 'Local'; write UTC or a name such as Europe/Berlin"),
        ("{location: ../../etc/passwd}", "no time zone"),
        ("{location: Europe}", "no time zone 'Europe'"),
        ("{mute: yes}", "mute: no such key"),
    ],
)
def test_a_fault_says_where_it_is_and_what_to_write(interval: str, says: str) -> None:
    with pytest.raises(RoutesError) as caught:
        calendar(interval)
    assert says in str(caught.value)
    assert "time_intervals.1" in str(caught.value)


def test_an_empty_calendar_is_refused() -> None:
    with pytest.raises(RoutesError, match="Write one at least"):
        calendar()


def test_the_zones_of_the_machine_are_never_read() -> None:
    code = (
        "from core.zones import zone; from datetime import datetime as d\n"
        "print(d(2026, 7, 1, tzinfo=zone('Europe/Berlin')).utcoffset())"
    )
    environment = {**os.environ, "PYTHONTZPATH": "/nowhere", "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "2:00:00"


@settings(max_examples=60, deadline=None)
@given(
    place=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    start=st.integers(0, 95), length=st.integers(1, 96),
    days=st.lists(st.sampled_from(["monday:wednesday", "sunday", "friday:saturday"]), max_size=2),
    quarter=st.integers(0, 4 * 24 * 365),
)  # fmt: skip
def test_it_holds_what_the_clock_on_the_wall_says_and_misses_no_change(
    place: str, start: int, length: int, days: list[str], quarter: int
) -> None:
    end = min(96, start + length)
    first, last = (f"'{q // 4:02d}:{q % 4 * 15:02d}'" for q in (start, end))
    times = f"{{start_time: {first}, end_time: {last}}}"
    one = calendar(f"{{times: [{times}], weekdays: {days}, location: {place}}}")
    moment = at("2026-01-01T00:00") + quarter * 15 * MINUTE
    local = datetime.fromtimestamp(moment / 1_000, tz=UTC).astimezone(zone(place))
    minute = local.hour * 60 + local.minute
    named = {"monday:wednesday": {0, 1, 2}, "sunday": {6}, "friday:saturday": {4, 5}}
    weekdays = set().union(*(named[name] for name in days)) or set(range(7))
    assert one.holds(moment) == (start * 15 <= minute < end * 15 and local.weekday() in weekdays)
    following = one.next_change(moment)
    horizon = moment + 3 * DAY
    flips = [t for t in range(moment, horizon, 15 * MINUTE) if one.holds(t) != one.holds(moment)]
    if flips:
        assert following == flips[0]
    else:
        assert following is None or following >= horizon


def test_the_zones_are_those_that_everybody_knows() -> None:
    for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata"):
        for month in range(1, 13):
            naive = datetime(2026, month, 15, 12)  # noqa: DTZ001 - read in two zones that must agree
            assert (
                naive.replace(tzinfo=zone(name)).utcoffset()
                == naive.replace(tzinfo=ZoneInfo(name)).utcoffset()
            )
    assert zone("Asia/Kolkata").utcoffset(datetime(2026, 1, 1)) == timedelta(hours=5, minutes=30)  # noqa: DTZ001
