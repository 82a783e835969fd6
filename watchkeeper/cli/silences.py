"""`watchkeeper silences`, `silence add|show|expire`, `dismiss`, `undismiss`: what pages nobody.

Everything foreign goes through `one_line`; HTTP is imported when a command runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import quote

import typer

from core.errors import InputError
from core.model.document import Document
from core.narrative.plain import one_line
from core.times import parse_duration
from watchkeeper.cli.options import Actor, Json, Reason, Url
from watchkeeper.cli.output import print_json

_PATH = "/v1/silences"
SilenceId = Annotated[str, typer.Argument(metavar="ID", help="A silence's id, such as SIL-ABCDEFGH")]
IncidentId = Annotated[str, typer.Argument(metavar="INCIDENT", help="An incident's id")]

silence_app = typer.Typer(help="One silence: add, show, change, expire.", no_args_is_help=True)


def silences(
    url: Url = None,
    expired: Annotated[bool, typer.Option("--expired", "--all", help="Those that are over too")] = False,
    as_json: Json = False,
) -> None:
    """List silences with the alerts that each keeps from paging now. Exit 1 when there are none."""
    found = [row for row in _ask(url, "GET", _PATH)["silences"] if expired or row["state"] != "expired"]
    if as_json:
        print_json({"silences": found})
    for row in () if as_json else found:
        for line in _lines(row):
            typer.echo(line)
    if not found:
        if not as_json:
            typer.echo("No silences.")
        raise typer.Exit(1)


@silence_app.command("add")
def add(
    matchers: Annotated[
        list[str],
        typer.Argument(metavar="MATCHER...", help="Such as alertname=HighLatency 'service=~\"a|b\"'"),
    ],
    comment: Annotated[
        str | None, typer.Option("--comment", "-c", help="Why; everybody sees it [asked for]")
    ] = None,
    lasts: Annotated[str, typer.Option("--for", "-d", help="How long, such as 30m or 2h")] = "30m",
    start: Annotated[str, typer.Option("--start", help="RFC 3339 time [now]")] = "",
    end: Annotated[str, typer.Option("--end", help="RFC 3339 time, in place of --for")] = "",
    actor: Actor = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Silence alerts that fit all matchers: they page nobody for a while, and are shown as ever."""
    body = _body(matchers, _why(comment), lasts, start, end, actor)
    _say(_ask(url, "POST", _PATH, json=body), as_json)


@silence_app.command("change")
def change(
    name: SilenceId,
    lasts: Annotated[str, typer.Option("--for", "-d", help="How long from now, such as 30m or 2h")] = "",
    end: Annotated[str, typer.Option("--end", help="RFC 3339 time, in place of --for")] = "",
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why [as before]")] = "",
    actor: Actor = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Change how long a silence lasts, or why it is there. What it was is kept with it."""
    before = _ask(url, "GET", _address(name))
    matchers = [one["text"] for one in before["matchers"]]
    until = end or ("" if lasts else before["ends_at"])
    body = _body(matchers, comment or before["comment"], lasts, "", until, actor)
    _say(_ask(url, "PUT", _address(name), json=body), as_json)


@silence_app.command("show")
def show(name: SilenceId, url: Url = None, as_json: Json = False) -> None:
    """Show a silence, what it keeps from paging now, and what it was before."""
    row = _ask(url, "GET", _address(name))
    if as_json:
        print_json(row)
        return
    for line in (*_lines(row), *_history(row)):
        typer.echo(line)


@silence_app.command("expire")
def expire(
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="Silences' ids")],
    actor: Actor = None,
    url: Url = None,
) -> None:
    """End silences now. What still fires is paged at once."""
    who = _who(actor)
    for name in names:
        row = _ask(url, "DELETE", _address(name), params={"actor": who})
        typer.echo(f"{row['id']} expired")


def dismiss(
    incident: IncidentId,
    until: Annotated[str, typer.Option("--until", help="How long, such as 2h, or an RFC 3339 time")],
    reason: Reason = "",
    actor: Actor = None,
    url: Url = None,
) -> None:
    """Page nobody about an incident until then, or until it gets worse or a new service joins."""
    body = {"until": until, "actor": _who(actor), "reason": reason}
    row = _ask(url, "POST", _dismissal(incident), json=body)
    typer.echo(f"{row['incident']} is dismissed until {row['snoozed_until']}")


def undismiss(incident: IncidentId, actor: Actor = None, url: Url = None) -> None:
    """Take a dismissal back."""
    row = _ask(url, "DELETE", _dismissal(incident), params={"actor": _who(actor)})
    typer.echo(f"{row['incident']} is no longer dismissed")


DISMISSING = (silences, dismiss, undismiss)


def _ask(url: str | None, method: str, path: str, **request: Any) -> Document:
    from watchkeeper.cli.ask import Server

    return Server(url)._ask(method, path, **request)


def _who(actor: str | None) -> str:
    from watchkeeper.cli.ask import login_name

    return actor or login_name()


def _why(comment: str | None) -> str:
    """What is given, else asked for where a person sits there. Raises InputError for no words."""
    if comment is None and sys.stdin.isatty():
        comment = typer.prompt("Why")
    if comment is None or not comment.strip():
        mend = "Give --comment with why, such as --comment 'disks are moved'"
        raise InputError("no comment", where="--comment", mend=mend)
    return comment


def _address(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='', errors='replace')}"


def _dismissal(incident: str) -> str:
    return f"/v1/incidents/{quote(incident, safe='', errors='replace')}/dismissal"


def _body(matchers: list[str], comment: str, lasts: str, start: str, end: str, actor: str | None) -> Document:
    until = {"ends_at": end} if end else {"for": _lasting(lasts)}
    return {"matchers": matchers, "author": _who(actor), "comment": comment, "starts_at": start, **until}


def _lasting(text: str) -> str:
    """Raises InputError for a duration that is none, or of no length."""
    with suppress(ValueError):
        if parse_duration(text) > 0:
            return text
    mend = "Write how long, such as 30m or 2h, or give --end a time"
    raise InputError(f"{one_line(text, 40)!r} is no time to last", where="--for", mend=mend)


def _say(row: Document, as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    typer.echo(f"{row['id']} until {row['ends_at']}: {_count(row)}")
    for warning in row["warnings"]:
        typer.echo(f"warning: {one_line(warning, 300)}", err=True)


def _lines(row: Document) -> Iterator[str]:
    until = "over since" if row["state"] == "expired" else "until"
    since = f", from {row['starts_at']}" if row["state"] == "pending" else ""
    yield f"{row['id']}  {row['state']}{since}  {until} {row['ends_at']}  by {one_line(row['author'], 60)}"
    yield f"    {one_line(', '.join(one['text'] for one in row['matchers']), 400)}"
    if row["comment"]:
        yield f"    {one_line(row['comment'], 400)}"
    if row["state"] != "expired":
        yield f"    {_count(row)}"


def _count(row: Document) -> str:
    alerts, incidents = row["alerts_firing"], row["incidents"]
    if not alerts:
        return "no alert that fires now fits"
    shown = ", ".join(incidents[:5]) + (" ..." if len(incidents) > 5 else "")
    verb = "would keep" if row["state"] == "pending" else "keeps"
    return f"{verb} {alerts} alert{'s' * (alerts != 1)} from paging, of {shown}"


def _history(row: Document) -> Iterator[str]:
    for edit in row["history"]:
        who = one_line(edit["author"], 60)
        what = one_line(edit["matchers"], 300)
        yield f"    {edit['at']}  {edit['op']} by {who}: {what} until {edit['ends_at']}"
