"""A program under the tracer, as a process of its own: it stands in for the program and ends as that ends.

Run as `python traced.py ARGUMENTS`; `watchkeeper ARGUMENTS` is traced, or `python ARGUMENTS` when
TRACED_PYTHON is set. TRACED_ROOT is the directory that is watched, TRACED_RULES the file of rules,
TRACED_EVENTS the file to record into (may be absent), TRACED_CALLS the calls that are looked at (all when
absent).
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

from tests.faults import tracer

_SIGNALLED = 128


def main() -> int:
    root, rules = Path(os.environ["TRACED_ROOT"]), Path(os.environ["TRACED_RULES"])
    events = os.environ.get("TRACED_EVENTS")
    calls = tuple(os.environ.get("TRACED_CALLS", "").split())
    program = [] if os.environ.get("TRACED_PYTHON") else ["-m", "watchkeeper"]
    child = tracer.start([sys.executable, *program, *sys.argv[1:]], calls)
    rules.with_suffix(".pid").write_text(str(child))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda asked, _: os.kill(child, asked))
    with open(events, "wb") if events else nullcontext() as file:
        status = tracer.Tracer(child, root, rules, file).run()
    return _SIGNALLED + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main())
