"""The schema of rule slo-burn: when an error budget burns too fast, and what each part of it spent means.

Burns are in thousandths of the pace that spends the budget in exactly its window. A journal from before the
rule existed has no condition, so nothing is raised.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from core.rules.types import Rule, Thousandths, Window
from core.times import DAY, HOUR
from core.yamltext import Strict

_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
Alarm = Literal["critical", "high", "warning", "info"]


class Burn(Strict):
    name: str = Field(
        pattern=f"^{_NAME}$", max_length=40, description="The alert is SLOBurnRate and this name"
    )
    above: int = Field(
        gt=0, description="The burn that both windows must exceed, in thousandths: 14400 is 14.4"
    )
    long: Window = Field(description="The window that says it matters")
    short: Window = Field(description="The window that says it still goes on")
    level: Alarm = Field(description="The severity of the alert")

    @model_validator(mode="after")
    def _nest(self) -> Burn:
        if self.short >= self.long:
            raise ValueError("`short` must be below `long`")
        return self


class Band(Strict):
    name: str = Field(pattern=f"^{_NAME}$", max_length=60, description="What is done from here on")
    spent: int = Field(gt=0, le=100_000, description="From this much of the budget spent, in thousandths")


class Low(Strict):
    left: Thousandths = Field(description="With less than this left of the budget")
    level: Alarm = Field(description="The severity of the alert SLOBudgetLow")


class SloBurn(Rule):
    rule: Literal["slo-burn"] = "slo-burn"
    burns: tuple[Burn, ...] = Field(
        default=(), max_length=10, description="Conditions on the pace; each is an alert of its own"
    )
    bands: tuple[Band, ...] = Field(
        default=(), max_length=10, description="What a budget that is partly spent means; no alerts"
    )
    low: Low | None = Field(default=None, description="When so little is left that it is an alert")
    patience: int = Field(
        default=3, ge=1, le=100, description="How many short windows an alert outlives the last telling"
    )
    stale_after: Window = Field(default=HOUR, description="When what was told last counts as old")
    gone_after: Window = Field(default=DAY, description="When alerts of what is told no more are ended")

    @model_validator(mode="after")
    def _in_order(self) -> SloBurn:
        for names in ([one.name for one in self.burns], [one.name for one in self.bands]):
            if len(names) != len(set(names)):
                raise ValueError("two conditions or bands have one name")
        spent = [one.spent for one in self.bands]
        if spent != sorted(set(spent)):
            raise ValueError("`bands` must be in order, the least spent first")
        if self.gone_after < self.stale_after:
            raise ValueError("`gone_after` must not be below `stale_after`")
        return self
