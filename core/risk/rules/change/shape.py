"""How large a change is and how far it is spread: what reviewers miss grows with both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Known
from core.risk.paths import is_aside
from core.risk.rules.rule import Level, Match, RiskRule, quoted

# Reviewers of the study found most defects in changes below 200 to 400 lines, and few beyond.
_LARGE, _HUGE = 400, 3_000
# A change of so many files in so many folders, none of them the main one: nobody knows all of it.
_FILES, _FOLDERS, _EVEN = 20, 10, 0.8
_SERVICES = 3
_NO_CODE = (".po", ".pot", ".xlf", ".xliff", ".svg")


def judged(change: ChangeSet) -> list[TouchedFile]:
    """The files that people wrote and that run; translations and pictures as text do not."""
    return [
        file for file in change.files if not is_aside(file.path) and not file.path.lower().endswith(_NO_CODE)
    ]


def entropy(counts: Sequence[int]) -> float:
    """Of changed lines over files (Kamei et al.), over its greatest value: 0 is one file, 1 all alike."""
    total = sum(counts)
    shares = [count / total for count in counts if count]
    if len(shares) < 2:
        return 0.0
    return -sum(share * math.log2(share) for share in shares) / math.log2(len(shares))


def _size(change: ChangeSet, known: Known) -> Iterator[Match]:
    files = judged(change)
    lines = sum(one.insertions + one.deletions for one in files)
    if lines <= _LARGE:
        return
    level: Level = "medium" if lines >= _HUGE else "low"
    largest = max(files, key=lambda one: one.insertions + one.deletions)
    said = f"{lines:,} lines change in {len(files):,} files of code; reviews find little beyond {_LARGE}."
    shown = f"{quoted(largest.path)}: {largest.insertions:,} added, {largest.deletions:,} removed"
    clears = "Split it: what moves or renames apart from what behaves otherwise"
    yield Match("change-size", level, said, clears, "", 0, shown)


def _spread(change: ChangeSet, known: Known) -> Iterator[Match]:
    files = judged(change)
    folders = {one.path.rpartition("/")[0] for one in files}
    even = entropy([one.insertions + one.deletions for one in files])
    if len(files) >= _FILES and len(folders) >= _FOLDERS and even >= _EVEN:
        said = (
            f"{len(files)} files in {len(folders)} folders change evenly: no part of it stands for the rest."
        )
        shown = f"entropy {even:.2f} of 1; {quoted(', '.join(sorted(one or '(top)' for one in folders)[:5]))}"
        yield Match("change-spread", "low", said, "Split it by part of the program", "", 0, shown)


def _services(change: ChangeSet, known: Known) -> Iterator[Match]:
    names = [one.name for one in known.services]
    if len(names) >= _SERVICES and judged(change):
        said = f"{len(names)} services change at once, and are deployed one after the other."
        clears = "Deploy them apart, each able to work with the old version of the others"
        yield Match("change-services", "low", said, clears, "", 0, quoted(", ".join(names[:20])))


rules = (
    RiskRule(
        "change-size",
        "A large change",
        "What is too large to read is approved unread.",
        "SmartBear, Best Practices for Code Review (study at Cisco), "
        "https://smartbear.com/learn/code-review/best-practices-for-peer-code-review/",
        _size,
    ),
    RiskRule(
        "change-spread",
        "A change spread over many places",
        "The more evenly a change is spread, the more has to be remembered, and the more defects follow.",
        "Hassan, Predicting faults using the complexity of code changes, ICSE 2009, "
        "https://doi.org/10.1109/ICSE.2009.5070510",
        _spread,
    ),
    RiskRule(
        "change-services",
        "Several services in one change",
        "Changes that touch several systems fail more often than those of one.",
        "Kamei et al., A large-scale empirical study of just-in-time quality assurance, TSE 2013, "
        "https://doi.org/10.1109/TSE.2012.70",
        _services,
    ),
)
