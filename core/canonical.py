"""Canonical JSON and content hashes: the same value gives the same bytes on every machine.

Canonical means: keys sorted, no spaces, UTF-8 without ASCII escapes, no NaN or infinity. Values that
are hashed hold integers and strings, never floats.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import msgspec

_texts = msgspec.json.Encoder(order="sorted")


def canonical_json(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def canonical_texts(value: Any) -> bytes:
    """The same for lists and maps that hold nothing but texts, integers and None; many times as fast."""
    return _texts.encode(value)


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content_id(prefix: str, *parts: object, length: int = 16) -> str:
    """`prefix-` and `length` hex digits of the hash of `parts` (strings, integers, None, lists of them)."""
    return f"{prefix}-{sha256_hex(canonical_texts(list(parts)))[:length]}"


def readable_id(*parts: object, length: int = 6) -> str:
    """A short id to say aloud on a call: base32 capitals and digits 2 to 7."""
    digest = hashlib.sha256(canonical_texts(list(parts))).digest()
    # Eight letters are five bytes.
    return base64.b32encode(digest[: -(-length // 8) * 5]).decode("ascii")[:length]
