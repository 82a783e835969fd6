"""`python -m evals risk-rules`: the risk rules on small diffs of known danger, beside a keyword search."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from core.errors import InputError, WatchkeeperError
from evals.bench.table import render
from evals.risk.corpus import ROOT, Case, load
from evals.risk.rules_score import RuleRow, Scored, by_rule, evaluation, score
from evals.risk.side_by_side import SideBySide, side_by_side
from watchkeeper.cli.output import writing
from watchkeeper.version import VERSION

DESCRIPTION = """\
How well the risk rules tell dangerous changes from harmless twins that look like them. The cases are our own,
and the rules were written beside them: the figures say what is covered, not how often a real change hurts.
"""
_HEAD = ("rule", "cases", "found", "false", "beside", "precision", "recall")
_WAYS = ("warns when", "precision", "recall", "f1", "pairs told apart")
_KEYS = ("precision", "recall", "f1", "pairs_told_apart")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0: measured; 1: a rule failed; 2: wrong input or use."""
    chosen = _arguments().parse_args(arguments)
    try:
        cases = _cases(chosen.cases)
        scored = [score(case) for case in cases]
        if chosen.out:
            with writing(chosen.out, replace=True) as out:
                out.writelines(json.dumps(_raw(one), ensure_ascii=False) + "\n" for one in scored)
    except WatchkeeperError as error:
        print(f"watchkeeper eval risk-rules: {error}", file=sys.stderr)
        return 2
    document = evaluation(scored, VERSION, f"{chosen.cases.resolve().name}, development")
    squawk = side_by_side(cases)
    document["baselines"] |= _squawk(squawk)
    text = json.dumps(document, ensure_ascii=False) if chosen.json else table(document, scored, squawk)
    print(text)
    return 1 if document["metrics"]["broken"] else 0


def _cases(root: Path) -> list[Case]:
    """Raises InputError naming the folder, or what is wrong in it."""
    if not root.is_dir():
        raise InputError("no such folder", where=str(root), mend="Give a folder of case files (*.yaml)")
    try:
        cases = load(root)
    except (yaml.YAMLError, msgspec.ValidationError, KeyError, TypeError, UnicodeDecodeError) as problem:
        said = " ".join(str(problem).split())
        raise InputError(f"not readable: {said}", where=str(root), mend="See evals/risk/corpus.py") from None
    if not cases:
        raise InputError("no cases", where=str(root), mend="Give a folder of case files (*.yaml)")
    return cases


def _raw(one: Scored) -> dict[str, Any]:
    case = one.case
    return {
        "case_id": case.name,
        "danger": case.danger,
        "wanted": list(case.rules),
        "found": sorted(one.found),
        "levels": dict(sorted(one.found.items())),
        "keyword": one.keyword,
    }


def _squawk(beside: SideBySide) -> dict[str, dict[str, float]]:
    """On the migrations alone: dangers found and harmless twins spoken of; nothing where it did not run."""
    if beside.status != "ran":
        return {}
    counts = beside.counts()
    return {
        f"squawk, {group}": {name: float(value) for name, value in row.items()}
        for group, row in counts.items()
    }


def table(document: dict[str, Any], scored: Sequence[Scored], squawk: SideBySide) -> str:
    """The evaluation for people; then every case that is not right."""
    metrics = document["metrics"]
    ways = [("any of our rules matches", metrics), *document["baselines"].items()]
    ways = [(name, row) for name, row in ways if "f1" in row]
    rows = by_rule(scored)
    untried = [row.rule for row in rows if not row.cases]
    parts = [
        f"Watchkeeper {document['version']}, {document['data']}: {document['n']} cases,"
        f" {metrics['rules_with_cases']} of {metrics['rules']} rules",
        "",
        render(_HEAD, [_cells(row) for row in rows if row.cases]),
        f"All rules: precision {metrics['rule_precision']:.3f}, recall {metrics['rule_recall']:.3f};"
        f" cases right {metrics['cases_right']:.3f}",
        "",
        render(_WAYS, [[name, *(f"{row[key]:.3f}" for key in _KEYS)] for name, row in ways]),
        *_spread(document),
        "",
        squawk.as_text(),
        "",
    ]
    if untried:
        parts.append(f"Rules without a case here: {', '.join(untried)}")
    parts += [f"not right: {one.case.name}: found {_said(one)}" for one in scored if not one.right]
    return "\n".join(parts)


def _cells(row: RuleRow) -> list[str]:
    figures = (row.cases, row.found, row.false, row.beside)
    return [row.rule, *map(str, figures), f"{row.precision:.3f}", f"{row.recall:.3f}"]


def _said(one: Scored) -> str:
    return ", ".join(sorted(one.found)) or "nothing"


def _spread(document: dict[str, Any]) -> list[str]:
    named = document["intervals"].items()
    return [f"{name} {document['metrics'][name]:.3f} [{low:.3f}, {high:.3f}]" for name, (low, high) in named]


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="watchkeeper eval risk-rules",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--cases",
        "--data",
        type=Path,
        default=ROOT,
        metavar="DIR",
        help="case files [those that are shipped]",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every answer as JSON lines")
    return parser
