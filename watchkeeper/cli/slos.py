"""`watchkeeper slos`: service level objectives in a terminal, those in trouble first.

Names are foreign: they go through `one_line`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from watchkeeper.cli.options import Data, Json, Url

_WIDTH = 20


def slos(
    data: Data = None,
    url: Url = None,
    service: Annotated[str | None, typer.Option(help="Of this service alone")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 200,
    as_json: Json = False,
) -> None:
    """List service level objectives and their error budgets. Exit 1 when none was ever told of."""
    from watchkeeper.cli.ask import answers
    from watchkeeper.cli.output import print_json

    found = answers(data, url).slos(service, limit)
    if as_json:
        print_json(found)
    else:
        for row in found["slos"]:
            for line in slo_lines(row):
                typer.echo(line)
        if found["total"] > len(found["slos"]):
            typer.echo(f"and {found['total'] - len(found['slos'])} more")
        if not found["slos"]:
            typer.echo("No service level objective was told of: see docs/slo.md.")
    if not found["slos"]:
        raise typer.Exit(1)


def slo_lines(row: dict[str, Any]) -> Iterator[str]:
    from core.narrative.plain import one_line
    from core.slo_words import band_words, condition_words, goal_words, left_words, pace_words

    names = [one_line(row[key], 60) for key in ("service", "slo")]
    place = ", ".join(one_line(row[key], 40) for key in ("environment", "cluster") if row[key])
    yield f"{_bar(row['left'])}  {names[0]}, {names[1]}{f' ({place})' if place else ''}  {goal_words(row)}"
    yield f"    {left_words(row)}; {pace_words(row)}"
    band = band_words(row)
    if band:
        yield f"    agreed: {band}"
    for condition in row["conditions"]:
        if condition["firing"] or condition["holds"] or condition["missing_ms"]:
            mark = "!" if condition["firing"] or condition["holds"] else "-"
            yield f"    {mark} {condition_words(condition)}"
    stale = f", nothing since then: stale from {row['stale_since']}" if row["stale_since"] else ""
    yield f"    told {row['told_at']}{stale}"


def _bar(left: int | None) -> str:
    """What is left of the budget, in twentieths; `?` where it is not known."""
    if left is None:
        return f"[{'?' * _WIDTH}]"
    full = left * _WIDTH // 1_000
    return f"[{'#' * full}{'.' * (_WIDTH - full)}]"
