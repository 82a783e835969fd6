"""Where an incident probably began, in sentences: the terms that counted, and what its members cannot show.

Terms look at the incident alone. That a service which the origin calls alerts in another incident is said
beside them, so that nobody takes "nothing that it calls" for more than it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.explain_words import ORIGIN, listed
from core.narrative.plain import one_line

_NAME, _CALLED = 80, 2
_TELLING = ("change", "explains", "symptom", "onset")


def origin_sentences(
    document: Mapping[str, Any], called: Sequence[Mapping[str, str]] | None = None
) -> list[str]:
    """Where it began, by the terms that counted, and what that calls that alerts in other incidents.
    `called` is of explain_incident; None: only the incident itself is known."""
    origin = document["origin"]
    if origin is None:
        return ["Where it began is not known: no label names a service."]
    service = one_line(origin["service"], _NAME)
    elsewhere = elsewhere_of(document, called)
    if _alone(document):
        return [f"{service} is the only service in this incident.", *_elsewhere(elsewhere)]
    ways = [
        words
        for name, worth in origin["terms"].items()
        if worth > 0 and (words := _way(document, name, called, elsewhere))
    ]
    began = f"It probably began at {service}: {listed(ways)}." if ways else f"Perhaps it began at {service}."
    return [began, *_elsewhere(elsewhere)]


def origin_short(document: Mapping[str, Any]) -> str:
    """The same in one short line, by the two terms that say most."""
    origin = document["origin"]
    if origin is None or _alone(document):
        return origin_sentences(document)[0]
    told = [name for name in _TELLING if origin["terms"].get(name, 0) > 0][:2]
    ways = [_explains(document) if name == "explains" else ORIGIN[name] for name in told]
    service = one_line(origin["service"], _NAME)
    return f"Probably {service}: {listed(ways)}." if ways else f"Perhaps {service}."


def _alone(document: Mapping[str, Any]) -> bool:
    return len({(one["service"], one["environment"], one["cluster"]) for one in document["services"]}) < 2


def elsewhere_of(
    document: Mapping[str, Any], called: Sequence[Mapping[str, str]] | None
) -> list[Mapping[str, str]]:
    """Of what the origin calls and that alerts, what does so in another incident."""
    return [row for row in called or () if row["incident"] != document["id"]]


def _way(
    document: Mapping[str, Any],
    name: str,
    called: Sequence[Mapping[str, str]] | None,
    elsewhere: Sequence[Mapping[str, str]],
) -> str:
    """A term that counted as a clause; empty where it counted and would yet say too much."""
    if name == "explains":
        return _explains(document)
    if name == "unexplained" and called is not None:
        if len(elsewhere) < len(called):
            return ""
        return ORIGIN[name] if elsewhere else "nothing that it calls is in trouble"
    return ORIGIN.get(name, name)


def _explains(document: Mapping[str, Any]) -> str:
    """`2 of the 3 others depend on it`, as the finding counts them."""
    found = [one["why"]["terms"] for one in document["findings"] if one["kind"] == "probable-origin"]
    some, others = (found[0].get(name) if found else None for name in ("explained", "others"))
    if not some or not others:
        return ORIGIN["explains"]
    if some != others:
        return f"{some} of the {others} others depend on it"
    return "the others depend on it" if others > 1 else "the other one depends on it"


def _elsewhere(called: Sequence[Mapping[str, str]]) -> list[str]:
    """What it calls that alerts too, in incidents of their own: that may be where it began."""
    shown = [
        f"{one_line(row['service'], _NAME)}, which it calls, has an open incident: {row['incident']}."
        for row in called[:_CALLED]
    ]
    more = len(called) - _CALLED
    return [*shown, *([f"And {more} more of what it calls."] if more > 0 else [])]
