"""What template sentences are made of: slots, citations, and the sentences that more than one story holds."""

from __future__ import annotations

from collections.abc import Iterable

from core.narrative.facts import Bundle, Fact


def cite(*facts: Fact) -> str:
    return "".join(f"[{name}]" for name in dict.fromkeys(fact.id for fact in facts))


def subject(fact: Fact) -> str:
    return f"{{{fact.id}.subject}}"


def object_(fact: Fact) -> str:
    return f"{{{fact.id}.object}}"


def value(fact: Fact) -> str:
    return f"{{{fact.id}.value}}"


def at(fact: Fact) -> str:
    return f"{{{fact.id}.at}}"


def clock(fact: Fact) -> str:
    return f"{{{fact.id}.clock}}"


def named(change: Fact) -> str:
    """`deploy of {F7.subject} {F7.object}`."""
    return f"{change.predicate} of {subject(change)}" + (f" ({object_(change)})" if change.object else "")


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *most, last = list(words)
    return f"{', '.join(most)} and {last}" if most else last


def about(bundle: Bundle, kind: str, name: str) -> list[Fact]:
    """Facts of a kind with that subject."""
    return [fact for fact in bundle.of(kind) if fact.subject == name]


def of_change(bundle: Bundle, kind: str, change: Fact) -> Fact | None:
    """The fact of a kind that tells of the same change."""
    return next((fact for fact in bundle.of(kind) if fact.evidence == change.evidence), None)


def came(age: Fact) -> str:
    """`8 s before the first alert of payments`."""
    return f"came {value(age)} {age.predicate.split()[0]} the first alert of {object_(age)}"


def no_change(bundle: Bundle) -> list[str]:
    told = []
    for fact in bundle.of("no-change"):
        unknown = fact.predicate.startswith("not known")
        here = " here" if "reported here" in fact.predicate else ""
        none = f"No change was reported{here} shortly before it"
        told.append(f"{'It is not known what changed' if unknown else none} {cite(fact)}.")
    return told


def elsewhere(bundle: Bundle) -> list[str]:
    facts = bundle.of("elsewhere")
    return [f"No change on {subject(fact)} or on what it calls is known {cite(fact)}." for fact in facts]


def ended_by(bundle: Bundle, repair: Fact) -> list[str]:
    gap = of_change(bundle, "gap", repair)
    if gap is None:
        return []
    last = f"{value(gap)} before the last alert of {object_(gap)} ended"
    return [f"The {named(repair)} came {last}, and probably ended it {cite(repair, gap)}."]


def lasting(bundle: Bundle, change: Fact) -> list[str]:
    """What its check found that stays when the program is rolled back."""
    found = of_change(bundle, "judged-lasting", change)
    if found is None:
        return []
    return [f"A rollback to the old version does not undo this: {object_(found)} {cite(found)}."]
