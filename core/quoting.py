"""Quotations: where prose says what a record said, and that prose without it.

Prose is what rules and people made of records: titles, answers, findings, notes. It may cut a quotation
short, put it on one line, or begin it with a capital letter; those are found too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from core.findings.recent_change import describe
from core.model.events import ChangeEvent
from core.narrative.plain import one_line, short_version

ERASED = "[erased]"
# Shorter words stand in prose by chance.
LONG = 8
_CUT = 12
_CUT_SHORT = "…"
_NAMES = frozenset({"id", "subject", "evidence", "kind", "rule", "service", "environment", "cluster"})
# What stands in prose, and what is put there.
Swaps = frozenset[tuple[str, str]]


def of_words(words: Iterable[str], least: int = LONG) -> Swaps:
    """For words of `least` characters or more."""
    told = {one for word in words for one in (word, one_line(word, len(word)))}
    return frozenset((one, ERASED) for one in told if len(one) >= least)


def of_change(event: ChangeEvent) -> Swaps:
    """Prose about a change: the first letter may be a capital one."""
    long = of_words(texts_of(event))
    if not event.version:
        return long
    blank = msgspec.structs.replace(event, version=ERASED)
    texts = (describe(event), one_line(describe(event), 4_000))
    return long | {(text[1:], describe(blank)[1:]) for text in texts}


def texts_of(event: ChangeEvent) -> tuple[str, ...]:
    """Of a version also what prose shows of it."""
    return event.version, event.author, event.url, short_version(event.version)


def mentioned(told: list[tuple[str, ChangeEvent]], shown: list[Any]) -> list[ChangeEvent]:
    """Those whose ids stand in what is shown; a change may have left an incident that still quotes it."""
    text = msgspec.json.encode(shown) if told else b""
    return [event for name, event in told if name.encode() in text]


def struck(value: Any, swaps: Swaps, name: str = "") -> Any:
    """Plain JSON values with the swaps made in all texts but ids and names."""
    match value:
        case str():
            return value if name in _NAMES else _struck_text(value, swaps)
        case dict():
            return {key: struck(one, swaps, key) for key, one in value.items()}
        case list() | tuple():
            return [struck(one, swaps, name) for one in value]
        case _:
            return value


def holds(value: Any, swaps: Swaps) -> bool:
    """Whether a text in `value` quotes one of them, or perhaps begins to where it was cut short."""
    texts = list(texts_in(value))
    whole, cut = "\0".join(texts), "\0".join(text for text in texts if _CUT_SHORT in text)
    return any(old in whole or old[:_CUT] in cut for old, _ in swaps)


def texts_in(value: Any) -> Iterator[str]:
    """All texts in plain JSON values, but names of fields."""
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from texts_in(one)
        case list() | tuple():
            for one in value:
                yield from texts_in(one)


def _struck_text(text: str, swaps: Swaps) -> str:
    for old, new in sorted(swaps, key=lambda swap: (-len(swap[0]), swap)):
        alone = "" if new == ERASED else r"(?!\w)"
        text = new.join(re.split(re.escape(old) + alone, text))
        if _CUT_SHORT in text:
            text = _struck_cut(text, old, new)
    return text


def _struck_cut(text: str, old: str, new: str) -> str:
    """Without what begins as `old` does and was cut short."""
    begins = text.find(old[:_CUT])
    ends = text.find(_CUT_SHORT, begins)
    if begins < 0 or ends < 0 or not old.startswith(text[begins:ends]):
        return text
    return text[:begins] + new + text[ends + 1 :]
