"""`watchkeeper show --data`: a journal read from disk shows all that a server would."""

from __future__ import annotations

from pathlib import Path

from tests.objectives import FAST, Objectives
from tests.timeline import alert
from tests.unit.test_backtest_cli import write
from watchkeeper.cli.ask import FromJournal


def test_it_has_error_budgets_and_what_may_be_done(tmp_path: Path) -> None:
    t = Objectives()
    t.hold(0, 300, FAST)
    t.push(310, alert("payments", starts=300))
    write(t, tmp_path / "data").close()
    names = [row["id"] for row in t.incidents()]
    documents = [FromJournal(tmp_path / "data").incident(name) for name in names]
    budgets = [one["slo"] for document in documents for one in document["budgets"]]
    assert budgets == ["availability"] * len(documents)
    assert all("acknowledged" in document["allowed"] for document in documents)


def test_an_incident_that_resolves_by_itself_says_when(tmp_path: Path) -> None:
    t = Objectives()
    t.push(0, alert("payments"))
    t.push(60, alert("payments", ends=50))
    write(t, tmp_path / "data").close()
    [incident] = t.incidents()
    document = FromJournal(tmp_path / "data").incident(incident["id"])
    assert (document["status"], document["resolves_at"]) == ("triggered", "2026-03-02T08:06:00.000Z")
