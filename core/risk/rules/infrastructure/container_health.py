"""Health checks of containers outside of Kubernetes: Dockerfiles, Docker Compose, task definitions of ECS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import fresh, gone, is_lower, judged, line_at, place_of, rules_of, shown
from core.risk.rules.yamldocs import Map, documents, line_of, map_at, rows_at

_DOCKERFILE = re.compile(r"(?i)(?:docker|container)file(?:\..{1,100})?|.{1,100}\.dockerfile")
_COMPOSE = re.compile(r"(?i)(?:docker-)?(?:compose|stack)(?:[._-][\w.-]{1,80})?\.ya?ml")
_TASK = re.compile(r"(?i).{0,100}(?:task|ecs|container)[\w.-]{0,80}\.json")
_CHECK = re.compile(r"(?im)^[ \t]{0,20}HEALTHCHECK[ \t]{1,20}(?!NONE\b)\S")
_NONE = re.compile(r"(?i)[ \t]{0,20}HEALTHCHECK[ \t]{1,20}NONE\b")
_KEEP = "Keep it; if what it asks or its limits are wrong, correct them."


def wanted(path: str) -> bool:
    name = path.rpartition("/")[2][:200]
    return any(one.fullmatch(name) for one in (_DOCKERFILE, _COMPOSE, _TASK))


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, wanted, gone=False):
        if is_lower(file.path) or file.before is None or file.after is None:
            continue
        if _DOCKERFILE.fullmatch(file.name[:200]):
            yield from _of_image(file)
        else:
            yield from _of_services(file)


def _of_image(file: TouchedFile) -> Iterator[Match]:
    """Kubernetes does not look at it; Compose, Swarm and ECS do."""
    off = next((line for line in fresh(file) if _NONE.match(line.text)), None)
    lost = next((line for line in gone(file) if _CHECK.match(line.text)), None)
    if off is not None:
        yield _match(file, "low", "The image has no health check.", off.number, shown(off.text))
    elif lost is not None and not _CHECK.search(file.after or ""):
        what = "The image loses its health check: one that hangs goes on running."
        yield _match(file, "low", what, place_of(file, lost.number), shown(lost.text))


def _of_services(file: TouchedFile) -> Iterator[Match]:
    before, after = (dict(_services((documents(text) or [None])[0])) for text in (file.before, file.after))
    for name, (was, key) in before.items():
        now = after.get(name, (Map(), ""))[0]
        if not now or not _asks(was, key) or _asks(now, key):
            continue
        what = f"{name} loses its health check: what waits for it starts too early, and one that hangs stays."
        place = line_of(now, key) if now.get(key) else place_of(file, line_of(was, key))
        evidence = line_at(file.after, place) if now.get(key) else line_at(file.before, line_of(was, key))
        yield _match(file, "medium", what, place, evidence)


def _services(document: Any) -> Iterator[tuple[str, tuple[Map, str]]]:
    for name, service in map_at(document, "services").items():
        if isinstance(service, Map):
            yield name[:100], (service, "healthcheck")
    for row in rows_at(document, "containerDefinitions"):
        yield str(row.get("name"))[:100], (row, "healthCheck")


def _asks(service: Map, key: str) -> bool:
    check = map_at(service, key)
    test = check.get("test", check.get("command"))
    off = check.get("disable") is True or test in ("NONE", ["NONE"])
    return bool(check) and not off


def _match(file: TouchedFile, level: Level, what: str, line: int, evidence: str) -> Match:
    return Match("container-health-removed", level, shown(what), _KEEP, file.path, line, evidence)


_rule = rules_of(_matches, wanted)

rules: tuple[RiskRule, ...] = (
    _rule(
        "container-health-removed",
        "The health check of a container is removed",
        "Nothing restarts it when it hangs, and what needs it starts before it can answer.",
        "Docker, Dockerfile reference, HEALTHCHECK: https://docs.docker.com/reference/dockerfile/#healthcheck",
    ),
)
