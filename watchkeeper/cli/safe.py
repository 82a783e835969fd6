"""The commands that keep data safe: backup, restore, rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.options import OwnData


def backup(
    target: Annotated[Path, typer.Argument(help="A new or empty directory")], data: OwnData = None
) -> None:
    """Copy the journal, verified. A server may be running."""
    from watchkeeper.cli import keeping

    keeping.backup(target, data)


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A directory that `backup` wrote")],
    data: OwnData = None,
) -> None:
    """Bring a backup into a new or empty directory, verified."""
    from watchkeeper.cli import keeping

    keeping.restore(source, data)


def rebuild(data: OwnData = None) -> None:
    """Delete everything but the journal and bring it back from the journal."""
    from watchkeeper.cli import offline

    offline.rebuild(data)


KEEPING = (backup, restore, rebuild)
