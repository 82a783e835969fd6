"""Foreign text made harmless for one line of plain text: no control characters, no length without end,
and commits by the beginning of their ids."""

from __future__ import annotations

import re
import unicodedata

_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")


def one_line(text: str, limit: int = 200) -> str:
    """`text` without line breaks, control, format and surrogate characters, cut at `limit`."""
    head = text[: limit * 4]
    if not (head.isascii() and head.isprintable()):
        head = "".join(c if unicodedata.category(c)[0] not in "CZ" or c == " " else " " for c in head)
    clean = " ".join(head.split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def short_version(version: str) -> str:
    """As people read it: of the id of a commit, and of a digest, 12 characters; any other is whole."""
    return version[:12] if _COMMIT.fullmatch(version) else version
