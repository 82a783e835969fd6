"""What `watchkeeper risk` does: check, print in the form asked for, and exit as the answer is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import typer

from core.errors import InputError, WatchkeeperError
from core.narrative.plain import one_line
from core.risk.model_file import to_json
from watchkeeper.cli.output import print_json, writing
from watchkeeper.clock import SystemClock
from watchkeeper.risk.annotations import workflow_commands
from watchkeeper.risk.check import Asked, check
from watchkeeper.risk.render_codequality import render_codequality
from watchkeeper.risk.render_json import render_json
from watchkeeper.risk.render_markdown import render_markdown
from watchkeeper.risk.render_outputs import render_outputs
from watchkeeper.risk.render_sarif import render_sarif
from watchkeeper.risk.render_text import render_text
from watchkeeper.risk.report import Report
from watchkeeper.risk.reporting import tell


def _github(report: Report) -> str:
    """The commands alone: a line of foreign text beside them could be taken for one."""
    return "".join(f"{line}\n" for line in workflow_commands(report))


FORMS: dict[str, Callable[[Report], str]] = {
    "text": render_text,
    "json": render_json,
    "sarif": render_sarif,
    "markdown": render_markdown,
    "github": _github,
    "codequality": render_codequality,
    "outputs": render_outputs,
}


def risk(
    asked: Asked, form: str, out: Path | None, force: bool, told: str = "", also: Sequence[str] = ()
) -> None:
    """`told`: a server that is told; that it cannot be told changes nothing in what the check says. `also`:
    further forms, each as `FORM=FILE`."""
    others = [_other(one) for one in also]
    report = check(asked, SystemClock().now())
    _write(FORMS[form](report), out, force)
    for name, path in others:
        _write(FORMS[name](report), path, force)
    if told:
        try:
            tell(told, report, os.environ.get("WATCHKEEPER_RISK_TOKEN", ""))
            sys.stderr.write(f"watchkeeper: told {one_line(told)} how {report.head[:12]} was judged\n")
        except WatchkeeperError as error:
            sys.stderr.write(f"watchkeeper: {error}\n")
    if report.failed:
        raise typer.Exit(1)


def _other(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if name not in FORMS or not path:
        mend = f"Write it as FORM=FILE, where FORM is one of {', '.join(FORMS)}"
        raise InputError(f"{text[:80]!r} names no form and file", where="--also", mend=mend)
    return name, Path(path)


def fit(repo: Path | None, head: str, out: Path | None, force: bool, data: Path | None) -> None:
    from watchkeeper.risk.fitting import learn
    from watchkeeper.risk.outcomes import confirmed_in

    learned = learn(repo or Path(), head, confirmed_in(data) if data is not None else None)
    _write(to_json(learned.model), out, force)
    sys.stderr.write(learned.words())


def backtest(repo: Path, head: str, as_json: bool, picture: Path | None, force: bool) -> None:
    from core.risk.picture import calibration_svg
    from watchkeeper.risk.fitting import backtested

    result = backtested(repo, head)
    if picture is not None:
        _write(calibration_svg(result.bins, f"{result.repository}: said and came true"), picture, force)
    if as_json:
        print_json(result.document())
    else:
        sys.stdout.write(result.words())


def outcomes(data: Path, as_json: bool) -> None:
    from core.risk.outcomes import measured, words_of
    from watchkeeper.risk.outcomes import judged_and_out

    found = measured(judged_and_out(data))
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in words_of(found)))


def _write(text: str, out: Path | None, force: bool) -> None:
    if out is not None:
        with writing(out, replace=force, forced=True) as target:
            target.write(text)
        return
    if sys.stdout is None:
        raise InputError("standard output is closed", mend="Open it, or give --out")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads no more has not changed what was found.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
