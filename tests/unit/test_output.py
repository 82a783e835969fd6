"""Files that commands write: never more than was meant, and never half."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from core.errors import InputError
from watchkeeper.cli.output import writing


def write(path: Path, text: str = "new", *, replace: bool = False) -> None:
    with writing(path, replace=replace) as out:
        out.write(text)


def test_a_new_file_is_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    assert (tmp_path / "a.md").read_text() == "new"


def test_a_file_that_is_there_stays_unless_asked(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("old")
    with pytest.raises(InputError, match=r"exists already.*or remove it"):
        write(file)
    assert file.read_text() == "old"
    write(file, replace=True)
    assert file.read_text() == "new"


def test_a_link_is_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write(link, replace=True)
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    write(pipe)
    reader.join(10)
    assert heard == ["new"]
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full on this system")
def test_a_device_stays_a_device() -> None:
    with pytest.raises(InputError, match="No space left"):
        write(Path("/dev/full"), "x" * 100_000)
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("place", ["", "missing/a.md", "."])
def test_what_cannot_be_written_is_said(tmp_path: Path, place: str) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / place)


def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("old")
    with pytest.raises(KeyError):
        _write_half(file)
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def _write_half(file: Path) -> None:
    with writing(file, replace=True) as out:
        out.write("half")
        raise KeyError
