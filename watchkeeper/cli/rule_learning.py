"""`watchkeeper rules learn`: propose links from what came together in a journal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
import yaml

from connectors.storage.sqlite_journal import SqliteJournal
from core.correlation.learning import Beginning, Proposal, learn
from core.model.document import Document
from core.times import MINUTE, parse_rfc3339
from watchkeeper.cli.offline import data_directory, fold_journal
from watchkeeper.cli.output import print_json, writing

_HEAD = "rule: learned-links\nsummary: Alerts that came together before in our own history.\n"


def propose(data: Path | None, minutes: int, at_least: int, out: Path | None, as_json: bool) -> None:
    journal = SqliteJournal(data_directory(data), read_only=True)
    try:
        rows = list(beginnings(fold_journal(journal).incidents()))
    finally:
        journal.close()
    found = learn(rows, window=minutes * MINUTE, at_least=at_least)
    if as_json:
        print_json({"beginnings": len(rows), "pairs": [_pair(one, minutes) for one in found]})
    elif not found:
        typer.echo(f"Nothing to propose: of {len(rows)} beginnings no two alerts came together often enough.")
    elif out is None:
        typer.echo(rule_text(found, minutes).rstrip())
    else:
        with writing(out, replace=False) as file:
            file.write(rule_text(found, minutes))
        typer.echo(f"{len(found)} pairs written to {out}. Read them; with --rules {out.parent} they hold.")


def beginnings(incidents: Iterable[Document]) -> Iterable[Beginning]:
    """Of alerts that are not repeats of one before, and whose service is known."""
    for incident in incidents:
        for row in incident["alerts"]:
            if row["service"] and not row.get("follows"):
                place = (incident["domain"], row["environment"], row["cluster"])
                yield Beginning(parse_rfc3339(row["starts_at"]), place, (row["name"], row["service"]))


def rule_text(found: list[Proposal], minutes: int) -> str:
    """A rule file that puts the proposals in force."""
    pairs = [_pair(one, minutes) for one in found]
    return _HEAD + yaml.safe_dump({"pairs": pairs}, sort_keys=False, allow_unicode=True)


def _pair(one: Proposal, minutes: int) -> dict[str, Any]:
    return {
        "a": {"alert": one.a[0], "service": one.a[1]},
        "b": {"alert": one.b[0], "service": one.b[1]},
        "window": f"{minutes}m",
        "seen": one.seen,
        "alone": one.alone,
    }
