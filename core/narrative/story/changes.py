"""Template sentences of what changed: where and when each suspect was, then what followed."""

from __future__ import annotations

from core.narrative.facts import Bundle, Fact
from core.narrative.story.sentences import (
    at,
    came,
    cite,
    elsewhere,
    ended_by,
    lasting,
    named,
    no_change,
    object_,
    of_change,
    subject,
    value,
)

_SUSPECTS, _REPAIRS = 3, 1


def change_sentences(bundle: Bundle) -> list[str]:
    """Nothing is said of what a change did, only where and when it was, how it was judged, what followed."""
    told = no_change(bundle)
    for change in bundle.of("suspect")[:_SUSPECTS]:
        told += [*_suspect(bundle, change), *_judged(bundle, change, first=change == bundle.first("suspect"))]
    told += elsewhere(bundle)
    for repair in bundle.of("repair")[:_REPAIRS]:
        told += [*_followed(bundle, repair), *ended_by(bundle, repair)]
    return told


def _suspect(bundle: Bundle, change: Fact) -> list[str]:
    age, author = of_change(bundle, "age", change), of_change(bundle, "author", change)
    who = f" by {subject(author)}" if author else ""
    when = came(age) if age else f"came at {at(change)}"
    facts = [fact for fact in (change, age, author) if fact is not None]
    told = [f"The {named(change)}{who} {when} {cite(*facts)}."]
    origin = bundle.first("origin")
    if change.causes and origin is not None:
        where = f"on the probable origin, {subject(origin)}"
        if change.subject != origin.subject:
            where = f"on {subject(change)}, which the probable origin, {subject(origin)}, calls"
        told.append(f"It is {where}, and has a suspicion of {value(change)} {cite(change, origin)}.")
    return told


def _judged(bundle: Bundle, change: Fact, *, first: bool) -> list[str]:
    """What its check found; of the first suspect the worst place too."""
    found = of_change(bundle, "judged", change)
    if found is None:
        return []
    told = [f"A check of the {named(change)} had found {object_(found)} {cite(change, found)}."]
    worst = of_change(bundle, "judged-for", change) if first else None
    told += [f"That check found this: {object_(worst)} {cite(worst)}."] if worst else []
    return told + lasting(bundle, change)


def _followed(bundle: Bundle, repair: Fact) -> list[str]:
    """That a repair undid a suspect is not said, only that it came later and on the same service."""
    before = [
        f for f in bundle.of("suspect") if f.subject == repair.subject and f.causes and f.at < repair.at
    ]
    return [
        f"After the {named(suspect)}, the {named(repair)} came at {at(repair)} {cite(suspect, repair)}."
        for suspect in before[:1]
    ]
