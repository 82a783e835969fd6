"""Judges a recording against its script and writes the case: events.jsonl, catalog.yaml, expected.yaml.

Nothing is written unless exactly the services that the script hurts have alerted, every alert has ended,
and no line names this machine.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from evals.record.heard import Firing, firings
from evals.record.receiver import rfc3339
from evals.record.script import Case, Change, Recording, Trouble
from evals.shop.processes import PROJECT
from evals.shop.topology import catalogue, reach

_HEADS = {
    "catalog.yaml": "# The shop's services and whom each calls, as they were when this case was recorded.\n",
    "expected.yaml": (
        "# What really happened, from the script that broke the shop. See ../README.md for the keys.\n"
    ),
}


class BadRecording(Exception):
    """The recording does not show what its script did, so it must not become a case."""


def write(case: Case, recording: Recording, folder: Path) -> list[Firing]:
    """Check the recording, write the three files into `folder`, and return the firings they hold."""
    lines = recording.lines
    heard = firings(lines)
    judge(case, heard)
    events = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    if leaks := sorted(_leaks(events)):
        raise BadRecording(f"the recording names this machine: {', '.join(leaks)}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.jsonl").write_text(events)
    _write_yaml(folder / "catalog.yaml", catalogue())
    _write_yaml(folder / "expected.yaml", expected(case, recording))
    return heard


def judge(case: Case, heard: Iterable[Firing]) -> None:
    """Raise `BadRecording` unless what alerted is what the script hurt, and all of it is over."""
    heard = list(heard)
    alerted = {firing.service for firing in heard}
    if silent := sorted(case.alerting() - alerted):
        raise BadRecording(
            f"the fault should have made these services alert and did not: {', '.join(silent)}"
        )
    if stray := sorted(alerted - case.alerting()):
        raise BadRecording(f"these services alerted although no fault touched them: {', '.join(stray)}")
    if unended := sorted({firing.service for firing in heard if firing.resolved_at is None}):
        raise BadRecording(f"the recording ends before these services resolved: {', '.join(unended)}")
    for trouble in case.troubles:
        if beyond := sorted(trouble.alerting - reach(trouble.origin)):
            raise BadRecording(f"the topology says {trouble.origin} cannot hurt: {', '.join(beyond)}")


def expected(case: Case, recording: Recording) -> dict[str, Any]:
    """The truth about the case, as expected.yaml has it."""
    causes = [trouble.cause for trouble in case.troubles]
    repairs = [trouble.mended.act for trouble in case.troubles]
    others = [step.act for step in case.steps() if isinstance(step.act, Change) and step.act not in causes]
    return {
        "case": case.name,
        "title": case.title,
        "story": case.story,
        "delivered_by": case.delivery,
        "recorded": {"from": recording.lines[0]["at"], "to": recording.lines[-1]["at"]},
        "incidents": [_incident(trouble, recording) for trouble in case.troubles],
        "other_changes": [
            {**_change(change), "role": "repair" if change in repairs else "harmless"} for change in others
        ],
    }


def _incident(trouble: Trouble, recording: Recording) -> dict[str, Any]:
    return {
        "origin": trouble.origin,
        "began_at": rfc3339(recording.done[trouble.begins]),
        "mended_at": rfc3339(recording.done[trouble.mended]),
        "members": sorted(trouble.alerting),
        "change": _change(trouble.cause) if trouble.cause else None,
    }


def _change(change: Change) -> dict[str, str]:
    return {"kind": change.kind, "service": change.service, "version": change.version}


def _leaks(text: str) -> set[str]:
    """Whatever in the text belongs to this machine: its name, its folders, its ports."""
    private = {socket.gethostname(), str(Path.home()), str(PROJECT)}
    named = {word for word in private if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)}
    return named | set(re.findall(r"127\.0\.0\.1:\d+|localhost:\d+|/tmp/[\w./-]+", text))


def _write_yaml(path: Path, value: dict[str, Any]) -> None:
    body = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(_HEADS[path.name] + body)
