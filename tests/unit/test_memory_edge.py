"""Memory on disk: it outlives a kill, and what cannot be read is begun anew. The journal is the truth."""

from __future__ import annotations

import itertools
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from core.errors import MemoryUnavailable
from core.ports import Remembered
from retrieval.bm25 import rarity
from retrieval.edge import FORMAT, EdgeMemory

ROOT = Path(__file__).parent.parent.parent
LIKE = Remembered("q", "incident", "", "", ("symptom:errors",))


def incident(name: str) -> Remembered:
    return Remembered(name, "incident", f"{name}: slow", "2026-03-01T00:00:00.000Z", ("symptom:errors",))


def found(memory: EdgeMemory, limit: int = 9_999) -> list[str]:
    return [one.remembered.id for one in memory.recall(LIKE, "incident", limit)]


def test_what_was_put_is_there_after_a_reopening(tmp_path: Path) -> None:
    with closing(EdgeMemory(tmp_path / "not" / "there")) as memory:
        memory.put([incident(f"i{n:04}") for n in range(1_500)])
        memory.forget(["i0000"])
        before = memory.recall(LIKE, "incident", 2_000)
    with closing(EdgeMemory(tmp_path / "not" / "there")) as memory:
        assert memory.recall(LIKE, "incident", 2_000) == before
        assert len(before) == 1_499


_PUTTING = """
import itertools, sys
from pathlib import Path
from core.ports import Remembered
from retrieval.edge import EdgeMemory
memory = EdgeMemory(Path(sys.argv[1]))
for n in itertools.count():
    memory.put([Remembered(f"i{n:05}", "incident", "slow", "2026-03-01T00:00:00.000Z", ("symptom:errors",))])
    print(n, flush=True)
"""


@pytest.mark.parametrize("after", [0, 40, 1_200])
def test_a_kill_loses_nothing_that_was_put(tmp_path: Path, after: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PUTTING, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        assert child.stdout is not None
        told = [int(line) for line in itertools.islice(child.stdout, after + 1)]
        child.kill()
        told += [int(line) for line in child.stdout]
    with structlog.testing.capture_logs() as logs, closing(EdgeMemory(tmp_path)) as memory:
        names = found(memory)
    assert logs == []
    assert len(told) > after
    # The one that was being put when the kill came may be there too.
    assert names in ([f"i{n:05}" for n in range(len(told) + more)] for more in (0, 1))


def test_one_opener_at_a_time_and_the_second_harms_nothing(tmp_path: Path) -> None:
    with closing(EdgeMemory(tmp_path)) as memory:
        memory.put([incident("a")])
        with pytest.raises(MemoryUnavailable, match="another process"):
            EdgeMemory(tmp_path)
        assert found(memory) == ["a"]
    with closing(EdgeMemory(tmp_path)) as memory:
        assert found(memory) == ["a"]


def test_a_closed_memory_refuses(tmp_path: Path) -> None:
    memory = EdgeMemory(tmp_path)
    memory.close()
    memory.close()
    for use in (lambda: memory.put([incident("a")]), lambda: memory.forget(["a"]), lambda: found(memory)):
        with pytest.raises(MemoryUnavailable, match="closed"):
            use()


def _stored(folder: Path) -> None:
    with closing(EdgeMemory(folder)) as memory:
        memory.put([incident(f"i{n}") for n in range(30)])


def _other_format(folder: Path) -> None:
    (folder / "format").write_bytes(b"\xff0")


def _no_format(folder: Path) -> None:
    (folder / "format").unlink()


def _file_for_folder(folder: Path) -> None:
    (folder / "shard").rename(folder / "away")
    (folder / "shard").write_text("nothing of ours")


def _no_configuration(folder: Path) -> None:
    (folder / "shard" / "edge_config.json").write_text("{")


def _torn_log(folder: Path) -> None:
    for path in (folder / "shard" / "wal").glob("open-*"):
        path.write_bytes(bytes(4_096))


def _torn_segment(folder: Path) -> None:
    for path in folder.rglob("segment.json"):
        path.write_text("")


def _panicking(folder: Path) -> None:
    """The engine panics on these, which is not even an Exception."""
    for path in folder.rglob("status.dat"):
        path.write_bytes(b"")


def _lost_payloads(folder: Path) -> None:
    for path in folder.rglob("payload_storage/page_0.dat"):
        path.unlink()


def _lost_index(folder: Path) -> None:
    """It still opens, and filters by what is not indexed any more."""
    for path in folder.rglob("payload_index/config.json"):
        path.unlink()


DAMAGES = (
    _other_format, _no_format, _file_for_folder, _no_configuration, _torn_log, _torn_segment, _panicking,
    _lost_payloads, _lost_index,
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_read_is_begun_anew(tmp_path: Path, damage: object) -> None:
    _stored(tmp_path)
    assert callable(damage)
    damage(tmp_path)
    with structlog.testing.capture_logs() as logs, closing(EdgeMemory(tmp_path)) as memory:
        assert found(memory) == []
        memory.put([incident("b")])
        assert found(memory) == ["b"]
    assert [(line["event"], line["folder"]) for line in logs] == [("memory_begun_anew", str(tmp_path))]
    with closing(EdgeMemory(tmp_path)) as memory:
        assert found(memory) == ["b"]


def test_what_is_not_ours_in_the_folder_stays(tmp_path: Path) -> None:
    _stored(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    _torn_segment(tmp_path)
    EdgeMemory(tmp_path).close()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "format").read_text() == FORMAT


def test_an_empty_folder_is_a_memory_without_a_word(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs, closing(EdgeMemory(tmp_path)) as memory:
        assert found(memory) == []
    assert logs == []


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MemoryUnavailable, match="cannot be opened") as raised:
        EdgeMemory(tmp_path / "file")
    assert str(tmp_path / "file") in str(raised.value)


def test_the_engine_is_imported_when_a_memory_opens() -> None:
    code = "import sys, retrieval.edge, retrieval.documents; print('qdrant_edge' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_the_engine_weighs_rare_tokens_as_bm25_does_and_length_not_at_all(tmp_path: Path) -> None:
    from retrieval.shard import Entry, Shard

    shard = Shard(tmp_path)
    texts = {"a": ["rare", "often"], "b": ["often", *(f"w{n}" for n in range(400))], "c": ["else"]}
    shard.put([Entry(name, tokens, "incident", "", name) for name, tokens in texts.items()])
    hits = shard.search({"rare": 2.0, "often": 1.0}, "incident", (), "q", 5)
    shard.close()
    rare, often = rarity(3, 1), rarity(3, 2)
    assert [hit.body for hit in hits] == ["a", "b"]
    assert [hit.score for hit in hits] == pytest.approx([2 * rare + often, often], rel=1e-5)
