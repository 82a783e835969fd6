"""A report read back from its JSON form, as data of whoever wrote it: checked, bounded, rendered anew by us.

A pull request of a fork writes what its own workflow leaves behind. Nothing of it is taken as markup, and of
rules that this version does not have nothing is told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from core.errors import InputError
from core.narrative.plain import one_line
from core.risk.assess import Assessment, Suppressed
from core.risk.model import Score, Term
from core.risk.policy import Verdict
from core.risk.rules import LEVELS, RULES, Level, Match
from watchkeeper.risk.report import Counts, Report

MOST_BYTES = 5_000_000
_MOST_ROWS, _MOST_LINES = 5_000, 100
_IDS = frozenset(rule.id for rule in RULES)
_Commit = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
_Start = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})?$")]
_Some = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class _Match(msgspec.Struct, frozen=True):
    rule: str
    level: Level
    what: str
    clears: str
    path: str = ""
    line: _Some = 0
    evidence: str = ""

    def match(self) -> Match:
        return Match(self.rule, self.level, self.what, self.clears, self.path, self.line, self.evidence)


class _Accepted(_Match, frozen=True):
    reason: str = ""
    by: str = ""
    expires: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] = "1970-01-01"


class _Term(msgspec.Struct, frozen=True):
    feature: str
    value: str
    weight: Annotated[int, msgspec.Meta(ge=-(10**6), le=10**6)]


class _Chance(msgspec.Struct, frozen=True):
    thousandths: Annotated[int, msgspec.Meta(ge=0, le=1_000)]
    terms: list[_Term] = []
    learned_from: str = ""


class _File(msgspec.Struct, frozen=True):
    verdict: Verdict
    head: _Commit
    base: _Start = ""
    start: _Start = ""
    level: Level | None = None
    mode: Literal["advisory", "policy"] = "advisory"
    title: str = ""
    counts: Counts = Counts()
    matches: list[_Match] = []
    more: dict[str, _Some] = {}
    suppressed: list[_Accepted] = []
    probability: _Chance | None = None
    unjudged: list[str] = []
    notes: list[str] = []
    left_alone: list[str] = []


def read_report(path: Path) -> Report:
    """Raises InputError with what does not fit."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        what = f"cannot be read ({error.strerror or 'no path'})"
        raise InputError(
            what, where=str(path), mend="Give what `watchkeeper risk --format json` wrote"
        ) from None
    return report_from(raw, str(path))


def report_from(raw: bytes, where: str) -> Report:
    mend = "Give what `watchkeeper risk --format json` wrote, unchanged"
    if len(raw) > MOST_BYTES:
        raise InputError(f"longer than {MOST_BYTES:,} bytes", where=where, mend=mend)
    try:
        found = msgspec.json.decode(raw, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"no report ({one_line(str(error))})", where=where, mend=mend) from None
    if max(len(found.matches), len(found.suppressed)) > _MOST_ROWS:
        raise InputError(f"more than {_MOST_ROWS:,} places", where=where, mend=mend)
    return _report(found)


def _report(found: _File) -> Report:
    known = [one.match() for one in found.matches if one.rule in _IDS]
    known.sort(key=lambda one: -LEVELS.index(one.level))
    unknown = len(found.matches) - len(known)
    notes = [*found.notes[:_MOST_LINES]]
    if unknown:
        notes.append(f"{unknown:,} places of rules that this version does not have are left out")
    accepted = [
        Suppressed(one.match(), one.reason, one.by, one.expires)
        for one in found.suppressed
        if one.rule in _IDS
    ]
    more = {name: count for name, count in found.more.items() if name in _IDS}
    level = known[0].level if known else None
    assessment = Assessment(found.verdict, level, tuple(known), tuple(accepted), more)
    return Report(
        base=found.base,
        head=found.head,
        start=found.start or found.base,
        title=one_line(found.title, 300),
        counts=found.counts,
        assessment=assessment,
        mode=found.mode,
        chance=_chance(found.probability),
        learned_from=one_line(found.probability.learned_from, 300) if found.probability else "",
        unjudged=tuple(found.unjudged[:_MOST_LINES]),
        notes=tuple(notes),
        left_alone=tuple(found.left_alone[:_MOST_LINES]),
    )


def _chance(found: _Chance | None) -> Score | None:
    if found is None:
        return None
    terms = tuple(Term(one.feature, one.value, one.weight) for one in found.terms[:_MOST_LINES])
    return Score(found.thousandths, terms, 0)
