"""Canonical JSON: the fast way for texts and integers gives the very bytes of the slow one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.canonical import canonical_json, canonical_texts

texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.none() | st.integers(-(2**53), 2**53) | texts


@given(st.lists(plain | st.lists(plain)) | st.dictionaries(texts, plain))
def test_both_ways_give_the_same_bytes(value: object) -> None:
    assert canonical_texts(value) == canonical_json(value)
