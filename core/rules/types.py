"""What every rule file's model is made of: durations in milliseconds, scores in thousandths, strict keys."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field

from core.times import DAY, duration_text, parse_duration
from core.yamltext import Strict

_LONGEST, _LONGEST_WINDOW = 366 * DAY, 31 * DAY


def _duration(value: object) -> int:
    """A bare number would leave its unit to guess."""
    if not isinstance(value, str):
        # pydantic turns a ValueError, not a TypeError, into a message with the path.
        raise ValueError("write a duration with its unit, such as 90s, 5m or 1h30m")  # noqa: TRY004
    ms = parse_duration(value)
    if ms > _LONGEST:
        raise ValueError(f"{value} is longer than {duration_text(_LONGEST)}, the longest there is")
    return ms


def _window(value: object) -> int:
    ms = _duration(value)
    if not 0 < ms <= _LONGEST_WINDOW:
        raise ValueError(
            f"{value} is no window; write more than 0s, {duration_text(_LONGEST_WINDOW)} at most"
        )
    return ms


class Unit(NamedTuple):
    """What a number in the schema counts; `rules explain` writes it so."""

    name: str


Duration = Annotated[int, BeforeValidator(_duration), Unit("duration")]
Window = Annotated[int, BeforeValidator(_window), Unit("duration")]
Thousandths = Annotated[int, Field(ge=0, le=1000), Unit("thousandths")]


class Rule(Strict):
    summary: str = Field(description="What the rule is for, in a sentence")
