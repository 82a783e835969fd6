"""What every risk rule is: an id, what it looks for, why that matters, and where that is known from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import msgspec

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.rules.masking import masked

Level = Literal["low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = ("low", "medium", "high", "critical")
_LONGEST = 300
_MOST_READ = 4_000


class Match(msgspec.Struct, frozen=True):
    """A place where a rule matched. `line` counts from 1 in the new file, 0 where none says it (also of a
    line that was removed). `what` is one sentence for a reviewer, `evidence` the text that was found,
    `clears` what the author can do so that it matches no more."""

    rule: str
    level: Level
    what: str
    clears: str
    path: str = ""
    line: int = 0
    evidence: str = ""


class RiskRule(NamedTuple):
    """`find` yields matches in the order of files and lines, and never raises for what is in a file.

    `source` says where the danger is known from, in words and with an address. `wants`: whether the whole
    text of a file of this path is needed, before and after.
    """

    id: str
    title: str
    why: str
    source: str
    find: Callable[[ChangeSet, Known], Iterable[Match]]
    wants: Callable[[str], bool] = lambda path: False
    # Policy says whether one may; it never counts as a sign of danger.
    policy: bool = False
    # Asked when all others have been, and told what they matched (`Known.matched`).
    late: bool = False


def quoted(text: str) -> str:
    """A line as evidence: one line, without control characters and secrets, not too long."""
    flat = masked("".join(sign if sign.isprintable() else " " for sign in text[:_MOST_READ].strip()))
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"
