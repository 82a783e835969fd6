"""Commands of two words: `journal export`, `catalog init`, `runbooks show` and their like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.options import Json, OwnData, OwnRunbooks

journal_app = typer.Typer(help="Look after the journal, the only truth.", no_args_is_help=True)
runbooks_app = typer.Typer(
    help="Runbooks: which are in force, and what one says.", invoke_without_command=True
)
catalog_app = typer.Typer(help="The service catalogue.", no_args_is_help=True)


@journal_app.command("export")
def journal_export(
    file: Annotated[Path, typer.Argument(help="File to write; - for standard output")],
    data: OwnData = None,
    start: Annotated[int, typer.Option("--from", min=1, help="First record")] = 1,
) -> None:
    """Write the journal as JSON lines, byte for byte replayable. A server may be running."""
    from watchkeeper.cli import offline

    offline.export(file, data, start)


@journal_app.command("verify")
def journal_verify(data: OwnData = None) -> None:
    """Check numbers, times and the hash chain of every record. Exit 1 at the first fault."""
    from watchkeeper.cli import offline

    offline.verify(data)


@runbooks_app.callback()
def runbooks(context: typer.Context, directory: OwnRunbooks = None, as_json: Json = False) -> None:
    """List the runbooks in force: the built-in ones, and yours that replace or join them."""
    if context.invoked_subcommand is None:
        from watchkeeper.cli import runbooks as books

        books.listing(directory, as_json)


@runbooks_app.command("show")
def runbooks_show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A runbook's id")],
    directory: OwnRunbooks = None,
    as_json: Json = False,
) -> None:
    """Show one runbook: when it fits, what to ask, what to look at, its steps."""
    from watchkeeper.cli import runbooks as books

    books.show(name, directory, as_json)


@catalog_app.command("init")
def catalog_init(
    data: OwnData = None,
    file: Annotated[Path | None, typer.Option("--out", help="File to write [standard output]")] = None,
) -> None:
    """Draft a catalogue from the services that the journal has seen; add who depends on whom by hand."""
    from watchkeeper.cli import offline

    offline.catalog_init(data, file)
