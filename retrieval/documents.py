"""From an incident's document to what memory keeps of it: terms made by code, and the words of people.

Terms say what kind of trouble it was (symptoms, what changed, how far it spread) and where (services, alert
names, labels). Severity is left out: it says nothing of likeness. So is what ended it: who asks does not know
that yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.narrative.plain import one_line
from core.ports import Remembered
from retrieval.ending import ending
from retrieval.words import name_words

Document = Mapping[str, Any]

_VALUE, _TITLE, _TEXT, _RUNBOOK = 120, 200, 2_000, 6_000
_MOST = 60  # terms of one class
_TEAM = ("team", "owner")
_BREADTH = ((1, "1"), (3, "2-3"), (7, "4-7"), (15, "8-15"))


def remembered_incident(document: Document) -> Remembered:
    """What memory keeps, or looks for: an incident that still runs is described in the same way."""
    return Remembered(
        id=document["id"],
        kind="incident",
        title=one_line(document["title"], _TITLE),
        at=document["started_at"],
        terms=tuple(dict.fromkeys(_terms(document))),
        text=one_line(" / ".join(_said(document)), _TEXT),
        ending=ending(document),
    )


def remembered_runbook(name: str, title: str, text: str, terms: Sequence[str]) -> Remembered:
    """`terms` are of the same make as an incident's; a bare word is a symptom that it is written for."""
    made = [made for term in terms for made in _runbook_terms(term)]
    return Remembered(name, "runbook", one_line(title, _TITLE), "", tuple(made), one_line(text, _RUNBOOK))


def _runbook_terms(term: str) -> tuple[str, ...]:
    return (term,) if ":" in term else (f"origin-symptom:{term}", f"symptom:{term}")


def _terms(document: Document) -> Iterator[str]:
    alerts, services = document["alerts"], document["services"]
    own = [alert for alert in alerts if _at_origin(alert, document["origin"])]
    names = [alert["name"] for alert in alerts]
    yield from _made("origin-symptom", (alert["symptom"] for alert in own))
    yield from _made("symptom", (alert["symptom"] for alert in alerts))
    yield from _changes(document)
    yield from _spread(document)
    yield from _made("origin", [document["origin"]["service"]] if document["origin"] else [])
    yield from _made("service", (one["service"] for one in services))
    yield from _made("alert", names)
    yield from _made("word", (word for name in dict.fromkeys(names) for word in name_words(name)))
    yield from _made("team", (alert["labels"].get(label, "") for alert in alerts for label in _TEAM))
    yield from _made("environment", (one["environment"] for one in services))
    yield from _made("cluster", (one["cluster"] for one in services))
    yield from _made("domain", [document["domain"]])


def _made(name: str, values: Iterable[str]) -> list[str]:
    """`name:value` for each that is not empty, once; foreign values made harmless and short."""
    plain = (one_line(value, _VALUE) for value in dict.fromkeys(values))
    return [f"{name}:{value}" for value in dict.fromkeys(plain) if value][:_MOST]


def _at_origin(alert: Document, origin: Document | None) -> bool:
    place = ("service", "environment", "cluster")
    return origin is not None and all(alert[key] == origin[key] for key in place)


def _changes(document: Document) -> list[str]:
    """Kinds of the suspects where the trouble began, or what is called from there; `unchanged:origin` when
    changes are reported and none was there. Changes elsewhere are chance."""
    if document["origin"] is None:
        return []
    blamed = set(document["questions"]["likely_fix"]["evidence"])
    kinds = [
        change["kind"]
        for change in document["changes"]
        if change["role"] == "suspect"
        and (change["service"] == document["origin"]["service"] or change["id"] in blamed)
    ]
    told = document["questions"]["what_changed"]["status"] != "unknown"
    return _made("change", kinds) or (["unchanged:origin"] if told else [])


def _spread(document: Document) -> list[str]:
    """Whether callers of the origin suffer with it, and how many services are in it."""
    origin, count = document["origin"], len(document["services"])
    if origin is None:
        return []
    callers = "callers" if origin["terms"]["explains"] else "others"
    breadth = next((name for most, name in _BREADTH if count <= most), "16+")
    return [f"spread:{callers if count > 1 else 'alone'}", f"breadth:{breadth}"]


def _said(document: Document) -> Iterator[str]:
    """What people wrote: why they moved it, and their comments. What agents wrote is no experience."""
    yield from (row["detail"] for row in document["history"] if row["reason"] == "person" and row["detail"])
    notes = document.get("annotations", ())
    yield from (note["text"] for note in notes if "made_by" not in note)
