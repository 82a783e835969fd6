"""Incidents in a terminal. Everything foreign goes through `one_line`: a label cannot move the cursor."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from core.explain_words import stands_because
from core.model.document import Document
from core.narrative.asked import QUESTIONS
from core.narrative.counts import open_words
from core.narrative.history import how_words, what_words
from core.narrative.judged import judged, word_of, worded
from core.narrative.page import titled
from core.narrative.place import thing_of, where_words
from core.narrative.plain import one_line, short_version
from watchkeeper.cli.ask import Answers, Server, answers
from watchkeeper.cli.output import print_json, writing

_HEADINGS = {
    "narrative": "In short",
    "past-incidents": "Seen before",
    "deploy-risk": "The change and its risk",
}
_CHANGES, _PAGE = 20, 500


def incidents(
    data: Path | None, url: str | None, status: str | None, limit: int | None, as_json: bool
) -> None:
    """`limit` None is all of them."""
    page = _page(answers(data, url), status, limit)
    if as_json:
        print_json(page)
    else:
        for line in _standing(page):
            typer.echo(line)
        for row in page["incidents"]:
            total = row["alerts_total"]
            alerts = f"{row['alerts_firing']} of {total} alert{'s' * (total != 1)} firing"
            if row.get("alerts_suppressed"):
                alerts += f", {row['alerts_suppressed']} suppressed"
            typer.echo(f"{row['id']}  {row['severity']}  {row['status']:<12}  {row['opened_at']}  {alerts}")
            typer.echo(f"    {one_line(titled(row))}")
        if not page["incidents"]:
            typer.echo("No incidents.")
        elif page["next_cursor"]:
            whole = f" of {page['total']:,}" if "total" in page else ""
            shown = f"{len(page['incidents']):,}{whole}"
            typer.echo(f"{shown}, what needs somebody first; --limit N shows more, --all shows all of them")
    if not page["incidents"]:
        raise typer.Exit(1)


def _page(answering: Answers, status: str | None, limit: int | None) -> Document:
    page = answering.incidents(status, limit or _PAGE)
    cursor = page["next_cursor"] if limit is None else None
    while cursor:
        more = answering.incidents(status, _PAGE, cursor)
        page["incidents"] += more["incidents"]
        cursor = page["next_cursor"] = more["next_cursor"]
    return page


def _standing(page: Document) -> Iterator[str]:
    """How it stands with all that is open, however many rows follow; none of an older server."""
    if page.get("storm"):
        yield one_line(page["storm"]["text"], 300)
    if page.get("open") and page["open"]["total"]:
        yield open_words(page["open"])


def incident(name: str, data: Path | None, url: str | None, as_json: bool) -> None:
    document = answers(data, url).incident(name)
    if as_json:
        print_json(document)
        return
    for line in incident_lines(document):
        typer.echo(line)


def incident_lines(document: Document) -> Iterator[str]:
    yield f"{document['severity']}  {document['status'].upper()}  {one_line(titled(document))}"
    if where := where_words(document.get("where")):
        yield f"where: {one_line(where, 400)}"
    if document.get("storm"):
        yield one_line(document["storm"]["text"], 300)
    yield f"{document['id']}, opened {document['opened_at']}, first alert {document['started_at']}"
    if document["merged_from"]:
        yield f"merged from {', '.join(document['merged_from'])}"
    for key in ("split_from", "split_into"):
        if document.get(key):
            names = document[key] if isinstance(document[key], list) else [document[key]]
            yield f"{key.replace('_', ' ')} {', '.join(names)}"
    yield from _clocks(document.get("clocks") or {})
    if document.get("comes_back"):
        yield document["comes_back"]["text"]
    yield ""
    yield from _senders(document)
    for key, question in QUESTIONS.items():
        yield f"{question:<26} {one_line(document['questions'][key]['answer'], 400)}"
    yield ""
    yield from _said(document)
    yield from _origin(document)
    yield from _changes(document)
    yield f"Alerts ({len(document['alerts'])})"
    for alert in document["alerts"][:40]:
        where = one_line(alert["service"] or thing_of(alert["labels"]), 40) or "-"
        name = one_line(alert["name"], 60)
        yield f"  {alert['starts_at']}  {alert['status']:<9} {where:<22} {name}  [{alert['fingerprint']}]"
        for by in alert.get("suppressed", ()):
            yield f"      {suppressed_line(by)}"
    if len(document["alerts"]) > 40:
        yield f"  and {len(document['alerts']) - 40} more"
    yield "History"
    for moment in document["history"]:
        yield f"  {moment['at']}  {_moment(moment)}"


def _moment(moment: Document) -> str:
    """`Page decided: shop-oncall, the incident opened`, in the words of the page and the report."""
    who = "" if moment["actor"] == "rule" else f" by {one_line(moment['actor'], 60)}"
    how = how_words(moment)
    return f"{one_line(what_words(moment['what']), 120)}{who}{f': {how}' if how else ''}"


def suppressed_line(by: Document) -> str:
    """`pages nobody: silence SIL-ABCDEFGH of ana until ...: moving disks`."""
    until = f" until {by['until']}" if by["until"] else ""
    words = f": {one_line(by['reason'], 200)}" if by["reason"] else ""
    return f"pages nobody: {by['kind']} {one_line(by['id'], 100)} of {one_line(by['by'], 60)}{until}{words}"


def _clocks(clocks: Document) -> Iterator[str]:
    if clocks.get("stands"):
        why = one_line(stands_because(clocks["stands"]["why"]), 300)
        yield f"clocks stand since {clocks['stands']['since']}: {why}"
    if clocks.get("respond_by"):
        how = {True: "met", False: "NOT MET", None: "running"}[clocks["met"]]
        yield f"response by {clocks['respond_by']}: {how}"
    if clocks.get("next_update_by"):
        yield f"next update by {clocks['next_update_by']}{': OVERDUE' * clocks['update_overdue']}"
    if clocks.get("escalates_at"):
        yield f"escalates to {one_line(clocks['escalates_to'], 64)} at {clocks['escalates_at']}"
    if clocks.get("repeats_at"):
        yield f"paged again at {clocks['repeats_at']}"


def _senders(document: Document) -> Iterator[str]:
    """What the leading alerts say, and where they lead."""
    rows = document.get("said") or ()
    if rows:
        yield "What the alerts say (their senders' words)"
    for one in rows:
        words = one_line(one["summary"] or one["description"], 300)
        yield f"  {one_line(one['service'], 40) or '-'} {one_line(one['name'], 60)}: {words}".rstrip(": ")
        for link in one["links"]:
            yield f"      {link['kind']:<10} {one_line(link['url'], 2_048)}"
    if rows:
        yield ""


def _said(document: Document) -> Iterator[str]:
    """What the agents say, past incidents, and the plans' titles."""
    for note in document["annotations"]:
        if "lines" not in note or note["kind"] not in _HEADINGS or not note["lines"]:
            continue
        by = f"{note['model']}, {note['prompt']}" if note["made_by"] == "model" else "template"
        yield f"{_HEADINGS[note['kind']]} ({one_line(by, 80)})"
        for line in note["lines"]:
            yield f"  {one_line(line['text'], 400)}"
    for plan in document["plans"]:
        yield f"Plan, level {plan['level']}: {one_line(plan['title'])}"
        for heading, key in (("ask", "questions"), ("look at", "evidence")):
            for text in plan[key]:
                yield f"  {heading:<8} {one_line(text, 300)}"
        for step in plan["checklist"]:
            yield f"  step {step['number']:<3} {one_line(step['text'], 300)} ({step['action']})"
            yield f"           done when: {one_line(step['done_when'], 300)}"
    yield ""


