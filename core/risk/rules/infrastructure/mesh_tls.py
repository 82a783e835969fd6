"""Istio: services that took only what the mesh proved, and take or send plain text from now on."""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.change import ChangeSet
from core.risk.rules.infrastructure.manifests import Object, pairs
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import ending, rules_of, shown
from core.risk.rules.yamldocs import Map, at, line_of, map_at, rows_at

_PROVED = frozenset(("MUTUAL", "ISTIO_MUTUAL", "SIMPLE"))
_KEEP = "Keep it; open one port or one workload alone where a client cannot yet, with a date."


def _matches(change: ChangeSet) -> Iterator[Match]:
    found = pairs(change)
    strict = {one.namespace for _, one in found if one and _is_strict(one)}
    for old, new in found:
        if old is None or (new is not None and (old.body.templated or new.body.templated)):
            continue
        if old.kind == "PeerAuthentication":
            yield from _taken(old, new, strict)
        elif old.kind == "DestinationRule" and new is not None:
            yield from _sent(old, new)


def _is_strict(one: Object) -> bool:
    return one.kind == "PeerAuthentication" and at(one.body, "spec", "mtls", "mode") == "STRICT"


def _modes(one: Object) -> Iterator[tuple[str, str, Map]]:
    """Of all and of each port: its mode."""
    spec = map_at(one.body, "spec")
    yield "", str(at(spec, "mtls", "mode") or ""), map_at(spec, "mtls")
    for port, row in map_at(spec, "portLevelMtls").items():
        yield f" on port {str(port)[:20]}", str(map_at(row).get("mode") or ""), map_at(row)


def _taken(old: Object, new: Object | None, strict: set[str]) -> Iterator[Match]:
    if new is None:
        if _is_strict(old) and old.namespace not in strict:
            line = line_of(map_at(old.body, "spec", "mtls"), "mode")
            what = f"{old.title} is removed: nothing says any more that callers prove who they are."
            yield Match("mesh-plaintext", "medium", shown(what), _KEEP, old.path, 0, old.evidence(line))
        return
    now = {place: (mode, row) for place, mode, row in _modes(new)}
    for place, was, row in _modes(old):
        mode, there = now.get(place, ("", Map()))
        whole = now[""][0]
        kept = mode or ("STRICT" if new.namespace in strict else whole)
        if was != "STRICT" or kept == "STRICT":
            continue
        level: Level = "high" if mode == "DISABLE" else "medium"
        what = f"{new.title} takes plain text{place}: callers need not prove who they are."
        line = line_of(there, "mode") if mode else 0
        evidence = new.evidence(line) if mode else old.evidence(line_of(row, "mode"))
        yield Match("mesh-plaintext", level, shown(what), _KEEP, new.path, line, evidence)


def _sent(old: Object, new: Object) -> Iterator[Match]:
    now = dict(_clients(new))
    for place, was in _clients(old):
        tls = now.get(place, Map())
        if was.get("mode") in _PROVED and tls.get("mode") == "DISABLE":
            what = f"{new.title} sends plain text{place}."
            line = line_of(tls, "mode")
            yield Match("mesh-plaintext", "high", shown(what), _KEEP, new.path, line, new.evidence(line))


def _clients(one: Object) -> Iterator[tuple[str, Map]]:
    spec = map_at(one.body, "spec")
    yield "", map_at(spec, "trafficPolicy", "tls")
    for row in rows_at(spec, "trafficPolicy", "portLevelSettings"):
        yield f" to port {at(row, 'port', 'number')}", map_at(row, "tls")
    for row in rows_at(spec, "subsets"):
        yield f" to {row.get('name')}", map_at(row, "trafficPolicy", "tls")


_rule = rules_of(_matches, ending(".yaml", ".yml", ".json"))

rules: tuple[RiskRule, ...] = (
    _rule(
        "mesh-plaintext",
        "A mesh no longer asks services who they are",
        "Whatever runs in the cluster may then call them, and read what they say.",
        "Istio, PeerAuthentication: https://istio.io/latest/docs/reference/config/security/peer_authentication/",
    ),
)
