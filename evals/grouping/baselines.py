"""What is printed beside ours, always: what others do, and the rules that come to mind first.

They know what we know: the labels, the starts, and the catalogue.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from core.times import MINUTE
from evals.grouping.cases import Case
from evals.grouping.partitions import Partition, Unions

Group = Callable[[Case], Partition]
_GAP = 5 * MINUTE


def alertmanager(case: Case) -> Partition:
    """A group by alert name, cluster and service, as is often configured."""
    return {
        key: (one.labels.get("alertname", ""), one.cluster, one.service) for key, one in case.alerts.items()
    }


def cluster_gap(case: Case) -> Partition:
    """One incident a cluster until nothing new has come for five minutes."""
    found: dict[str, int] = {}
    latest: dict[str, tuple[int, int]] = {}
    ordered = sorted(case.alerts.items(), key=lambda item: (item[1].delivered_at, item[0]))
    for number, (key, one) in enumerate(ordered):
        last, group = latest.get(one.cluster, (None, number))
        if last is None or one.delivered_at - last > _GAP:
            group = number
        latest[one.cluster] = (one.delivered_at, group)
        found[key] = group
    return found


def one_each(case: Case) -> Partition:
    return {key: key for key in case.alerts}


def within_calls(hops: int, window: int) -> Group:
    """Linked: alerts of one cluster that start within `window` ms, their services at most `hops` calls apart.

    The nearest on each side stand for the rest: what lies further on that side is near enough to them to be
    linked with them already.
    """

    def group(case: Case) -> Partition:
        near = neighbourhoods(case, hops)
        lines: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for key, one in case.alerts.items():
            lines.setdefault((one.cluster, one.service), []).append((one.starts_at, key))
        for line in lines.values():
            line.sort()
        unions = Unions(case.alerts)
        for (cluster, service), line in lines.items():
            for other in near.get(service, {service}):
                for starts_at, key in line:
                    _join_nearest(unions, lines.get((cluster, other), ()), starts_at, key, window)
        return unions.partition()

    return group


def _join_nearest(
    unions: Unions, line: list[tuple[int, str]] | tuple[()], starts_at: int, key: str, window: int
) -> None:
    middle = bisect_left(line, (starts_at, key))
    for position in (middle - 1, middle, middle + 1):
        if 0 <= position < len(line) and abs(line[position][0] - starts_at) <= window:
            unions.join(key, line[position][1])


def neighbourhoods(case: Case, hops: int) -> dict[str, set[str]]:
    """Services at most `hops` calls away, in either direction, by service."""
    beside: dict[str, set[str]] = {}
    for caller, callees in case.calls.items():
        for callee in callees:
            beside.setdefault(caller, set()).add(callee)
            beside.setdefault(callee, set()).add(caller)
    found = {}
    for service in beside:
        reached = edge = {service}
        for _ in range(hops):
            edge = {other for one in edge for other in beside[one]} - reached
            reached = reached | edge
        found[service] = reached
    return found


BASELINES: tuple[tuple[str, Group], ...] = (
    ("alertmanager grouping", alertmanager),
    ("cluster, 5 min gap", cluster_gap),
    ("1 call, 5 min", within_calls(1, 5 * MINUTE)),
    ("2 calls, 5 min", within_calls(2, 5 * MINUTE)),
    ("2 calls, 1 min", within_calls(2, MINUTE)),
    ("one each", one_each),
)
