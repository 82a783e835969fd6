"""The schema of rule freeze: when nothing is to be deployed, or nothing of some services."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.risk.freezes import FreezeWindow
from core.rules.types import Rule

_Name = Annotated[str, Field(min_length=1, max_length=200)]


class FreezeRow(FreezeWindow):
    """A freeze of some services, or of all."""

    services: tuple[_Name, ...] = Field(
        default=(), max_length=1_000, description="The services that it is about; all without it"
    )


class FreezeRule(Rule):
    """Changes of services alone are known before they go out, not the environments that they will reach."""

    rule: Literal["freeze"] = "freeze"
    windows: tuple[FreezeRow, ...] = Field(
        default=(), max_length=1_000, description="When nothing is to be deployed"
    )
    low_budget: bool = Field(
        default=False,
        description="Whether a service with less of an error budget left than `low` of slo-burn is frozen",
    )
