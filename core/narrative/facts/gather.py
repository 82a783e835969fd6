"""Gathering facts from an incident document: the incident, its reach, its services, and where it begins.

The order is fixed: incident, reach, services by onset, origin, edges, then changes, plans and the past.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from core.model.note import Past
from core.narrative.facts.gather_changes import gather_changes, gather_past, gather_plans
from core.narrative.facts.sheet import Document, Gathered, Sheet, text
from core.times import parse_rfc3339

SERVICES, NAMES, EDGES = 12, 3, 24
_OVER = ("resolved", "closed")


def gather(document: Document, past: Sequence[Past] | None) -> list[Gathered]:
    sheet = Sheet(document)
    for part in (_incident, _ending, _reach, _services, _origin, _edges, gather_changes, gather_plans):
        part(sheet)
    if past is not None:
        gather_past(sheet, past)
    return sheet.rows


def _incident(sheet: Sheet) -> None:
    document, own = sheet.document, (sheet.id,)
    sheet.add("status", sheet.id, "is", object=text(document.get("status", "")), evidence=own)
    severity = text(document.get("severity", ""))
    reason = text(document.get("severity_reason", ""))
    sheet.add("severity", sheet.id, "has severity", object=severity, value=reason or None, evidence=own)
    if document.get("started_at"):
        sheet.add("started", sheet.id, "began", at=document["started_at"], evidence=own)
    if document.get("opened_at"):
        sheet.add("opened", sheet.id, "was opened", at=document["opened_at"], evidence=own)
    who = text(document.get("acknowledged_by") or "")
    if who:
        at = document.get("acknowledged_at") or ""
        sheet.add("acknowledged", who, "acknowledged", object=sheet.id, at=at, evidence=own)
    elif document.get("status") == "triggered":
        sheet.add("unacknowledged", sheet.id, "nobody has acknowledged it", evidence=own)
    if document.get("recurrence_of"):
        before = text(document["recurrence_of"])
        sheet.add("recurrence", sheet.id, "looks like a return of", object=before, evidence=(before,))


def _ending(sheet: Sheet) -> None:
    document = sheet.document
    end = document.get("resolved_at")
    if document.get("status") not in _OVER or not end:
        return
    moments = [row for row in document.get("history") or () if row.get("what") == "resolved"]
    actor = text(moments[-1]["actor"]) if moments else "rule"
    own = (sheet.id,)
    if actor in ("", "rule"):
        sheet.add("resolved", sheet.id, "was resolved by rule, its alerts being quiet", at=end, evidence=own)
    else:
        sheet.add("resolved", actor, "resolved", object=sheet.id, at=end, evidence=own)
    if document.get("started_at"):
        lasted = parse_rfc3339(end) - parse_rfc3339(document["started_at"])
        sheet.add("duration", sheet.id, "was resolved after", value=lasted, unit="ms", evidence=own)


def _reach(sheet: Sheet) -> None:
    alerts = sheet.document.get("alerts") or ()
    states = Counter(alert.get("status") for alert in alerts)
    own = (sheet.id,)
    sheet.add("alerts", sheet.id, "holds", value=len(alerts), unit="alerts", evidence=own)
    sheet.add("firing", sheet.id, "still firing", value=states["firing"], unit="alerts", evidence=own)
    if states["unknown"]:
        sheet.add("unknown", sheet.id, "not known whether they fire", value=states["unknown"], unit="alerts",
                  evidence=own)  # fmt: skip
    services = sheet.document.get("services") or ()
    sheet.add("services", sheet.id, "touches", value=len(services), unit="services", evidence=own)
    for place in dict.fromkeys((row.get("environment"), row.get("cluster")) for row in services[:SERVICES]):
        if text(place[0] or ""):
            sheet.add("place", sheet.id, "is in", object=text(place[0]), value=text(place[1]) or None,
                      evidence=own)  # fmt: skip


def _services(sheet: Sheet) -> None:
    """Per service what it began with and whether it is over, the first to alert first."""
    groups: dict[str, list[Document]] = {}
    for alert in sorted(
        sheet.document.get("alerts") or (), key=lambda row: (row["starts_at"], row["episode"])
    ):
        if text(alert.get("service", "")):
            groups.setdefault(text(alert["service"]), []).append(alert)
    origin = sheet.origin
    for service in sorted(groups, key=lambda name: name != origin)[:SERVICES]:
        _service(sheet, service, groups[service])


def _service(sheet: Sheet, service: str, alerts: list[Document]) -> None:
    first, evidence = alerts[0], [alert["episode"] for alert in alerts]
    names = [name for name in dict.fromkeys(text(alert.get("name", "")) for alert in alerts) if name]
    symptom = next((text(alert["symptom"]) for alert in alerts if alert.get("symptom")), "")
    sheet.troubles[service] = sheet.add(
        "trouble", service, "began to alert", object=symptom, value=next(iter(names), None),
        at=first["starts_at"], evidence=evidence,
    )  # fmt: skip
    for name in names[1:NAMES]:
        at = next(alert["starts_at"] for alert in alerts if text(alert.get("name", "")) == name)
        sheet.add("alert", service, "alerts too with", object=name, at=at, evidence=evidence)
    _service_state(sheet, service, alerts, evidence)


def _service_state(sheet: Sheet, service: str, alerts: list[Document], evidence: list[str]) -> None:
    states = Counter(alert.get("status") for alert in alerts)
    if states["unknown"]:
        since = min(a.get("unknown_since") or "" for a in alerts if a.get("status") == "unknown")
        sheet.add("service-unknown", service, "not heard of since", at=since, evidence=evidence)
    if states["firing"]:
        sheet.add("service-firing", service, "still fires", value=states["firing"], unit="alerts",
                  evidence=evidence)  # fmt: skip
    ends = [alert["ends_at"] for alert in alerts if alert.get("ends_at")]
    if not states["firing"] and not states["unknown"] and ends:
        sheet.ends[service] = sheet.add("end", service, "its alerts ended", at=max(ends), evidence=evidence)


def _origin(sheet: Sheet) -> None:
    origin = sheet.document.get("origin")
    if not origin or not sheet.origin:
        sheet.add("no-origin", sheet.id, "where it begins is not known", evidence=(sheet.id,))
        return
    found = [finding["id"] for finding in sheet.findings("probable-origin")]
    sheet.add("origin", sheet.origin, "is the probable origin of", object=sheet.id, value=origin.get("score"),
              unit="thousandths", evidence=found)  # fmt: skip


def _edges(sheet: Sheet) -> None:
    """Calls that a finding counted; along them the trouble of the origin may have spread."""
    service = {row["episode"]: text(row["service"]) for row in sheet.document.get("alerts") or ()}
    edges: list[tuple[str, str]] = []
    for finding in sheet.findings("dependency-edge"):
        for node in (finding.get("why") or {}).get("children") or ():
            ends = [service.get(name, "") for name in node.get("evidence") or ()]
            if node.get("counted") and len(ends) == 2 and all(end in sheet.troubles for end in ends):
                edges.append((ends[0], ends[1]))
                sheet.add("edge", ends[0], "calls", object=ends[1],
                          evidence=(finding["id"], *node["evidence"]))  # fmt: skip
    _spread(sheet, edges[:EDGES])


def _spread(sheet: Sheet, edges: Iterable[tuple[str, str]]) -> None:
    """Trouble goes from the called to the caller, beginning at the origin and at no other place."""
    callers: dict[str, list[str]] = {}
    for caller, callee in edges:
        callers.setdefault(callee, []).append(caller)
    reached = _reached(callers, sheet.origin)
    for service in (sheet.origin, *reached):
        if service in sheet.troubles:
            later = [name for name in _reached(callers, service) if name in sheet.troubles]
            sheet.troubles[service].causes += [sheet.troubles[name].id for name in later]


def _reached(callers: Mapping[str, Sequence[str]], start: str) -> list[str]:
    found: dict[str, None] = {}
    todo = [start]
    while todo:
        for caller in callers.get(todo.pop(), ()):
            if caller not in found and caller != start:
                found[caller] = None
                todo.append(caller)
    return list(found)
