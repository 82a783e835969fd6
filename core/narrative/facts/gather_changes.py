"""Gathering facts of what changed, of the plans that fit, and of incidents in the past.

A suspect change may have caused the origin's trouble, and only that; a repair may have ended it. What cannot
be told from the document (what the origin calls, when nothing says so) is not said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.model.note import Past
from core.narrative.facts.sheet import DONE, FITS, Document, Gathered, Sheet, text
from core.narrative.plain import short_version
from core.risk.telling import lasting

SUSPECTS, REPAIRS, PLANS, PASTS, MATCHES = 6, 3, 3, 3, 2
KINDS = {
    "deploy": "deploy",
    "configuration": "configuration change",
    "flag": "flag change",
    "infrastructure": "infrastructure change",
}


def gather_changes(sheet: Sheet) -> None:
    rows = sheet.document.get("changes") or ()
    suspects = [row for row in rows if row.get("role", "suspect") == "suspect"]
    for change in suspects[:SUSPECTS]:
        _suspect(sheet, change, _finding(sheet, "recent-change", change["id"]))
    for change in [row for row in rows if row.get("role") == "repair"][:REPAIRS]:
        _repair(sheet, change, _finding(sheet, "probable-repair", change["id"]))
    questions = sheet.document.get("questions") or {}
    if not suspects:
        told = questions.get("what_changed") or {}
        _no_suspect(sheet, "elsewhere" if told.get("evidence") else told.get("status", ""))
    elif (questions.get("likely_fix") or {}).get("status") == "unknown" and sheet.origin:
        # Changes are in order, those at the origin and on what it calls first: the first one is not.
        sheet.add("elsewhere", sheet.origin, "no change on it or on what it calls is known",
                  evidence=[change["id"] for change in suspects])  # fmt: skip


def _finding(sheet: Sheet, kind: str, subject: str) -> Document:
    return next((row for row in sheet.findings(kind) if row.get("subject") == subject), {})


def _terms(finding: Document) -> Mapping[str, Any]:
    terms: Mapping[str, Any] = (finding.get("why") or {}).get("terms") or {}
    return terms


def _suspect(sheet: Sheet, change: Document, finding: Document) -> None:
    terms, near = _terms(finding), _near(sheet, finding)
    fact = _change(sheet, "suspect", change, finding)
    if "age_ms" in terms and near:
        age = int(terms["age_ms"])
        side = "before" if age >= 0 else "after"
        sheet.add("age", fact.subject, f"{side} the first alert of", object=near, value=abs(age), unit="ms",
                  at=fact.at, evidence=fact.evidence)  # fmt: skip
    _judged(sheet, change, fact)
    at_origin = fact.subject == sheet.origin or (terms.get("hops") == 1 and near == sheet.origin)
    if at_origin and sheet.origin in sheet.troubles:
        fact.causes.append(sheet.troubles[sheet.origin].id)


def _judged(sheet: Sheet, change: Document, fact: Gathered) -> None:
    """How the check of changes judged it, which says nothing of what it did."""
    risk = change.get("risk")
    if not risk:
        return
    level = f"{text(risk['level'])} risk" if risk.get("level") else "nothing against it"
    sheet.add("judged", fact.subject, "was checked, which found", object=level, value=text(risk["verdict"]),
              evidence=fact.evidence)  # fmt: skip
    for match in (risk.get("matches") or ())[:MATCHES]:
        what = text(match.get("what") or match.get("rule", ""), 200).rstrip(".")
        sheet.add("judged-for", fact.subject, "was checked, which found this", object=what,
                  value=text(match.get("rule", "")), evidence=fact.evidence)  # fmt: skip
    stays = [match for match in risk.get("matches") or () if lasting(str(match.get("rule", "")))]
    for match in stays[:1]:
        what = text(match.get("what") or match.get("rule", ""), 200).rstrip(".")
        sheet.add("judged-lasting", fact.subject, "a rollback to the old version does not undo this",
                  object=what, evidence=fact.evidence)  # fmt: skip


def _near(sheet: Sheet, finding: Document) -> str:
    """The service that a recent-change finding measures from. The end of its summary is code's, not a
    sender's."""
    summary = text(finding.get("summary", ""), 2_000)
    found = [name for name in sheet.troubles if summary.endswith(f" the first alert of {name}")]
    return max(found, key=len, default="")


