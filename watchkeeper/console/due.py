"""The clocks of an incident as words: until when somebody must respond or tell how it goes; what is late."""

from __future__ import annotations

from typing import NamedTuple

from core.explain_words import stands_because
from core.model.document import Document
from watchkeeper.console.clocks import Stamp, milliseconds, stamp
from watchkeeper.console.text import shorten


class Due(NamedTuple):
    """`text` stands before the time; `loud` when that has passed."""

    text: str
    at: Stamp | None
    loud: bool


def due(document: Document, now: int) -> list[Due]:
    """What is waited for, most urgent first. Nothing for what is over, or from before there were clocks."""
    clocks, status = document.get("clocks") or {}, document["status"]
    if status == "triggered":
        found = [_due(clocks, "respond_by", "Respond by", "Response overdue since", now)]
        if clocks.get("escalates_at"):
            words = f"Escalates to {shorten(clocks['escalates_to'], 64)} at"
            found.append(_due(clocks, "escalates_at", words, words, now)._replace(loud=False))
        elif clocks.get("repeats_at"):
            words = "Pages again at"
            found.append(_due(clocks, "repeats_at", words, words, now)._replace(loud=False))
    elif status in ("acknowledged", "mitigated"):
        found = [_due(clocks, "next_update_by", "Next update by", "Update overdue since", now)]
    else:
        found = []
    return [one for one in (*_stand(clocks, now), *found) if one.at is not None]


def answered(document: Document) -> str:
    """Whether somebody responded in time; empty while that is open, or was never asked."""
    met = (document.get("clocks") or {}).get("met")
    return "" if met is None else "Responded in time" if met else "Not responded in time"


def _stand(clocks: Document, now: int) -> list[Due]:
    stands = clocks.get("stands")
    if not stands:
        return []
    why = shorten(stands_because(stands["why"]), 200)
    return [Due(f"The clocks stand ({why}) since", stamp(stands["since"], now), loud=False)]


def _due(clocks: Document, key: str, before: str, after: str, now: int) -> Due:
    at = milliseconds(clocks.get(key))
    passed = at is not None and at <= now
    return Due(after if passed else before, stamp(clocks.get(key), now), passed)
