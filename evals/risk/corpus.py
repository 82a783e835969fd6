"""Small diffs of known danger, each beside a harmless twin: `evals/cases/risk/FAMILY.yaml`.

cases:
  - id: add-not-null                 # of the pair; the twin has the same and `danger: false`
    danger: true
    rules: [sql-not-null]            # that must match; of a harmless twin: that must not
    title: Add a column              # of the pull request; may be left out, as `description`
    files:
      - path: migrations/0007.sql
        before: ""                   # left out: the file is new; `after` left out: it is deleted
        after: |
          ALTER TABLE orders ADD COLUMN state text NOT NULL;
    known: {}                        # what core/risk/known.py says, as JSON
    commits: []                      # as core/risk/change.py says, the newest first
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec
import yaml

from core.risk.change import ChangeSet, Commit, Line, Status, TouchedFile
from core.risk.known import Known

ROOT = Path(__file__).parent.parent / "cases" / "risk"


class CaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    before: str | None = None
    after: str | None = None
    old_path: str = ""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    danger: bool
    rules: tuple[str, ...]
    files: tuple[CaseFile, ...]
    title: str = ""
    description: str = ""
    known: dict[str, Any] = {}
    commits: tuple[Commit, ...] = ()
    family: str = ""

    @property
    def name(self) -> str:
        return f"{self.family}/{self.id}/{'danger' if self.danger else 'harmless'}"


def load(root: Path = ROOT) -> list[Case]:
    """All cases, by family and in the order of their files."""
    found = []
    for path in sorted(root.glob("*.yaml")):
        rows = yaml.safe_load(path.read_text())["cases"]
        found += [msgspec.convert({**row, "family": path.stem}, Case, str_keys=True) for row in rows]
    return found


def change_of(case: Case) -> ChangeSet:
    files = tuple(map(_touched, case.files))
    return ChangeSet(title=case.title, description=case.description, commits=case.commits, files=files)


def known_of(case: Case) -> Known:
    return msgspec.convert(case.known, Known)


def _touched(file: CaseFile) -> TouchedFile:
    # As git counts them: a carriage return alone ends no line.
    before, after = (
        (text or "").removesuffix("\n").split("\n") if text else [] for text in (file.before, file.after)
    )
    removed, added = [], []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            removed += list(_lines(before, i1, i2))
            added += list(_lines(after, j1, j2))
    return TouchedFile(
        file.path,
        _status(file),
        file.old_path,
        added=tuple(added),
        removed=tuple(removed),
        insertions=len(added),
        deletions=len(removed),
        before=file.before,
        after=file.after,
    )


def _status(file: CaseFile) -> Status:
    if file.old_path:
        return "renamed"
    if file.before is None:
        return "added"
    return "deleted" if file.after is None else "modified"


def _lines(texts: list[str], start: int, end: int) -> Iterator[Line]:
    return (Line(number + 1, texts[number]) for number in range(start, end))
