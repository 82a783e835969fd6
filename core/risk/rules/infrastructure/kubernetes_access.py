"""Kubernetes around the workloads: rights, networks, privileges, disruption budgets, services and routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.risk.change import ChangeSet
from core.risk.rules.infrastructure.manifests import (
    WORKLOADS,
    Object,
    Pair,
    containers,
    pod_spec,
    staying,
    whole,
)
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import shown
from core.risk.rules.yamldocs import Map, at, line_of, map_at, rows_at

_WIDE_CAPABILITIES = ("ALL", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_MODULE", "DAC_READ_SEARCH")
_HOST_PATHS = (
    "/",
    "/etc",
    "/root",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/var/lib/kubelet",
)
_ANYBODY = ("system:anonymous", "system:unauthenticated", "system:authenticated")


class _Others:
    """What else stands in the files of the change, looked up when it is first asked for."""

    def __init__(self, change: ChangeSet) -> None:
        self._change = change
        self._labels: dict[tuple[str, str, Any], set[int]] | None = None
        self._routes: set[str] | None = None

    @property
    def routes(self) -> set[str]:
        if self._routes is None:
            self._routes = {route for one in staying(self._change, ("Ingress",)) for route in _paths(one)}
        return self._routes

    def selects(self, selector: Map, namespace: str) -> bool:
        """Whether a workload runs pods with these labels."""
        if self._labels is None:
            self._labels = {}
            for number, one in enumerate(staying(self._change, WORKLOADS)):
                labels = map_at(one.body, "spec", "template", "metadata", "labels")
                for key, value in labels.items():
                    self._labels.setdefault((one.namespace, key, str(value)), set()).add(number)
        sets = [self._labels.get((namespace, key, str(value)), set()) for key, value in selector.items()]
        return bool(sets) and bool(set.intersection(*sorted(sets, key=len)))


def around(change: ChangeSet, found: list[Pair]) -> Iterator[Match]:
    """The matches of the rules of this file."""
    others = _Others(change)
    for pair in found:
        if pair.after:
            yield from _rights(pair.before, pair.after)
            yield from _privileges(pair.before, pair.after)
            yield from _budget(pair.before, pair.after)
        elif pair.before:
            yield from _removed(pair.before)
        if pair.before and pair.after and pair.after.kind == "Service":
            yield from _service(pair.before, pair.after, others)
        if pair.before and pair.before.kind == "Ingress":
            yield from _routes(pair.before, pair.after, others)


def _match(rule: str, level: Level, what: str, clears: str, one: Object, line: int) -> Match:
    return Match(rule, level, shown(what), clears, one.path, line, one.evidence(line) or shown(one.title))


def _rights(old: Object | None, new: Object) -> Iterator[Match]:
    if new.kind in ("Role", "ClusterRole"):
        if _wide(new) and not (old and _wide(old)):
            what = f"{new.title} may do everything with everything."
            clears = "List the resources and verbs that are needed."
            yield _match("k8s-rbac-wide", "high", what, clears, new, line_of(new.body, "rules"))
    elif new.kind in ("RoleBinding", "ClusterRoleBinding"):
        yield from _binding(old, new)


def _wide(one: Object) -> bool:
    rows = rows_at(one.body, "rules")
    return any(_star(row.get("verbs")) and _star(row.get("resources")) for row in rows)


def _star(names: Any) -> bool:
    return isinstance(names, list) and "*" in names


def _binding(old: Object | None, new: Object) -> Iterator[Match]:
    role = at(new.body, "roleRef", "name")
    subjects = [str(row.get("name")) for row in rows_at(new.body, "subjects")]
    earlier = [str(row.get("name")) for row in rows_at(old.body, "subjects")] if old else []
    added = [name for name in subjects if name not in earlier]
    line = line_of(new.body, "subjects")
    anybody = [name for name in added if name in _ANYBODY]
    clears = "Bind a role with the few rights that are needed, in the namespace that needs it."
    if anybody and not (role == "system:public-info-viewer" or new.name.startswith("system:")):
        what = f"{new.title} gives {role} to {anybody[0]}."
        yield _match("k8s-rbac-wide", "critical", what, clears, new, line)
    elif role == "cluster-admin" and (added or at(old.body if old else None, "roleRef", "name") != role):
        who = added[0] if added else "its subjects"
        what = f"{new.title} makes {who} an administrator of the whole cluster."
        yield _match("k8s-rbac-wide", "high", what, clears, new, line_of(map_at(new.body, "roleRef"), "name"))


def _privileges(old: Object | None, new: Object) -> Iterator[Match]:
    was = _powers(old) if old else {}
    for power, (line, level) in _powers(new).items():
        if power not in was:
            what = f"{new.title} gets power over its node: {power}."
            clears = "Run it without, or name the one capability that it needs."
            yield _match("k8s-privileged", level, what, clears, new, line)


def _powers(one: Object) -> dict[str, tuple[int, Level]]:
    """What a pod may do to its node: in words, with the line and how grave it is."""
    pod = pod_spec(one)
    found: dict[str, tuple[int, Level]] = {}
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key) is True:
            found[key] = (line_of(pod, key), "high")
    for row in rows_at(pod, "volumes"):
        path = at(row, "hostPath", "path")
        if path in _HOST_PATHS:
            found[f"mounts {path} of the node"] = (line_of(map_at(row, "hostPath"), "path"), "high")
    scopes = [("", map_at(pod, "securityContext"))]
    scopes += [(f" in {name}", map_at(row, "securityContext")) for name, row in containers(one).items()]
    for where, context in scopes:
        found |= {f"{power}{where}": place for power, place in _of_context(context).items()}
    return found


def _of_context(context: Map) -> dict[str, tuple[int, Level]]:
    found: dict[str, tuple[int, Level]] = {}
    if context.get("privileged") is True:
        found["privileged"] = (line_of(context, "privileged"), "high")
    if whole(context.get("runAsUser")) == 0:
        found["runs as root"] = (line_of(context, "runAsUser"), "medium")
    if context.get("runAsNonRoot") is False:
        found["may run as root"] = (line_of(context, "runAsNonRoot"), "medium")
    added = at(context, "capabilities", "add")
    for name in added if isinstance(added, list) else ():
        if name in _WIDE_CAPABILITIES:
            found[f"capability {name}"] = (line_of(map_at(context, "capabilities"), "add"), "high")
    return found


def _budget(old: Object | None, new: Object) -> Iterator[Match]:
    if new.kind != "PodDisruptionBudget":
        return
    if _blocks(new) and not (old and _blocks(old)):
        key = "maxUnavailable" if "maxUnavailable" in map_at(new.body, "spec") else "minAvailable"
        what = f"{new.title} lets no pod go: draining a node hangs for ever."
        clears = "Let one pod go at a time (maxUnavailable: 1)."
        yield _match(
            "k8s-disruption-budget", "medium", what, clears, new, line_of(map_at(new.body, "spec"), key)
        )


def _blocks(one: Object) -> bool:
    spec = map_at(one.body, "spec")
    return str(spec.get("maxUnavailable")) in ("0", "0%") or str(spec.get("minAvailable")) == "100%"


def _removed(old: Object) -> Iterator[Match]:
    if old.kind == "NetworkPolicy":
        what = f"{old.title} is removed: its pods can be reached by every pod of the cluster."
        clears = "Keep it, or show the policy that takes its place."
        yield _match("k8s-network-policy-removed", "high", what, clears, old._replace(text=""), 0)
    elif old.kind == "PodDisruptionBudget":
        what = f"{old.title} is removed: a drain of nodes may stop all its pods at once."
        clears = "Keep it as long as the workload runs."
        yield _match("k8s-disruption-budget", "medium", what, clears, old._replace(text=""), 0)


def _service(old: Object, new: Object, others: _Others) -> Iterator[Match]:
    spec = map_at(new.body, "spec")
    was, now = at(old.body, "spec", "selector"), spec.get("selector")
    moved = isinstance(was, Map) and isinstance(now, Map) and was != now
    if moved and not others.selects(map_at(spec, "selector"), new.namespace):
        what = f"{new.title} selects other pods than before, and this change brings none with these labels."
        clears = "Change the labels of the pods in the same change, or keep the selector until they run."
        yield _match("k8s-service-target", "high", what, clears, new, line_of(spec, "selector"))
    ports = {str(row.get("port")): row for row in rows_at(spec, "ports")}
    for row in rows_at(old.body, "spec", "ports"):
        port = str(row.get("port"))
        if port not in ports:
            what = f"{new.title} no longer listens on port {port}; whoever calls it there fails."
            clears = "Keep the old port beside the new one until nobody calls it."
            yield _match("k8s-service-target", "high", what, clears, new, line_of(spec, "ports"))


def _routes(old: Object, new: Object | None, others: _Others) -> Iterator[Match]:
    if new and _paths(old) == _paths(new):
        return
    lost = [route for route in _paths(old) if route not in others.routes]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        what = f"{old.title} no longer answers for {lost[0]}{more}."
        clears = "Keep the route, or redirect it, until the access log shows that nobody asks."
        one, line = (new, line_of(map_at(new.body, "spec"), "rules")) if new else (old._replace(text=""), 0)
        yield _match("k8s-route-removed", "high", what, clears, one, line)


def _paths(one: Object) -> list[str]:
    if one.kind != "Ingress":
        return []
    found = []
    for row in rows_at(one.body, "spec", "rules"):
        host: Any = row.get("host") or "*"
        found += [f"{host}{path.get('path') or '/'}" for path in rows_at(row, "http", "paths")]
    return found


_DOCS = "https://kubernetes.io/docs"


# Of each rule: id, title, why it matters, where that is known from.
TOLD: tuple[tuple[str, str, str, str], ...] = (
    (
        "k8s-rbac-wide",
        "Rights over the whole cluster",
        "One account with all rights is enough to lose the cluster.",
        f"Kubernetes, RBAC good practices: {_DOCS}/concepts/security/rbac-good-practices/",
    ),
    (
        "k8s-privileged",
        "A pod with power over its node",
        "Who breaks into the pod has the node, and every pod on it.",
        f"Kubernetes, Pod security standards: {_DOCS}/concepts/security/pod-security-standards/",
    ),
    (
        "k8s-network-policy-removed",
        "A network policy is removed",
        "Pods that no policy selects accept traffic from everywhere.",
        f"Kubernetes, Network policies: {_DOCS}/concepts/services-networking/network-policies/",
    ),
    (
        "k8s-disruption-budget",
        "A disruption budget is removed, or blocks every drain",
        "Maintenance of nodes either stops all pods at once or never ends.",
        f"Kubernetes, Disruptions: {_DOCS}/concepts/workloads/pods/disruptions/",
    ),
    (
        "k8s-service-target",
        "A service points elsewhere",
        "A service whose selector fits no pod has no endpoints: every call fails.",
        f"Kubernetes, Service: {_DOCS}/concepts/services-networking/service/",
    ),
    (
        "k8s-route-removed",
        "A route from outside is removed",
        "Requests to a host or path without a rule get the default backend: 404.",
        f"Kubernetes, Ingress: {_DOCS}/concepts/services-networking/ingress/#the-ingress-resource",
    ),
)
