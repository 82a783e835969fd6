"""What a check found as rows for people: of each rule and level the first place, and the further ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core.narrative.plain import one_line
from core.risk.model import Term
from core.risk.rules import Match

# Further places that a row names.
NAMED = 5
_GRAVE = ("high", "critical")
# Of log-odds, in thousandths: odds of some thousand to one.
_FARTHEST = 9_000


class Row(NamedTuple):
    match: Match
    others: tuple[Match, ...] = ()

    @property
    def places(self) -> int:
        return 1 + len(self.others)


def rows_of(matches: Iterable[Match]) -> list[Row]:
    """In the order of the first places."""
    found: dict[tuple[str, str], list[Match]] = {}
    for match in matches:
        found.setdefault((match.rule, match.level), []).append(match)
    return [Row(first, tuple(others)) for first, *others in found.values()]


def beyond(matched: int, shown: Sequence[Row], rows: Sequence[Row]) -> str:
    """`11 more, 3 of them high or critical`; "" when all places are shown."""
    more = matched - sum(row.places for row in shown)
    grave = sum(row.places for row in rows[len(shown) :] if row.match.level in _GRAVE)
    words = f", {grave:,} of them high or critical" if grave else ""
    return f"{more:,} more{words}" if more > 0 else ""


def others_of(row: Row) -> tuple[str, list[Match]]:
    """`and 7 more places`, and those that are named."""
    count = len(row.others)
    return f"and {count:,} more place{'' if count == 1 else 's'}", list(row.others[:NAMED])


def place(match: Match) -> str:
    """`db/7.sql:3`, or that it is the change as a whole."""
    if not match.path:
        return "(the change)"
    path = one_line(match.path, 200)
    return f"{path}:{match.line}" if match.line else path


def clears(match: Match, limit: int = 300) -> str:
    """What clears it, on one line, without a full stop."""
    return one_line(match.clears, limit).removesuffix(".")


def weight(term: Term) -> str:
    """What a term does to the probability: `raises (odds x 1.8)`."""
    factor = math.exp(max(-_FARTHEST, min(_FARTHEST, term.weight)) / 1_000)
    return f"{'raises' if term.weight > 0 else 'lowers'} (odds x {_two_digits(factor)})"


def _two_digits(value: float) -> str:
    if not 1 <= value < 10:
        return f"{float(f'{value:.2g}'):,g}"
    return f"{value:.1f}"
