"""Command line of the recorder: `python -m evals.record CASE`. Exit 0 done, 1 bad recording, 2 wrong use."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from evals.record import casefiles
from evals.record.cases import CASES
from evals.record.monitoring import NotInstalled
from evals.record.receiver import CapturingReceiver
from evals.record.recorder import Stuck, record
from evals.shop.processes import PROJECT, ChildDied
from evals.shop.wire import CallFailed

DESCRIPTION = """\
Record a case for real: start a small shop of services, break it on purpose under a real Prometheus
(and Alertmanager), and keep what the monitoring sent. Takes four to five minutes. Everything runs on the
loopback address and is stopped at the end; Ctrl-C stops it earlier and writes nothing.
"""
EPILOG = "cases:\n" + "".join(f"  {case.name:<17}{case.title}\n" for case in CASES.values())


def main() -> int:
    """Record one case; return the exit code."""
    chosen = _arguments().parse_args()
    out = chosen.out or PROJECT / "evals" / "cases" / chosen.case
    # A polite kill takes the same way out as Ctrl-C, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        recording = record(CASES[chosen.case], CapturingReceiver(), _say, chosen.seconds)
        heard = casefiles.write(CASES[chosen.case], recording, out)
    except NotInstalled as error:
        return _fail(str(error), 2)
    except (casefiles.BadRecording, Stuck, ChildDied, CallFailed, OSError) as error:
        return _fail(f"{error}; nothing was written", 1)
    except KeyboardInterrupt:
        return _fail("interrupted; everything was stopped and nothing was written", 1)
    _say(f"wrote {out}: {len(recording.lines)} lines, {len(heard)} alerts, all resolved")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals.record",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", choices=sorted(CASES), metavar="CASE", help="which case (listed below)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: evals/cases/CASE)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=260.0,
        metavar="N",
        help="record for at least this long; a case ends only when its alerts have (default: 260)",
    )
    return parser


def _say(text: str) -> None:
    print(text, flush=True)


def _fail(text: str, code: int) -> int:
    print(f"evals.record: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
