"""The fact bundle: everything that a sentence about an incident may say, as numbered, typed facts.

Facts come from an incident document alone (and, when they were asked for, from past incidents), in an order
that depends on nothing else. Foreign text in them is short, one line and inert. What is in no fact may not
be said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from core.model.note import Past
from core.narrative.facts.gather import gather
from core.narrative.facts.sheet import FITS as FITS
from core.narrative.facts.sheet import Gathered
from core.times import parse_rfc3339, spoken


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is known: `subject` `predicate` `object`, with a value and a time where there are any.

    `unit` of an int value: `ms`, `thousandths`, or the counted thing in the plural (`alerts`). `at` is RFC
    3339. `causes` are the facts that this one is suspected to have caused: nothing here is ever a proven
    cause. `evidence` are ids as in the document.
    """

    id: str
    kind: str
    subject: str
    predicate: str
    object: str = ""
    value: int | str | None = None
    unit: str = ""
    at: str = ""
    causes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class Bundle(msgspec.Struct, frozen=True):
    """`links` and `commands` that a sentence may hold: none for now."""

    facts: tuple[Fact, ...]
    links: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def of(self, *kinds: str) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.kind in kinds)

    def first(self, *kinds: str) -> Fact | None:
        return next(iter(self.of(*kinds)), None)


def fact_bundle(document: Mapping[str, Any], past: Sequence[Past] | None = None) -> Bundle:
    """Facts of an incident document. `past` None: nobody looked; empty: looked and found nothing.

    Keys that the document lacks are left out, so an older document still makes a bundle.
    """
    return Bundle(tuple(_fact(row) for row in gather(document, past)))


def bundle_json(bundle: Bundle) -> dict[str, Any]:
    """`{"facts": [...], "links": [], "commands": []}`; what is empty in a fact is left out of it."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(bundle))
    return document


def value_text(fact: Fact) -> str:
    """The value for people: `8 s`, `5 alerts`, `750/1000`."""
    if not isinstance(fact.value, int):
        return fact.value or ""
    if fact.unit == "ms":
        return spoken(fact.value)
    if fact.unit == "thousandths":
        return f"{fact.value}/1000"
    if fact.unit == "level":
        return f"level {fact.value}"
    unit = fact.unit.removesuffix("s") if fact.value == 1 else fact.unit
    return f"{fact.value} {unit}".strip()


def time_text(fact: Fact) -> str:
    """`2026-11-21 04:25:16 UTC`, or empty."""
    return f"{fact.at[:10]} {fact.at[11:19]} UTC" if fact.at else ""


def clock_text(fact: Fact) -> str:
    """`04:25:16 UTC`, or empty."""
    return f"{fact.at[11:19]} UTC" if fact.at else ""


def moment(fact: Fact) -> int | None:
    """The fact's time in milliseconds."""
    return parse_rfc3339(fact.at) if fact.at else None


def _fact(row: Gathered) -> Fact:
    return Fact(
        id=row.id, kind=row.kind, subject=row.subject, predicate=row.predicate, object=row.object,
        value=row.value, unit=row.unit, at=row.at, causes=tuple(dict.fromkeys(row.causes)),
        evidence=tuple(row.evidence),
    )  # fmt: skip