def _change(sheet: Sheet, kind: str, change: Document, finding: Document) -> Gathered:
    evidence = (change["id"], *([finding["id"]] if finding else []))
    what = KINDS.get(change.get("kind", ""), "change")
    service, version = text(change.get("service", "")), text(short_version(str(change.get("version", ""))))
    fact = sheet.add(
        kind, service, what, object=version, value=finding.get("confidence"), unit="thousandths",
        at=change.get("at") or "", evidence=evidence,
    )  # fmt: skip
    author = text(change.get("author", ""))
    if author:
        sheet.add("author", author, f"made the {what} of", object=service,
                  at=fact.at, evidence=evidence)  # fmt: skip
    return fact


def _repair(sheet: Sheet, change: Document, finding: Document) -> None:
    fact, terms = _change(sheet, "repair", change, finding), _terms(finding)
    if "before_end_ms" in terms and sheet.origin in sheet.ends:
        sheet.add("gap", fact.subject, "before the last alert ended of", object=sheet.origin,
                  value=int(terms["before_end_ms"]), unit="ms", at=fact.at,
                  evidence=fact.evidence)  # fmt: skip
        fact.causes.append(sheet.ends[sheet.origin].id)


def _no_suspect(sheet: Sheet, status: str) -> None:
    words = {
        "none": "no change was reported on these services, or on what they call, shortly before",
        "elsewhere": "no change was reported here, on these services or on what they call, shortly before",
        "unknown": "not known what changed: no change has ever been reported",
    }
    if status in words:
        sheet.add("no-change", sheet.id, words[status], evidence=(sheet.id,))


def gather_plans(sheet: Sheet) -> None:
    plans = sheet.document.get("plans")
    if plans is None:
        return
    for plan in plans[:PLANS]:
        own = (plan["id"],)
        title = text(plan.get("title", ""), 160)
        fits = DONE if plan.get("done") else FITS
        sheet.add("plan", title, fits, object=plan["id"], value=plan.get("level"), unit="level", evidence=own)
        counts = (("questions", "questions", "asks"), ("evidence", "things to look at", "names"),
                  ("checklist", "steps", "has a checklist of"))  # fmt: skip
        for key, unit, words in counts:
            if plan.get(key):
                sheet.add(
                    f"plan-{key}", text(plan["id"]), words, value=len(plan[key]), unit=unit, evidence=own
                )
        if plan.get("withheld"):
            sheet.add("plan-withheld", text(plan["id"]), "steps are not shown at this level",
            value=plan["withheld"],
                      unit="steps", evidence=own)  # fmt: skip
    if not plans:
        sheet.add("no-plan", sheet.id, "no runbook fits", evidence=(sheet.id,))


def gather_past(sheet: Sheet, past: Sequence[Past]) -> None:
    for old in past[:PASTS]:
        identity, own = text(old.id), (old.id,)
        sheet.add("past", identity, "was like this incident", object=text(old.title, 160), value=old.match,
                  unit="thousandths", at=old.at, evidence=own)  # fmt: skip
        if old.shared:
            shared = text(", ".join(old.shared[:6]), 160)
            sheet.add("shared", identity, "has in common with it", object=shared, evidence=own)
        if old.ending:
            sheet.add("past-ending", identity, "ended with", object=text(old.ending, 200), evidence=own)
    if not past:
        sheet.add("no-past", sheet.id, "no past incident like it is remembered", evidence=(sheet.id,))
