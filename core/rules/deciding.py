"""The schema of the rules that decide how bad an incident is, and of its clocks: when it moves or pages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from core.model.incident import Severity
from core.rules.types import Duration, Rule, Window
from core.times import MINUTE, SECOND
from core.yamltext import Strict

Level = Literal["critical", "high", "warning", "info"]
LEVELS: tuple[Level, ...] = ("critical", "high", "warning", "info")


class When(Strict):
    """Every key given must hold. `level`: the worst alert is at least that bad."""

    level: Level | None = Field(default=None, description="The worst alert is at least so bad")
    production: bool | None = Field(
        default=None,
        description="Whether it is in production: in none of the environments of `non_production`",
    )
    tier_at_most: int | None = Field(
        default=None,
        description="A service that alerts has this tier or a more important one; 1 is the most important",
    )
    services_at_least: int | None = Field(default=None, description="So many services alert, or more")


class Condition(Strict):
    name: str = Field(description="What the severity's reason is called")
    severity: Severity = Field(description="The severity when it holds")
    when: When = Field(description="What must hold, every key of it; {} holds always")


class SeverityRule(Rule):
    rule: Literal["severity"]
    label: str = Field(description="The label in which alerts say how bad they are")
    levels: dict[Level, tuple[str, ...]] = Field(
        description="The words of that label by level, whatever their case"
    )
    default_level: Level = Field(
        description="The level of an alert without the label, or with another word in it"
    )
    non_production: tuple[str, ...] = Field(description="Environments that are not production")
    conditions: tuple[Condition, ...] = Field(
        min_length=1, description="The first that holds gives the severity; the last must hold always"
    )

    def in_production(self, environment: str) -> bool:
        """One that nobody tells ("") is, unless the list holds it. Severity and routes ask here."""
        return environment.lower() not in self.non_production

    @model_validator(mode="after")
    def _decides_always(self) -> SeverityRule:
        if self.conditions[-1].when != When():
            raise ValueError("the last condition must hold always: give it `when: {}`")
        return self


class Lifecycle(Rule):
    rule: Literal["lifecycle"]
    late_after: Window = Field(
        description="What comes later than so long after it happened is marked as late"
    )
    settle: Window = Field(
        default=100 * SECOND,
        description="So long after it came, an alert's incident counts as decided; a merge may still move it",
    )
    clear_after: Duration = Field(description="All alerts quiet for so long: the incident is resolved")
    reopen_window: Duration = Field(
        description="A new alert so soon after the resolution reopens the incident, and what still fires then"
    )
    close_after: Window = Field(description="Resolved for so long: closed")
    alive_gap: Window = Field(
        description="A source heard with no longer gap is alive; only then does silence mean an alert's end"
    )


class Notify(Rule):
    rule: Literal["notify"]
    wait: dict[Severity, Duration] = Field(
        description="From opening to the first page, so that one message can tell the whole story"
    )
    update_after: Window = Field(
        description="Services that join after a page are told together, so long after the first of them"
    )
    spread_after: Duration = Field(
        default=0,
        description="Where somebody has it and something else turns critical: a page, at most so often; "
        "0 for none",
    )

    @model_validator(mode="after")
    def _every_severity(self) -> Notify:
        missing = {"P0", "P1", "P2", "P3"} - set(self.wait)
        if missing:
            raise ValueError(f"`wait` says nothing of {', '.join(sorted(missing))}")
        return self


class Explain(Rule):
    rule: Literal["explain"] = "explain"
    wait: Duration = Field(
        default=15 * SECOND,
        description="From opening until the agents are asked; paging never waits for them",
    )
    again_after: Window = Field(
        default=MINUTE, description="They are asked again when more is known, at most so often"
    )


class SilentSource(Rule):
    rule: Literal["silent-source"] = "silent-source"
    resends: dict[str, Window] = Field(
        default={},
        description="Sources that tell again what still fires, and how long they may then be silent",
    )
    expected: dict[str, Window] = Field(
        default={}, description="Sources that are always to be heard, and how long they may be silent"
    )

    def patience_with(self, key: str) -> int:
        """For how long `key` (`domain/source`), if it is always to be heard, may be silent, in ms; else 0."""
        return self.expected.get(key) or self.expected.get(key.partition("/")[2]) or 0
