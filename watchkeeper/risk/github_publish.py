"""What is published of a judgement on GitHub: a check run, one comment that is edited, a deployment's answer.

Each is looked for before it is made, by an id that hangs on what it says, so that a delivery that comes twice
and a crash between two requests end in the same check run and the same comment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from core.canonical import canonical_json, sha256_hex
from core.errors import RemoteError, RemoteLater
from core.narrative.plain import one_line
from core.narrative.report.markdown import literal
from core.risk.rules import Match
from watchkeeper.risk.github_change import encoded
from watchkeeper.risk.github_place import Place
from watchkeeper.risk.render_markdown import MARKER, render_markdown
from watchkeeper.risk.report import Report, headline, rule_of
from watchkeeper.risk.rows import clears

NAME = "Watchkeeper risk"
# Annotations of one request, and of a check run.
A_REQUEST, MOST_ANNOTATIONS = 50, 200
# Comments of a pull request, and check runs of a commit, among which ours are looked for.
_MOST_COMMENTS, _MOST_RUNS = 3_000, 300
_LEVELS = {"low": "notice", "medium": "warning", "high": "failure", "critical": "failure"}
_MOST_SUMMARY, _MOST_TITLE, _MOST_WORDS = 65_000, 250, 1_000
_MOST_REASONS = 5


class Said(NamedTuple):
    """`worth_a_comment`: whether people are told who did not ask."""

    conclusion: str
    title: str
    summary: str
    annotations: tuple[Mapping[str, Any], ...] = ()
    worth_a_comment: bool = False


def said_of(report: Report) -> Said:
    """Advisory never fails; a policy fails what it holds."""
    verdict = report.assessment.verdict
    conclusion = "success" if verdict == "allow" else "failure" if report.failed else "neutral"
    places = [match for match in report.assessment.matches if match.path][:MOST_ANNOTATIONS]
    return Said(
        conclusion,
        one_line(headline(report), _MOST_TITLE),
        render_markdown(report)[:_MOST_SUMMARY],
        tuple(map(_annotation, places)),
        verdict != "allow",
    )


def could_not(why: str, *, obeyed: bool) -> Said:
    """Where a policy is to be obeyed, what was not judged does not pass."""
    words = f"This change could not be judged: {literal(why, _MOST_WORDS)}"
    fails = "The policy of this repository is obeyed, or may be: the check fails."
    end = fails if obeyed else "Advisory: it passes."
    title = "Could not be judged"
    return Said("failure" if obeyed else "neutral", title, f"{MARKER}\n\n### {title}\n\n{words}\n\n{end}\n")


async def publish_check(place: Place, head: str, number: int, said: Said, again: str = "") -> None:
    """`again`: the delivery by which somebody asked for another run, which then gets a check run of its own.
    Raises RemoteError, RemoteLater."""
    external = _external(head, number, said, again)
    ours, done = None, 0
    for run in await _runs(place, head):
        if run.get("external_id") == external and ours is None:
            ours, done = run, _annotated(run)
        elif _left_open(run, number):
            await _supersede(place, run)
    if ours is not None and ours.get("status") == "completed":
        return
    if ours is None:
        first = said.annotations[:A_REQUEST]
        content = {"name": NAME, "head_sha": head, "external_id": external}
        whole = len(first) == len(said.annotations)
        ours = await place.send("POST", "/check-runs", {**content, **_body(said, first, whole=whole)})
        done = len(first)
        if whole:
            return
    await _rest(place, _id(ours), said, done)


async def publish_comment(place: Place, number: int, said: Said) -> None:
    """One comment: made when there is something to say, and edited from then on. Raises as above."""
    ours = None
    for row in await place.rows(f"/issues/{number:d}/comments", _MOST_COMMENTS):
        via = row.get("performed_via_github_app")
        by_us = isinstance(via, dict) and via.get("id") == place.api.app_id
        if by_us and str(row.get("body") or "").startswith(MARKER):
            ours = row
            break
    if ours is None:
        if said.worth_a_comment:
            await place.send("POST", f"/issues/{number:d}/comments", {"body": said.summary})
    elif str(ours.get("body")).strip() != said.summary.strip():
        await place.send("PATCH", f"/issues/comments/{_id(ours):d}", {"body": said.summary})


async def answer_deployment(place: Place, run: int, environment: str, said: Said) -> None:
    """Approve, or reject what a policy holds. An answer that is there already stays."""
    state = "rejected" if said.conclusion == "failure" else "approved"
    content = {"environment_name": environment, "state": state, "comment": said.title[:_MOST_WORDS]}
    try:
        await place.send("POST", f"/actions/runs/{run:d}/deployment_protection_rule", content)
    except RemoteLater:
        raise
    except RemoteError as error:
        if error.status != 422:
            raise


def reasons(report: Report) -> str:
    """In one line: the verdict, the worst rules, and that an advisory check approves whatever it finds."""
    matches = report.assessment.matches[:_MOST_REASONS]
    told = "; ".join(f"{match.rule}: {literal(match.what, 140)}" for match in matches)
    end = "" if report.mode == "policy" else " (advisory)"
    gaps = f" Not judged: {literal(report.unjudged[0], 160)}." if report.unjudged else ""
    return f"{headline(report)}{end}.{f' {told}.' if told else ''}{gaps}"[:_MOST_WORDS]


def _external(head: str, number: int, said: Said, again: str) -> str:
    content = canonical_json({"head": head, "said": list(said), "again": again})
    return f"risk:{number:d}:{sha256_hex(content)[:20]}"


def number_of(external: str) -> int:
    """The pull request of a check run's `external_id`; 0 for what is none of ours."""
    kind, _, rest = external.partition(":")
    number = rest.partition(":")[0]
    return int(number) if kind == "risk" and number.isdigit() and len(number) < 12 else 0


