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
# With fewer that were mended later, or that were not, chance alone makes such figures.
_ENOUGH = 20
FEW = f"These figures say nothing: it takes {_ENOUGH} changes that were mended later, and as many others"


class Read(NamedTuple):
    rows: Sequence[Row]
    per_minute: int


class Learned(NamedTuple):
    """`confirmed`: changes learned from that people say caused an incident, of `told` that they say so of;
    `told` is None where no journal was asked."""

    model: Model
    per_minute: int
    read: int
    confirmed: int = 0
    told: int | None = None

    def words(self) -> str:
        about = self.model.provenance
        lines = [
            f"Learned from {about.commits:,} changes, {about.defects:,} of them mended later"
            " (a later change fixes lines of it, or takes it back)"
        ]
        if self.read > about.commits:
            left = self.read - about.commits
            lines.append(f"  of {self.read:,} changes read; the newest {left:,} are too new to be mended yet")
        if self.told is not None:
            lines.append(
                f"  {self.confirmed:,} of them, by what people say, caused an incident and count as mended"
                f" ({self.told:,} such commits are in the journal)"
            )
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


def learn(repo: Path, head: str, causes: Collection[str] | None = None) -> Learned:
    """`causes`: commits that people say caused incidents. Raises InputError where too little can be learned
    from."""
    found = read(repo, head)
    examples = _examples(found.rows, len(found.rows), causes or ())
    confirmed = sum(_caused(found.rows[: len(examples)], causes or ()))
    model = fit(examples, _about(repo))
    told = None if causes is None else len(causes)
    return Learned(model, found.per_minute, len(found.rows), confirmed, told)


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
    told = zip(rows, _caused(rows, causes), strict=True)
    return [Example(row.at, row.features, row.mended(until) or hit, "", row.id) for row, hit in told]


def _caused(rows: Sequence[Row], causes: Collection[str]) -> list[bool]:
    """Which of them people say caused an incident."""
    blank = [Example(row.at, row.features, False, "", row.id) for row in rows]
    brought = [one._replace(id=row.brought) for one, row in zip(blank, rows, strict=True)]
    found = zip(with_confirmed(blank, causes), with_confirmed(brought, causes), strict=True)
    return [one.defect or other.defect for one, other in found]


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
        *([FEW] if min(of.mended, of.judged - of.mended) < _ENOUGH else []),
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
