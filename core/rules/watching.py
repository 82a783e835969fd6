"""The rule `watchdog`: which alerts always fire, and how long one may go untold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.rules.types import Rule, Window
from core.times import DAY, MINUTE


class WatchdogRule(Rule):
    rule: Literal["watchdog"] = "watchdog"
    alerts: tuple[str, ...] = Field(default=(), description="Names of alerts that always fire")
    labels: dict[str, str] = Field(
        default={}, description="An alert with one of these labels always fires, whatever its name"
    )
    patience: Window = Field(
        default=10 * MINUTE,
        description="How long a watchdog that was heard may go untold; above its sender's repeat interval",
    )
    sources: dict[str, Window] = Field(
        default={}, description="The same for single sources, where they repeat more rarely"
    )
    forget_after: Window = Field(
        default=7 * DAY, description="A watchdog in trouble for so long was taken down: its alert ends"
    )

    def patience_with(self, key: str) -> int:
        """For how long a watchdog of `key` (`domain/source`) may go untold, in ms."""
        return self.sources.get(key) or self.sources.get(key.partition("/")[2]) or self.patience
