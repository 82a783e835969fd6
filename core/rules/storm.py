"""The schema of the storm rule: when many alerts at once change how people are told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.rules.types import Duration, Rule, Window
from core.times import MINUTE


class StormRule(Rule):
    rule: Literal["storm"] = "storm"
    alerts: int = Field(
        default=0, ge=0, le=1_000_000, description="So many new alerts are a storm; 0 for never one"
    )
    within: Window = Field(default=2 * MINUTE, description="Over how long new alerts are counted")
    incidents: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Pages say that so many incidents began at once, or more; 0 for never",
    )
    incidents_within: Window = Field(default=5 * MINUTE, description="Over how long incidents are counted")
    wait: Duration = Field(
        default=0, description="During a storm first pages wait at least so long, but for P0"
    )
