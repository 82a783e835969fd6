"""What is over is remembered, what is not any more is forgotten, and what failed once is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import MemoryUnavailable
from core.model.document import Document
from core.remediation.runbook import Runbooks, parse_runbooks
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.files import builtin_runbooks
from watchkeeper.remembering import Remembering


@pytest.fixture
def remembering(tmp_path: Path) -> Iterator[Remembering]:
    made = Remembering(tmp_path, lambda: parse_runbooks(builtin_runbooks()))
    yield made
    made.close()


def documents() -> tuple[Document, Document]:
    """The same trouble twice: once over, once running."""
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(60, alert("payments", ends=60))
    t.wait(90_000)
    t.push(100_000, alert("payments", starts=100_000))
    over, running = sorted(t.incidents(), key=lambda one: str(one["opened_at"]))
    assert (over["status"], running["status"]) == ("closed", "triggered")
    return over, running


def found(remembering: Remembering, like: Document) -> list[str]:
    return [one.remembered.id for one in remembering.like(like)]


def test_what_is_over_is_found_and_what_runs_is_not(remembering: Remembering) -> None:
    over, running = documents()
    remembering.follow([over, running])
    assert found(remembering, running) == [over["id"]]


def test_a_reopened_and_a_merged_incident_are_forgotten(remembering: Remembering) -> None:
    over, running = documents()
    remembering.follow([over])
    remembering.follow([{**over, "status": "triggered"}])
    assert found(remembering, running) == []
    remembering.follow([over])
    remembering.follow([{**running, "merged_from": [over["id"]]}])
    assert found(remembering, running) == []


def test_what_failed_once_is_tried_with_the_next_batch(
    remembering: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, running = documents()
    with monkeypatch.context() as patch:
        patch.setattr("retrieval.edge.EdgeMemory.put", _broken)
        remembering.follow([over])
    remembering.follow([running])
    assert found(remembering, running) == [over["id"]]


def _broken(*_: Any) -> None:
    raise MemoryUnavailable("no room", where="disk", mend="Make room")


def test_words_find_incidents_and_runbooks(remembering: Remembering) -> None:
    over, _ = documents()
    remembering.follow([over])
    answer = remembering.search("payments errors", 5)
    assert [one["id"] for one in answer["incidents"]] == [over["id"]]
    assert answer["runbooks"]
    assert all("{" not in one["title"] for one in answer["runbooks"])


def test_after_the_end_nothing_is_opened_again(tmp_path: Path) -> None:
    made = Remembering(tmp_path, Runbooks)
    made.close()
    with pytest.raises(MemoryUnavailable):
        made.search("payments", 5)
    assert list(tmp_path.iterdir()) == []


def test_runbooks_that_change_are_found_and_those_that_went_are_not(tmp_path: Path) -> None:
    held = [parse_runbooks(builtin_runbooks())]
    remembering = Remembering(tmp_path, lambda: held[0])
    try:
        ids = {one["id"] for one in remembering.search("make room disk full", 10)["runbooks"]}
        assert "used-up" in ids
        kept = {name: text for name, text in builtin_runbooks().items() if "used-up" not in text}
        renamed = builtin_runbooks()["040-used-up.yaml"].replace("runbook: used-up", "runbook: make-room")
        held[0] = parse_runbooks({**kept, "mine.yaml": renamed})
        remembering.follow([])
        assert "used-up" in {one["id"] for one in remembering.search("make room disk full", 10)["runbooks"]}
        remembering.runbooks_changed()
        remembering.follow([])
        ids = {one["id"] for one in remembering.search("make room disk full", 10)["runbooks"]}
        assert "make-room" in ids
        assert "used-up" not in ids
    finally:
        remembering.close()
