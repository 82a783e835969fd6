"""Where alerts go: routes of Alertmanager that lead to a receiver which tells nobody.

Read in files of Alertmanager itself, in objects of the Prometheus operator, in values of charts and in the
texts of ConfigMaps and Secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from core.risk.change import TouchedFile
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import line_at, shown
from core.risk.rules.yamldocs import Map, at, documents, line_of, map_at, rows_at

_URGENT = frozenset(("page", "pager", "critical", "high", "urgent", "p1", "sev1", "disaster", "emergency"))
_CALM = frozenset(
    ("watchdog", "info", "none", "infoinhibitor", "deadmansswitch", "dev", "staging", "test", "debug")
)
_WORD = re.compile(r"[a-z0-9]{1,60}")
_MOST_ROUTES = 2_000


class _Route(NamedTuple):
    """`receiver`: its own or that of the route above. `tells`: whether anything is sent to anybody."""

    receiver: str
    tells: bool
    line: int
    matches: str


def of_receivers(file: TouchedFile) -> Iterator[Match]:
    """The matches of `alert-not-told` in one file."""
    if "receiver" not in (file.after or "") or "receiver" not in (file.before or ""):
        return
    before, after = (_routes(text) for text in (file.before, file.after))
    for key, now in after.items():
        was = before.get(key)
        if now.tells or (was is not None and not was.tells) or not _is_loss(was, now):
            continue
        urgent = not _URGENT.isdisjoint(_WORD.findall(now.matches)) or not now.matches
        level: Level = "high" if urgent else "medium"
        whose = f"Alerts of {now.matches}" if now.matches else "Alerts that no other route takes"
        what = f"{whose} go to the receiver {now.receiver}, which tells nobody."
        yield _match(file, level, what, now)
    for was, now in _fallen(before, after):
        what = f"Alerts of {was.matches} fall to the receiver {now.receiver}, which tells nobody."
        yield _match(file, "high", what, now)


def _match(file: TouchedFile, level: Level, what: str, route: _Route) -> Match:
    clears = "Send them to a receiver that somebody reads, or silence them for a time."
    line = _line(file.after or "", route)
    return Match("alert-not-told", level, shown(what), clears, file.path, line, line_at(file.after, line))


def _line(text: str, route: _Route) -> int:
    """Where the file says it; in a text that stands within a text lines count anew."""
    lines = text.split("\n")
    for number in (route.line, *range(1, len(lines) + 1)):
        if (
            0 < number <= len(lines)
            and route.receiver in lines[number - 1]
            and "receiver:" in lines[number - 1]
        ):
            return int(number)
    return 0


def _fallen(before: dict[str, _Route], after: dict[str, _Route]) -> Iterator[tuple[_Route, _Route]]:
    """Urgent routes that are gone, with the one above that takes their alerts and tells nobody."""
    for key, was in before.items():
        words = _URGENT.intersection(_WORD.findall(was.matches))
        if key in after or not was.tells or not words:
            continue
        above = key.rpartition(" > ")[0]
        while above and above not in after:
            above = above.rpartition(" > ")[0]
        others = (one for one in after.values() if one.tells and words <= set(_WORD.findall(one.matches)))
        if above in after and not after[above].tells and not any(others):
            yield was, after[above]


def _is_loss(was: _Route | None, now: _Route) -> bool:
    """A new route is one where what it takes is urgent; what nobody need be told of is meant to end there."""
    words = _WORD.findall(now.matches)
    calm = not _CALM.isdisjoint(words)
    if was is None:
        return not calm and not _URGENT.isdisjoint(words)
    return not calm or was.tells


def _routes(text: str | None) -> dict[str, _Route]:
    """By what they match, one below the other."""
    found: dict[str, _Route] = {}
    for held in _configurations(documents(text) or []):
        receivers = {str(row.get("name")): row for row in rows_at(held, "receivers")}
        stack: list[tuple[Map, str, str]] = [(map_at(held, "route"), "", "")]
        while stack and len(found) < _MOST_ROUTES:
            route, above, path = stack.pop()
            receiver = str(route.get("receiver") or above)
            matches = _matched(route)
            key = f"{path} > {matches}"
            known = receivers.get(receiver)
            tells = known is None or any(_sends(name, value) for name, value in known.items())
            found.setdefault(key, _Route(receiver, tells, line_of(route, "receiver"), matches))
            stack += [(one, receiver, key) for one in reversed(rows_at(route, "routes")) if len(key) < 2_000]
    return found


def _sends(name: str, value: Any) -> bool:
    return name.lower().endswith("configs") and bool(value)


def _matched(route: Map) -> str:
    """In small letters, in an order of its own."""
    held = route.get("matchers")
    said = [str(one) for one in held if not isinstance(one, Map)] if isinstance(held, list) else []
    said += [
        f"{row.get('name')}{row.get('matchType', '=')}{row.get('value')}"
        for row in rows_at(route, "matchers")
    ]
    for key in ("match", "match_re"):
        said += [f"{name}={value}" for name, value in map_at(route, key).items()]
    return ", ".join(sorted(one.replace(" ", "").replace('"', "").lower() for one in said))[:300]


def _configurations(texts: list[Any]) -> Iterator[Map]:
    for document in texts:
        for path in ((), ("spec",), ("config",), ("alertmanager", "config"), ("alertmanagerConfig",)):
            held = map_at(document, *path) if path else document
            if isinstance(held, Map) and isinstance(held.get("route"), Map) and held.get("receivers"):
                yield held
        for path in (("data",), ("stringData",), ("kube-prometheus-stack", "alertmanager")):
            for value in map_at(document, *path).values():
                if isinstance(value, str) and "receivers:" in value:
                    yield from _configurations(documents(value) or [])
                elif isinstance(at(value, "route"), Map):
                    yield value
