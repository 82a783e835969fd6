"""Reading untrusted JSON: a value at a path, as a text or a link; nothing is believed unseen."""

from __future__ import annotations

import re
from typing import Any

from connectors.inbound.source import as_object, decode
from core.errors import BodyError
from core.model.events import Parsed

Object = dict[str, Any]
_LINK = re.compile(r"https?://[^\s\x00-\x1f]{1,1990}", re.IGNORECASE)


def document(body: bytes, mend: str) -> Object:
    """The body's JSON object. Raises BodyError."""
    return as_object(decode(body), "body", mend)


def dig(value: Any, *path: str | int) -> Any:
    """What stands at `path` (keys of objects, places in lists), or None."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def text(value: Any, *path: str | int) -> str:
    """The text or number at `path`, stripped; empty for anything else."""
    found = dig(value, *path)
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        return ""
    return str(found).strip()


def first_text(*texts: str) -> str:
    return next((item for item in texts if item), "")


def link(*candidates: Any) -> str:
    """The first candidate that a browser may open."""
    usable = (item for item in candidates if isinstance(item, str) and _LINK.fullmatch(item))
    return next(usable, "")


def objects(value: Any) -> list[Object]:
    """The objects of a list; empty when it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def labels(**values: str) -> dict[str, str]:
    """Without the empty ones."""
    return {name: value for name, value in values.items() if value}


def ignored(reason: str, delivery: str = "") -> Parsed:
    return Parsed((), delivery=delivery, ignored=reason)


def needed(value: str, where: str, mend: str) -> str:
    """Raises BodyError when it is empty."""
    if not value:
        raise BodyError("missing, or empty", where=where, mend=mend)
    return value
