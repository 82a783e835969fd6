"""Released bundles are never edited: a journal that names one must mean the same rules for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.inbound.registry import MAPPINGS
from core.remediation import runbook
from core.rules import loader
from tests.replay.rules_lock import LOCKED, ROOT, bundle_files, faults, read_lock, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two bundles, the older one released."""
    for name in ("builtin@2026-01-01", "builtin@2026-02-02"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "010-a.yaml").write_text(f"rule: a of {name}\n")
        (tmp_path / name / "020-b.yaml").write_text(f"rule: b of {name}\n")
    lock = written(tmp_path)
    lock["builtin@2026-01-01"]["released"] = True
    (tmp_path / "lock.json").write_text(json.dumps(lock))
    assert faults(tmp_path) == []
    return tmp_path


@pytest.mark.parametrize("name", LOCKED)
def test_every_bundle_is_as_it_was_locked(name: str) -> None:
    assert faults(ROOT / name) == []


def test_the_newest_bundles_are_those_in_use() -> None:
    """The loader names every bundle that ships, by date."""
    assert sorted(bundle_files(ROOT / "core/rules")) == list(loader.BUNDLES)
    assert loader.BUNDLES[-1] == loader.BUILTIN
    assert max(bundle_files(ROOT / "core/remediation")) == runbook.BUILTIN
    assert max(bundle_files(ROOT / "connectors/inbound")) == MAPPINGS


def test_nothing_stays_unreleased_in_a_release() -> None:
    heading = next(
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    )
    unreleased = [
        bundle for name in LOCKED for bundle, lock in read_lock(ROOT / name).items() if not lock["released"]
    ]
    assert "unreleased" in heading or not unreleased, "run `make lock-rules` with RELEASE=1"


def test_a_released_file_that_differs_is_missing_or_new_is_a_fault(folder: Path) -> None:
    bundle = folder / "builtin@2026-01-01"
    (bundle / "010-a.yaml").write_text("rule: another\n")
    (bundle / "020-b.yaml").unlink()
    (bundle / "030-c.yaml").write_text("rule: c\n")
    mend = "released bundles are never edited: make a new dated one"
    assert faults(folder) == [
        f"builtin@2026-01-01/010-a.yaml differs; {mend}",
        f"builtin@2026-01-01/020-b.yaml is missing; {mend}",
        f"builtin@2026-01-01/030-c.yaml is new; {mend}",
    ]


def test_writing_keeps_what_is_released(folder: Path) -> None:
    before = read_lock(folder)
    for bundle in ("builtin@2026-01-01", "builtin@2026-02-02"):
        (folder / bundle / "010-a.yaml").write_text("rule: another\n")
    assert any("run `make lock-rules`" in fault for fault in faults(folder))
    after = written(folder)
    assert after["builtin@2026-01-01"] == before["builtin@2026-01-01"]
    (folder / "lock.json").write_text(json.dumps(after))
    assert [fault.partition("/")[0] for fault in faults(folder)] == ["builtin@2026-01-01"]


def test_a_bundle_that_is_gone_or_not_locked_is_a_fault(folder: Path) -> None:
    (folder / "builtin@2026-01-01").rename(folder / "builtin@2026-03-03")
    assert faults(folder) == [
        "builtin@2026-01-01: locked, but not there; put it back",
        "builtin@2026-03-03: not in the lock; run `make lock-rules`",
    ]
    lock = written(folder, release=True)
    assert lock["builtin@2026-03-03"]["released"]
    assert "builtin@2026-01-01" in lock, "a released bundle leaves the lock by hand alone"


def test_the_command_says_how_it_stands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.replay.rules_lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    clean = not any(faults(ROOT / name) for name in LOCKED)
    assert done.returncode == (0 if clean else 1)
    assert ("every bundle is as it was locked" in done.stdout) == clean
