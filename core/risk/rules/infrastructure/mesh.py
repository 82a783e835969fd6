"""What spreads requests (Istio, the Gateway API, Envoy, HAProxy, Traefik): guards against sick servers that
are gone, and traffic that moves to another version in one step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.infrastructure.manifests import Object, pairs, whole
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import gone, is_lower, judged, line_at, place_of, rules_of, shown
from core.risk.rules.yamldocs import Map, at, documents, line_of, map_at, rows_at

_YAML = (".yaml", ".yml", ".json")
_HAPROXY = re.compile(r"(?i)(?:.{0,100}[._-])?haproxy.{0,40}\.(?:cfg|conf|cnf)(?:\.\w{1,8})?")
_SECTION = re.compile(r"(?:backend|listen|defaults)\b\s{0,20}([\w.:-]{0,100})")
_SERVER = re.compile(r"\s{1,40}(?:server|default-server|server-template)\s{1,20}([\w.:-]{1,100}|check\b)")
_CHECK = re.compile(r"(?<![\w-])check(?![\w-])")
_ASKS = re.compile(
    r"\s{1,40}option\s{1,20}(?:httpchk|tcp-check|mysql-check|pgsql-check|redis-check|ldap-check)"
)
# Of a cluster of Envoy, in either way of writing.
_ENVOY = {
    "health_checks": "sick servers are no longer found",
    "outlier_detection": "servers that fail still get requests",
    "circuit_breakers": "nothing bounds what waits for it",
}
_ISTIO = {
    "outlierDetection": "servers that fail still get requests",
    "connectionPool": "nothing bounds what waits for it",
}
# Percent of traffic: as much more in one step, and what had been tried before.
_STEP, _TRIED = 50, 50
_HOME = re.compile(r"(?i)(?:^|[-_/ ])(?:stable|primary|baseline|base|old|previous|current|v?0)(?:$|[-_/ ])")
_VERSION = re.compile(r"(?:^|[-_/ ])v?([0-9]{1,6})(?:[.-][0-9]{1,6}){0,3}$")


def wanted(path: str) -> bool:
    return path.lower().endswith(_YAML) or _is_haproxy(path)


def _is_haproxy(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return _HAPROXY.fullmatch(name[:200]) is not None or (
        "haproxy" in folder.lower()[-100:] and name.endswith((".cfg", ".conf"))
    )


def _matches(change: ChangeSet) -> Iterator[Match]:
    for old, new in pairs(change):
        if old and new and not (old.body.templated or new.body.templated):
            yield from _guards(old, new)
            yield from _moved(old, new)
    for file in judged(change, wanted, gone=False):
        if is_lower(file.path) or file.before is None or file.after is None:
            continue
        if _is_haproxy(file.path):
            yield from _haproxy(file)
        elif any(word in file.before for word in ("clusters", "services")):
            yield from _static(file)


_KEEP = "Keep it; if its limits are wrong, correct them."


def _guards(old: Object, new: Object) -> Iterator[Match]:
    """Of a DestinationRule of Istio and of a BackendTrafficPolicy, for all and for each subset and port."""
    now = dict(_policies(new))
    for name, policy in _policies(old):
        for key, effect in _ISTIO.items() if name in now else ():
            if policy.get(key) and not now[name].get(key):
                what = f"{new.title} loses its {key}{name}: {effect}."
                yield _lost(what, new, line_of(now[name], ""), old.evidence(line_of(policy, key)))
    for key in ("healthCheck", "circuitBreaker", "panicThreshold") if "Policy" in new.kind else ():
        was, left = map_at(old.body, "spec"), map_at(new.body, "spec")
        if was.get(key) and not left.get(key):
            what = f"{new.title} loses its {key}: servers that fail still get requests."
            yield _lost(what, new, left.line, old.evidence(line_of(was, key)))


def _lost(what: str, one: Object, line: int, lost: str) -> Match:
    return Match("mesh-guard-removed", "medium", shown(what), _KEEP, one.path, line, lost)


def _policies(one: Object) -> Iterator[tuple[str, Map]]:
    if one.kind != "DestinationRule":
        return
    spec = map_at(one.body, "spec")
    held = map_at(spec, "trafficPolicy")
    yield "", held or spec
    for row in rows_at(held, "portLevelSettings"):
        yield f" of port {at(row, 'port', 'number')}", row
    for row in rows_at(spec, "subsets"):
        if isinstance(row.get("trafficPolicy"), Map):
            yield f" of {row.get('name')}", map_at(row, "trafficPolicy")


def _moved(old: Object, new: Object) -> Iterator[Match]:
    """Traffic that goes to another destination in one step, but not back to where it came from."""
    steps = [map_at(one.body, "spec", "strategy", "canary") for one in (old, new)]
    if new.kind == "Rollout" and rows_at(steps[0], "steps") and not rows_at(steps[1], "steps"):
        what = f"{new.title} goes out to all at once: its steps are gone."
        clears = "Keep the steps, and look at errors and latency between them."
        line, lost = line_of(map_at(new.body, "spec"), "strategy"), old.evidence(line_of(steps[0], "steps"))
        yield Match("mesh-traffic-at-once", "medium", shown(what), clears, new.path, line, lost)
    was, now = _shares(old), _shares(new)
    for place, (share, line) in now.items():
        route, name = place
        before = was.get(place, (0, 0))[0]
        others = [other for (path, other), _ in was.items() if path == route and other != name]
        if not others or before >= _TRIED or share - before < _STEP or _goes_back(name, others):
            continue
        level: Level = "high" if before <= 10 and share >= 90 else "medium"
        what = f"{new.title}: {name} gets {share} % of the traffic in one step, and had {before} %."
        clears = "Raise it in steps, and look at errors and latency between them."
        yield Match("mesh-traffic-at-once", level, shown(what), clears, new.path, line, new.evidence(line))


def _goes_back(name: str, others: list[str]) -> bool:
    """Whether what gains is what ran before: by its name, or by a lower version."""
    if _HOME.search(name):
        return True
    mine, theirs = _VERSION.search(name), [_VERSION.search(one) for one in others]
    return mine is not None and any(one is not None and int(one[1]) > int(mine[1]) for one in theirs)


def _shares(one: Object) -> dict[tuple[str, str], tuple[int, int]]:
    """Percent of each destination by route, with its line."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for route, rows in _routes(one):
        weights = [whole(row.get("weight")) for row in rows]
        total = sum(weight or 0 for weight in weights) or 1
        for row, weight in zip(rows, weights, strict=True):
            share = 100 if weight is None and len(rows) == 1 else (weight or 0) * 100 // total
            found[route, _destination(row)] = share, line_of(row, "weight")
    return found


