"""The schema of the rules `response` and `escalation`: how long people have, and who is told if not."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_serializer

from core.model.incident import Severity
from core.rules.types import Duration, Rule, Window
from core.yamltext import Strict


class Response(Rule):
    rule: Literal["response"] = "response"
    respond: dict[Severity, Window] = Field(
        default={}, description="From the opening until somebody must have acknowledged"
    )
    update: dict[Severity, Window] = Field(
        default={}, description="From one update to the next, once somebody has acknowledged"
    )


class Step(Strict):
    """`after` counts from the opening, the reopening or the rise in severity."""

    after: Window = Field(description="From the opening, the reopening or the rise in severity")
    receiver: str = Field(
        min_length=1, max_length=64, description="Who is told, by the name in the routing file"
    )

    @field_serializer("after")
    def _with_unit(self, after: int) -> str:
        return f"{after}ms"


def _ascending(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if any(later.after <= earlier.after for earlier, later in pairwise(steps)):
        raise ValueError("each `after` must be longer than the one before it")
    return steps


Steps = Annotated[tuple[Step, ...], AfterValidator(_ascending)]


class Escalation(Rule):
    rule: Literal["escalation"] = "escalation"
    steps: dict[Severity, Steps] = Field(
        default={}, description="Who else is told, and when, while nobody has acknowledged"
    )
    repeat: dict[Severity, Duration] = Field(
        default={},
        description="When the steps are over and it still fires: people are told again so often; 0 for never",
    )
