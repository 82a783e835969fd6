"""Which commits mend something that an earlier one broke, by what their authors call them.

Words alone: a fix that says nothing of it is missed, and some that are called so mend what nobody noticed.
"""

from __future__ import annotations

import re

_LONGEST = 1_000
_FIX = re.compile(
    r"\b(?:fix(?:e[sd]|ing|up)?|hot-?fix|bug(?:s|fix(?:es)?)?|defects?|regressions?|revert(?:s|ed)?"
    r"|roll ?back|crash(?:es)?|faults?|faulty|broken?|incidents?|outages?|leaks?|deadlocks?"
    r"|race condition)\b",
    re.IGNORECASE,
)
# What is mended there runs nowhere.
_HARMLESS = re.compile(
    r"\b(?:typos?|spelling|grammar|lint(?:er|ing)?|formatting|whitespace|docs?|documentation|readme|changelog"
    r"|comments?|flaky|tests?|ci|mypy|ruff|eslint|flake8)\b",
    re.IGNORECASE,
)
_REVERTED = re.compile(r"\bThis reverts commit ([0-9a-f]{7,64})\b")


def is_fix(subject: str) -> bool:
    """Whether the subject says that something is mended that people may have felt."""
    words = subject[:_LONGEST]
    return _FIX.search(words) is not None and _HARMLESS.search(words) is None


def reverted(message: str) -> tuple[str, ...]:
    """The ids of commits that a message says are taken back, as `git revert` writes it."""
    return tuple(_REVERTED.findall(message[:100_000]))
