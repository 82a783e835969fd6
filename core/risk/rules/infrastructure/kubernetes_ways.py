"""The ways into and out of Kubernetes: TLS that no longer ends in front of a service, namespaces that may ask
nobody, not even for names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.risk.rules.infrastructure.manifests import Object, Pair
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import shown
from core.risk.rules.yamldocs import Map, line_of, map_at, rows_at

_DNS = 53


def of_ways(found: list[Pair]) -> Iterator[Match]:
    """The matches of the rules of this file."""
    for old, new in found:
        if old and new and not (old.body.templated or new.body.templated):
            yield from _plain_text(old, new)
        if new:
            yield from _shut_in(old, new, found)


def _match(rule: str, level: Level, what: str, clears: str, one: Object, line: int, lost: str = "") -> Match:
    """`lost` is what was there before, where that is the evidence."""
    evidence = lost or one.evidence(line) or shown(one.title)
    return Match(rule, level, shown(what), clears, one.path, line, evidence)


def _plain_text(old: Object, new: Object) -> Iterator[Match]:
    """TLS that ends no more where requests come in. Annotations may say another way."""
    was, now = set(_secured(old)), set(_secured(new))
    served = set(_served(new))
    lost = sorted(host for host in was - now if host in served or host == "*")
    notes = [str(key) for key in map_at(new.body, "metadata", "annotations")]
    earlier = map_at(old.body, "metadata", "annotations")
    elsewhere = any(re.search(r"(?i)tls|ssl|cert|https", key) and key not in earlier for key in notes)
    covered = any(host == "*" or (host.startswith("*.") and _covers(host, lost)) for host in now)
    if lost and not elsewhere and not covered and not (now and lost == ["*"]):
        what = f"{new.title} no longer ends TLS for {lost[0] if lost[0] != '*' else 'its hosts'}."
        clears = "Keep it, or show where TLS ends instead."
        held = next(
            (one for one in ("tls", "listeners", "servers") if one in map_at(old.body, "spec")), "tls"
        )
        line = line_of(map_at(new.body, "spec"), held)
        yield _match(
            "k8s-tls-removed",
            "medium",
            what,
            clears,
            new,
            line,
            old.evidence(line_of(map_at(old.body, "spec"), held)),
        )


def _covers(wild: str, hosts: list[str]) -> bool:
    return all(host.partition(".")[2] == wild[2:] for host in hosts)


def _secured(one: Object) -> Iterator[str]:
    """Hosts with TLS; `*` where none is named."""
    spec = map_at(one.body, "spec")
    if one.kind == "Ingress":
        for row in rows_at(spec, "tls"):
            hosts = row.get("hosts")
            yield from (str(host) for host in hosts) if isinstance(hosts, list) and hosts else ("*",)
    elif one.kind in ("Route", "IngressRoute") and isinstance(spec.get("tls"), Map):
        yield str(spec.get("host") or "*")
    elif one.kind == "Gateway":
        for row in (*rows_at(spec, "listeners"), *rows_at(spec, "servers")):
            if isinstance(row.get("tls"), Map) and map_at(row, "tls").get("mode") != "PASSTHROUGH":
                hosts = row.get("hosts")
                yield from (
                    (str(host) for host in hosts)
                    if isinstance(hosts, list)
                    else (str(row.get("hostname") or "*"),)
                )


def _served(one: Object) -> Iterator[str]:
    spec = map_at(one.body, "spec")
    for row in (*rows_at(spec, "rules"), *rows_at(spec, "listeners"), *rows_at(spec, "servers")):
        hosts = row.get("hosts")
        yield from (str(host) for host in hosts) if isinstance(hosts, list) else ()
        yield str(row.get("host") or row.get("hostname") or "*")
    yield str(spec.get("host") or "*")


def _shut_in(old: Object | None, new: Object, found: list[Pair]) -> Iterator[Match]:
    """A policy under which every pod of a namespace may ask nothing, not even names; one that opened them."""
    if new.kind != "NetworkPolicy" or (old and _denies(old)):
        return
    if not _denies(new) and not (old and _lets_names(old) and _egress(new) and not _lets_names(new)):
        return
    others = [one.after for one in found if one.after and one.after.kind == "NetworkPolicy"]
    if not any(one.namespace == new.namespace and _lets_names(one) for one in others):
        out = "lets no pod of its namespace out, not even" if _denies(new) else "no longer lets its pods out"
        what = f"{new.title} {out} to ask for names (DNS)."
        clears = "Open port 53 (UDP and TCP), and what the pods call, in a policy of the same change."
        line = line_of(map_at(new.body, "spec"), "policyTypes")
        yield _match("k8s-egress-denied", "high", what, clears, new, line)


def _denies(one: Object) -> bool:
    spec = map_at(one.body, "spec")
    types, selector = spec.get("policyTypes"), spec.get("podSelector")
    everyone = selector is None or (isinstance(selector, Map) and not any(selector.values()))
    return everyone and isinstance(types, list) and "Egress" in types and not spec.get("egress")


def _lets_names(one: Object) -> bool:
    """Whether it opens the port of DNS, or all ports."""
    for row in _egress(one):
        ports = rows_at(row, "ports")
        if not ports or any(_is_dns(port) for port in ports):
            return True
    return False


def _is_dns(port: Map) -> bool:
    value: Any = port.get("port")
    return value in (None, _DNS, "53", "dns", "dns-tcp")


def _egress(one: Object) -> list[Map]:
    rows = map_at(one.body, "spec").get("egress")
    return [row if isinstance(row, Map) else Map() for row in rows] if isinstance(rows, list) else []


_DOCS = "https://kubernetes.io/docs/concepts/services-networking"
# Of each rule: id, title, why it matters, where that is known from.
TOLD: tuple[tuple[str, str, str, str], ...] = (
    (
        "k8s-tls-removed",
        "TLS in front of a service is removed",
        "Clients that ask by https are refused, or get a certificate that is not of this host.",
        f"Kubernetes, Ingress, TLS: {_DOCS}/ingress/#tls",
    ),
    (
        "k8s-egress-denied",
        "A network policy lets nothing out",
        "Pods that cannot ask for names reach nothing: every call to another service fails.",
        f"Kubernetes, Default deny all egress traffic: {_DOCS}/network-policies/"
        "#default-deny-all-egress-traffic",
    ),
)
