"""The journal's envelope: what a record is, and how one stands in an event file.

The journal is the only truth. A record is immutable; its payload is bytes with their SHA-256, and each
record's `chain` hashes the one before it, so that an edit, a deletion or a swap is found by `verify`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from core.canonical import canonical_json, canonical_texts, sha256_hex
from core.errors import EventLineError
from core.times import format_rfc3339, parse_rfc3339

RecordKind = Literal[
    "ingest", "config", "tick", "transition", "approval", "outcome", "annotation", "checkpoint", "forget",
    "silence",
]  # fmt: skip
KINDS: tuple[RecordKind, ...] = (
    "ingest", "config", "tick", "transition", "approval", "outcome", "annotation", "checkpoint", "forget",
    "silence",
)  # fmt: skip
DEFAULT_DOMAIN = "default"
GENESIS = "0" * 64
_BODY_KEYS = ("body", "body_text", "body_base64")
_EVENT_KEYS = frozenset({"at", "source", "headers", "domain", "seq", "kind", "erased", *_BODY_KEYS})


class Draft(msgspec.Struct, frozen=True):
    """A record before the journal gave it a number and a time."""

    kind: RecordKind
    source: str
    payload: bytes
    domain: str = DEFAULT_DOMAIN
    headers: dict[str, str] = {}


class Record(msgspec.Struct, frozen=True):
    """`seq` is gapless from 1, `received_at` (ms UTC) never goes back.

    `erased` is the SHA-256 of a payload that was erased since; what is left of it is empty.
    """

    seq: int
    received_at: int
    kind: RecordKind
    source: str
    payload: bytes
    domain: str = DEFAULT_DOMAIN
    headers: dict[str, str] = {}
    erased: str = ""

    @property
    def payload_hash(self) -> str:
        """Of the payload as it was committed."""
        return self.erased or sha256_hex(self.payload)


def json_draft(kind: RecordKind, source: str, content: Mapping[str, Any]) -> Draft:
    """A draft whose payload is the canonical JSON of `content`."""
    return Draft(kind, source, canonical_json(content))


def chain_hash(previous: str, record: Record) -> str:
    """The next link of the hash chain. It covers the payload by its hash, so a payload can be erased."""
    envelope = [
        previous, record.seq, record.received_at, record.domain, record.kind, record.source,
        sorted(record.headers.items()), record.payload_hash,
    ]  # fmt: skip
    return sha256_hex(canonical_texts(envelope))


def record_to_line(record: Record) -> str:
    """One line of an exported journal. The payload comes back byte for byte by `line_to_record`."""
    line: dict[str, Any] = {
        "seq": record.seq,
        "kind": record.kind,
        "at": format_rfc3339(record.received_at),
        "source": record.source,
        "domain": record.domain,
        **({"headers": record.headers} if record.headers else {}),
        **({"erased": record.erased} if record.erased else _payload_fields(record.payload)),
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def _payload_fields(payload: bytes) -> dict[str, Any]:
    """`body` where that gives the same bytes again, else the text, else base64."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(payload).decode("ascii")}
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if canonical_json(value) == payload:
            return {"body": value}
    except (ValueError, RecursionError):
        pass
    return {"body_text": text}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def line_to_record(text: str, number: int, seq: int | None) -> tuple[Record, bool]:
    """The record on line `number` (1-based), and whether the line brought its own `seq`.

    `seq` numbers the line where it has none. Raises EventLineError naming the line.
    """
    where = f"line {number}"
    try:
        line = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise EventLineError(
            f"not a JSON object ({error})", where=where, mend="Write one JSON object per line"
        ) from None
    if not isinstance(line, dict):
        raise EventLineError("not a JSON object", where=where, mend="Write one JSON object per line")
    return _checked(line, where, seq)


def _checked(line: dict[str, Any], where: str, seq: int | None) -> tuple[Record, bool]:
    unknown = sorted(set(line) - _EVENT_KEYS)
    if unknown:
        raise EventLineError(
            f"unknown key {unknown[0]!r}", where=where, mend=f"Known keys: {', '.join(sorted(_EVENT_KEYS))}"
        )
    kind = line.get("kind", "ingest")
    if kind not in KINDS:
        raise EventLineError(f"unknown kind {kind!r}", where=where, mend=f"Known kinds: {', '.join(KINDS)}")
    own = "seq" in line
    number = line["seq"] if own else seq
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise EventLineError(
            "`seq` is not a number", where=where, mend="Give a whole number, or leave it out"
        )
    headers = line.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise EventLineError("`headers` is not a map of texts", where=where, mend='Write {"name": "value"}')
    record = Record(
        seq=number,
        received_at=_time(line, where),
        kind=kind,
        source=_text(line, "source", where, "" if kind == "tick" else None),
        payload=_payload(line, kind, where),
        domain=_text(line, "domain", where, DEFAULT_DOMAIN),
        headers=headers,
        erased=_text(line, "erased", where, ""),
    )
    return record, own


def _text(line: dict[str, Any], key: str, where: str, default: str | None) -> str:
    value = line.get(key, default)
    if not isinstance(value, str) or any("\ud800" <= c <= "\udfff" for c in value):  # lone surrogates
        raise EventLineError(f"`{key}` is missing or no text", where=where, mend=f'Add "{key}": "NAME"')
    return value


def _time(line: dict[str, Any], where: str) -> int:
    try:
        return parse_rfc3339(line["at"])
    except (KeyError, TypeError, ValueError):
        raise EventLineError(
            f"`at` is no RFC 3339 time: {line.get('at')!r}", where=where, mend='Write "2026-11-21T03:00:00Z"'
        ) from None


def _payload(line: dict[str, Any], kind: str, where: str) -> bytes:
    present = [key for key in _BODY_KEYS if key in line]
    if not present and (kind == "tick" or line.get("erased")):
        return b""
    if len(present) != 1:
        raise EventLineError(
            f"{len(present)} bodies", where=where, mend=f"Give exactly one of {', '.join(_BODY_KEYS)}"
        )
    value = line[present[0]]
    if present[0] == "body":
        try:
            return canonical_json(value)
        except (ValueError, RecursionError):
            raise EventLineError(
                "`body` holds text that is not Unicode", where=where, mend="Give body_base64"
            ) from None
    if not isinstance(value, str):
        raise EventLineError(f"`{present[0]}` is no text", where=where, mend="Give a JSON string")
    if present[0] == "body_text":
        return value.encode("utf-8", errors="surrogatepass")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise EventLineError(
            "`body_base64` is not base64", where=where, mend="Encode the bytes again"
        ) from None
