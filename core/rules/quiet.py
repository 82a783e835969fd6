"""The schema of the rules that hold pages back: inhibition, quiet times, silences at deploys.

Journals from before these rules have the defaults here, which hold nothing back.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from core.calendars import TimeInterval
from core.rules.types import Duration, Rule, Unit
from core.suppression.matchers import Matchers, MatcherText, parse_all
from core.times import parse_rfc3339
from core.yamltext import Strict

_Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s:]+$")]
_List = Annotated[tuple[MatcherText, ...], Field(min_length=1, max_length=50)]


def _moment(value: object) -> int:
    if not isinstance(value, str):
        # pydantic turns a ValueError, not a TypeError, into a message with the path.
        raise ValueError('write an RFC 3339 time in quotes, such as "2026-11-21T03:00:00Z"')  # noqa: TRY004
    return parse_rfc3339(value)


Moment = Annotated[int, BeforeValidator(_moment), Unit("time")]


class InhibitionRow(Strict):
    """While an alert fits `source` and fires, alerts that fit `target` page nobody where all labels in
    `equal` have the same values. A label that both lack is the same."""

    name: _Name = Field(description="What pages name as the reason that nobody heard")
    source: _List = Field(description="Matchers of the alert that holds the others back")
    target: _List = Field(description="Matchers of the alerts that are held back")
    equal: tuple[str, ...] = Field(
        default=(),
        max_length=50,
        description="Labels in which the two must not differ; one that both lack does not",
    )


class Inhibition(Rule):
    rule: Literal["inhibition"] = "inhibition"
    inhibitions: tuple[InhibitionRow, ...] = Field(
        default=(),
        max_length=1_000,
        description="While an alert fits `source` and fires, those that fit `target` page nobody",
    )

    @model_validator(mode="after")
    def _named_once(self) -> Inhibition:
        _unique([one.name for one in self.inhibitions])
        return self


class QuietWindow(Strict):
    """Either once, `from` and `to`, or again and again, `intervals` in Alertmanager's notation."""

    name: _Name = Field(description="What pages name as the reason that nobody heard")
    matchers: _List = Field(description="The alerts that page nobody: every one of these holds")
    start: Moment | None = Field(default=None, alias="from", description="When it begins, if it is once")
    end: Moment | None = Field(default=None, alias="to", description="When it ends, if it is once")
    intervals: tuple[TimeInterval, ...] = Field(
        default=(), description="When it holds again and again, as Alertmanager's time intervals"
    )
    reason: str = Field(default="", max_length=500, description="Why, for people to read")

    @model_validator(mode="after")
    def _once_or_again(self) -> QuietWindow:
        once = self.start is not None or self.end is not None
        if once == bool(self.intervals):
            raise ValueError("give either `from` and `to`, or `intervals`")
        if once and (self.start is None or self.end is None or self.end <= self.start):
            raise ValueError("`to` must be after `from`, and both be given")
        return self


class QuietTimes(Rule):
    rule: Literal["quiet-times"] = "quiet-times"
    windows: tuple[QuietWindow, ...] = Field(
        default=(), max_length=1_000, description="Times at which the alerts that fit page nobody"
    )

    @model_validator(mode="after")
    def _named_once(self) -> QuietTimes:
        _unique([one.name for one in self.windows])
        return self


class DeploySilence(Rule):
    """`for` 0s holds nothing back. What is critical is never held back by it."""

    rule: Literal["deploy-silence"] = "deploy-silence"
    lasts: Duration = Field(
        default=0,
        alias="for",
        le=86_400_000,
        description="So long after a deploy of a service its alerts page nobody; 0s for never",
    )
    at_most: Literal["high", "warning", "info"] = Field(
        default="warning",
        description="Only alerts of this severity or a lesser one; critical ones always page",
    )


class ThresholdRow(Strict):
    """Alerts that fit page nobody while their incident has fewer alerts, or fewer services, than this."""

    name: _Name = Field(description="What pages name as the reason that nobody heard")
    matchers: _List = Field(description="The alerts that say little alone: every one of these holds")
    alerts: int = Field(default=1, ge=1, le=1_000, description="So many alerts in the incident page")
    services: int = Field(default=1, ge=1, le=1_000, description="So many services in the incident page")

    @cached_property
    def fits(self) -> Matchers:
        return Matchers(parse_all(self.matchers))


class Threshold(Rule):
    rule: Literal["threshold"] = "threshold"
    thresholds: tuple[ThresholdRow, ...] = Field(
        default=(), max_length=100, description="Alerts that page only once there are enough of them"
    )

    @model_validator(mode="after")
    def _named_once(self) -> Threshold:
        _unique([one.name for one in self.thresholds])
        return self


def _unique(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the name {twice[0]!r} is there twice: pages name it as their reason")
