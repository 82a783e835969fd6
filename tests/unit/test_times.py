"""Times: milliseconds and RFC 3339, exact, whatever the offset and however far away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.times import beside, compared, format_rfc3339, parse_duration, parse_rfc3339, spoken


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_what_is_written_reads_back(ms: int) -> None:
    assert parse_rfc3339(format_rfc3339(ms)) == ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T05:45:00.001+05:45", 1),
        ("2026-11-21T01:55:36.234567891Z", 1_795_226_136_234),
        ("0001-01-01T00:00:00+14:00", -62_135_596_800_000 - 14 * 3_600_000),
        ("9999-12-31T23:59:59-14:00", 253_402_300_799_000 + 14 * 3_600_000),
    ],
)
def test_offsets_and_digits(text: str, ms: int) -> None:
    assert parse_rfc3339(text) == ms


@given(st.datetimes(timezones=st.timezones()))
def test_it_agrees_with_the_standard_library(moment: datetime) -> None:
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse_rfc3339(moment.isoformat()) == expected


@pytest.mark.parametrize("text", ["", "now", "2026-11-21", "2026-11-21T03:00:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is Python's own
        parse_rfc3339(text)


def test_durations() -> None:
    assert parse_duration("1h30m") == 5_400_000
    assert [spoken(ms) for ms in (45_000, 240_000, 7_500_000, 180_000_000)] == [
        "45 s", "4 min", "2 h 5 min", "2 d 2 h",
    ]  # fmt: skip
    for wrong in ("5", "m", "1.5h", "-5m", "5 m"):
        with pytest.raises(ValueError, match="not a duration"):
            parse_duration(wrong)


def test_durations_beside_each_other_are_exact_and_in_one_unit() -> None:
    assert compared(100_000, 75_000, 25_000) == ["100 s", "75 s", "25 s"]
    assert compared(7_200_000, 3_600_000) == ["2 h", "1 h"]
    assert compared(5_400_000, 3_600_000, 1_800_000) == ["90 min", "60 min", "30 min"]
    assert compared(5_401_500, 3_600_000) == ["1 h 30 min 1.5 s", "1 h"]
    assert compared(1_990_000, 900_000, 1_090_000) == ["33 min 10 s", "15 min", "18 min 10 s"]
    assert compared(599_500, 75_000) == ["599.5 s", "75 s"]
    assert compared(0, 0) == ["0 s", "0 s"]
    assert beside(75_250, 75_000) == ("75.25 s", "75 s")
    assert beside(90_000, 75_000) == ("90 s", "75 s")
    # What is within need not be exact to the millisecond, and never looks like more than it is.
    assert beside(74_900, 75_000) == ("74 s", "75 s")
    assert beside(95_900, 120_000)[0] == "95 s"
