"""What a change looked like when it was made, in numbers: the fourteen features of Kamei et al. (2013).

All are known before the change is merged: none looks at what came after it. `None` is "not known", which a
model answers with no weight at all, never with a guess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec


class Features(msgspec.Struct, frozen=True):
    """Of one change; "before" is the history that the change was made on.

    Lines: `la` added, `ld` deleted; `lt` lines of a touched file before, on average over the files.
    Spread: `nf` files, `nd` directories (of the files themselves), `ns` subsystems (first directories of the
    paths); `entropy` of la + ld over the files, 0 in one file alone to 1 where all have the same part.
    Purpose: `fix`, 1 where the subject says that it mends something, else 0.
    The files: `ndev` different people who changed any of them before; `age` days since the last change
    before, on average over the files; `nuc` different commits that were the last change before of a file.
    The author before: `exp` commits; `rexp` the same, each counting 1 / (1 + full years since); `sexp`
    commits that touched a subsystem which this one touches.
    """

    la: float | None = None
    ld: float | None = None
    nf: float | None = None
    nd: float | None = None
    ns: float | None = None
    entropy: float | None = None
    lt: float | None = None
    fix: float | None = None
    ndev: float | None = None
    age: float | None = None
    nuc: float | None = None
    exp: float | None = None
    rexp: float | None = None
    sexp: float | None = None


# In the order in which terms of equal weight are told: the name, and the words beside a value.
WORDS: dict[str, tuple[str, str]] = {
    "la": ("lines added", ""),
    "ld": ("lines deleted", ""),
    "nf": ("files", ""),
    "nd": ("directories", ""),
    "ns": ("subsystems", ""),
    "entropy": ("spread over the files", ""),
    "lt": ("lines of a file before", ""),
    "fix": ("a fix", ""),
    "ndev": ("people who changed the files before", ""),
    "age": ("days since the files were last changed", ""),
    "nuc": ("last changes of the files", ""),
    "exp": ("commits of the author before", ""),
    "rexp": ("recent commits of the author", ""),
    "sexp": ("commits of the author in these subsystems", ""),
}
NAMES = tuple(WORDS)


def entropy(lines: Sequence[int]) -> float:
    """Of the changed lines of each file, 0 to 1 (thousandths); 0 where fewer than two files have any."""
    some = [count for count in lines if count > 0]
    if len(some) < 2:
        return 0.0
    total = sum(some)
    bits = -math.fsum(count / total * math.log2(count / total) for count in some)
    return round(bits / math.log2(len(lines)), 3)
