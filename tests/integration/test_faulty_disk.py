"""A disk that fails, is full or is slow: nothing is acknowledged that is not stored, the refusal says why,
and when the cause goes away the server goes on without a hand.

The faults are made by a tracer, which lets chosen system calls fail or wait; one test fills a real, small
file system and skips where it may not mount one.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.calls import SYNCS, WRITES
from tests.faults.ledger import Clients, Ledger, lacking, records
from tests.faults.long import FULL, LONG, QUICK
from tests.faults.record import Rule
from tests.faults.running import Traced
from tests.integration.server import Server, watchkeeper, within

JOURNAL = "journal"
MEBIBYTE = 1024 * 1024
pytestmark = pytest.mark.integration

FAULTS = {
    "sync fails": Rule(SYNCS, error="EIO", path=JOURNAL),
    "sync finds the disk full": Rule(SYNCS, error="ENOSPC", path=JOURNAL),
    "write fails": Rule(WRITES, error="EIO", path=JOURNAL),
    "disk full": Rule((*WRITES, "ftruncate", "fallocate"), error="ENOSPC", path=JOURNAL),
    "disk full for every file": Rule((*WRITES, "ftruncate", "fallocate"), error="ENOSPC"),
    "disk full for the log too": Rule((*WRITES, "ftruncate", "fallocate"), error="ENOSPC"),
    "quota used up": Rule(WRITES, error="EDQUOT", path=JOURNAL),
    "made read-only": Rule((*WRITES, "ftruncate"), error="EROFS", path=JOURNAL),
}
SOME = ("sync fails", "write fails", "disk full for every file", "disk full for the log too")


def readiness(server: Server) -> tuple[int, bool]:
    answer = httpx.get(f"{server.url}/readyz", timeout=15.0)
    return answer.status_code, answer.json()["ready"]


def send(server: Server, ledger: Ledger, each: int = 4, pad: int = 0) -> None:
    with Clients(server.port, ledger, pad=pad, limit=each) as clients:
        clients.wait()


def all_is_there(ledger: Ledger, data: Path) -> None:
    assert lacking(ledger.notes, records(data)) == []
    done = watchkeeper("journal", "verify", "--data", data, cwd=data.parent)
    assert done.returncode == 0, done.stderr


def refusals(ledger: Ledger) -> list[dict[str, str]]:
    """The error documents of what was refused: every one says what, where and how to mend it."""
    found = [json.loads(answer.body)["error"] for answer in ledger.answers if answer.status == 503]
    assert all(set(one) == {"what", "where", "mend"} and one["what"] and one["mend"] for one in found)
    return found


def log_lines(server: Server, since: int, word: str) -> list[str]:
    return [line for line in server.log()[since:].splitlines() if word in line]


@pytest.mark.parametrize(
    "name", [*SOME, *(pytest.param(name, marks=LONG) for name in FAULTS if name not in SOME)]
)
def test_a_disk_that_fails_is_told_and_left_without_a_hand(tmp_path: Path, name: str) -> None:
    fault, log_too = FAULTS[name], "log" in name
    traced, ledger = Traced(tmp_path, calls=fault.calls, also_log=log_too), Ledger()
    with traced.server() as server:
        send(server, ledger)
        good = len(ledger.notes)
        assert good == 12
        quiet = len(server.log())

        traced.disturb(fault)
        send(server, ledger)
        assert len(ledger.notes) == good, "acknowledged while nothing could be stored"
        assert ledger.statuses()[503] == 12, ledger.statuses()
        assert len(refusals(ledger)) == 12
        failed = log_lines(server, quiet, "commit_failed")
        assert log_too or 1 <= len(failed) <= 2 * 12
        assert "Traceback" not in server.log()
        assert httpx.get(f"{server.url}/healthz", timeout=15.0).status_code == 200

        traced.disturb()
        send(server, ledger)
        assert len(ledger.notes) == 2 * good, "it did not go on by itself"
        assert readiness(server) == (200, True)
        assert within(10.0, lambda: server.get("/readyz")["engine_lag_records"] == 0)
        assert server.terminate() == 0
    all_is_there(ledger, traced.data)
    with Server(traced.data) as again:
        send(again, ledger)
        assert again.terminate() == 0
    assert len(ledger.notes) == 3 * good
    all_is_there(ledger, traced.data)


@pytest.mark.parametrize("name", ["sync fails", "disk full"])
def test_it_is_not_ready_while_commits_fail(tmp_path: Path, name: str) -> None:
    traced, ledger = Traced(tmp_path, calls=FAULTS[name].calls), Ledger()
    with traced.server() as server:
        assert readiness(server) == (200, True)
        traced.disturb(FAULTS[name])
        send(server, ledger, each=1)
        assert ledger.statuses() == {503: 3}
        assert readiness(server) == (503, False)
        traced.disturb()
        send(server, ledger, each=1)
        assert len(ledger.notes) == 3
        assert within(15.0, lambda: readiness(server) == (200, True))


@pytest.mark.parametrize(("calls", "error"), [(WRITES, "ENOSPC"), (SYNCS, "EIO")], ids=["write", "sync"])
def test_a_history_that_cannot_be_written_is_told_and_holds_up_nothing(
    tmp_path: Path, calls: tuple[str, ...], error: str
) -> None:
    """History is made from the journal again by the next start; it must not end a thread or an answer."""
    traced, ledger = Traced(tmp_path, calls=calls), Ledger()
    with traced.server() as server:
        traced.disturb(Rule(calls, error=error, path="history"))
        quiet = len(server.log())
        send(server, ledger)
        assert within(10.0, lambda: "history" in server.log()[quiet:]), "nothing is said of it"
        traced.disturb()
        send(server, ledger)
        assert "Traceback" not in server.log(), server.log()[-600:]
        assert len(ledger.notes) == 24
        assert server.terminate() == 0
    all_is_there(ledger, traced.data)


def test_syncs_that_fail_now_and_then_lose_nothing(tmp_path: Path) -> None:
    """One in a few, at commits, checkpoints and whatever else syncs, while clients go on sending."""
    traced, ledger = Traced(tmp_path, calls=SYNCS), Ledger()
    with traced.server() as server:
        traced.disturb(*[Rule(SYNCS, error="EIO", first=n, last=n + n % 3) for n in range(5, 120, 5)])
        send(server, ledger, each=60, pad=2_000)
        traced.disturb()
        send(server, ledger)
        statuses = ledger.statuses()
        assert server.terminate() == 0
    assert set(statuses) <= {200, 202, 503}, statuses
    assert statuses[503] > 5
    assert len(ledger.notes) > 60
    all_is_there(ledger, traced.data)


@pytest.mark.parametrize("full", [QUICK, FULL])
def test_a_slow_disk_makes_intake_refuse_and_not_grow(tmp_path: Path, full: bool) -> None:
    """Far more than may wait is sent to a disk whose every sync takes a tenth of a second. The bound is the
    same however much is sent."""
    traced, ledger = Traced(tmp_path, calls=SYNCS), Ledger()
    with traced.server({"WATCHKEEPER_MAX_QUEUE_BYTES": str(2 * MEBIBYTE)}) as server:
        send(server, ledger)
        base = traced.memory("VmRSS")
        traced.disturb(Rule(SYNCS, delay=0.1, path=JOURNAL))
        grown = []
        for _ in range(20 if full else 2):
            with Clients(server.port, ledger, count=24, pad=250_000, limit=5) as clients:
                clients.wait(60.0)
            grown.append(traced.memory("VmHWM") - base)
        traced.disturb()
        sent = len(ledger.answers) * 250_000
        print(f"\n{sent >> 20} MiB sent, {ledger.statuses()}, grown by {[size >> 20 for size in grown]} MiB")
        assert within(10.0, lambda: readiness(server) == (200, True))
        send(server, ledger)
        assert server.terminate() == 0
    assert set(ledger.statuses()) == {200, 202, 503}
    assert any("keep up" in one["what"] for one in refusals(ledger))
    assert grown[-1] < 128 * MEBIBYTE, "it holds what it should have refused, or grows with what is sent"
    all_is_there(ledger, traced.data)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here ({done.stderr.strip()})")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path) -> None:
    """Until there is no space for one more page. Raises OSError then."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4_096))


@pytest.mark.parametrize("log_too", [False, True], ids=["log elsewhere", "log there"])
def test_a_full_disk_is_told_and_space_mends_it(small_disk: Path, tmp_path: Path, log_too: bool) -> None:
    """Filled to the last byte by somebody else; then the space comes back. The server's log, which stands
    beside `data`, may be on the same disk."""
    ledger, other, data = Ledger(), small_disk / "somebody-else", small_disk / "data"
    if not log_too:
        data.mkdir()
        data = tmp_path / "data"
        data.symlink_to(small_disk / "data")
    with Server(data) as server:
        send(server, ledger)
        good = len(ledger.notes)
        with pytest.raises(OSError, match="No space"):
            fill(other)
        send(server, ledger, each=8, pad=300_000)
        assert ledger.statuses()[503] >= 20
        assert len(ledger.notes) - good == 24 - ledger.statuses()[503]
        assert "full" in " ".join(one["what"] for one in refusals(ledger))
        refused = len(ledger.notes)
        other.unlink()
        send(server, ledger)
        assert len(ledger.notes) == refused + 12, "it did not go on by itself"
        assert readiness(server) == (200, True)
        assert server.terminate() == 0
    all_is_there(ledger, data)
