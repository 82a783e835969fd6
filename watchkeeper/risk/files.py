"""Small files that the check itself reads: from a commit, never from the working tree, or from the caller."""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError
from watchkeeper.risk.git import Git
from watchkeeper.risk.texts import LONGEST_TEXT, texts


def at_revision(git: Git, commit: str, path: str) -> str | None:
    """The text of a plain file at a commit; None where there is no commit, or no such file in it. Raises
    InputError when it is there and no text of less than a megabyte."""
    if not commit or path.startswith("/") or ".." in path.split("/"):
        return None
    entry = git.run("ls-tree", "-z", commit, "--", path).partition(b"\0")[0]
    if not entry:
        return None
    mode, kind, name = entry.partition(b"\t")[0].split(b" ")
    text = texts(git, [name]).get(name) if kind == b"blob" and mode.startswith(b"100") else None
    if text is None:
        mend = f"Make it a text file of less than {LONGEST_TEXT:,} bytes"
        raise InputError("no text file, or too long", where=f"{path} at {commit[:12]}", mend=mend)
    return text


def on_disk(path: Path) -> str:
    """Raises InputError when it cannot be read."""
    try:
        with path.open("rb") as source:
            raw = source.read(LONGEST_TEXT + 1)
        if len(raw) > LONGEST_TEXT:
            raise InputError(f"longer than {LONGEST_TEXT:,} bytes", where=str(path), mend="Shorten it")
        return raw.decode("utf-8-sig")
    except OSError as error:
        what = error.strerror or str(error)
        raise InputError(f"cannot be read ({what})", where=str(path), mend="Give another file") from None
    except UnicodeDecodeError:
        raise InputError("not UTF-8", where=str(path), mend="Write it as UTF-8") from None
