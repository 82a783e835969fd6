"""The model of the disk: what a cut may leave of files and names, by the rules that it claims to keep."""

from __future__ import annotations

import os
import random
from pathlib import Path

import msgspec
import pytest

from tests.faults.disk import Disk
from tests.faults.pieces import LOSSES, NAMES_ONLY, SYNCED_ONLY, TORN, ZEROS, File, Loss
from tests.faults.record import Event

_CREATE = os.O_CREAT | os.O_RDWR


class Story:
    """Events of one thread below `root`, and the disk that they leave."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.root, self.disk = root, Disk(root)
        self._builds = 0

    def do(self, kind: str, name: str, to: str = "", **more: object) -> None:
        path, target = str(self.root / name), str(self.root / to) if to else ""
        event = Event(0, kind, path, name, target, _CREATE if kind == "open" else 1)
        self.disk.apply(msgspec.structs.replace(event, **more))

    def sync(self, name: str, ok: bool = True) -> None:
        self.do("begin", name)
        self.do("sync", name, ok=ok)

    def left(self, loss: Loss) -> dict[str, bytes]:
        self._builds += 1
        target = self.root.parent / f"left{self._builds}"
        self.disk.build(target, loss, random.Random(1))
        return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}


@pytest.fixture
def story(tmp_path: Path) -> Story:
    made = Story(tmp_path / "data")
    made.do("open", "a")
    made.do("write", "a", data=b"one")
    return made


def test_a_name_lasts_when_its_directory_was_synced(story: Story) -> None:
    story.sync("a")
    assert story.left(SYNCED_ONLY) == {}
    assert story.left(NAMES_ONLY) == {"a": b"one"}
    story.sync(".")
    assert story.left(SYNCED_ONLY) == {"a": b"one"}


def test_a_sync_covers_what_came_before_it_began(story: Story) -> None:
    story.sync(".")
    story.do("begin", "a")
    story.do("write", "a", offset=3, data=b"two")
    story.do("sync", "a")
    assert story.left(SYNCED_ONLY) == {"a": b"one"}


def test_what_a_failed_sync_should_have_written_is_lost_for_good(story: Story) -> None:
    story.sync(".")
    story.sync("a", ok=False)
    story.do("write", "a", offset=3, data=b"two")
    story.sync("a")
    assert story.left(SYNCED_ONLY) == {"a": bytes(3) + b"two"}
    story.do("open", "b")
    story.sync(".", ok=False)
    assert set(story.left(SYNCED_ONLY)) == {"a"}


def test_a_rename_waits_for_both_directories(story: Story) -> None:
    story.do("mkdir", "deep")
    story.sync("a")
    story.sync(".")
    story.do("rename", "a", "deep/a")
    story.sync("deep")
    assert set(story.left(SYNCED_ONLY)) == {"a"}
    story.sync(".")
    assert set(story.left(SYNCED_ONLY)) == {"deep/a"}


def test_what_was_deleted_may_be_back(story: Story) -> None:
    story.sync("a")
    story.sync(".")
    story.do("unlink", "a")
    assert story.left(SYNCED_ONLY) == {"a": b"one"}
    assert story.left(NAMES_ONLY) == {}


def test_a_torn_write_is_there_in_whole_sectors() -> None:
    file = File(b"." * 8_192)
    file.write(100, b"x" * 8_000)
    seen = set()
    for seed in range(40):
        left = file.after_power_cut(TORN, random.Random(seed))
        for start in range(512, 7_680, 512):
            assert set(left[start : start + 512]) in ({ord(".")}, {ord("x")})
        seen.add(left)
    assert len(seen) > 20


def test_a_full_size_may_hold_zeros() -> None:
    file = File()
    file.write(0, b"x" * 8_192)
    assert {len(file.after_power_cut(ZEROS, random.Random(n))) for n in range(9)} == {8_192}
    assert file.after_power_cut(SYNCED_ONLY, random.Random(0)) == b""
    file.settle(file.mark(), lasts=True)
    assert {file.after_power_cut(loss, random.Random(0)) for loss in LOSSES} == {b"x" * 8_192}
