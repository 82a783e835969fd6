"""`watchkeeper eval NAME`: hands over to the evaluations, which the program itself knows nothing of.

They are found by name when the command runs, in the same process.
"""

from __future__ import annotations

import runpy
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from core.errors import InputError

PACKAGE = "evals"
# Everything after NAME belongs to the evaluation, its `--help` too.
SETTINGS = {"ignore_unknown_options": True, "help_option_names": []}


def evaluate(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="NAME [OPTIONS]", help="Which one, and its own options")
    ] = None,
) -> None:
    """Measure: grouping against known truth, deploy risk, the engine's rates. Without a NAME, list all.

    `watchkeeper eval NAME --help` says what each takes.
    """
    if find_spec(PACKAGE) is None:
        raise InputError(
            "the evaluations are not installed",
            where=f"package {PACKAGE}",
            mend="Install Watchkeeper from its source",
        )
    sys.argv = [PACKAGE, *(arguments or ["--help"])]
    runpy.run_module(PACKAGE, run_name="__main__", alter_sys=True)
