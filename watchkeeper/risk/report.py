"""What a check of a change came to; every form of it (text, JSON, Markdown...) is made from this alone."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from core.narrative.plain import one_line
from core.risk.assess import Assessment
from core.risk.change import ChangeSet
from core.risk.model import Score
from core.risk.paths import is_aside
from core.risk.rules import LEVELS, RULES, Level, Match, RiskRule
from core.risk.rules.masking import masked, unshaped

MOST_FILES = 300
# Of what was left alone, the paths that people are told.
_NAMED = 3


class Counts(msgspec.Struct, frozen=True):
    """Of the change: files, of which `left_out` were not looked at, lines and commits. `left_alone`: tests,
    documentation, generated and vendored files. `unread`: all files that were not judged for want of a text,
    with those that were left out."""

    files: int = 0
    insertions: int = 0
    deletions: int = 0
    commits: int = 0
    left_out: int = 0
    left_alone: int = 0
    unread: int = 0


class Report(msgspec.Struct, frozen=True):
    """`base`, `head` and `start` (what the head is compared with) are ids of commits. `chance`: how likely
    such a change was to be mended later, in a history that `learned_from` names; None without a model.

    `unjudged`: what could not be looked at, in sentences. `notes`: what else a reader must know. `services`
    that it touches, and `server`: whether one was asked, and "" or why it did not answer.
    """

    base: str
    head: str
    start: str
    title: str
    counts: Counts
    assessment: Assessment
    mode: Literal["advisory", "policy"] = "advisory"
    fail_on: Level | None = None
    services: tuple[str, ...] = ()
    chance: Score | None = None
    learned_from: str = ""
    unjudged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    # Whose change it is, where it can be looked at, when it was judged (ms UTC), and its paths, those that
    # people deploy first; see `files_of`.
    repository: str = ""
    url: str = ""
    at: int = 0
    files: tuple[str, ...] = ()
    # The commit that the head became when it was merged; "" where nobody said.
    merged_as: str = ""
    # Paths of tests, documentation, generated and vendored files, the first of them.
    left_alone: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Whatever form it takes later, and whoever is told: no path or sentence holds a known secret."""
        for name, value in _without_secrets(self).items():
            msgspec.structs.force_setattr(self, name, value)

    @property
    def failed(self) -> bool:
        """Whether the check says no: by the policy, or by the level that the caller named."""
        level = self.assessment.level
        if self.mode == "policy" and self.assessment.verdict == "hold":
            return True
        named = self.fail_on is not None and level is not None
        return named and LEVELS.index(level) >= LEVELS.index(self.fail_on)

    @property
    def matched(self) -> int:
        """How many places matched, listed or not."""
        return len(self.assessment.matches) + sum(self.assessment.more.values())


_BY_ID: dict[str, RiskRule] = {rule.id: rule for rule in RULES}
HEADS = {
    "allow": "Below what warns",
    "warn": "Look before you merge",
    "hold": "Do not merge it as it is",
}


def _without_secrets(report: Report) -> dict[str, Any]:
    found = report.assessment
    clean = msgspec.structs.replace(
        found,
        matches=tuple(map(_clean, found.matches)),
        suppressed=tuple(
            msgspec.structs.replace(
                one, match=_clean(one.match), reason=masked(one.reason), by=unshaped(one.by)
            )
            for one in found.suppressed
        ),
        unread=tuple(map(unshaped, found.unread)),
    )
    lists = {name: tuple(map(unshaped, getattr(report, name))) for name in ("unjudged", "notes", "files")}
    words = {name: unshaped(getattr(report, name)) for name in ("learned_from", "repository", "url")}
    return {"assessment": clean, "title": masked(report.title), **lists, **words}


def _clean(match: Match) -> Match:
    """Its evidence was masked when it was quoted; what is around it may still hold a known shape."""
    values = {name: unshaped(getattr(match, name)) for name in ("what", "clears", "path", "evidence")}
    return msgspec.structs.replace(match, **values)


def files_of(change: ChangeSet) -> tuple[str, ...]:
    """Its paths, at most so many as a server keeps."""
    return tuple(sorted((one.path for one in change.files), key=is_aside)[:MOST_FILES])


def rule_of(match: Match) -> RiskRule | None:
    """The rule of a match; None for one that this version does not have."""
    return _BY_ID.get(match.rule)


def headline(report: Report) -> str:
    """`Look before you merge: high risk (2 rules, 5 places)`."""
    found = report.assessment
    head = HEADS[found.verdict]
    if found.level is None:
        many = report.counts.unread
        were = "was" if many == 1 else "were"
        gap = f" in what was read; {_count(many, 'file')} {were} not judged" if many else ""
        return f"No rule matched{gap}"
    rules = len({match.rule for match in found.matches})
    return f"{head}: {found.level} risk ({_count(rules, 'rule')}, {_count(report.matched, 'place')})"


def size_of(counts: Counts) -> str:
    """`3 files, +120 -4, 2 commits`."""
    lines = f"+{counts.insertions} -{counts.deletions}"
    return f"{_count(counts.files, 'file')}, {lines}, {_count(counts.commits, 'commit')}"


def apart(report: Report) -> str:
    """`7 files left alone as tests, documentation, generated or vendored: a, b, c and 4 more`; "" without."""
    many, named = report.counts.left_alone, report.left_alone[:_NAMED]
    if not many:
        return ""
    more = f" and {many - len(named):,} more" if many > len(named) else ""
    names = ", ".join(one_line(path, 160) for path in named)
    return f"{_count(many, 'file')} left alone as tests, documentation, generated or vendored: {names}{more}"


def percent(thousandths: int) -> str:
    """`4 %`, `0.4 %`."""
    whole, part = divmod(thousandths, 10)
    return f"{whole}.{part} %" if whole < 10 and part else f"{round(thousandths / 10)} %"


def estimated(chance: Score) -> str:
    return f"Estimated: {percent(chance.probability)} of such changes are mended later"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
