"""What became of judged changes: flagged, hit, lift, calibration; and what a model learns from causes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model.events import RiskEvent
from core.model.risk import Assessed
from core.risk.features import Features
from core.risk.fit import Example
from core.risk.outcomes import Outcome, confirmed, measured, outcomes, with_confirmed, words_of
from core.times import DAY
from tests.judged import HEAD, REPOSITORY, Judging, check
from tests.timeline import SHOP, alert, change
from tests.unit.test_backtest_cli import write
from tests.unit.test_causes import blamed
from watchkeeper.risk.outcomes import confirmed_in, judged_and_out


def row(verdict: str, caused: bool, probability: int | None = None) -> Outcome:
    return Outcome("r", "h", verdict, "", probability, caused)


def test_figures() -> None:
    rows = [
        row("hold", True, 500), row("warn", True), row("warn", False, 500),
        row("allow", True), *[row("allow", False)] * 6,
    ]  # fmt: skip
    found = measured(rows)
    assert (found.went_out, found.caused, found.flagged, found.hits, found.scored) == (10, 3, 3, 2, 2)
    assert found.lift == pytest.approx(2 / 3 / (3 / 10), abs=0.01)
    assert (found.brier, found.calibration_error) == (0.25, 0.0)
    assert words_of(found)[:2] == [
        "10 judged changes went out; people say that 3 caused an incident",
        "  flagged              3 (30%)",
    ]


def test_of_nothing_nothing_is_said() -> None:
    assert words_of(measured([])) == ["No change that was judged has gone out"]
    quiet = measured([row("allow", False)])
    assert (quiet.lift, quiet.scored) == (None, 0)


def test_only_what_went_out_counts_and_only_confirmed_causes() -> None:
    t, name, suspect = blamed()
    waiting = Assessed("default", 1, "", RiskEvent("r", "c" * 40, "hold", 0))
    taught = t.engine.state.taught.values()
    [out] = outcomes([*t.engine.state.assessments.values(), waiting], taught)
    assert (out.repository, out.head, out.verdict, out.probability, out.caused) == (
        REPOSITORY, HEAD, "warn", 123, True,
    )  # fmt: skip
    assert (confirmed(taught), confirmed(taught, "acme/other")) == (frozenset({HEAD}), frozenset())
    t.blame(200, name, suspect, caused=False)
    assert [one.caused for one in outcomes(t.engine.state.assessments.values(), taught)] == [False]
    assert confirmed(taught) == frozenset()


def test_confirmed_causes_are_defects_beside_those_of_the_history() -> None:
    plain = [Example(n, Features(), n == 1, "", f"{n}" * 40) for n in range(1, 5)]
    marked = with_confirmed(plain, {"2" * 40, "3" * 7, "9" * 40})
    assert [one.defect for one in marked] == [True, True, True, False]
    assert with_confirmed(plain, ()) == plain


def test_a_journal_tells_of_what_the_state_has_forgotten(tmp_path: Path) -> None:
    t = Judging(SHOP)
    for month in range(3):
        at, head = month * 40 * DAY / 1_000, f"{month + 1}" * 40
        t.judge(at, check(at, head=head))
        t.changed(at + 60, change("payments", at + 60, version=head))
    t.push(at + 90, alert("payments", starts=at + 80))
    [incident] = t.incidents()
    t.blame(at + 100, incident["id"], incident["changes"][0]["id"])
    assert len(t.engine.state.assessments) == 1
    write(t, tmp_path / "data").close()
    assert [one.caused for one in judged_and_out(tmp_path / "data")] == [False, False, True]
    assert confirmed_in(tmp_path / "data", REPOSITORY) == {"3" * 40}
