"""What every projection promises, run on each implementation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.storage.duckdb_projection import DuckdbProjection
from connectors.storage.memory import MemoryProjection
from core.ports import Projection


@pytest.fixture(params=["memory", "duckdb"])
def projection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Projection]:
    if request.param == "memory":
        yield MemoryProjection()
        return
    made = DuckdbProjection(tmp_path)
    yield made
    made.close()


def document(name: str, day: int, status: str = "closed") -> dict[str, Any]:
    opened = f"2026-03-{day:02d}T00:00:00.000Z"
    return {
        "id": name,
        "opened_at": opened,
        "status": status,
        "severity": "P1",
        "title": "ü'\"; --",
        "x": [1],
    }


def test_the_last_document_counts(projection: Projection) -> None:
    projection.put([document("a", 1, "triggered")], [])
    projection.put([document("a", 1)], ["a"])
    assert projection.get("a") == document("a", 1)
    assert projection.get("b") is None


def test_what_has_left_memory_is_found_by_what_was_merged_into_it(projection: Projection) -> None:
    """Whatever the other one's last document was, and only then: until then the engine knows."""
    kept = {**document("kept", 1), "merged_from": ["one", "two"]}
    projection.put([document("one", 1, "triggered"), document("two", 1, "triggered")], [])
    projection.put([kept], [])
    assert projection.get("one") == document("one", 1, "triggered")
    projection.put([kept, document("other", 2)], ["kept", "other"])
    assert [projection.get(name) for name in ("one", "two", "kept")] == [kept] * 3
    assert projection.get("other") == document("other", 2)
    assert [row["id"] for row in projection.page(None, None, 9)] == ["other", "kept"]


def test_pages_hold_what_has_left_memory_newest_first(projection: Projection) -> None:
    names = [f"i{n}" for n in range(1, 8)]
    projection.put([document(name, n) for n, name in enumerate(names, 1)], names[:6])
    first = projection.page(None, None, 4)
    assert [d["id"] for d in first] == ["i6", "i5", "i4", "i3"]
    rest = projection.page(None, (first[-1]["opened_at"], first[-1]["id"]), 4)
    assert [d["id"] for d in rest] == ["i2", "i1"]
    assert projection.page("triggered", None, 4) == []


def test_the_same_moment_is_ordered_by_id(projection: Projection) -> None:
    projection.put([document("a", 1), document("b", 1)], ["a", "b"])
    assert [d["id"] for d in projection.page(None, ("2026-03-01T00:00:00.000Z", "b"), 9)] == ["a"]


def test_nothing_is_nothing(projection: Projection) -> None:
    projection.put([], [])
    assert projection.page(None, None, 10) == []
