"""Reading bodies of a known shape straight into types, which costs a quarter of looking at each part.

Only what has exactly that shape is read so: a decoder here knows every field and skips none, because what
msgspec skips it does not check as strictly as orjson does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from msgspec import Meta

from connectors.inbound.limits import SAID_CHARS
from connectors.inbound.source import moment
from core.clamping import LABEL_CHARS, LABELS, NAME_CHARS

_Name = Annotated[str, Meta(max_length=NAME_CHARS)]
_Value = Annotated[str, Meta(min_length=1, max_length=LABEL_CHARS)]
# At least one label, none of them empty, and all within the limits.
Labels = Annotated[dict[_Name, _Value], Meta(min_length=1, max_length=LABELS)]
Said = Annotated[dict[_Name, Annotated[str, Meta(max_length=SAID_CHARS)]], Meta(max_length=LABELS)]
Link = Annotated[str, Meta(max_length=LABEL_CHARS)]
# The longest RFC 3339 text that makes sense; longer ones are not kept.
_LONGEST = 40


@lru_cache(maxsize=4_096)
def _moment(text: str) -> int | None:
    return moment(text)


def one_moment(text: str) -> int | None:
    """`moment` of a text. The alerts of one body mostly name the same few."""
    return _moment(text) if len(text) <= _LONGEST else moment(text)


def texts(found: dict[str, str]) -> dict[str, str]:
    """Without the empty ones, as `text_map` gives them."""
    return {key: item for key, item in found.items() if item} if "" in found.values() else found
