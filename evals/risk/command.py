"""`python -m evals risk --data DIR`: learn from the earlier half of each file, score the later, compare."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import WatchkeeperError
from evals.risk.commits import DataSet, load
from evals.risk.rankers import has_sklearn, scored
from evals.risk.summary import FileScore, evaluation, measure, rows
from evals.risk.table import table
from watchkeeper.cli.output import writing
from watchkeeper.version import VERSION

DESCRIPTION = """\
How well the model of deploy risk finds commits that had to be mended later. DIR holds CSV files of labelled
commits, in the columns of Kamei et al. or of ApacheJIT; see docs/evaluation.md.
"""
_WITHOUT = (
    "scikit-learn is not installed: logistic regression and random forest are left out."
    " `pip install 'watchkeeper[evals]'` brings it"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0, 2 for wrong input with one message."""
    chosen = _arguments().parse_args(arguments)
    try:
        files = [_measured(one) for one in load(chosen.data)]
        if chosen.out:
            with writing(chosen.out, replace=True) as out:
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(files))
    except WatchkeeperError as error:
        print(f"watchkeeper eval risk: {error}", file=sys.stderr)
        return 2
    document = evaluation(files, VERSION, f"{chosen.data.resolve().name}, {chosen.label}")
    without = "" if has_sklearn() else _WITHOUT
    if chosen.json and without:
        print(f"watchkeeper eval risk: {without}", file=sys.stderr)
    print(json.dumps(document, ensure_ascii=False) if chosen.json else table(document, without))
    return 0


def _measured(data: DataSet) -> FileScore:
    try:
        return measure(data, scored(data))
    except WatchkeeperError as error:
        raise error.at(f"{data.name}.csv, earlier half") from None


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="watchkeeper eval risk",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a folder of CSV files")
    parser.add_argument(
        "--label",
        choices=("development", "held-out"),
        default="development",
        help="say held-out only of files that nothing was tuned on [development]",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every score as JSON lines")
    return parser
