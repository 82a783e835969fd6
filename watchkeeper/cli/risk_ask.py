"""`watchkeeper risk ask`: may this go out now? For pipelines: exit 0 yes, 1 no (a policy holds it), 2 nobody
could be asked."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.cli.options import Json, one_of

_MOST_DIFF = 5_000_000


class Mode(Enum):
    advisory = "advisory"
    policy = "policy"


class From(Enum):
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


def risk_ask(
    service: Annotated[str, typer.Option("--service", help="What is deployed")],
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="The Watchkeeper to ask [WATCHKEEPER_SERVER_URL]"),
    ] = None,
    revision: Annotated[str, typer.Option("--revision", help="The commit that goes out")] = "",
    repository: Annotated[str, typer.Option("--repository", help="Its name at the forge")] = "",
    environment: Annotated[str, typer.Option("--environment", help="Where it goes")] = "",
    diff: Annotated[
        Path | None, typer.Option("--diff", help="File of what changes, as `git diff` prints it")
    ] = None,
    mode: Annotated[Mode, one_of(Mode, "--mode", "policy: exit 1 for what is held")] = Mode.advisory,
    hold: Annotated[From, one_of(From, "--hold", "Level from which on it is held")] = From.critical,
    title: Annotated[str, typer.Option("--title", help="What the change is called")] = "",
    repair: Annotated[
        str, typer.Option("--repair", metavar="REASON", help="Why incidents and freezes do not hold it")
    ] = "",
    as_json: Json = False,
) -> None:
    """Ask a server whether something may go out now, and why not."""
    from watchkeeper.cli.ask import Server
    from watchkeeper.cli.output import print_json

    body: dict[str, Any] = {
        "service": service, "revision": revision, "repository": repository, "environment": environment,
        "mode": mode.value, "hold": hold.value, "title": title, "diff": _text(diff), "repair": repair,
        "warn": "medium" if hold is not From.low else "low",
    }  # fmt: skip
    answer = Server(server, "--server").risk(body)
    if as_json:
        print_json(answer)
    else:
        sys.stdout.write("\n".join(_lines(answer)) + "\n")
    if answer.get("decision") == "hold":
        raise typer.Exit(1)


def _text(diff: Path | None) -> str:
    """Raises InputError."""
    from core.errors import InputError

    if diff is None:
        return ""
    with diff.open("rb") as file:
        raw = file.read(_MOST_DIFF + 1)
    if len(raw) > _MOST_DIFF:
        what = f"longer than {_MOST_DIFF:,} bytes"
        raise InputError(what, where=str(diff), mend="Leave it out: how the revision was judged counts then")
    return raw.decode("utf-8", "backslashreplace")


def _lines(answer: dict[str, Any]) -> list[str]:
    from core.narrative.plain import one_line

    lines = [f"{one_line(str(answer.get('decision')))} ({one_line(str(answer.get('mode')))})"]
    if answer.get("repair"):
        lines.append(f"Repair: {one_line(str(answer['repair']), 300)}. Incidents and freezes hold nothing")
    said = ""
    for row in answer.get("reasons") or []:
        place = f"  {one_line(str(row.get('place')))}" if row.get("place") else ""
        lines.append(f"{str(row.get('level')).upper():<8} {one_line(str(row.get('rule')))}{place}")
        lines.append(f"    {one_line(str(row.get('what')), 300)}")
        if row.get("from") == "assessment":
            said = f"Clears: {one_line(str(row.get('clears')), 2_500)}"
        else:
            lines.append(f"    Clears: {one_line(str(row.get('clears')), 300)}")
    lines += [said] if said else []
    for name, head in (("judged", "Judged"), ("not_judged", "Not judged")):
        lines += [f"{head}: {one_line(str(one), 500)}" for one in answer.get(name) or ["nothing"]]
    return lines
