"""Names of new incidents: from the record that opens one and a seed, so that a replay gives the same."""

from __future__ import annotations

from functools import lru_cache

from core.canonical import readable_id
from core.times import DAY, format_rfc3339
from core.world import Turn


def new_incident_id(turn: Turn, seed: str) -> str:
    """`INC-20261121-ABCDEF`; longer in the rare case that the short one is taken."""
    day = _day(turn.at // DAY)
    state = turn.world.state
    for length in range(6, 53):
        name = f"INC-{day}-{readable_id(turn.seq, seed, length=length)}"
        if name not in state.incidents and name not in state.redirects:
            return name
    raise AssertionError("52 characters of a SHA-256 do not repeat")


@lru_cache(maxsize=16)
def _day(days: int) -> str:
    """`20261121`, of so many days since 1970."""
    return format_rfc3339(days * DAY)[:10].replace("-", "")
