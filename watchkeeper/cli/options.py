"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path | None, typer.Option("--data", help="Directory of a server's data; read without it")]
OwnData = Annotated[Path | None, typer.Option("--data", help="Directory of the journal [watchkeeper-data]")]
Url = Annotated[str | None, typer.Option("--url", help="Server to ask [http://127.0.0.1:8080]")]
Json = Annotated[bool, typer.Option("--json", help="JSON for machines")]
Catalogue = Annotated[Path | None, typer.Option("--catalog", help="Service catalogue (YAML)")]
Rules = Annotated[
    Path | None, typer.Option("--rules", help="Directory of rule files that replace built-in ones")
]
OwnRunbooks = Annotated[Path | None, typer.Option("--dir", help="Directory of your runbooks; it is checked")]
RunbookDir = Annotated[
    Path | None, typer.Option("--runbooks", help="Directory of runbooks beside the built-in ones")
]
Actor = Annotated[str | None, typer.Option("--actor", help="Who does this [your login name]")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the incident's history")]
Sources = Annotated[
    Path | None,
    typer.Option("--sources", help="Directory of mapping files: sources beside the built-in ones"),
]
SendersFile = Annotated[Path | None, typer.Option("--senders", help="Secrets and limits of senders (YAML)")]
