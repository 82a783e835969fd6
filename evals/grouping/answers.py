"""What the product answers to a case: `watchkeeper replay` of its file, with the shipped rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from connectors.inbound.registry import parse
from core.errors import EventLineError
from core.model.document import Document
from core.replay import replay_file
from core.times import format_rfc3339, parse_rfc3339
from evals.grouping.cases import CATALOGUE, EVENTS, Case
from watchkeeper.files import configuration, read_text
from watchkeeper.version import VERSION

_ORIGIN = "probable-origin"


class Placed(NamedTuple):
    """Where one firing ended up, and where it was put first, when (ms UTC); `position` is in its body."""

    line: int
    position: int
    incident: str
    first_incident: str
    decided_at: int


class Answer(NamedTuple):
    """`placed` is sorted by line; `origins` holds each incident's services, the most probable first."""

    digest: str
    placed: tuple[Placed, ...]
    origins: dict[str, tuple[str, ...]]


def ask(case: Case, rules: Path | None = None) -> Answer:
    """Raises EventLineError, RuleError."""
    events = case.folder / EVENTS
    drafts = configuration(case.folder / CATALOGUE, rules)
    lines = read_text(events, "events").split("\n")
    try:
        return read_answer(replay_file(lines, parse, drafts, VERSION))
    except EventLineError as error:
        raise error.at(str(events)) from None


def read_answer(document: Document) -> Answer:
    """From the document of `watchkeeper replay FILE --json`."""
    placed = sorted(
        Placed(
            alert["line"],
            alert["index"],
            incident["id"],
            alert["first_incident"],
            parse_rfc3339(alert["decided_at"]),
        )
        for incident in document["incidents"]
        for alert in incident["alerts"]
    )
    origins = {incident["id"]: _ranked(incident) for incident in document["incidents"]}
    return Answer(document["digest"], tuple(placed), origins)


def _ranked(incident: Document) -> tuple[str, ...]:
    """The origin, then the candidates of the why-tree in their order."""
    first = [incident["origin"]["service"]] if incident["origin"] else []
    nodes = [node for node in _children(incident["why"]) if node["rule"] == _ORIGIN]
    candidates = [one["summary"] for node in nodes for one in _children(node) if "score" in one["terms"]]
    return tuple(dict.fromkeys([*first, *candidates]))


def _children(why: Any) -> list[Any]:
    return why["children"] if why else []


def raw_answer(case: Case, answer: Answer) -> Document:
    """All that a score is made of, so that anybody can score it again."""
    return {
        "case_id": case.name,
        "digest": answer.digest,
        "alerts": [
            {
                "line": placed.line,
                "index": placed.position,
                "incident": placed.incident,
                "first_incident": placed.first_incident,
                "decided_at": format_rfc3339(placed.decided_at),
            }
            for placed in answer.placed
        ],
        "origins": {incident: list(services) for incident, services in answer.origins.items()},
    }
