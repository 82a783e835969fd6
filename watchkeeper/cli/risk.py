"""`watchkeeper risk`: its options. What it does is imported when it runs.

Exit 0: it passes, or is advisory; 1: the policy (or --fail-on) says no; 2: it could not be checked.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.options import Data, Json, one_of
from watchkeeper.cli.risk_ask import risk_ask
from watchkeeper.cli.risk_publish import risk_publish


class Format(Enum):
    text = "text"
    json = "json"
    sarif = "sarif"
    markdown = "markdown"
    github = "github"
    codequality = "codequality"
    outputs = "outputs"


class FromLevel(Enum):
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


Repo = Annotated[Path, typer.Option("--repo", help="A git checkout")]
MaybeTree = Annotated[
    Path | None, typer.Argument(metavar="[REPO]", help="A checkout with its whole history [.]")
]
Out = Annotated[Path | None, typer.Option("--out", help="File to write [standard output]")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there")]
Branch = Annotated[str, typer.Option("--head", metavar="REV", help="The branch whose history it is")]
_REPOSITORY = ["WATCHKEEPER_REPOSITORY", "GITHUB_REPOSITORY", "CI_PROJECT_PATH"]
Base = Annotated[
    str, typer.Option("--base", metavar="REV", help="What it is merged into [origin's main branch]")
]
Head = Annotated[str, typer.Option("--head", metavar="REV", help="What is merged")]
Exact = Annotated[
    bool, typer.Option("--exact", help="Compare with base itself, not with what both have in common")
]
Form = Annotated[Format, one_of(Format, "--format", "github: marks in the code, by workflow commands")]
Also = Annotated[
    list[str], typer.Option("--also", metavar="FORM=FILE", help="A further form of the same check")
]
Server = Annotated[
    str,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="WATCHKEEPER_SERVER_URL",
        help="A Watchkeeper that knows incidents and budgets",
    ),
]
Model = Annotated[Path | None, typer.Option("--model", help="What `risk fit` wrote [that of the policy]")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="In place of .watchkeeper.yml of the base")]
FailOn = Annotated[FromLevel | None, one_of(FromLevel, "--fail-on", "Exit 1 from this level on")]
Title = Annotated[str, typer.Option("--title", help="Of the pull request [newest commit]")]
Description = Annotated[str, typer.Option("--description", help="Of the pull request")]
Repository = Annotated[
    str,
    typer.Option("--repository", envvar=_REPOSITORY, help="Its name at the forge [the directory's name]"),
]
Address = Annotated[str, typer.Option("--url", help="Where the pull request can be looked at")]
Report = Annotated[
    str, typer.Option("--report", metavar="URL", help="A Watchkeeper that is told what the check found")
]
MergedAs = Annotated[
    str,
    typer.Option("--merged-as", metavar="SHA", help="The merge or squash commit it became, for --report"),
]

risk_app = typer.Typer(
    help="Judge a change before it is merged: what in it has hurt before, and what would clear it.",
    invoke_without_command=True,
)


@risk_app.callback()
def risk(
    context: typer.Context,
    base: Base = "",
    head: Head = "HEAD",
    repo: Repo = Path(),
    exact: Exact = False,
    form: Form = Format.text,
    out: Out = None,
    force: Force = False,
    also: Also = [],  # noqa: B006 - Typer's form
    server: Server = "",
    model: Model = None,
    policy: PolicyFile = None,
    fail_on: FailOn = None,
    title: Title = "",
    description: Description = "",
    repository: Repository = "",
    url: Address = "",
    report: Report = "",
    merged_as: MergedAs = "",
) -> None:
    """Judge what a pull request changes: from what base and head have in common, to head.

    Rules, policy and model are read from the base, so that no change excuses itself. Nothing of the checkout
    is run, fetched or written.
    """
    if context.invoked_subcommand is not None:
        return
    from core.risk.rules import LEVELS
    from watchkeeper.cli import risk_do as work
    from watchkeeper.risk.check import Asked

    level = next((one for one in LEVELS if fail_on is not None and one == fail_on.value), None)
    words = (title, description, repository, url, merged_as)
    asked = Asked(repo, base, head, exact, policy, model, server, level, *words)
    work.risk(asked, form.value, out, force, report, also)


risk_app.command("ask")(risk_ask)
risk_app.command("publish")(risk_publish)


@risk_app.command("fit")
def risk_fit(
    repo: MaybeTree = None,
    out: Out = None,
    force: Force = False,
    head: Branch = "HEAD",
    data: Data = None,
) -> None:
    """Learn from a repository's history how likely a change is to be mended later; write the model (JSON).
    With --data, changes that people say caused incidents count as mended too."""
    from watchkeeper.cli import risk_do as work

    work.fit(repo, head, out, force, data)


@risk_app.command("backtest")
def risk_backtest(
    repo: MaybeTree = None,
    as_json: Json = False,
    head: Branch = "HEAD",
    data: Data = None,
    picture: Annotated[Path | None, typer.Option("--picture", help="Calibration as an SVG file")] = None,
    force: Force = False,
) -> None:
    """Learn from the older two thirds of a history, and measure on the newer third what was foreseen. With
    --data, say which of the changes that were judged and went out caused incidents, as people said."""
    from watchkeeper.cli import risk_do as work

    if data is not None:
        work.outcomes(data, as_json)
    if repo is not None or data is None:
        work.backtest(repo or Path(), head, as_json, picture, force)


@risk_app.command("rules")
def risk_rules(
    name: Annotated[str, typer.Argument(metavar="[RULE]", help="One rule, with why it is there")] = "",
    as_json: Json = False,
) -> None:
    """List the rules, each with the levels that it may have; or say of one why it is there, and where that is
    known from."""
    from watchkeeper.cli.risk_rules import rules

    rules(name, as_json)
