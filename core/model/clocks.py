"""The clocks of an incident: until when somebody must respond, then say how it goes; who is told if not."""

from __future__ import annotations

import msgspec


class Clocks(msgspec.Struct):
    """Times in ms UTC; None where the rules set no such clock, or it does not run.

    `overdue`: nobody had responded by `respond_by`. `missed`: updates in a row that did not come.
    `escalating_since` is what the steps of the escalation path count from, `steps` how many are behind it.
    """

    respond_by: int | None = None
    responded_at: int | None = None
    overdue: bool = False
    update_by: int | None = None
    updated_at: int | None = None
    missed: int = 0
    escalating_since: int | None = None
    steps: int = 0
