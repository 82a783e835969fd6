"""`watchkeeper rules`: the commands. What they do is in rule_views.py and rule_check.py, imported late."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.options import Catalogue, Json, OwnData, Rules

rules_app = typer.Typer(
    help="Rules: which are in force, what they mean, what is wrong.", no_args_is_help=True
)


@rules_app.command("check")
def rules_check(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[DIR|FILE]...", help="Your rule files [--rules, if set]")
    ] = None,
    rules: Rules = None,
    catalog: Catalogue = None,
    as_json: Json = False,
) -> None:
    """Say every fault of rule files, with file, line, key and how to mend it. Exit 1 when there is one.

    Warnings (what works, but may not be meant) leave the exit code as it is.
    """
    from watchkeeper.cli import rule_check

    rule_check.check(paths or [], rules, catalog, as_json)


@rules_app.command("list")
def rules_list(rules: Rules = None, as_json: Json = False) -> None:
    """List the rules in force: what each is for, its file, and whether it is yours."""
    from watchkeeper.cli import rule_views

    rule_views.listing(rules, as_json)


@rules_app.command("explain")
def rules_explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A rule's name, such as same-entity")],
    rules: Rules = None,
    as_json: Json = False,
) -> None:
    """Say what a rule does: each setting, what it means, and the built-in value where yours differs."""
    from watchkeeper.cli import rule_views

    rule_views.explain(name, rules, as_json)


@rules_app.command("learn")
def rules_learn(
    data: OwnData = None,
    minutes: Annotated[
        int, typer.Option("--within", min=1, max=60, metavar="MINUTES", help="Between two beginnings")
    ] = 5,
    at_least: Annotated[int, typer.Option("--at-least", min=2, help="Times that they came together")] = 3,
    out: Annotated[Path | None, typer.Option("--out", help="Rule file to write [standard output]")] = None,
    as_json: Json = False,
) -> None:
    """Propose links between alerts that came together again and again in your journal.

    It changes nothing: read the file that it writes, and start the server with --rules and its directory.
    """
    from watchkeeper.cli import rule_learning

    rule_learning.propose(data, minutes, at_least, out, as_json)
