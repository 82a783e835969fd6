"""What `watchkeeper backtest` does: from its options to a plan, from the two folds to a report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer

from connectors.storage.sqlite_journal import has_journal
from core.backtest import compare, comparison_json
from core.errors import InputError
from core.rules.loader import parse_rules
from core.times import format_rfc3339, parse_duration, parse_rfc3339
from watchkeeper.cli.backtest_report import Asked, Report, condition, heading, notes
from watchkeeper.cli.backtest_run import Plan, Spec, run
from watchkeeper.cli.backtest_source import Source, file_source, journal_source
from watchkeeper.cli.backtest_text import text_lines
from watchkeeper.cli.offline import data_directory
from watchkeeper.cli.output import writing
from watchkeeper.files import catalogue_content, configuration, rules_content
from watchkeeper.version import VERSION


def backtest(
    asked: Asked, *, as_json: bool, html: Path | None, force: bool, fail_on: tuple[str, ...]
) -> None:
    conditions = [(name, condition(name)) for name in fail_on]
    if html is not None and html.exists() and not force:
        raise InputError("it exists already", where=str(html), mend="Give another file, or --force")
    report = made(asked)
    if html is not None:
        from watchkeeper.cli.backtest_page import page

        with writing(html, replace=force, forced=True) as out:
            out.write(page(report))
    if as_json:
        json.dump(document(report), sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        for line in text_lines(report):
            typer.echo(line)
    failed = [f"{name} {count}" for name, holds in conditions if (count := holds(report.comparison))]
    if failed:
        sys.stderr.write(f"watchkeeper: {', '.join(failed)}\n")
        raise typer.Exit(1)


def made(asked: Asked) -> Report:
    """Raises InputError for what cannot be read."""
    source = source_of(asked)
    if source.exported and asked.sources is not None:
        raise InputError("a journal has its own mappings", where="--sources", mend="Leave it out")
    since = _time(asked.since, source, "--since")
    until = _time(asked.until, source, "--until")
    if since is not None and until is not None and since >= until:
        raise InputError("--until is not after --since", where="backtest", mend="Give a later --until")
    if since is not None and since > source.last_at:
        what = f"nothing is in range: the last record is of {format_rfc3339(source.last_at)}"
        raise InputError(what, where="--since", mend="Give an earlier time")
    before, after = run(plan(asked, source, until))
    comparison = compare(
        before.document,
        after.document,
        since="" if since is None else format_rfc3339(since),
        until="" if until is None else format_rfc3339(until),
        shown=asked.examples,
    )
    said = notes(before.notes, after.notes, history=_history(asked))
    if (since or until) is not None and not any(comparison.incidents.values()):
        said.append("No incident opened in that time, on either side: nothing was compared.")
    return Report(comparison, heading(asked, source), said)


def _history(asked: Asked) -> bool:
    """Whether what was in force is compared with."""
    return asked.baseline is None and asked.baseline_catalogue is None


def document(report: Report) -> dict[str, Any]:
    head = {"version": VERSION, "compared": report.heading, "notes": report.notes}
    return {**head, **comparison_json(report.comparison)}


def source_of(asked: Asked) -> Source:
    if asked.rules is None and asked.catalogue is None:
        raise InputError("nothing to try", where="backtest", mend="Give --rules DIR, --catalog FILE or both")
    if asked.file is not None and asked.data is not None:
        raise InputError("a file and --data", where="backtest", mend="Give one of the two")
    if asked.file is not None:
        source = file_source(asked.file)
        if not source.exported and asked.rules is None and asked.baseline_catalogue is None:
            raise InputError(
                "a recording has the --catalog on both sides, so nothing differs",
                where="backtest",
                mend="Give --rules, or --baseline-catalog to compare two catalogues",
            )
        return source
    directory = data_directory(asked.data)
    if not has_journal(directory):
        raise InputError(
            "no journal in it", where=str(directory), mend="Give --data of a server, or an event file"
        )
    return journal_source(directory)


def plan(asked: Asked, source: Source, until: int | None) -> Plan:
    linger = max(_longest_wait(rules) for rules in {asked.rules, asked.baseline, None})
    if not source.exported:
        return Plan(source, _recorded(asked), until, linger)
    held = _documents(asked.baseline, asked.baseline_catalogue)
    after = Spec("after", _documents(asked.rules, asked.catalogue))
    if not held:
        return Plan(source, (Spec("before", {}), after), until, linger)
    # People's records name incidents of history; of a part without a beginning it has no rules of its own.
    opening = tuple(configuration(asked.baseline_catalogue, asked.baseline)) if source.first > 1 else ()
    return Plan(source, (Spec("history", {}, opening), Spec("before", held), after), until, linger)


def _longest_wait(directory: Path | None) -> int:
    """For how long after the last record something of it may still be told, in ms."""
    content = rules_content(directory)
    rules = parse_rules(content["files"], bundle=content["bundle"])
    return max(rules.lifecycle.late_after, *rules.notify.wait.values())


def _recorded(asked: Asked) -> tuple[Spec, ...]:
    """A recording has no configuration of its own; a catalogue that is given for one side holds for both."""
    mine, theirs = asked.baseline_catalogue, asked.catalogue
    sides = (("before", asked.baseline, mine or theirs), ("after", asked.rules, theirs or mine))
    return tuple(
        Spec(
            name, _documents(rules, catalogue), tuple(configuration(catalogue, rules, sources=asked.sources))
        )
        for name, rules, catalogue in sides
    )


def _documents(rules: Path | None, catalogue: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rules is not None:
        found["rules"] = rules_content(rules)
    if catalogue is not None:
        found["catalogue"] = catalogue_content(catalogue)
    return found


def _time(text: str, source: Source, option: str) -> int | None:
    """A time, a date (UTC), or a duration before the last record; ms UTC."""
    if not text:
        return None
    for read in (parse_rfc3339, _date, lambda value: source.last_at - parse_duration(value)):
        try:
            return read(text)
        except (ValueError, OverflowError):
            continue
    raise InputError(
        f"{text!r} is no time",
        where=option,
        mend="Write 2026-11-21T03:00:00Z, 2026-11-21, or 7d for a week ago",
    )


def _date(text: str) -> int:
    return parse_rfc3339(f"{text}T00:00:00Z") if len(text) == len("2026-11-21") else _no_date(text)


def _no_date(text: str) -> int:
    raise ValueError(text)