def _origin(document: Document) -> Iterator[str]:
    origin = document["origin"]
    if origin is None:
        yield "Probable origin           unknown: no alert names its service"
        return
    terms = ", ".join(f"{name} {value}" for name, value in origin["terms"].items())
    service = one_line(origin["service"])
    yield f"Probable origin           {service} (score {origin['score']} of 1000: {terms})"


def _changes(document: Document) -> Iterator[str]:
    """What changed near it, how that was judged before, and what people say of it."""
    changes = document["changes"]
    if changes:
        yield f"Changes ({len(changes)})"
    for change in changes[:_CHANGES]:
        version = short_version(change["version"])
        what = one_line(f"{change['kind']} of {change['service']} {version}", 120)
        yield f"  {change['at']}  {change.get('role', ''):<8} {what}  [{change['id']}]"
        if change.get("risk"):
            yield f"      {one_line(judged(change['risk']), 600)}"
        word = word_of(document, change["id"])
        if word is not None:
            yield f"      {one_line(worded(word), 400)}"
    if len(changes) > _CHANGES:
        yield f"  and {len(changes) - _CHANGES} more"


def report(name: str, data: Path | None, url: str | None, out: Path | None, force: bool) -> None:
    from core.narrative.report import report as write

    text = write(answers(data, url).incident(name), base_url="" if data else Server(url).url)
    if out is None:
        sys.stdout.write(text)
        return
    with writing(out, replace=force, forced=True) as file:
        file.write(text)
    typer.echo(f"{out}: {len(text.splitlines())} lines")


def memory(text: str, url: str | None, limit: int, as_json: bool) -> None:
    found = Server(url).memory(text, limit)
    if as_json:
        print_json(found)
    for kind in () if as_json else ("incidents", "runbooks"):
        for one in found[kind]:
            typer.echo(f"{one['match']:>4}/1000  {one['id']}  {one['at']}  {one_line(one['title'])}")
            if one["ending"]:
                typer.echo(f"           {one_line(one['ending'], 300)}")
    if not found["incidents"] and not found["runbooks"]:
        if not as_json:
            typer.echo("Nothing like it is remembered.")
        raise typer.Exit(1)
