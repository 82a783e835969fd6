"""Evaluations and benchmarks by name: `python -m evals NAME ...`, which is what `watchkeeper eval` runs.

Exit 0: measured. 1: something that was measured failed. 2: wrong input or use.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import cast

# Name: the module whose `main(arguments)` runs it, and what it measures.
EVALS: dict[str, tuple[str, str]] = {
    "grouping": ("evals.grouping.command", "alerts into incidents, and their origin, against known truth"),
    "risk-rules": ("evals.risk.rules_command", "risk rules on diffs of known danger and harmless twins"),
    "risk": ("evals.risk.command", "the model of deploy risk on labelled commits, beside baselines"),
    "bench": ("evals.bench.__main__", "alerts a second: intake beside Alertmanager, and the engine"),
    "bench-core": ("evals.bench.core.__main__", "the engine by open alerts, services and workload"),
}


def usage() -> str:
    width = max(map(len, EVALS))
    rows = [f"  {name.ljust(width)}  {what}" for name, (_, what) in EVALS.items()]
    return "\n".join(
        ["usage: watchkeeper eval NAME [options]", "", *rows, "", "watchkeeper eval NAME --help says more"]
    )


def main(arguments: Sequence[str]) -> int:
    """Run the evaluation that the first argument names with the others; return its exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in EVALS:
        print(
            f"watchkeeper eval: no evaluation is called {name!r}. There are {', '.join(EVALS)}",
            file=sys.stderr,
        )
        return 2
    module = importlib.import_module(EVALS[name][0])
    try:
        return cast(int, module.main(rest))
    except KeyboardInterrupt:
        print(f"watchkeeper eval {name}: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
