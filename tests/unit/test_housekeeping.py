"""The process that makes a checkpoint: a stop ends it, a failure says why, what it leaves is removed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors.storage.sqlite_journal import SqliteJournal
from core.checkpoint import Checkpoint, checkpoint_draft, reached
from core.errors import JournalError, JournalUnavailable
from core.journal import Draft
from core.state import State
from tests.unit.test_keeping import Clock, filled
from watchkeeper import housekeeping
from watchkeeper.housekeeping import Fold, Housekeeping, Stopped, fold_apart, run_apart

# Says its number, then sleeps for longer than any test may take.
SLEEPER = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(3600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


class StopOnceItRuns(threading.Event):
    """Set as soon as the process has said its number."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._pid = directory / "pid"

    def wait(self, timeout: float | None = None) -> bool:
        if self._pid.exists() and self._pid.read_text():
            self.set()
        return super().wait(timeout)


def gone(directory: Path) -> bool:
    try:
        os.kill(int((directory / "pid").read_text()), 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("code", [SLEEPER, STUBBORN])
def test_a_stop_ends_the_process(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_LAST_WORDS", 0.2)
    with pytest.raises(Stopped):
        run_apart(python(code), tmp_path, StopOnceItRuns(tmp_path))
    assert gone(tmp_path)


def test_a_process_that_is_asked_to_end_may_tidy_up(tmp_path: Path) -> None:
    tidy = "lambda *_: (pathlib.Path('tidy').touch(), os._exit(0))"
    code = f"import os, pathlib, signal; signal.signal(signal.SIGTERM, {tidy}); {SLEEPER}"
    with pytest.raises(Stopped):
        run_apart(python(code), tmp_path, StopOnceItRuns(tmp_path))
    assert (tmp_path / "tidy").exists()


def test_a_stop_gives_up_a_checkpoint_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    filled(tmp_path / "a", days=1).close()
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopped):
        fold_apart(tmp_path / "a", 0, stopping)
    assert not (tmp_path / "a" / "checkpoint.new").exists()


def test_a_failure_says_the_last_line_that_the_process_said(tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write('first\\nthe reason\\n\\n'); sys.exit(3)"
    with pytest.raises(JournalError, match=r"status 3\): the reason"):
        run_apart(python(code), tmp_path, threading.Event())
    with pytest.raises(JournalError, match="it said nothing"):
        run_apart(python("raise SystemExit(4)"), tmp_path, threading.Event())


def test_a_directory_without_a_journal_is_such_a_failure(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal here"):
        fold_apart(tmp_path, 0)


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_PATIENCE", 0.0)
    with pytest.raises(subprocess.TimeoutExpired):
        run_apart(python(SLEEPER), tmp_path, threading.Event())


def keeper(journal: SqliteJournal, data: Path, fold: Fold | None) -> Housekeeping:
    def append(draft: Draft) -> int:
        return journal.append([draft], 0)[0].seq

    return Housekeeping(journal, append, Clock(0), data, 0, fold)


def test_a_checkpoint_is_made_before_a_start_would_have_much_to_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(tmp_path / "a")
    one = keeper(journal, tmp_path / "a", lambda data: checkpoint_at(journal.head()))
    monkeypatch.setattr(housekeeping, "RECORDS", 5)
    heads = []
    for _ in range(12):
        journal.append([Draft("tick", "", b"")], 0)
        one.look()
        found = journal.latest("checkpoint", "program")
        heads.append(found.seq if found else 0)
    # What is appended last is the checkpoint itself: four more, and it is time for the next.
    assert heads == [0, 0, 0, 0, 6, 6, 6, 6, 11, 11, 11, 11]
    journal.close()


def test_a_checkpoint_waits_for_room_in_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "RECORDS", 1)
    monkeypatch.setattr(housekeeping, "_TRY_AGAIN", 0.0)
    journal, refused = SqliteJournal(tmp_path / "a"), [True, True]
    journal.append([Draft("tick", "", b"")], 0)

    def append(draft: Draft) -> int:
        if refused:
            refused.pop()
            raise JournalUnavailable("the disk cannot keep up", where="intake")
        return journal.append([draft], 0)[0].seq

    Housekeeping(journal, append, Clock(0), tmp_path / "a", 0, lambda data: checkpoint_at(1)).look()
    assert (reached(journal), refused) == (1, [])
    journal.close()


def checkpoint_at(seq: int) -> bytes:
    return checkpoint_draft(Checkpoint("1", "1", State(seq=seq), reason="retention")).payload


def test_the_thread_goes_on_after_a_failure_and_logs_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "FIRST", 0.0)
    failed = threading.Event()

    def fold(data: Path) -> bytes:
        failed.set()
        raise JournalError("no checkpoint was made (status 2): the reason")

    journal = filled(tmp_path / "a", days=1)
    one = keeper(journal, tmp_path / "a", fold)
    with capture_logs() as logs:
        one.start()
        assert failed.wait(30)
        one.stop()
    assert [(row["event"], "the reason" in row["error"]) for row in logs] == [("housekeeping_failed", True)]


def test_a_stop_of_the_server_does_not_wait_for_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "FIRST", 0.0)
    data, runs = tmp_path / "a", threading.Event()
    stopping: list[threading.Event] = []

    def fold(directory: Path) -> bytes:
        runs.set()
        run_apart(python(SLEEPER), directory, stopping[0])
        return b""

    journal = filled(data, days=1)
    one = keeper(journal, data, fold)
    stopping.append(one._stopping)
    with capture_logs() as logs:
        one.start()
        assert runs.wait(30)
        one.stop()
    assert not one._thread.is_alive()
    assert logs == []
    assert journal.latest("checkpoint", "program") is None


def test_a_start_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    left = tmp_path / "checkpoint.new"
    left.write_bytes(b"half of it")
    one = keeper(journal, tmp_path, None)
    one.start()
    one.stop()
    assert not left.exists()