async def _runs(place: Place, head: str) -> Sequence[Mapping[str, Any]]:
    path = f"/commits/{head}/check-runs?check_name={encoded(NAME)}&app_id={place.api.app_id:d}&filter=all"
    found = await place.rows(path, _MOST_RUNS, "check_runs")
    return [run for run in found if (run.get("app") or {}).get("id") == place.api.app_id]


def _left_open(run: Mapping[str, Any], number: int) -> bool:
    ours = str(run.get("external_id") or "").startswith(f"risk:{number:d}:")
    return ours and run.get("status") != "completed"


async def _supersede(place: Place, run: Mapping[str, Any]) -> None:
    """One that a crash left open, and that would now say something else."""
    content = {"status": "completed", "conclusion": "neutral"}
    await place.send("PATCH", f"/check-runs/{_id(run):d}", content)


async def _rest(place: Place, name: int, said: Said, done: int) -> None:
    """What GitHub has not got yet: annotations are added to those that are there."""
    while True:
        part = said.annotations[done : done + A_REQUEST]
        done += len(part)
        whole = done >= len(said.annotations)
        await place.send("PATCH", f"/check-runs/{name:d}", _body(said, part, whole=whole))
        if whole:
            return


def _body(said: Said, annotations: Sequence[Mapping[str, Any]], *, whole: bool) -> dict[str, Any]:
    output = {"title": said.title, "summary": said.summary, "annotations": list(annotations)}
    if not whole:
        return {"status": "in_progress", "output": output}
    return {"status": "completed", "conclusion": said.conclusion, "output": output}


def _annotated(run: Mapping[str, Any]) -> int:
    count = (run.get("output") or {}).get("annotations_count")
    return count if isinstance(count, int) and count >= 0 else 0


def _id(row: Any) -> int:
    found = row.get("id") if isinstance(row, dict) else None
    if not isinstance(found, int):
        raise RemoteLater("GitHub's answer names no id", where="GitHub", mend="It is tried again")
    return found


def _annotation(match: Match) -> dict[str, Any]:
    rule, line = rule_of(match), max(1, match.line)
    return {
        "path": match.path,
        "start_line": line,
        "end_line": line,
        "annotation_level": _LEVELS[match.level],
        "title": one_line(f"{match.level}: {rule.title if rule else match.rule}", _MOST_TITLE),
        "message": f"{one_line(match.what, 500)}\nClears: {clears(match, 500)}",
        "raw_details": one_line(match.evidence, 500),
    }
