"""What became of changes that were judged and then went out: which of them caused incidents, people say.

Only confirmed causes count as caused. A change that nobody spoke of counts as one that caused none, so that
these figures are worth as much as people say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from core.model.risk import Assessed, Taught
from core.risk.commits import SHORTEST
from core.risk.figures import brier, calibration_bins, calibration_error
from core.risk.fit import Example
from core.risk.model import CalibrationBin


class Outcome(NamedTuple):
    """Of a commit that went out. `probability` in thousandths, None where no model said one."""

    repository: str
    head: str
    verdict: str
    level: str
    probability: int | None
    caused: bool


class Outcomes(msgspec.Struct, frozen=True):
    """`flagged` are changes that were not simply allowed; `lift` says how many times as often those caused an
    incident as all did (None: none did, or none was flagged). The rest is of the `scored`, which had a
    probability."""

    went_out: int = 0
    caused: int = 0
    flagged: int = 0
    hits: int = 0
    lift: float | None = None
    scored: int = 0
    brier: float = 0.0
    calibration_error: float = 0.0
    bins: tuple[CalibrationBin, ...] = ()


def outcomes(assessments: Iterable[Assessed], taught: Iterable[Taught]) -> list[Outcome]:
    """Of all that went out, in order of repository and commit."""
    confirmed_ones = [one for one in taught if one.cause.caused]
    causes = {one.cause.change for one in confirmed_ones}
    commits = {(one.domain, one.repository, commit) for one in confirmed_ones for commit in one.commits[:1]}
    found = [
        Outcome(
            one.event.repository, one.event.head, one.event.verdict, one.event.level,
            one.event.probability,
            not causes.isdisjoint(one.changes)
            or (one.domain, one.event.repository, one.event.head) in commits,
        )
        for one in assessments
        if one.changes
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.repository, one.head))


def measured(rows: Sequence[Outcome]) -> Outcomes:
    """What they come to."""
    caused = sum(row.caused for row in rows)
    flagged = [row for row in rows if row.verdict != "allow"]
    hits = sum(row.caused for row in flagged)
    lift = hits * len(rows) / (len(flagged) * caused) if flagged and caused else None
    scored = [(row.probability, row.caused) for row in rows if row.probability is not None]
    said, came = [one for one, _ in scored], [one for _, one in scored]
    bins = calibration_bins(said, came)
    return Outcomes(
        len(rows), caused, len(flagged), hits, round(lift, 2) if lift is not None else None,
        len(scored), round(brier(said, came), 4), round(calibration_error(bins), 4), bins,
    )  # fmt: skip


def words_of(found: Outcomes) -> list[str]:
    """For people, a line each."""
    if not found.went_out:
        return ["No change that was judged has gone out"]
    times = f", {found.lift:.1f} times as often as all changes" if found.lift is not None else ""
    lines = [
        f"{found.went_out:,} judged changes went out; people say that {found.caused:,} caused an incident",
        f"  flagged              {found.flagged:,} ({found.flagged / found.went_out:.0%})",
        f"  of these caused one  {found.hits:,}{times}",
    ]
    if found.scored:
        lines.append(
            f"  calibration error    {found.calibration_error:.3f} of {found.scored:,} with a probability"
        )
    return lines


def confirmed(taught: Iterable[Taught], repository: str = "") -> frozenset[str]:
    """The commits of changes that caused incidents; of one repository where it is named."""
    return frozenset(
        commit
        for one in taught
        if one.cause.caused and (not repository or one.repository.lower() == repository.lower())
        for commit in one.commits
    )


def with_confirmed(examples: Iterable[Example], commits: Collection[str]) -> list[Example]:
    """The examples, and as defects too those whose commits are confirmed causes, by whole ids or beginnings
    of them."""
    begins: dict[str, list[str]] = {}
    for commit in commits:
        begins.setdefault(commit[:SHORTEST], []).append(commit)
    return [
        one._replace(defect=True)
        if any(one.id.startswith(commit) for commit in begins.get(one.id[:SHORTEST], ()))
        else one
        for one in examples
    ]
