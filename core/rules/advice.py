"""What in well-formed rules and catalogues may not be meant. Nothing here keeps a file out of force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from core.model.catalogue import Catalogue, unlisted_dependencies
from core.rules.dropped import dropped_advice
from core.rules.loader import rule_in
from core.rules.schema import RuleSet
from core.times import MINUTE, duration_text, format_rfc3339

_SHOWN = 5


def rules_advice(rules: RuleSet, builtin: RuleSet, own: Mapping[str, str], now: int) -> list[str]:
    """Of `rules` in force, of which the files `own` are the operator's; `now` in ms UTC."""
    return [
        *_same_as_builtin(builtin, own),
        *dropped_advice(builtin, own),
        *_windows(rules),
        *_lifecycle(rules),
        *_circles(rules),
        *_over(rules, now),
    ]


def catalogue_advice(catalogue: Catalogue, where: str) -> list[str]:
    """Services that call each other in a circle (legal), and dependencies that nothing describes."""
    said = [f"{where}: {_names(circle)} depend on each other in a circle" for circle in circles(catalogue)]
    missing = {name for names in unlisted_dependencies(catalogue).values() for name in names}
    if missing:
        said.append(f"{where}: no entry of its own has {_names(sorted(missing))}; look for misspelt names")
    return said


def circles(catalogue: Catalogue) -> list[tuple[str, ...]]:
    """Groups of services each of which reaches the others by calls, whatever environment; sorted."""
    calls = {
        service.name: [name for name in service.depends_on if name != service.name]
        for service in catalogue.services
    }
    return sorted(tuple(sorted(group)) for group in _strong(calls) if len(group) > 1)


def _strong(calls: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Strongly connected components (Kosaraju's, without recursion: a chain may be thousands long)."""
    callers: dict[str, list[str]] = {}
    for name, callees in calls.items():
        for callee in callees:
            callers.setdefault(callee, []).append(name)
    seen: set[str] = set()
    ended = [name for root in calls for name in _ended(calls, root, seen)]
    seen.clear()
    for root in reversed(ended):
        if root not in seen:
            yield _ended(callers, root, seen)


def _ended(graph: Mapping[str, list[str]], root: str, seen: set[str]) -> list[str]:
    """What is reached from `root` and was not `seen`, in the order in which a search leaves it."""
    if root in seen:
        return []
    seen.add(root)
    work, left = [(root, iter(graph.get(root, ())))], []
    while work:
        name, rest = work[-1]
        for other in rest:
            if other not in seen:
                seen.add(other)
                work.append((other, iter(graph.get(other, ()))))
                break
        else:
            left.append(name)
            work.pop()
    return left


def _same_as_builtin(builtin: RuleSet, own: Mapping[str, str]) -> Iterator[str]:
    for where, text in own.items():
        rule = rule_in(text, where)
        name = str(getattr(rule, "rule", ""))
        if getattr(builtin, name.replace("-", "_")) == rule:
            yield f"{where}: says the same as the built-in {name}; remove it to follow later releases"


def _windows(rules: RuleSet) -> Iterator[str]:
    """Rules of alerts are evaluated about once a minute, so that starts of one cause lie so far apart."""
    for name, window in (
        ("same-entity `window`", rules.same_entity.window),
        ("dependency-edge `windows` (the first)", rules.dependency_edge.windows[0]),
        ("recent-change `lookback`", rules.recent_change.lookback),
    ):
        if window < MINUTE:
            yield f"{name} of {duration_text(window)} is shorter than the usual interval of evaluation, 1m"
    for source, patience in rules.silent_source.resends.items():
        if patience < 2 * MINUTE:
            yield f"silent-source `resends.{source}` of {duration_text(patience)}: a restart of it is longer"


def _lifecycle(rules: RuleSet) -> Iterator[str]:
    life = rules.lifecycle
    if not life.clear_after:
        yield "lifecycle `clear_after` of 0s: an alert that flickers resolves its incident each time"
    if life.reopen_window < life.clear_after:
        yield "lifecycle `reopen_window` is below `clear_after`: what returns soon opens another incident"
    for severity, wait in sorted(rules.notify.wait.items()):
        if wait > 5 * MINUTE:
            yield f"notify `wait.{severity}` of {duration_text(wait)}: nobody is told for so long"


def _circles(rules: RuleSet) -> Iterator[str]:
    """Inhibitions that hold each other back: neither would page."""
    rows = rules.inhibition.inhibitions
    for number, one in enumerate(rows):
        for other in rows[number + 1 :]:
            if set(one.source) == set(other.target) and set(one.target) == set(other.source):
                yield f"inhibition `{one.name}` and `{other.name}` hold each other back: neither would page"


def _over(rules: RuleSet, now: int) -> Iterator[str]:
    for window in rules.quiet_times.windows:
        if window.end is not None and window.end <= now:
            yield f"quiet-times `{window.name}` was over at {format_rfc3339(window.end)}; remove it"


def _names(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
