"""`risk fit` and `risk backtest`: a history into a model, and whether one would have foreseen the rest.

A backtest learns from the older two thirds with what was known then, and looks at the newer third with what
is known today. "Mended later" is read off the history (see history.py); it is not an outage.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from core.narrative.plain import one_line
from core.risk.figures import (
    Lift,
    auc,
    average_precision,
    brier,
    calibration_bins,
    calibration_error,
    lift,
)
from core.risk.fit import Example, fit
from core.risk.model import CalibrationBin, Model, Provenance, Score, score
from core.risk.outcomes import with_confirmed
from watchkeeper.risk.git import Git
from watchkeeper.risk.history import Row, learned
from watchkeeper.risk.log import changes
from watchkeeper.version import VERSION

# A history is read for so long at most, in seconds.
TIMEOUT = 3_600.0
_PARTS = (2, 3)


class Read(NamedTuple):
    rows: Sequence[Row]
    per_minute: int


class Learned(NamedTuple):
    model: Model
    per_minute: int

    def words(self) -> str:
        about = self.model.provenance
        lines = [
            f"Learned from {about.commits:,} changes, {about.defects:,} of them mended later "
            f"({self.per_minute:,} changes a minute)"
        ]
        lines += [about.note] if about.note else []
        return "".join(f"{line}\n" for line in lines)


class Backtest(NamedTuple):
    """Of the newer third: figures, and `lines_auc`, that of ranking by lines added alone."""

    repository: str
    learned_from: int
    judged: int
    mended: int
    auc: float
    lines_auc: float
    average_precision: float
    brier: float
    calibration_error: float
    lifts: tuple[Lift, ...]
    bins: tuple[CalibrationBin, ...]
    per_minute: int
    note: str

    def document(self) -> dict[str, Any]:
        figures = self._asdict()
        figures["lifts"] = [one._asdict() for one in self.lifts]
        figures["bins"] = [{"said": one.said, "came": one.came, "n": one.n} for one in self.bins]
        return {"version": VERSION, **figures}

    def words(self) -> str:
        return "".join(f"{line}\n" for line in _words(self))


def read(repo: Path, head: str) -> Read:
    """The whole history of a branch. Raises InputError where it is cut, or git fails."""
    started = time.monotonic()
    with Git(repo, TIMEOUT) as git:
        commit = git.commit(head)
        git.whole()
        rows = learned(changes(git, commit)).rows
    minutes = max(time.monotonic() - started, 0.001) / 60
    return Read(rows, round(len(rows) / minutes))


def learn(repo: Path, head: str, causes: Collection[str] = ()) -> Learned:
    """`causes`: commits that people say caused incidents. Raises InputError where too little can be learned
    from."""
    found = read(repo, head)
    model = fit(_examples(found.rows, len(found.rows), causes), _about(repo))
    return Learned(model, found.per_minute)


def backtested(repo: Path, head: str) -> Backtest:
    """Raises InputError where too little can be learned from."""
    found = read(repo, head)
    cut = len(found.rows) * _PARTS[0] // _PARTS[1]
    model = fit(_examples(found.rows[:cut], cut), _about(repo))
    newer = found.rows[cut:]
    labels = [row.mended(len(found.rows)) for row in newer]
    scores = [score(model, row.features) for row in newer]
    return _figures(repo, cut, newer, labels, scores, found.per_minute, model.provenance.note)


def _figures(
    repo: Path,
    cut: int,
    newer: Sequence[Row],
    labels: list[bool],
    scores: list[Score],
    per_minute: int,
    note: str,
) -> Backtest:
    said = [one.probability for one in scores]
    order = [float(one.log_odds) for one in scores]
    bins = calibration_bins(said, labels)
    return Backtest(
        _name(repo),
        cut,
        len(newer),
        sum(labels),
        round(auc(order, labels), 4),
        round(auc([row.features.la or 0.0 for row in newer], labels), 4),
        round(average_precision(order, labels), 4),
        round(brier(said, labels), 4),
        round(calibration_error(bins), 4),
        lift(order, labels),
        bins,
        per_minute,
        note,
    )


def _examples(rows: Sequence[Row], until: int, causes: Collection[str] = ()) -> list[Example]:
    """As it was known after the first `until` changes. A cause may name a merge, or what it brought."""
    rows = rows[: max(0, until - waiting(rows, until))]
    plain = [Example(row.at, row.features, row.mended(until), "", row.id) for row in rows]
    named = with_confirmed(plain, causes)
    brought = [one._replace(id=row.brought) for one, row in zip(plain, rows, strict=True)]
    also = with_confirmed(brought, causes)
    return [one._replace(defect=one.defect or two.defect) for one, two in zip(named, also, strict=True)]


def waiting(rows: Sequence[Row], until: int) -> int:
    """How many of the newest changes are too new to say that nothing was wrong with them: by then four in
    five of those that were mended had been. At most a third of all."""
    lags = sorted(row.mended_by[0] - row.number for row in rows if row.mended(until))
    return min(lags[len(lags) * 4 // 5], until // 3) if lags else 0


def _about(repo: Path) -> Provenance:
    return Provenance(repository=_name(repo), version=VERSION)


def _name(repo: Path) -> str:
    return one_line(repo.resolve().name, 100)


def _words(of: Backtest) -> list[str]:
    return [
        f"{of.repository}: learned from the older {of.learned_from:,} changes,",
        f"judged the newer {of.judged:,}, of which {of.mended:,} were mended later",
        f"  read at              {of.per_minute:,} changes a minute",
        f"  ranking (AUC)        {of.auc:.3f}   by lines added alone {of.lines_auc:.3f}",
        f"  average precision    {of.average_precision:.3f}",
        f"  Brier                {of.brier:.4f}",
        f"  calibration error    {of.calibration_error:.3f}",
        "  of the riskiest      changes  mended  of all mended  times chance",
        *map(_lift_words, of.lifts),
        "  said    came true  changes",
        *(f"  {one.said / 10:>5.1f} %  {one.came / 10:>7.1f} %  {one.n:>7,}" for one in of.bins),
        *([of.note] if of.note else []),
    ]


def _lift_words(one: Lift) -> str:
    found = f"{one.changes:>7,} {one.defects:>7,} {one.recall:>13.0%} {one.lift:>12.1f}x"
    return f"    {one.part:>2} %              {found}"
