"""Labelled commits from CSV files of two layouts, and two halves by time: one to learn from, one to score.

Kamei's files give lines added and deleted by lines before, and last changes by file; here they are counts
again, as watchkeeper computes them. ApacheJIT's give counts.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from core.errors import InputError
from core.risk.features import Features

Row = Mapping[str, str]
LEAST, LARGEST = 40, 1e12


class Commit(NamedTuple):
    """`at` in ms UTC. `given`: the columns as they stand in the file, for the baselines. `case_id` is unique
    in its file."""

    case_id: str
    project: str
    at: int
    defect: bool
    features: Features
    given: tuple[float, ...]


class DataSet(NamedTuple):
    """One file, by time; commits of the same moment are in one half, whatever their order in the file."""

    name: str
    columns: tuple[str, ...]
    commits: tuple[Commit, ...]
    cut: int

    @property
    def earlier(self) -> Sequence[Commit]:
        return self.commits[: self.cut]

    @property
    def later(self) -> Sequence[Commit]:
        return self.commits[self.cut :]


class Layout(NamedTuple):
    """`given` are the columns that say how the change was; `features` makes ours of them."""

    name: str
    id: str
    at: str
    label: str
    project: str
    given: tuple[str, ...]
    features: Callable[[dict[str, float]], Features]


def _kamei(row: dict[str, float]) -> Features:
    # Where the files were empty before there was nothing to divide by, and the lines stand as they are.
    before = row["lt"] * row["nf"]
    scale = before if before > 0 else 1.0
    return Features(
        la=round(row["la"] * scale, 2),
        ld=round(row["ld"] * scale, 2),
        nf=row["nf"],
        nd=row["nm"],
        ns=row["ns"],
        entropy=row["entropy"],
        lt=row["lt"],
        fix=row["fix"],
        ndev=row["ndev"],
        age=row["pd"],
        nuc=round(row["npt"] * row["nf"], 2),
        exp=row["exp"],
        rexp=row["rexp"],
        sexp=row["sexp"],
    )


def _apache(row: dict[str, float]) -> Features:
    names = {"ent": "entropy", "aexp": "exp", "arexp": "rexp", "asexp": "sexp"}
    return Features(**{names.get(name, name): value for name, value in row.items()})


_SHARED = ("la", "ld", "nf", "ns", "fix", "ndev")
LAYOUTS = (
    Layout(
        "Kamei",
        "transactionid",
        "commitdate",
        "bug",
        "",
        (*_SHARED, "nm", "entropy", "lt", "pd", "npt", "exp", "rexp", "sexp"),
        _kamei,
    ),
    Layout(
        "ApacheJIT",
        "commit_id",
        "author_date",
        "buggy",
        "project",
        (*_SHARED, "nd", "ent", "age", "nuc", "aexp", "arexp", "asexp"),
        _apache,
    ),
)


def load(folder: Path) -> list[DataSet]:
    """Every `*.csv` of the folder, by name. Raises InputError that names file, line and column."""
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder), mend="Give --data a folder of CSV files")
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise InputError("holds no CSV file", where=str(folder), mend="Give --data a folder of CSV files")
    return [read(path) for path in paths]


def read(path: Path) -> DataSet:
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            table = csv.DictReader(lines)
            layout = _layout(table.fieldnames or (), path)
            commits = [_commit(layout, row, path, table.line_num) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from None
    if len(commits) < LEAST:
        raise InputError(f"{len(commits)} commits are too few to learn from and to score", where=str(path))
    commits.sort(key=lambda one: (one.at, one.case_id))
    return _checked(DataSet(path.stem, layout.given, tuple(commits), _cut(commits)), path)


def _layout(columns: Sequence[str], path: Path) -> Layout:
    there = set(columns)
    for layout in LAYOUTS:
        if _needed(layout) <= there:
            return layout
    nearest = min(LAYOUTS, key=lambda one: len(_needed(one) - there))
    missing = ", ".join(sorted(_needed(nearest) - there))
    known = "; ".join(f"{one.name}: {', '.join(sorted(_needed(one)))}" for one in LAYOUTS)
    raise InputError(
        f"columns {', '.join(columns) or '(none)'} are of no known layout; {nearest.name}'s lacks {missing}",
        where=str(path),
        mend=f"Known are {known}",
    )


def _needed(layout: Layout) -> set[str]:
    return {one for one in (layout.id, layout.at, layout.label, layout.project, *layout.given) if one}


def _commit(layout: Layout, row: Row, path: Path, line: int) -> Commit:
    where = f"{path}: line {line}"
    given = {name: _number(row, name, where) for name in layout.given}
    return Commit(
        row[layout.id] or f"line {line}",
        (row[layout.project] if layout.project else "") or path.stem,
        _moment(row, layout.at, where),
        _number(row, layout.label, where) > 0,
        layout.features(given),
        tuple(given.values()),
    )


_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


def _number(row: Row, name: str, where: str) -> float:
    text = (row[name] or "").strip()
    try:
        value = _WORDS[text.lower()] if text.lower() in _WORDS else float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise InputError(f"column {name}: {text[:40]!r} is not a number of use", where=where)
    return value


# The year 3000, in seconds.
_LAST = 32_503_680_000
_FORMS = ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def _moment(row: Row, name: str, where: str) -> int:
    """Seconds since 1970, or a date in one of the usual forms."""
    text = (row[name] or "").strip()
    if text.replace(".", "", 1).isdecimal() and float(text) < _LAST:
        return int(float(text) * 1000)
    for form in _FORMS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp() * 1000)
        except ValueError:
            continue
    raise InputError(f"column {name}: {text[:40]!r} is no time", where=where, mend="Write 2026/11/21 08:30")


def _cut(commits: Sequence[Commit]) -> int:
    cut = len(commits) // 2
    while cut and commits[cut].at == commits[cut - 1].at:
        cut -= 1
    return cut or len(commits) // 2


def _checked(data: DataSet, path: Path) -> DataSet:
    for half, commits in (("earlier", data.earlier), ("later", data.later)):
        if len({one.defect for one in commits}) < 2:
            raise InputError(f"the {half} half of its commits is all of one label", where=str(path))
    return data