def _routes(one: Object) -> Iterator[tuple[str, list[Map]]]:
    spec = map_at(one.body, "spec")
    if one.kind == "VirtualService":
        for kind in ("http", "tcp", "tls"):
            for row in rows_at(spec, kind):
                yield f"{kind} {row.get('name')} {_plain(row.get('match'))}", rows_at(row, "route")
    elif one.kind in ("HTTPRoute", "GRPCRoute", "TCPRoute"):
        for row in rows_at(spec, "rules"):
            yield _plain(row.get("matches")), rows_at(row, "backendRefs")
    elif one.kind == "TrafficSplit":
        yield "", rows_at(spec, "backends")
    elif one.kind == "Service" and rows_at(spec, "traffic"):
        yield "", [_of_knative(row) for row in rows_at(spec, "traffic")]
    elif one.kind == "TraefikService":
        yield "", rows_at(spec, "weighted", "services")


def _of_knative(row: Map) -> Map:
    made = Map()
    made.update(row, weight=row.get("percent"), name=row.get("revisionName") or "latest")
    made.line, made.lines = row.line, {**row.lines, "weight": row.lines.get("percent", row.line)}
    return made


def _plain(value: Any) -> str:
    return repr(value)[:500]


def _destination(row: Map) -> str:
    target = map_at(row, "destination")
    if target:
        return _cut(" ".join(str(target[key]) for key in ("host", "subset") if key in target))
    return _cut(str(row.get("name") or row.get("service")))


