"""What ended an incident, in words: what rules found, and what people said when they resolved it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.narrative.plain import one_line

Document = Mapping[str, Any]

_OVER = frozenset({"resolved", "closed"})
_NAME, _WORDS = 80, 300


def ending(document: Document) -> str:
    """Empty while it runs. What people wrote stands in quotation marks."""
    if document["status"] not in _OVER:
        return ""
    repairs = [_change(change) for change in document["changes"] if change["role"] == "repair"]
    parts = [f"{', '.join(repairs)}, after which the alerts ended"] if repairs else []
    resolved = [row for row in document["history"] if row["what"] == "resolved"]
    if resolved and resolved[-1]["reason"] == "person":
        parts.append(_person(resolved[-1]))
    return "; ".join(parts) or "its alerts ended by themselves; no change was reported that explains it"


def _person(row: Document) -> str:
    who, words = one_line(row["actor"], _NAME), one_line(row["detail"], _WORDS).replace('"', "'")
    return f'{who} resolved it: "{words}"' if words else f"{who} resolved it and did not say how"


def _change(change: Document) -> str:
    """`deploy of payments 2.3.9`, `flag change of search (deep-ranking=off)`."""
    service, version = one_line(change["service"], _NAME), one_line(change["version"], _NAME)
    if change["kind"] == "deploy":
        return f"deploy of {service} {version}".rstrip()
    return f"{change['kind']} change of {service}" + (f" ({version})" if version else "")
