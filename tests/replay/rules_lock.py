"""The locks of dated bundles: what each file says, as a hash. `make lock-rules` writes those of bundles that
are not released; a released one is never edited: a new one, with a new date, is added beside it.

A lock is `{bundle: {"released": bool, "files": {name: sha256}}}`. `--release` marks what it writes as
released; that is taken back by hand alone.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).parent.parent.parent
LOCKED = ("core/rules", "core/remediation", "connectors/inbound")


class Bundle(TypedDict):
    released: bool
    files: dict[str, str]


Lock = dict[str, Bundle]


def bundle_files(folder: Path) -> dict[str, dict[str, str]]:
    """Of every bundle in `folder`, its files' hashes by name."""
    bundles = sorted(path for path in folder.glob("builtin@*") if path.is_dir())
    return {
        bundle.name: {
            file.name: sha256(file.read_bytes()).hexdigest()
            for file in sorted(bundle.iterdir())
            if file.is_file()
        }
        for bundle in bundles
    }


def read_lock(folder: Path) -> Lock:
    path = folder / "lock.json"
    lock: Lock = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return lock


def faults(folder: Path) -> list[str]:
    """What in `folder` is not as its lock says, each with what to do; none when all is."""
    lock, found = read_lock(folder), bundle_files(folder)
    said = [f"{name}: locked, but not there; put it back" for name in lock if name not in found]
    for name, files in found.items():
        if name not in lock:
            said.append(f"{name}: not in the lock; run `make lock-rules`")
            continue
        locked = lock[name]["files"]
        mend = "released bundles are never edited: make a new dated one" if lock[name]["released"] else ""
        for file in sorted({*files, *locked}):
            if files.get(file) != locked.get(file):
                how = "is new" if file not in locked else "is missing" if file not in files else "differs"
                said.append(f"{name}/{file} {how}; {mend or 'run `make lock-rules`'}")
    return said


def written(folder: Path, *, release: bool = False) -> Lock:
    """The lock anew: bundles that are released stay as they were locked."""
    lock, found = read_lock(folder), bundle_files(folder)
    kept = {name: bundle for name, bundle in lock.items() if bundle["released"]}
    fresh = {name: Bundle(released=release, files=files) for name, files in found.items()}
    return dict(sorted({**fresh, **kept}.items()))


def main() -> int:
    """Without arguments: 1 when a bundle is not as it was locked."""
    if "--write" in sys.argv or "--release" in sys.argv:
        for name in LOCKED:
            lock = written(ROOT / name, release="--release" in sys.argv)
            (ROOT / name / "lock.json").write_text(json.dumps(lock, indent=1) + "\n", "utf-8")
    found = [f"{name}/{fault}" for name in LOCKED for fault in faults(ROOT / name)]
    sys.stdout.write("".join(f"{line}\n" for line in found) or "every bundle is as it was locked\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
