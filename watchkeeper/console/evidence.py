"""Evidence by name: what each id on a page is called, and where it stands or leads.

Ids come from the incident's own document. One that it does not hold is shown as it is and leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from core.model.document import Document
from core.narrative.plain import short_version
from watchkeeper.console.text import shorten

MAX_FINDINGS = 30
RULE_WORDS = {
    "grouping": "Grouping",
    "same-entity": "Same service",
    "dependency-edge": "Dependency",
    "recent-change": "Recent change",
    "probable-origin": "Probable origin",
    "probable-repair": "Probable repair",
}


class Ref(NamedTuple):
    """A piece of evidence: its name, the anchor where this page shows it, or the incident that it is."""

    label: str
    anchor: str = ""
    incident: str = ""


def evidence_names(document: Document, anchors: Iterable[str]) -> dict[str, Ref]:
    """By id. `anchors` are those of the alerts that the page shows. The incident itself needs no name."""
    shown, names = set(anchors), {document["id"]: Ref("")}
    for alert in document["alerts"]:
        anchor = alert_anchor(alert)
        label = shorten(f"{alert['name'] or 'alert'} {alert['service']}", 80)
        names[alert["episode"]] = Ref(label, anchor if anchor in shown else "")
    for change in document["changes"]:
        version = short_version(change["version"])
        label = shorten(f"{change['kind']} {change['service']} {version}", 80)
        names[change["id"]] = Ref(label, change["id"])
    for number, found in enumerate(document["findings"]):
        label = f"finding: {RULE_WORDS.get(found['kind'], shorten(found['kind'], 40)).lower()}"
        names[found["id"]] = Ref(label, found["id"] if number < MAX_FINDINGS else "")
    for plan in document.get("plans", []):
        names[plan["id"]] = Ref(f"plan: {shorten(plan['title'], 80)}", plan["id"])
    for name in _incidents(document):
        names[name] = Ref(name, "", name)
    return names


def alert_anchor(alert: Document) -> str:
    return f"alert-{alert['line']}-{alert['index']}"


def refs(ids: Iterable[str], names: Mapping[str, Ref]) -> list[Ref]:
    """Those that have a name, or none that is known."""
    found = (names.get(name) or Ref(shorten(name, 80)) for name in ids)
    return [ref for ref in found if ref.label]


def _incidents(document: Document) -> list[str]:
    """Other incidents that the document speaks of."""
    past = (one["id"] for note in document.get("annotations", []) for one in note.get("past", ()))
    return [name for name in (document["recurrence_of"], *past) if name]
