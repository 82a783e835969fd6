"""`watchkeeper sources`: the commands. What they do is in source_views.py, imported when one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.options import Json, SendersFile, Sources

sources_app = typer.Typer(
    help="Sources: who can send, how they prove themselves, and what becomes of a body.",
    invoke_without_command=True,
)


@sources_app.callback()
def sources(
    context: typer.Context,
    directory: Sources = None,
    senders: SendersFile = None,
    as_json: Json = False,
) -> None:
    """List the sources in force: the built-in ones, and your mapping files that replace or join them."""
    if context.invoked_subcommand is None:
        from watchkeeper.cli import source_views

        source_views.listing(directory, senders, as_json)


@sources_app.command("show")
def sources_show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source that is a mapping file")],
    directory: Sources = None,
) -> None:
    """Print a mapping file in force, to copy from."""
    from watchkeeper.cli import source_views

    source_views.show(name, directory)


@sources_app.command("try")
def sources_try(
    mapping: Annotated[str, typer.Argument(help="A mapping file, or a source's name")],
    body: Annotated[Path, typer.Argument(help="A file with what the sender posts; - for standard input")],
    header: Annotated[
        list[str] | None, typer.Option("--header", help="name:value, as sent; repeat it")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it arrives, RFC 3339 [now]")] = None,
    directory: Sources = None,
    as_json: Json = False,
) -> None:
    """Say what would be made of a body, and what could not be used. Exit 1 when nothing in it is usable."""
    from watchkeeper.cli import source_views

    source_views.attempt(mapping, body, header or [], at, directory, as_json)
