"""Canonical JSON: the fast way for texts and integers gives the very bytes of the slow one. Ids to say aloud
are base32 as the standard library writes it."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.canonical import canonical_json, canonical_texts, readable_id

texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.none() | st.integers(-(2**53), 2**53) | texts


@given(st.lists(plain | st.lists(plain)) | st.dictionaries(texts, plain))
def test_both_ways_give_the_same_bytes(value: object) -> None:
    assert canonical_texts(value) == canonical_json(value)


@pytest.mark.parametrize("length", [1, 5, 6, 8, 13, 51, 52])
def test_an_id_to_say_aloud_is_base32_of_the_hash(length: int) -> None:
    for number in range(50):
        parts = (number, f"default/{number:x}@1", None)
        digest = hashlib.sha256(canonical_texts(list(parts))).digest()
        assert readable_id(*parts, length=length) == base64.b32encode(digest).decode()[:length]
