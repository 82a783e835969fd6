"""The clocks of an incident: until when somebody must respond, then say how it goes; who is told if not."""

from __future__ import annotations

import msgspec


class Stands(msgspec.Struct, frozen=True):
    """The clocks stand `since` (ms UTC), because of `why`, such as `silenced:SIL-ABCDEFGH`.

    Their times are as of `upto`; `due` holds, by the timer's name, when each would have been looked at.
    """

    since: int
    why: str
    upto: int
    due: dict[str, int] = {}


class Clocks(msgspec.Struct):
    """Times in ms UTC; None where the rules set no such clock, or it does not run.

    `overdue`: nobody had responded by `respond_by`. `missed`: updates in a row that did not come.
    `escalating_since` is what the steps of the escalation path count from, `steps` how many are behind it.
    `told`: somebody was paged since they began. `repeat_at`: all steps are behind it; when people are told
    again.
    """

    respond_by: int | None = None
    responded_at: int | None = None
    overdue: bool = False
    update_by: int | None = None
    updated_at: int | None = None
    missed: int = 0
    escalating_since: int | None = None
    steps: int = 0
    told: bool = False
    stands: Stands | None = None
    repeat_at: int | None = None
