"""`watchkeeper dead-letters`: bodies that a server acknowledged and could not read, listed and sent in again.

Asks a running server. Everything foreign goes through `one_line`; HTTP is imported when a command runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from core.model.document import Document
from core.narrative.plain import one_line
from watchkeeper.cli.options import Json, Url
from watchkeeper.cli.output import print_json

if TYPE_CHECKING:
    from watchkeeper.cli.ask import Server

_PATH = "/v1/dead-letters"

dead_letters_app = typer.Typer(
    help="Dead letters: bodies that were acknowledged and could not be read.", invoke_without_command=True
)


@dead_letters_app.callback()
def dead_letters(context: typer.Context, url: Url = None, as_json: Json = False) -> None:
    """List them, newest first, with what is wrong and how to mend it."""
    context.obj = url
    if context.invoked_subcommand is None:
        listing(url, as_json)


@dead_letters_app.command("replay")
def dead_letters_replay(
    context: typer.Context,
    record: Annotated[int, typer.Argument(metavar="RECORD", min=1, help="The record's number")],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Send one in again, when the cause is mended. Exit 2, with the reason, while it cannot be read."""
    replay(record, url or context.obj, as_json)


def listing(url: str | None, as_json: bool) -> None:
    from watchkeeper.cli.ask import Server

    found = _listed(Server(url))
    if as_json:
        print_json({"dead_letters": found})
        return
    for letter in found:
        for line in _lines(letter):
            typer.echo(line)
    unread = sum(not letter["read_as"] for letter in found)
    typer.echo(f"Dead letters: {len(found)}; not read yet: {unread}" if found else "No dead letters.")


def replay(record: int, url: str | None, as_json: bool) -> None:
    from watchkeeper.cli.ask import Server

    answer = Server(url)._ask("POST", f"{_PATH}/{record}/replay")
    if as_json:
        print_json(answer)
    else:
        typer.echo(f"record {answer['replays']} was sent in again, as record {answer['record']}")


def _listed(server: Server) -> list[Document]:
    """The address answers with a list, and `Server` takes objects alone. Raises Unreachable."""
    import httpx

    from core.errors import Unreachable
    from watchkeeper.cli.ask import _is_here

    server.ready()
    try:
        with httpx.Client(timeout=15.0, trust_env=not _is_here(server.url)) as client:
            answer = client.get(server.url + _PATH)
        found = answer.json()
    except (httpx.HTTPError, ValueError):
        found = None
    if not isinstance(found, list):
        mend = "Look whether that server is as new as this command, or give another --url"
        raise Unreachable("no list of dead letters came", where=server.url, mend=mend)
    return found


def _lines(letter: Document) -> Iterator[str]:
    place = one_line(letter["source"], 60)
    domain = "" if letter["domain"] == "default" else f" ({one_line(letter['domain'], 64)})"
    state = f"read as record {letter['read_as']}" if letter["read_as"] else "not read"
    yield f"{letter['record']:>8}  {letter['at']}  {place}{domain}  {state}"
    where = f"{one_line(letter['where'])}: " if letter["where"] else ""
    yield f"          {where}{one_line(letter['what'], 400)}"
    if letter["mend"] and not letter["read_as"]:
        yield f"          mend: {one_line(letter['mend'], 400)}"
