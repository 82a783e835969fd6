"""Commands of two words: `journal export`, `catalog init`, `runbooks show` and their like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.options import Actor, Json, OwnData, OwnRunbooks

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


@journal_app.command("redact")
def journal_redact(
    seq: Annotated[int, typer.Argument(metavar="SEQ", min=1, help="The record's number")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the journal", prompt="Why")],
    actor: Actor = None,
    data: OwnData = None,
) -> None:
    """Erase what a record says, for good. Its hash, and why, stay; incidents stay as they were decided.

    Stop the server first. Labels that decide what an alert is about (its name, service, severity) stay in
    the incident; all else that the record said is gone from the journal and from what is made of it.
    """
    from watchkeeper.cli import keeping
    from watchkeeper.cli.ask import login_name

    keeping.redact(seq, actor or login_name(), reason, data)


@journal_app.command("checkpoint")
def journal_checkpoint(
    file: Annotated[Path, typer.Argument(help="File to write")],
    data: OwnData = None,
    retain_days: Annotated[int, typer.Option(min=0, help="Leave out what ended before [keep all]")] = 0,
) -> None:
    """Write what the journal comes to; after an upgrade first what it came to under the older version.

    The server runs this when a file of the journal is full, and after an upgrade.
    """
    from watchkeeper.cli import keeping

    keeping.checkpoint(file, data, retain_days)


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
