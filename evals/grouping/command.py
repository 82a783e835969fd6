"""`python -m evals grouping --cases DIR`: replay each case, score it, and print ours beside the baselines."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from core.errors import WatchkeeperError
from core.model.document import Document
from evals.grouping.cases import find_cases
from evals.grouping.score import OURS, CaseScore, score_folder
from evals.grouping.summary import evaluation
from evals.grouping.table import table
from watchkeeper.cli.output import writing
from watchkeeper.version import VERSION

Scored = tuple[CaseScore, Document]
DESCRIPTION = """\
How well alerts are grouped into incidents, and whether the origin is found, over cases with known truth.
A case is a folder with events.jsonl (an event file), catalog.yaml and truth.json; see docs/evaluation.md.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0, 2 for wrong input, 1 when a process was ended; with one message."""
    chosen = _arguments().parse_args(arguments)
    try:
        scored = _score_all(chosen.cases, chosen.rules, chosen.jobs)
        if chosen.out:
            with writing(chosen.out, replace=True) as out:
                out.writelines(json.dumps(raw, ensure_ascii=False) + "\n" for _, raw in scored)
    except WatchkeeperError as error:
        print(f"watchkeeper eval grouping: {error}", file=sys.stderr)
        return 2
    except BrokenProcessPool:
        print("watchkeeper eval grouping: a process was ended from outside. Try --jobs 1", file=sys.stderr)
        return 1
    data = f"{chosen.cases.resolve().name}, {chosen.label}"
    document = evaluation([score for score, _ in scored], VERSION, data)
    print(json.dumps(document, ensure_ascii=False) if chosen.json else table(document))
    return 0


def _score_all(cases: Path, rules: Path | None, jobs: int) -> list[Scored]:
    folders = find_cases(cases)
    if jobs == 1 or len(folders) == 1:
        return list(_told(map(partial(score_folder, rules=rules), folders), len(folders)))
    # Spawned, not forked: a fork of a process with threads may stand still.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(folders)), mp_context=context) as pool:
        try:
            results = pool.map(partial(score_folder, rules=rules), folders)
            return list(_told(results, len(folders)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _told(scored: Iterable[Scored], cases: int) -> Iterator[Scored]:
    """A line a case for whoever watches."""
    for number, (score, raw) in enumerate(scored, 1):
        if sys.stderr.isatty():
            row = score.rows[OURS]
            text = (
                f"{number}/{cases} {score.case}: f1 {row.f1:.3f}, {row.incidents} incidents of {score.true}"
            )
            print(text, file=sys.stderr, flush=True)
        yield score, raw


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="watchkeeper eval grouping",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--cases", "--data", type=Path, required=True, metavar="DIR", help="a case, or a folder of cases"
    )
    parser.add_argument("--rules", type=Path, metavar="DIR", help="rule files that replace built-in ones")
    parser.add_argument(
        "--label",
        choices=("development", "held-out"),
        default="development",
        help="say held-out only of cases that nothing was tuned on [development]",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every answer as JSON lines")
    parser.add_argument("--jobs", type=_jobs, default=2, metavar="N", help="processes [2]")
    return parser
