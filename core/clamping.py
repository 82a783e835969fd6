"""Alerts that say far too much: what of their labels is kept in memory. All of it stays in the journal.

Kept are the labels that decide, then the rest by name, up to the limit. What is cut says so, with a hash of
the whole, so that what differed before still differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

# Of one alert; of a label's name and of its value, in characters.
LABELS, NAME_CHARS, LABEL_CHARS = 500, 1_024, 16_384
# Flags of alerts, as sources give them and episodes keep them.
CLAMPED, NO_LABELS = "labels_clamped", "no_labels"
_HASH = 12


def too_large(labels: dict[str, str]) -> bool:
    """Whether something must go."""
    return (
        len(labels) > LABELS
        or max(map(len, labels), default=0) > NAME_CHARS
        or max(map(len, labels.values()), default=0) > LABEL_CHARS
    )


def clamped_labels(labels: dict[str, str], first: Iterable[str]) -> dict[str, str]:
    """At most LABELS: those of `first` that are there, then by name. The same whatever their order."""
    kept: dict[str, str] = {}
    for name in _ordered(labels, first):
        if len(kept) == LABELS:
            break
        kept[cut(name, NAME_CHARS)] = cut(labels[name], LABEL_CHARS)
    return kept


def _ordered(labels: dict[str, str], first: Iterable[str]) -> Iterator[str]:
    deciding = dict.fromkeys(name for name in first if name in labels)
    yield from deciding
    yield from (name for name in sorted(labels) if name not in deciding)


def cut(text: str, limit: int) -> str:
    """`text`, or its beginning with a mark that holds a hash of all of it."""
    if len(text) <= limit:
        return text
    mark = f"… [cut {digest(text)[:_HASH]}]"
    return text[: limit - len(mark)] + mark


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
