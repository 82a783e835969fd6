"""Kubernetes workloads: less of them, without what keeps them healthy, or in a way the cluster refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from core.risk.change import ChangeSet
from core.risk.rules.infrastructure.gitops import TOLD as ARGO
from core.risk.rules.infrastructure.gitops import of_applications
from core.risk.rules.infrastructure.kubernetes_access import TOLD, around
from core.risk.rules.infrastructure.kubernetes_loss import TOLD as LOSSES
from core.risk.rules.infrastructure.kubernetes_loss import of_losses
from core.risk.rules.infrastructure.kubernetes_ways import TOLD as WAYS
from core.risk.rules.infrastructure.kubernetes_ways import of_ways
from core.risk.rules.infrastructure.kustomize import of_kustomizations
from core.risk.rules.infrastructure.kustomize import wanted as is_kustomization
from core.risk.rules.infrastructure.manifests import Object, Pair, containers, pairs, quantity, wanted, whole
from core.risk.rules.infrastructure.scale import fewer, moves, told
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import fresh, rules_of, shown
from core.risk.rules.yamldocs import Map, at, line_of, map_at, rows_at

_PROBES: tuple[tuple[str, Level, str], ...] = (
    ("readinessProbe", "high", "gets requests before it is ready"),
    ("livenessProbe", "medium", "is no longer restarted when it hangs"),
    ("startupProbe", "medium", "may be killed while it starts"),
)


def _matches(change: ChangeSet) -> Iterator[Match]:
    found = pairs(change)
    yield from around(change, found)
    yield from of_losses(found)
    yield from of_ways(found)
    yield from of_applications(found)
    yield from of_kustomizations(change)
    for pair in found:
        if pair.before and pair.after:
            yield from _scale(pair.before, pair.after)
            yield from _rollout(pair.before, pair.after)
            # What a template leaves out may be filled in by another part of it.
            if pair.before.body.templated or pair.after.body.templated:
                yield from _unprobed(change, pair.before, pair.after)
            else:
                yield from _containers(pair.before, pair.after)
                yield from _fixed(pair.before, pair.after)
        elif pair.before:
            yield from _removed(pair.before)
        if pair.after:
            yield from _images(pair)


def _match(rule: str, level: Level, what: str, clears: str, one: Object, line: int, lost: str = "") -> Match:
    """`lost` is what was there before, where that is the evidence."""
    return Match(
        rule, level, shown(what), clears, one.path, line, lost or one.evidence(line) or shown(one.title)
    )


def _scale(old: Object, new: Object) -> Iterator[Match]:
    was, now = (whole(map_at(one.body, "spec").get("replicas")) for one in (old, new))
    level = fewer(was, now) if old.kind in ("Deployment", "StatefulSet", "ReplicaSet", "Rollout") else None
    if level:
        line = line_of(map_at(new.body, "spec"), "replicas")
        what = told(new.title, was, now, " replicas")
        yield _match("k8s-replicas-down", level, what, _SCALE, new, line)
    if old.kind == "HorizontalPodAutoscaler":
        for key in ("minReplicas", "maxReplicas"):
            was, now = (whole(map_at(one.body, "spec").get(key)) for one in (old, new))
            level = fewer(was, now)
            if level:
                line = line_of(map_at(new.body, "spec"), key)
                what = told(f"{new.title}: {key}", was, now)
                yield _match("k8s-replicas-down", level, what, _SCALE, new, line)


def _rollout(old: Object, new: Object) -> Iterator[Match]:
    was, now = (map_at(one.body, "spec", "strategy") for one in (old, new))
    if old.kind == "Deployment" and now.get("type") == "Recreate" and was.get("type") != "Recreate":
        what = f"{new.title} is stopped as a whole before the new version starts."
        clears = "Keep RollingUpdate, or say which window the gap falls in."
        yield _match("k8s-recreate", "medium", what, clears, new, line_of(now, "type"))
    most = str(at(now, "rollingUpdate", "maxUnavailable"))
    if most == "100%" and str(at(was, "rollingUpdate", "maxUnavailable")) != most:
        what = f"{new.title} may stop all its pods at once (maxUnavailable 100%)."
        clears = "Let a part of the pods run during a roll-out: 25% or 1."
        line = line_of(map_at(now, "rollingUpdate"), "maxUnavailable")
        yield _match("k8s-recreate", "medium", what, clears, new, line)


def _containers(old: Object, new: Object) -> Iterator[Match]:
    was = containers(old)
    for name, container in containers(new).items():
        if name in was:
            yield from _probes(old, new, name, was[name], container)
            yield from _resources(
                old, new, name, map_at(was[name], "resources"), map_at(container, "resources")
            )


def _unprobed(change: ChangeSet, old: Object, new: Object) -> Iterator[Match]:
    """Of a template: a probe that neither it nor a new line of the change names any more."""
    filled = any("{{" in line.text for file in change.files if file.path == new.path for line in fresh(file))
    was = containers(old)
    for name, container in containers(new).items() if not filled else ():
        for found in _probes(old, new, name, was.get(name, Map()), container):
            probe = next(one for one, _, _ in _PROBES if f" {one}:" in found.what)
            again = probe in new.text or any(probe in one.text for file in change.files for one in file.added)
            if not again:
                yield msgspec.structs.replace(found, level="medium")


def _probes(old: Object, new: Object, name: str, was: Map, now: Map) -> Iterator[Match]:
    for probe, level, effect in _PROBES:
        # What a template fills a probe with is not seen.
        had = was.get(probe) or (old.body.templated and probe in was)
        if had and not (now.get(probe) or (new.body.templated and probe in now)):
            what = f"{new.title} loses its {probe}: container {name} {effect}."
            clears = f"Keep the {probe}; if its path or limits are wrong, correct them."
            lost = old.evidence(line_of(was, probe))
            yield _match("k8s-probe-removed", level, what, clears, new, now.line, lost)


def _resources(old: Object, new: Object, name: str, was: Map, now: Map) -> Iterator[Match]:
    for group, key in (("limits", "memory"), ("requests", "memory"), ("limits", "cpu"), ("requests", "cpu")):
        before, after = quantity(at(was, group, key)), quantity(at(now, group, key))
        said = f"{key} {group.removesuffix('s')}"
        if before and at(now, group, key) is None and (group, key) != ("limits", "cpu"):
            what = f"{new.title}: container {name} no longer has a {said}."
            clears = f"Write the {said} that measurements of the last weeks ask for."
            lost = old.evidence(line_of(map_at(was, group), key))
            yield _match("k8s-resources-lowered", "medium", what, clears, new, now.line, lost)
        elif (
            before
            and after is not None
            and after * 4 <= before * 3
            and (group == "limits" or after * 2 <= before)
        ):
            level: Level = (
                "high" if key == "memory" and group == "limits" and after * 2 <= before else "medium"
            )
            what = (
                f"{new.title}: the {said} of container {name} falls from {at(was, group, key)} "
                f"to {at(now, group, key)}."
            )
            clears = "Show that the highest use of the last weeks stays below it."
            yield _match("k8s-resources-lowered", level, what, clears, new, line_of(map_at(now, group), key))


def _images(pair: Pair) -> Iterator[Match]:
    new = pair.after
    assert new
    was = containers(pair.before) if pair.before else {}
    for name, container in containers(new).items():
        image, earlier = container.get("image"), was.get(name, Map()).get("image")
        if isinstance(image, str) and moves(image) and not (isinstance(earlier, str) and moves(earlier)):
            what = f"{new.title} runs {image}, an image that may be another tomorrow."
            clears = "Name a version that is never written again, or a digest."
            yield _match("k8s-image-moves", "medium", what, clears, new, line_of(container, "image"))


def _fixed(old: Object, new: Object) -> Iterator[Match]:
    for field, kinds in _IMMUTABLE:
        if old.kind not in kinds:
            continue
        was, now = at(old.body, *field), at(new.body, *field)
        if was is not None and _plain(was) != _plain(now):
            said = ".".join(field)
            what = f"{new.title}: `{said}` cannot be changed in place; the cluster refuses the apply."
            clears = "Keep it, or bring a new object beside the old one, move over, then remove the old one."
            line = line_of(map_at(new.body, *field[:-1]), field[-1])
            yield _match("k8s-immutable-field", "high", what, clears, new, line)
    if old.kind == "PersistentVolumeClaim":
        sizes = [quantity(at(one.body, "spec", "resources", "requests", "storage")) for one in (old, new)]
        if sizes[0] and sizes[1] and sizes[1] < sizes[0]:
            line = line_of(map_at(new.body, "spec", "resources", "requests"), "storage")
            what = f"{new.title} cannot become smaller; the cluster refuses the apply."
            clears = "Keep the size, or move the data to a new claim."
            yield _match("k8s-immutable-field", "high", what, clears, new, line)


_IMMUTABLE: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("spec", "selector"), ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")),
    (("spec", "serviceName"), ("StatefulSet",)),
    (("spec", "volumeClaimTemplates"), ("StatefulSet",)),
    (("spec", "podManagementPolicy"), ("StatefulSet",)),
    (("spec", "storageClassName"), ("PersistentVolumeClaim",)),
    (("spec", "accessModes"), ("PersistentVolumeClaim",)),
    (("spec", "volumeName"), ("PersistentVolumeClaim",)),
    (("spec", "clusterIP"), ("Service",)),
    (("roleRef",), ("RoleBinding", "ClusterRoleBinding")),
    (("provisioner",), ("StorageClass",)),
)


def _plain(value: Any) -> Any:
    """Claims compare without labels and annotations."""
    if isinstance(value, list) and rows_at({"rows": value}, "rows"):
        return [
            {"name": at(row, "metadata", "name"), "spec": row.get("spec", row)}
            for row in rows_at({"r": value}, "r")
        ]
    return value


_DATA: dict[str, Level] = {
    "PersistentVolumeClaim": "critical",
    "PersistentVolume": "critical",
    "Namespace": "critical",
    "CustomResourceDefinition": "critical",
    "StatefulSet": "high",
}


def _removed(old: Object) -> Iterator[Match]:
    if old.kind in _DATA:
        what = f"{old.title} is removed; where removed manifests are pruned, what it holds goes with it."
        clears = "Show where its data went, and remove it in a change of its own."
        yield _match("k8s-data-removed", _DATA[old.kind], what, clears, old._replace(text=""), 0)


_SCALE = "Show that the rest carries the peak load, or lower it in steps."
_rule = rules_of(_matches, lambda path: wanted(path) or is_kustomization(path))
_DOCS = "https://kubernetes.io/docs"


rules: tuple[RiskRule, ...] = (
    _rule(
        "k8s-replicas-down",
        "Fewer replicas than before",
        "Half the pods carry the same load, and a single one is an outage at every restart.",
        "Google SRE book, Addressing cascading failures: "
        "https://sre.google/sre-book/addressing-cascading-failures/",
    ),
    _rule(
        "k8s-recreate",
        "All pods are stopped at once during a roll-out",
        "Until the first new pod is ready nothing answers.",
        f"Kubernetes, Deployment strategy: {_DOCS}/concepts/workloads/controllers/deployment/#strategy",
    ),
    _rule(
        "k8s-probe-removed",
        "A health probe is removed",
        "Without it a pod that cannot serve gets requests, or one that hangs is left alone.",
        f"Kubernetes, Probes: {_DOCS}/concepts/configuration/liveness-readiness-startup-probes/",
    ),
    _rule(
        "k8s-resources-lowered",
        "Memory or CPU is lowered or no longer asked for",
        "Below what it uses a container is killed or slowed; without a request it shares a node "
        "that is full.",
        f"Kubernetes, Resource management: {_DOCS}/concepts/configuration/manage-resources-containers/",
    ),
    _rule(
        "k8s-image-moves",
        "An image without a fixed version",
        "A restart may bring other code, and a roll-back brings the same.",
        f"Kubernetes, Images: {_DOCS}/concepts/containers/images/#image-names",
    ),
    _rule(
        "k8s-immutable-field",
        "A field changes that cannot be changed in place",
        "The apply is refused halfway, or the object has to be deleted with what hangs on it.",
        f"Kubernetes, StatefulSet: {_DOCS}/concepts/workloads/controllers/statefulset/",
    ),
    _rule(
        "k8s-data-removed",
        "An object that holds data is removed",
        "Pruning deletes the object, and with it its volumes, or everything in the namespace.",
        "Argo CD, Automatic pruning: "
        "https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/#automatic-pruning",
    ),
    *(_rule(*one) for one in (*TOLD, *LOSSES, *WAYS, *ARGO)),
)
