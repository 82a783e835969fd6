"""Small git repositories for tests: commits of given files, at given times, by given people."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

START = 1_790_000_000


class Repository:
    """A checkout; each commit is an hour after the one before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._commits = 0
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str | bytes, author: str = "ann", at: int = START, given: bytes = b"") -> str:
        place = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
        who = {
            f"GIT_{kind}_{part}": value
            for kind in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", author), ("EMAIL", f"{author}@example.org"), ("DATE", f"{at} +0000"))
        }
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=self.path,
            env=place | who,
            input=given,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, files: dict[str, str | bytes | None]) -> None:
        """None deletes."""
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self, files: dict[str, str | bytes | None], message: str = "change", author: str = "ann"
    ) -> str:
        """Its id."""
        self.write(files)
        self.git("add", "-A")
        self._commits += 1
        at = START + 3_600 * self._commits
        self.git(
            "commit",
            "-q",
            "--allow-empty",
            "--cleanup=verbatim",
            "-F",
            "-",
            author=author,
            at=at,
            given=message.encode(),
        )
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "HEAD") -> None:
        self.git("checkout", "-q", "-b", name, start)

    def merge(self, name: str, message: str) -> str:
        self._commits += 1
        at = START + 3_600 * self._commits
        self.git("merge", "-q", "--no-ff", name, "-m", message, author="merger", at=at)
        return self.git("rev-parse", "HEAD")
