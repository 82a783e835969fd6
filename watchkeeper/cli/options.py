"""The options that several commands share."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer


def one_of(kind: type[Enum], name: str, words: str) -> Any:
    """An option that is one word of an Enum; what is none is said without words of the parser's trade."""
    known = [str(one.value) for one in kind]

    def parsed(text: str) -> Enum:
        try:
            return kind(text)
        except ValueError:
            raise typer.BadParameter(f"{text[:80]!r} is none of {', '.join(known)}.") from None

    return typer.Option(name, parser=parsed, metavar=f"[{'|'.join(known)}]", help=words)


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
RoutesFile = Annotated[Path | None, typer.Option("--routes", help="Receivers and routes of pages (YAML)")]
LevelsFile = Annotated[Path | None, typer.Option("--levels", help="What may be proposed where (YAML)")]
