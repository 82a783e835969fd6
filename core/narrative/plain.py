"""Foreign text made harmless for one line of plain text: no control characters, no length without end."""

from __future__ import annotations

import unicodedata


def one_line(text: str, limit: int = 200) -> str:
    """`text` without line breaks, control, format and surrogate characters, cut at `limit`."""
    head = text[: limit * 4]
    if not (head.isascii() and head.isprintable()):
        head = "".join(c if unicodedata.category(c)[0] not in "CZ" or c == " " else " " for c in head)
    clean = " ".join(head.split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
