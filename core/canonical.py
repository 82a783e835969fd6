"""Canonical JSON and content hashes: the same value gives the same bytes on every machine.

Canonical means: keys sorted, no spaces, UTF-8 without ASCII escapes, no NaN or infinity. Values that
are hashed hold integers and strings, never floats.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

_texts = msgspec.json.Encoder(order="sorted")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Base32 two letters, which are ten bits, at a time.
_PAIRS = [one + other for one in _LETTERS for other in _LETTERS]


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
    return f"{prefix}-{hashlib.sha256(_texts.encode(parts)).hexdigest()[:length]}"


def readable_id(*parts: object, length: int = 6) -> str:
    """A short id to say aloud on a call: base32 capitals and digits 2 to 7."""
    # 260 bits, of which the last four are 0, are 52 letters.
    bits = int.from_bytes(hashlib.sha256(_texts.encode(parts)).digest()) << 4
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(250, 250 - 5 * length, -10)])[:length]
