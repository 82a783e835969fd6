"""How it stands with all incidents that are open, in words: the list's first line, wherever it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def open_words(standing: Mapping[str, Any]) -> str:
    """`131 open: 1 P0, 130 P2; 12 not acknowledged`, of the list's `open`."""
    by = [f"{count:,} {name}" for name, count in standing["severities"].items() if count]
    said = f"{standing['total']:,} open{': ' * bool(by)}{', '.join(by)}"
    waiting = standing["unacknowledged"]
    return f"{said}; {waiting:,} not acknowledged" if waiting else said
