"""Whether the service where the trouble began is named: at what rank, by us and by two simple rules.

A fault is looked for in the incident that holds most of its alerts; all rankings are of that incident's
services, so that they are compared as rankings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from evals.grouping.answers import Answer
from evals.grouping.cases import Case, Fault

# `ad-service-1` and `Ad` are one service, `product_catalog` and `productcatalog` too.
_TAIL = re.compile(r"[-_. ]?(service|svc|pod|deployment|statefulset|workload|replicaset)?[-_. ]?\d*$")
_SIGN = re.compile(r"[-_. ]")
OURS, FIRST, DEPENDED = "ours", "first alert's service", "most-depended-on member"
Rank = Callable[[Case, Sequence[str], Answer, str], Sequence[str]]


class Found(NamedTuple):
    """The rank of a fault's origin (1 is first, None: not listed) by each ranking. `named`: an alert or the
    catalogue names the origin, so that it could have been found at all."""

    fault: str
    named: bool
    incident: str
    ranks: dict[str, int | None]


@cache
def normal(service: str) -> str:
    """The form in which names of services are compared."""
    name = service.casefold()
    return _SIGN.sub("", _TAIL.sub("", name)) or _SIGN.sub("", name)


def find_origins(case: Case, predicted: dict[str, str], answer: Answer) -> list[Found]:
    known = {normal(one.service) for one in case.alerts.values()} | {normal(name) for name in case.calls}
    found = []
    for name, fault in sorted(case.faults.items()):
        incident = _holds_most(case, predicted, name)
        named = bool(known & {normal(service) for service in fault.services})
        inside = sorted(
            (key for key in case.alerts if predicted[key] == incident),
            key=lambda key: (case.alerts[key].starts_at, case.alerts[key].line),
        )
        ranks = {how: _rank(rank(case, inside, answer, incident), fault) for how, rank in RANKINGS}
        found.append(Found(name, named, incident, ranks))
    return found


def _holds_most(case: Case, predicted: dict[str, str], fault: str) -> str:
    """The incident with most alerts of the fault; the one that has them first among equals."""
    members = [key for key, incident in case.incidents.items() if incident == fault]
    members.sort(key=lambda key: case.alerts[key].line)
    counted = Counter(predicted[key] for key in members)
    return max(counted, key=counted.__getitem__, default="")


def _rank(ranking: Sequence[str], fault: Fault) -> int | None:
    """Names that are the same service take one rank."""
    wanted = {normal(service) for service in fault.services}
    ordered = list(dict.fromkeys(normal(service) for service in ranking))
    return next((rank for rank, service in enumerate(ordered, 1) if service in wanted), None)


def _ours(case: Case, inside: Sequence[str], answer: Answer, incident: str) -> Sequence[str]:
    return answer.origins.get(incident, ())


def _first(case: Case, inside: Sequence[str], answer: Answer, incident: str) -> Sequence[str]:
    """By the start of each service's first alert."""
    return list(dict.fromkeys(case.alerts[key].service for key in inside if case.alerts[key].service))


def _depended(case: Case, inside: Sequence[str], answer: Answer, incident: str) -> Sequence[str]:
    """By how many services of the catalogue call it, then by the first alert."""
    callers = Counter(callee for callees in case.calls.values() for callee in set(callees))
    return sorted(_first(case, inside, answer, incident), key=lambda service: -callers[service])


RANKINGS: tuple[tuple[str, Rank], ...] = ((OURS, _ours), (FIRST, _first), (DEPENDED, _depended))
