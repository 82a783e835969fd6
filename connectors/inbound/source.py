"""What a source is: a name, a place to send to, and a pure parser of its bodies.

Bodies come from the untrusted edge: they are decoded by orjson (strict UTF-8, no NaN, bounded depth) and
nothing in them is believed before its type was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import orjson

from core.clamping import NO_LABELS
from core.errors import BodyError
from core.model.events import Parsed, Problem
from core.times import parse_rfc3339

Part = TypeVar("Part")

_QUOTED = 300
_JSON_MEND = "Send JSON (RFC 8259) in UTF-8"


class Request(NamedTuple):
    """What arrived: all headers (names in lower case; several of one name joined by a comma), the raw body,
    what followed the source's name in the path, and when (ms UTC)."""

    headers: Mapping[str, str]
    body: bytes
    now: int
    path_token: str = ""


class Source(Protocol):
    """`kept` names the headers (lower case) that `parse` reads: these alone are stored, never credentials.

    `proof` says for people how a sender proves itself. `verify` raises SignatureRefused unless one of the
    secrets fits. `parse` is pure; it raises BodyError when nothing in the body can be used.
    """

    name: str
    summary: str
    kept: tuple[str, ...]
    proof: str

    def verify(self, request: Request, secrets: Sequence[str]) -> None: ...

    def parse(self, headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed: ...


def decode(body: bytes) -> Any:
    """The JSON value of `body`. Raises BodyError with the place of the first fault."""
    if not body.strip():
        raise BodyError("the body is empty", where="body", mend="Send a JSON document")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"body, line {error.lineno}, column {error.colno}"
        raise BodyError(f"not JSON: {error.msg}", where=where, mend=_JSON_MEND) from None


def as_object(value: Any, where: str, mend: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BodyError(f"expected an object, found {type_name(value)}", where=where, mend=mend)
    return value


def type_name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def read_each(
    items: Sequence[Any], read: Callable[[Any, str, int], Part], problems: list[Problem], *, listed: bool
) -> list[Part]:
    """What `read` makes of each item, its place and its number; of those that it refuses, the problems.
    `listed`: the body is a list, else it is the one item."""
    found: list[Part] = []
    for index, item in enumerate(items):
        try:
            found.append(read(item, f"[{index}]" if listed else "body", index))
        except BodyError as error:
            problems.append(problem(error.where, error.what, error.mend))
    return found


def said(item: dict[str, Any], key: str, where: str) -> str:
    """The text under `key`, "" where there is none. Raises BodyError for another kind of value."""
    value = item.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyError(f"is {type_name(value)}, not a text", where=f"{where}.{key}", mend="Put it in quotes")
    return value


def text_map(value: Any) -> dict[str, str]:
    """The entries of a map whose keys and values are texts; others are made texts, empty ones left out."""
    if not isinstance(value, dict):
        return {}
    return {key: item if isinstance(item, str) else _plain(item) for key, item in value.items() if item != ""}


def labels_of(alert: dict[str, Any]) -> dict[str, str] | None:
    """Its labels; {} where it says that it has none, None where it is no alert at all."""
    labels = alert.get("labels", "")
    return text_map(labels) if labels is None or isinstance(labels, dict) else None


def odd(labels: dict[str, str]) -> tuple[str, ...]:
    """The flags of an alert with these labels."""
    return () if labels else (NO_LABELS,)


def _plain(value: Any) -> str:
    try:
        return orjson.dumps(value).decode("utf-8")
    except TypeError:
        raise BodyError(
            "nested too deeply", where="body", mend="Send labels and annotations as texts"
        ) from None


def moment(value: Any) -> int | None:
    """Milliseconds of an RFC 3339 text; None for nothing, for year 1 (Go's zero time) and for nonsense."""
    if not isinstance(value, str) or value.startswith("0001-01-01"):
        return None
    try:
        return parse_rfc3339(value)
    except ValueError:
        return None


def problem(where: str, what: str, mend: str) -> Problem:
    """Its texts are cut: what quotes a body must not be as long as the body."""
    return Problem(where=where[:_QUOTED], what=what[:_QUOTED], mend=mend)


def nothing_usable(problems: list[Problem]) -> BodyError:
    """The first problem as the reason to refuse the whole body."""
    first = problems[0]
    rest = len(problems) - 1
    more = f" (and {rest} more fault{'s' * (rest > 1)})" if rest else ""
    return BodyError(first.what + more, where=first.where, mend=first.mend)
