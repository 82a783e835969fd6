"""The commands by which people move an incident, from ack to close, merge it, split it, and comment on it.

Each asks a running server. Exit 1 when the lifecycle does not allow it, 2 when the input makes no sense.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from watchkeeper.cli.options import Actor, Reason, Url

Incident = Annotated[str, typer.Argument(help="An incident's id")]


def _move(incident: str, to: str, actor: str | None, reason: str, url: str | None, **more: Any) -> None:
    from watchkeeper.cli.ask import Server, login_name

    _say(Server(url).transition(incident, to, actor or login_name(), reason, **more))


def _say(document: dict[str, Any]) -> None:
    from core.narrative.plain import one_line

    typer.echo(f"{document['id']} is {document['status']}: {one_line(document['title'])}")
    if document.get("comes_back"):
        typer.echo(document["comes_back"]["text"])


def ack(incident: Incident, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Acknowledge an incident: you are at work on it."""
    _move(incident, "acknowledged", actor, reason, url)


def mitigate(incident: Incident, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Mark an incident as mitigated: its effect is gone or bearable, work goes on."""
    _move(incident, "mitigated", actor, reason, url)


def resolve(incident: Incident, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Resolve an incident: the trouble is over."""
    _move(incident, "resolved", actor, reason, url)


def reopen(incident: Incident, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Reopen a resolved or mitigated incident: people are paged again."""
    _move(incident, "triggered", actor, reason, url)


def close(incident: Incident, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Close a resolved incident for good."""
    _move(incident, "closed", actor, reason, url)


def merge(
    incident: Incident,
    into: Annotated[str, typer.Argument(help="The incident that it is the same as")],
    actor: Actor = None,
    reason: Reason = "",
    url: Url = None,
) -> None:
    """Merge two incidents into one. The id of the one that opened first stays, whichever way round you name
    the two; the other id leads to it."""
    _move(incident, "merged", actor, reason, url, into=into)


def split(
    incident: Incident,
    alerts: Annotated[list[str], typer.Argument(help="Fingerprints or episodes of the alerts that leave")],
    actor: Actor = None,
    reason: Reason = "",
    url: Url = None,
) -> None:
    """Split alerts off into an incident of their own. Rules never join the two again."""
    from watchkeeper.cli.ask import Server, login_name

    server = Server(url)
    document = server.transition(incident, "split", actor or login_name(), reason, alerts=alerts)
    _say(document)
    if document["split_into"]:
        _say(server.incident(document["split_into"][-1]))


def comment(
    incident: Incident,
    text: Annotated[str, typer.Argument(help="How it goes")],
    actor: Actor = None,
    url: Url = None,
) -> None:
    """Say how it goes: an update for everybody who looks at the incident."""
    from watchkeeper.cli.ask import Server, login_name

    _say(Server(url).comment(incident, actor or login_name(), text))


def cause(
    incident: Incident,
    change: Annotated[str, typer.Argument(help="A change's id, as `watchkeeper show` lists them")],
    actor: Actor = None,
    reason: Reason = "",
    not_caused: Annotated[bool, typer.Option("--not", help="It did not cause it")] = False,
    url: Url = None,
) -> None:
    """Say that a change caused an incident, or did not. It decides nothing; later checks learn from it."""
    from watchkeeper.cli.ask import Server, login_name

    server = Server(url)
    document = server.cause(incident, change, actor or login_name(), reason, caused=not not_caused)
    typer.echo(_noted(document, change, caused=not not_caused))


def _noted(document: dict[str, Any], change: str, *, caused: bool) -> str:
    from core.narrative.facts.gather_changes import KINDS
    from core.narrative.judged import word_of
    from core.narrative.plain import one_line, short_version

    how, word = "caused" if caused else "did not cause", word_of(document, change)
    what = f"change {change}"
    if word is not None:
        kind = KINDS.get(str(word["kind"]), "change")
        what = f"{kind} of {word['service']} {short_version(word['version'])}".strip()
    return f"Noted: the {one_line(what)} {how} {document['id']}"


MOVES = (ack, mitigate, resolve, reopen, close, merge, split, comment, cause)
