"""Ids that were merged away lead to the incident for as long as it is known, in memory and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from connectors.storage.duckdb_projection import DuckdbProjection
from core.errors import NotFound
from core.ports import Projection
from core.times import HOUR, SECOND
from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_backtest_cli import write
from watchkeeper.cli.ask import FromJournal
from watchkeeper.clock import SystemClock
from watchkeeper.projector import let_go
from watchkeeper.service import Watch

DAYS = 3 * 24 * HOUR // SECOND


def told() -> tuple[Timeline, str, list[str]]:
    """Three incidents that people merged, one after the other, and closed; days later something else."""
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(1, alert("mailer", "QueueBacklog"))
    t.push(2, alert("search", "DiskFull", starts=-900))
    names = [row["id"] for row in t.incidents()]
    t.move(60, names[1], "merged", into=names[2])
    t.move(120, names[2], "merged", into=names[0])
    kept = t.engine.world.resolve_id(names[1])
    ended = [alert("payments", ends=130), alert("mailer", "QueueBacklog", ends=130)]
    t.push(140, *ended, alert("search", "DiskFull", starts=-900, ends=130))
    t.move(150, kept, "resolved")
    t.move(160, kept, "closed")
    return t, kept, [name for name in names if name != kept]


def test_what_leads_to_an_incident_leaves_memory_with_it() -> None:
    t, kept, absorbed = told()
    assert set(t.engine.state.redirects) == set(absorbed)
    t.wait(DAYS)
    assert kept not in t.engine.state.incidents
    assert t.engine.state.redirects == {}
    assert {name for one in t.fold.forgotten for name in one["merged_from"]} == set(absorbed)


def watch_of(projection: Projection) -> Watch:
    """One that is asked for documents alone."""
    return Watch(cast(Any, None), cast(Any, None), cast(Any, None), projection, SystemClock(), dict)


def test_its_history_is_found_by_each_of_its_ids_at_any_moment(tmp_path: Path) -> None:
    t, kept, absorbed = told()
    projection = DuckdbProjection(tmp_path)
    watch = watch_of(projection)
    try:
        before = [watch._document(t.fold, name)["id"] for name in (kept, *absorbed)]
        t.wait(DAYS)
        leaving = [watch._document(t.fold, name)["id"] for name in (kept, *absorbed)]
        projection.put(t.fold.forgotten, [kept])
        let_go(t.fold, [kept])
        after = [watch._document(t.fold, name)["id"] for name in (kept, *absorbed)]
        assert before == leaving == after == [kept] * 3
        with pytest.raises(NotFound):
            watch._document(t.fold, "INC-20260302-AAAAAA")
    finally:
        projection.close()


def test_a_journal_is_read_by_each_of_its_ids(tmp_path: Path) -> None:
    t, kept, absorbed = told()
    t.push(DAYS, alert("ledger", starts=DAYS))
    write(t, tmp_path / "data").close()
    shown = FromJournal(tmp_path / "data")
    assert [shown.incident(name)["id"] for name in (kept, *absorbed)] == [kept] * 3
