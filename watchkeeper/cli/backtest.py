"""`watchkeeper backtest`: its options. What it does is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.options import Json, OwnData, Sources

File = Annotated[
    Path | None, typer.Argument(help="Event file or exported journal (JSON lines), in place of --data")
]
NewRules = Annotated[
    Path | None, typer.Option("--rules", help="Directory of the rule files to try, over the built-in ones")
]
NewCatalogue = Annotated[
    Path | None, typer.Option("--catalog", help="Service catalogue to try; a recording has it on both sides")
]
Baseline = Annotated[
    Path | None, typer.Option("--baseline", help="Rule files to compare with [those that were in force]")
]
BaselineCatalogue = Annotated[
    Path | None, typer.Option("--baseline-catalog", help="Catalogue to compare with [that in force]")
]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="Incidents opened since: a time, a date, or 7d")
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Incidents opened before")]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page, one file, to read in a browser")]
Examples = Annotated[int, typer.Option(min=0, max=1_000, help="Examples of each kind")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there")]
FailOn = Annotated[
    list[str] | None,
    typer.Option("--fail-on", metavar="WHAT", help="Exit 1 when there is some: pages-lost, any..."),
]


def backtest(
    file: File = None,
    data: OwnData = None,
    rules: NewRules = None,
    catalog: NewCatalogue = None,
    baseline: Baseline = None,
    baseline_catalog: BaselineCatalogue = None,
    sources: Sources = None,
    since: Since = "",
    until: Until = "",
    as_json: Json = False,
    html: Html = None,
    force: Force = False,
    examples: Examples = 10,
    fail_on: FailOn = None,
) -> None:
    """Try other rules on what has happened: incidents, pages, severities that would have been different.

    Reads a journal (a server may be running) or a file, and changes nothing.
    """
    from watchkeeper.cli import backtest_do as work
    from watchkeeper.cli.backtest_report import Asked

    asked = Asked(file, data, rules, catalog, baseline, baseline_catalog, sources, since, until, examples)
    work.backtest(asked, as_json=as_json, html=html, force=force, fail_on=tuple(fail_on or ()))
