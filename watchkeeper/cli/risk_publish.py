"""`watchkeeper risk publish`: the note on a pull or merge request, from a file that a check wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def risk_publish(
    file: Annotated[Path, typer.Argument(help="What `watchkeeper risk --format json` wrote")],
) -> None:
    """Put a check's result on its pull request (GitHub Actions) or merge request (GitLab CI): one comment,
    edited from then on. The file is taken as data, also from a fork, and must be of the event's commit."""
    from watchkeeper.risk.publishing import publish
    from watchkeeper.settings import environment

    typer.echo(publish(file, environment()))
