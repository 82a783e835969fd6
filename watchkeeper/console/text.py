"""Foreign text and plain values made fit for a page: cleaned, counted, spelled out, linked only when safe.

Escaping is the template engine's work and always on. What is done here comes before it: characters that act
instead of being read (control, bidirectional, line separators) are replaced where they stand, so that a
reader sees that something was there.
"""

from __future__ import annotations

import unicodedata
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from core.narrative.plain import one_line
from core.narrative.weblink import safe_url as safe_url
from core.narrative.weblink import url_host as url_host
from core.times import spoken

_REPLACED = "\ufffd"


def harmless(value: Any) -> Any:
    """What every expression of a template passes through. Markup and numbers stay, None becomes nothing."""
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if value.isascii() and value.isprintable():
        return value
    return "".join(char if char in "\n\t" or _is_read(char) else _REPLACED for char in value)


def _is_read(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] != "C" and category not in ("Zl", "Zp")


def shorten(value: Any, limit: int = 200) -> str:
    """One line of at most `limit` characters, of any JSON value."""
    return one_line(value if isinstance(value, str) else str(value), limit)


def path_part(value: Any) -> str:
    """One segment of a path."""
    return quote(str(value), safe="")


def incident_path(incident_id: str) -> str:
    return f"/incidents/{path_part(incident_id)}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 alert`, `2 alerts`, `1,200 alerts`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def place(document: dict[str, Any]) -> str:
    """Environment and cluster, those that are known."""
    return ", ".join(shorten(document[key], 80) for key in ("environment", "cluster") if document[key])


def score(thousandths: Any) -> str:
    """Thousandths as `799/1000`: the scale that hints and terms speak in too."""
    return f"{thousandths}/1000" if isinstance(thousandths, int) else shorten(thousandths, 20)


def words(name: Any) -> str:
    """`service_joined` and `high-on-tier-1` as words."""
    return shorten(name, 120).replace("_", " ").replace("-", " ")


_SCORES = frozenset({"score", "confidence"})
TERM_WORDS = {
    "explains": "it explains others",
    "explained": "services that it explains",
    "others": "of so many others",
    "onset": "began early",
    "change": "changed just before",
    "unexplained": "nothing here that it calls is in trouble",
    "symptom": "its symptoms look like a cause",
    "hops": "calls away",
    "age": "time before",
    "before_end": "before the alerts ended",
    "undoes": "undoes a suspect",
}


def term(name: str, value: Any) -> tuple[str, str]:
    """A term of a why-tree as a name and a value for people."""
    if name in _SCORES:
        return name, score(value)
    if name.endswith("_ms") and isinstance(value, int):
        short = name.removesuffix("_ms")
        sign = "-" if value < 0 else ""
        return TERM_WORDS.get(short, words(short)), sign + spoken(value)
    return TERM_WORDS.get(name, words(name)), shorten(value, 60)
