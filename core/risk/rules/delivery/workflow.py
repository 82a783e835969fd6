"""GitHub workflows and actions as they are read: triggers, jobs, steps, lines of their scripts.

What is no workflow has no jobs; nothing here judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import TouchedFile
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder, line_at, shown
from core.risk.rules.yamldocs import Map, documents, line_of, map_at, rows_at

_FILE = finder(r"(?:^|/)\.(?:github|gitea|forgejo)/(?:workflows/[^/]{1,200}|actions/.{1,200}/action)\.ya?ml$")
_LONGEST_SCRIPT = 200_000
_MOST_LINES = 2_000
_LONGEST_LINE = 2_000


class Step(NamedTuple):
    """`run` is its script: of a shell, or of `actions/github-script`; `line` where that begins. `of` is the
    job, `job` its name."""

    job: str
    of: Map
    row: Map
    run: str
    line: int

    @property
    def uses(self) -> str:
        """The action that it uses, else ""."""
        uses = self.row.get("uses")
        return uses if isinstance(uses, str) else ""

    def line_at(self, number: int) -> int:
        """The line of the file of line `number` (from 0) of its script. A block begins below its key."""
        return self.line + number + (1 if "\n" in self.run else 0)


def wanted(path: str) -> bool:
    return _FILE(path[-400:]) is not None


def workflow_of(text: str | None) -> Map:
    """The workflow of a text; an empty map where it is none."""
    return map_at((documents(text) or [None])[0])


def jobs(workflow: Map) -> dict[str, Map]:
    """Jobs by name; what an action runs is one, `runs`."""
    found = {name: job for name, job in map_at(workflow, "jobs").items() if isinstance(job, Map)}
    return found or ({"runs": map_at(workflow, "runs")} if "runs" in workflow else {})


def steps(workflow: Map) -> list[Step]:
    return [_step(name, job, row) for name, job in jobs(workflow).items() for row in rows_at(job, "steps")]


def _step(name: str, job: Map, row: Map) -> Step:
    holder, key = row, "run"
    if str(row.get("uses")).lower().startswith("actions/github-script"):
        holder, key = map_at(row, "with"), "script"
    run = holder.get(key)
    return Step(name, job, row, run[:_LONGEST_SCRIPT] if isinstance(run, str) else "", line_of(holder, key))


def triggers(workflow: Map) -> set[str]:
    on = workflow.get("on")
    return {str(one) for one in on} if isinstance(on, (dict, list)) else {str(on)}


def script_lines(step: Step) -> Iterator[tuple[int, str]]:
    """The lines of its script that are no comments, with their lines of the file."""
    for number, line in enumerate(step.run.split("\n")[:_MOST_LINES]):
        if not line.strip().startswith("#"):
            yield step.line_at(number), line[:_LONGEST_LINE]


def known_lines(old: list[Step]) -> set[str]:
    return {line.strip() for step in old for line in step.run.split("\n")}


def environment(holder: Map) -> dict[str, str]:
    """The variables that a workflow, job or step sets, as they are written."""
    return {name: value for name, value in map_at(holder, "env").items() if isinstance(value, str)}


def match(
    file: TouchedFile, rule: str, level: Level, what: str, clears: str, line: int, text: str = ""
) -> Match:
    """`text` is the evidence where no line of the new file is."""
    evidence = shown(text) or line_at(file.after, line)
    return Match(rule, level, shown(what), clears, file.path, line, evidence)
