"""Running git where nothing of a repository is trusted: none of its hooks, filters, helpers, settings.

The checkout itself is asked for names of objects alone. Everything else runs in an empty repository of our
own that borrows its objects, so that `.git/config`, `.gitattributes`, replaced objects and whatever else a
hostile checkout holds are never read. Nothing is fetched or written.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import IO

from core.errors import InputError
from core.risk.rules.rule import quoted

# Of one command of git, in seconds.
TIMEOUT = 120.0
_GRACE = 0.5
DEEPEN = "Run `git fetch --unshallow`; in a workflow check out with fetch-depth: 0"
_FLAGS = (
    "--no-pager",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.attributesFile=/dev/null"),
    *("-c", "diff.external=", "-c", "protocol.allow=never", "-c", "safe.directory=*", "-c", "gc.auto=0"),
    *("-c", "log.showSignature=false", "-c", "core.commitGraph=true"),
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    # The one list of protocols that no configuration overrides: none of that name.
    "GIT_ALLOW_PROTOCOL": "none",
}
_KEPT = ("PATH", "SYSTEMROOT", "TMPDIR", "LD_LIBRARY_PATH")
_BARE = "[core]\n\trepositoryformatversion = {version}\n\tbare = true\n"
_SHA256 = "[extensions]\n\tobjectformat = sha256\n"


class _Clock:
    """A process that is killed when its time is up; `late` then, and `code` below 0."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        self.out, self.late, self.code = process.stdout, False, 0
        self._stopped = False
        self._process = process
        self._timer = Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def ended(self, *, wait: bool) -> None:
        """Notes how it ended; with `wait` once it has said all."""
        while wait and self.out.read(1 << 16):
            pass
        if wait:
            self._process.wait()

    def stop(self) -> None:
        self._timer.cancel()
        try:
            # Who has said all is about to end, and tells how.
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._stopped = True
            self._process.kill()
        self.out.close()
        self.code = self._process.wait()

    @property
    def broke(self) -> bool:
        """Whether something else ended it, such as a system without memory."""
        return self.code < 0 and not self._stopped and not self.late

    def _expire(self) -> None:
        self.late = True
        self._process.kill()