def _cut(name: str) -> str:
    """A name of more than 200 signs without its middle: many differ at their ends alone."""
    return name if len(name) <= 200 else f"{name[:120]}…{name[-79:]}"


def _haproxy(file: TouchedFile) -> Iterator[Match]:
    before, after = _checked(file.before or ""), _checked(file.after or "")
    lost = [
        (place, line)
        for place, (checks, line) in before.items()
        if checks and not after.get(place, (True, 0))[0]
    ]
    if lost:
        (section, server), line = lost[0]
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        what = (
            f"{section or 'defaults'}/{server}{more} is no longer checked: it gets requests while it is down."
        )
        yield _of_file(file, what, line)
        return
    asked = next((one for one in gone(file) if _ASKS.match(one.text)), None)
    if asked and not _ASKS.search(file.after or ""):
        what = "Servers are no longer asked whether they can serve, only whether their port is open."
        yield _of_file(file, what, asked.number)


def _checked(text: str) -> dict[tuple[str, str], tuple[bool, int]]:
    """Of each server whether it is checked, by itself or by the `default-server` of its section or of all."""
    found: dict[tuple[str, str], tuple[bool, int]] = {}
    section, by_default, here = "", False, False
    for number, line in enumerate(text.split("\n"), 1):
        line = line[:1_000].partition("#")[0]
        if head := _SECTION.match(line):
            section, here = head[1], by_default
        elif server := _SERVER.match(line):
            checks = _CHECK.search(line) is not None
            if "default-server" in line:
                here = here or checks
                by_default = by_default or (checks and not section)
            else:
                found[section, server[1]] = (checks or here) and "no-check" not in line, number
    return found


def _static(file: TouchedFile) -> Iterator[Match]:
    """Clusters of Envoy and services of Traefik, in files of their own."""
    before, after = (dict(_clusters((documents(text) or [None])[0])) for text in (file.before, file.after))
    for name, was in before.items():
        now = after.get(name)
        for key, effect in ({**_ENVOY, "healthCheck": _ENVOY["health_checks"]}).items():
            if now is not None and was.get(key) and not now.get(key):
                yield _of_file(file, f"{name} loses its {key}: {effect}.", line_of(was, key))


def _clusters(document: Any) -> Iterator[tuple[str, Map]]:
    for held in (document, map_at(document, "static_resources")):
        for row in rows_at(held, "clusters"):
            yield _cut(str(row.get("name"))), row
    for name, row in map_at(document, "http", "services").items():
        yield _cut(name), map_at(row, "loadBalancer")


def _of_file(file: TouchedFile, what: str, line: int) -> Match:
    """Of what stood at this line of the old file."""
    evidence = line_at(file.before, line)
    return Match(
        "mesh-guard-removed", "medium", shown(what), _KEEP, file.path, place_of(file, line), evidence
    )


_rule = rules_of(_matches, wanted)

rules: tuple[RiskRule, ...] = (
    _rule(
        "mesh-guard-removed",
        "A guard against sick servers is removed",
        "A server that fails goes on getting its share of the requests, and what waits for it piles up.",
        "Istio, Circuit breaking: https://istio.io/latest/docs/tasks/traffic-management/circuit-breaking/",
    ),
    _rule(
        "mesh-traffic-at-once",
        "Most of the traffic moves to another version in one step",
        "What a small share does not show meets everybody at once.",
        "Google SRE workbook, Canarying releases: https://sre.google/workbook/canarying-releases/",
    ),
)
