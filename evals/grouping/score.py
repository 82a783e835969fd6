"""The scores of one case: our partition at the end, as decided in time, the baselines', and the origins."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from core.model.document import Document
from core.times import MINUTE
from evals.grouping.answers import Answer, ask, raw_answer
from evals.grouping.baselines import BASELINES
from evals.grouping.cases import Case, read_case
from evals.grouping.origins import Found, find_origins
from evals.grouping.partitions import Agreement, agreement

OURS, PROMPT = "ours", "ours, within 120 s of delivery"
# A person looks at a page for about that long before they decide what it belongs to.
PROMPTLY = 2 * MINUTE


class CaseScore(NamedTuple):
    """`rows`: how well each way of grouping does, by name. `true` and `alerts` are counts."""

    case: str
    rows: dict[str, Agreement]
    found: list[Found]
    true: int
    alerts: int


def score_folder(folder: Path, rules: Path | None = None) -> tuple[CaseScore, Document]:
    """The score and the raw answer. Raises InputError and what it is the base of."""
    case = read_case(folder)
    answer = ask(case, rules)
    score = score_case(case, answer)
    return score, {**raw_answer(case, answer), "scores": as_json(score)}


def score_case(case: Case, answer: Answer) -> CaseScore:
    predicted, prompt = final(case, answer), promptly(case, answer)
    rows = {OURS: agreement(predicted, case.incidents), PROMPT: agreement(prompt, case.incidents)}
    rows.update((name, agreement(group(case), case.incidents)) for name, group in BASELINES)
    found = find_origins(case, predicted, answer)
    return CaseScore(case.name, rows, found, len(set(case.incidents.values())), len(case.alerts))


def final(case: Case, answer: Answer) -> dict[str, str]:
    """The incident of each alert's first firing in the end. What was not placed stands alone."""
    found: dict[str, str] = {}
    for placed in answer.placed:
        found.setdefault(case.keys.get((placed.line, placed.position), ""), placed.incident)
    return _with_unplaced(case, found)


def promptly(case: Case, answer: Answer) -> dict[str, str]:
    """The incident that each alert was put in first, where that was within 120 s of its delivery."""
    found: dict[str, str] = {}
    for placed in answer.placed:
        in_time = placed.decided_at - case.delivered[placed.line] <= PROMPTLY
        if placed.first_incident and in_time:
            found.setdefault(case.keys.get((placed.line, placed.position), ""), placed.first_incident)
    return _with_unplaced(case, found)


def _with_unplaced(case: Case, found: dict[str, str]) -> dict[str, str]:
    return {key: found.get(key, f"unplaced {key}") for key in case.alerts}


def as_json(score: CaseScore) -> dict[str, Any]:
    return {
        "grouping": {name: row._asdict() for name, row in score.rows.items()},
        "origins": [one._asdict() for one in score.found],
        "true_incidents": score.true,
        "alerts": score.alerts,
    }