class Git:
    """The objects of one checkout. Use as a context: the repository of our own goes with it.

    `shallow`: its history is cut. Raises InputError where there is no checkout, or no git.
    """

    def __init__(self, repo: Path, timeout: float = TIMEOUT) -> None:
        self.repo, self.timeout = repo, timeout
        self._place = tempfile.TemporaryDirectory(prefix="watchkeeper-git-")
        try:
            self._prepare()
        except BaseException:
            self._place.cleanup()
            raise

    def __enter__(self) -> Git:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._place.cleanup()

    def commit(self, revision: str) -> str:
        """The id of a commit. Raises InputError when there is none of that name."""
        if (found := self.found(revision)) is None:
            raise InputError(f"no such commit: {quoted(revision)}", where=str(self.repo), mend=self._fetch())
        return found

    def found(self, revision: str) -> str | None:
        """The same; None when there is none."""
        if not revision or revision.startswith("-") or "\0" in revision or "\n" in revision:
            raise InputError(
                f"not a revision: {quoted(revision) or 'it is empty'}",
                where=str(self.repo),
                mend="Give a branch, a tag or a commit",
            )
        asked = ("rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        code, out, _ = self._asked_there(asked)
        name = out.decode("ascii", "replace").strip()
        return name if code == 0 and name.isalnum() else None

    def whole(self) -> None:
        """Raises InputError where the history is cut."""
        if self.shallow:
            raise InputError("the clone is shallow: its history is cut", where=str(self.repo), mend=DEEPEN)

    def run(self, *arguments: str) -> bytes:
        """What the command prints. Raises InputError with what git says when it fails."""
        with self.streamed(*arguments) as out:
            return out.read()

    @contextmanager
    def streamed(
        self, *arguments: str, given: bytes = b"", early: bool = False, fine: Sequence[int] = (0,)
    ) -> Iterator[IO[bytes]]:
        """Its output while it runs; `given` is its input. Raises InputError when it fails or takes too long.

        With `early` the caller may stop reading, which ends it, and taking too long is an early end. `fine`
        are the codes with which it may end.
        """
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as said:
            source.write(given)
            source.seek(0)
            clock = _Clock(self._started(arguments, source, said), self.timeout)
            try:
                yield clock.out
                # Who may not stop early has read all: an end is near.
                clock.ended(wait=not early)
            finally:
                clock.stop()
            if clock.late and not early:
                raise self._late(arguments)
            if clock.broke or (clock.code >= 0 and clock.code not in fine):
                said.seek(0)
                raise self._failed(arguments, said.read(2_000))

    def _prepare(self) -> None:
        code, out, said = self._asked_there(
            ("rev-parse", "--is-shallow-repository", "--git-path", "objects", "--git-path", "shallow")
        )
        if code != 0:
            raise InputError(_why(said), where=str(self.repo), mend="Give --repo a git checkout")
        shallow, objects, cut = (os.fsdecode(line) for line in out.split(b"\n")[:3])
        self._objects = str(self.repo.resolve() / objects)
        self.shallow = shallow == "true"
        self._sha256 = self._format() == b"sha256"
        place = Path(self._place.name)
        for folder in ("objects", "refs"):
            (place / folder).mkdir()
        (place / "HEAD").write_text("ref: refs/heads/none\n")
        form = _BARE.format(version=int(self._sha256)) + (_SHA256 if self._sha256 else "")
        (place / "config").write_text(form)
        if self.shallow:
            (place / "shallow").write_bytes((self.repo.resolve() / cut).read_bytes())

    def _format(self) -> bytes:
        return self._asked_there(("rev-parse", "--show-object-format"))[1].strip()

    @property
    def empty_tree(self) -> str:
        """The id of the tree with nothing in it."""
        if self._sha256:
            return "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
        return "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

    def _asked_there(self, arguments: Sequence[str]) -> tuple[int, bytes, bytes]:
        """Asks the checkout itself; only `rev-parse`, which runs nothing that its configuration names."""
        try:
            done = subprocess.run(
                ["git", *_FLAGS, *arguments],
                cwd=self.repo,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.timeout,
                check=False,
            )
        except FileNotFoundError:
            what, mend = (
                ("git is not installed", "Install git")
                if self.repo.is_dir()
                else (
                    "no such directory",
                    "Give --repo a git checkout",
                )
            )
            raise InputError(what, where=str(self.repo), mend=mend) from None
        except NotADirectoryError:
            raise InputError(
                "not a directory", where=str(self.repo), mend="Give --repo a git checkout"
            ) from None
        except subprocess.TimeoutExpired:
            raise self._late(arguments) from None
        return done.returncode, done.stdout, done.stderr

    def _started(
        self, arguments: Sequence[str], source: IO[bytes], said: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        place = {"GIT_DIR": self._place.name, "GIT_OBJECT_DIRECTORY": self._objects}
        return subprocess.Popen(
            ["git", *_FLAGS, *arguments],
            cwd=self._place.name,
            env=self._environment() | place,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=said,
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        # An empty or relative folder of PATH is one of the checkout: its `git` is somebody else's.
        folders = kept.get("PATH", os.defpath).split(os.pathsep)
        kept["PATH"] = os.pathsep.join(one for one in folders if os.path.isabs(one)) or os.defpath
        return kept | _ENVIRONMENT | {"HOME": self._place.name}

    def _fetch(self) -> str:
        if self.shallow:
            return f"The clone is shallow. {DEEPEN}"
        if not self._asked_there(("rev-parse", "--all"))[1].strip():
            return "It has no commit yet: make one, then ask again"
        return "Run `git fetch`, or correct its name"

    def _late(self, arguments: Sequence[str]) -> InputError:
        what = f"git {arguments[0]} took longer than {self.timeout:g} s"
        return InputError(what, where=str(self.repo), mend="Try a smaller change")

    def _failed(self, arguments: Sequence[str], said: bytes) -> InputError:
        mend = "Objects are missing: run `git fetch --refetch`, or clone without --filter"
        if b"missing" not in said and b"bad object" not in said and b"unable to read" not in said:
            mend = "Look at the repository with `git fsck`"
        return InputError(f"git {arguments[0]}: {_why(said)}", where=str(self.repo), mend=mend)


def _why(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return quoted(lines[0].removeprefix("fatal: ")) if lines else "git failed and said nothing"


def text_of(raw: bytes) -> str:
    """Foreign bytes as text; what is no UTF-8 is written `\\xNN`."""
    return raw.decode("utf-8", "backslashreplace")
