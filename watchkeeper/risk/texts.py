"""Whole texts of files, by the names of their contents: small ones, as many as fit, in two calls of git."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from watchkeeper.risk.git import Git, text_of

# Bytes of one text, and of all.
LONGEST_TEXT = 1_000_000
ALL_TEXTS = 64_000_000
# Where git looks for a NUL byte, which makes no text of a file; one behind hides nothing.
_LOOKED_AT = 8_000


def texts(git: Git, names: Iterable[bytes], most: int = ALL_TEXTS) -> dict[bytes, str]:
    """The texts by name; those that are too large, are not text, or come when it is enough are left out.

    Ends of lines are `\\n` whatever they were, and a byte order mark is taken away.
    """
    wanted = list(dict.fromkeys(names))
    chosen = _chosen(git, wanted, most)
    found: dict[bytes, str] = {}
    if not chosen:
        return found
    with git.streamed("cat-file", "--batch", given=_asked(chosen)) as out:
        for name in chosen:
            raw = _content(out)
            if raw is not None and b"\0" not in raw[:_LOOKED_AT]:
                text = text_of(raw.removeprefix(b"\xef\xbb\xbf"))
                found[name] = text.replace("\r\n", "\n").replace("\0", "\ufffd")
    return found


def _chosen(git: Git, wanted: list[bytes], most: int) -> list[bytes]:
    """Those that are small enough, until they are too many together."""
    if not wanted:
        return []
    chosen = []
    with git.streamed("cat-file", "--batch-check", given=_asked(wanted)) as out:
        for name, line in zip(wanted, out, strict=False):
            parts = line.split()
            size = int(parts[2]) if len(parts) == 3 and parts[1] == b"blob" else most + 1
            if size <= min(LONGEST_TEXT, most):
                most -= size
                chosen.append(name)
    return chosen


def _asked(names: list[bytes]) -> bytes:
    return b"".join(name + b"\n" for name in names)


def _content(out: IO[bytes]) -> bytes | None:
    """`NAME blob SIZE`, the bytes, and a line's end."""
    parts = out.readline().split()
    if len(parts) != 3:
        return None
    return out.read(int(parts[2]) + 1)[:-1]
