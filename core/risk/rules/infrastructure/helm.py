"""Helm: values that run less, or without what keeps it healthy, and charts whose dependencies jump.

Only values that are written before and after are compared; templates are not rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.infrastructure.manifests import quantity, whole
from core.risk.rules.infrastructure.scale import fewer, moves, told
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import is_lower, judged, line_at, rules_of, shown
from core.risk.rules.yamldocs import Map, documents, rows_at, walk

_VALUES = re.compile(r"(?:.{0,100}[._-])?values(?:[._-].{0,100})?\.ya?ml", re.IGNORECASE)
_COUNTS = frozenset(("replicaCount", "replicas", "minReplicas", "maxReplicas"))
_PROBES = frozenset(("readinessProbe", "livenessProbe", "startupProbe"))
# What is guarded when `enabled` is true below these keys.
_GUARDS: dict[str, tuple[Level, str]] = {
    "autoscaling": ("medium", "no longer grows with its load"),
    "persistence": ("high", "no longer keeps its data on a volume"),
    "podDisruptionBudget": ("medium", "may lose all its pods when nodes are drained"),
    "pdb": ("medium", "may lose all its pods when nodes are drained"),
    "networkPolicy": ("high", "can be reached by every pod"),
    "readinessProbe": ("high", "gets requests before it is ready"),
    "livenessProbe": ("medium", "is no longer restarted when it hangs"),
    "startupProbe": ("medium", "may be killed while it starts"),
}
_MAJOR = re.compile(r"[~^>=v\s]{0,6}([0-9]{1,9})(?:\.([0-9]{1,9}))?")


class _Value(NamedTuple):
    value: Any
    line: int


def wanted(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in ("Chart.yaml", "requirements.yaml") or _VALUES.fullmatch(name[:250]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, wanted, gone=False):
        if file.before is None or file.after is None or is_lower(file.path):
            continue
        before, after = documents(file.before), documents(file.after)
        if not before or not after:
            continue
        if file.name in ("Chart.yaml", "requirements.yaml"):
            yield from _dependencies(file, before[0], after[0])
        else:
            yield from _values(file, _flat(before), _flat(after))


def _flat(texts: list[Any]) -> dict[tuple[str, ...], _Value]:
    return {path: _Value(value, line) for text in texts for path, value, line in walk(text)}


def _values(
    file: TouchedFile, before: dict[tuple[str, ...], _Value], after: dict[tuple[str, ...], _Value]
) -> Iterator[Match]:
    yield from _plain_text(file, before, after)
    for path, was in before.items():
        now = after.get(path)
        if now is None or now.value != was.value:
            for rule, level, what, clears in _of_value(path, was.value, now.value if now else None):
                line = now.line if now else 0
                evidence = line_at(file.after, line) or shown(f"{'.'.join(path)}: {was.value}")
                yield Match(rule, level, shown(what), clears, file.path, line, evidence)


def _plain_text(
    file: TouchedFile, before: dict[tuple[str, ...], _Value], after: dict[tuple[str, ...], _Value]
) -> Iterator[Match]:
    """TLS of an Ingress whose hosts stay."""
    held = {path[: path.index("tls")]: was for path, was in reversed(before.items()) if "tls" in path[1:-1]}
    for over, was in held.items():
        below = [path[len(over) : len(over) + 1] for path in after if path[: len(over)] == over]
        serves = ("hosts",) in below or ("host",) in below or ("hostname",) in below
        still = any(path[: len(over) + 1] == (*over, "tls") and value.value for path, value in after.items())
        if serves and not still and over[-1:] == ("ingress",):
            what = f"{'.'.join(over)} no longer ends TLS, and its hosts stay."
            evidence = line_at(file.before, was.line)
            yield Match("helm-guard-off", "medium", shown(what), "Keep it on.", file.path, 0, evidence)


def _patience(key: str, over: str, was: int | None, now: int | None) -> str:
    """What a lower number of seconds or failures cuts short, in words; "" where nothing."""
    if was is None or now is None or now >= was:
        return ""
    if key == "terminationGracePeriodSeconds" and now * 2 <= was and (was > 30 or now * 3 <= was):
        return "what still runs is cut off when it is stopped"
    if (
        key == "failureThreshold"
        and over in ("livenessProbe", "startupProbe")
        and (now == 1 or now * 3 <= was)
    ):
        return "it is restarted sooner, under load and while it starts"
    return ""


def _of_value(path: tuple[str, ...], was: Any, now: Any) -> Iterator[tuple[str, Level, str, str]]:
    """What a changed or removed value means: rule, level, sentence, what clears it."""
    said, key = ".".join(path), path[-1] if path else ""
    over = path[-2] if len(path) > 1 else ""
    level = fewer(whole(was), whole(now)) if key in _COUNTS else None
    if level:
        clears = "Show that the rest carries the peak load, or lower it in steps."
        yield "helm-replicas-down", level, told(said, was, now), clears
    if key == "enabled" and over in _GUARDS and was is True and now is False:
        grave, effect = _GUARDS[over]
        yield "helm-guard-off", grave, f"{said} is switched off: it {effect}.", "Keep it on."
    if effect := _patience(key, over, whole(was), whole(now)):
        clears = "Give it the time that the slowest start and stop of the last weeks took."
        yield "helm-patience-lowered", "medium", f"{said} goes from {was} to {now}: {effect}.", clears
    if len(path) > 2 and path[-3:-1] in _MEMORY and (now is None or _much_lower(was, now)):
        clears = "Show that the highest use of the last weeks stays below it."
        went = "is removed" if now is None else f"falls from {was} to {now}"
        if path[-2:] != ("limits", "cpu") or now is not None:
            yield "helm-resources-lowered", "medium", f"{said} {went}.", clears
    if key == "tag" and isinstance(now, str) and not moves(f"i:{was}") and now and moves(f"i:{now}"):
        clears = "Name a version that is never written again, or a digest."
        yield "helm-image-moves", "medium", f"{said} is {now}, an image that may be another tomorrow.", clears


_MEMORY = (("resources", "limits"), ("resources", "requests"))


def _much_lower(was: Any, now: Any) -> bool:
    before, after = quantity(was), quantity(now)
    return before is not None and after is not None and after * 4 <= before * 3


def _dependencies(file: TouchedFile, before: Any, after: Any) -> Iterator[Match]:
    was = {
        row.get("name"): row for row in rows_at(before, "dependencies") if isinstance(row.get("name"), str)
    }
    for row in rows_at(after, "dependencies"):
        name = row.get("name")
        old = was.get(name) if isinstance(name, str) else None
        if old and _major(old) and _major(row) and _major(old) != _major(row):
            what = f"The chart {name} goes from version {old.get('version')} to {row.get('version')}."
            clears = "Read its notes on upgrading, and show the rendered difference (helm diff)."
            line = row.lines.get("version", row.line)
            evidence = line_at(file.after, line)
            yield Match("helm-dependency-major", "medium", shown(what), clears, file.path, line, evidence)


def _major(row: Map) -> str:
    """The part of a version whose change may break: the first number, below 1 the second too."""
    found = _MAJOR.match(str(row.get("version", ""))[:50])
    if not found:
        return ""
    return found[1] if found[1] != "0" else f"0.{found[2] or 0}"


_CHARTS = "https://helm.sh/docs"


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "helm-replicas-down",
        "Values that run fewer replicas",
        "Half the pods carry the same load, and a single one is an outage at every restart.",
        "Google SRE book, Addressing cascading failures: "
        "https://sre.google/sre-book/addressing-cascading-failures/",
    ),
    _rule(
        "helm-guard-off",
        "A guard of the chart is switched off",
        "Probes, budgets, autoscaling and volumes are what keeps a release alive under trouble.",
        "Kubernetes, Probes: "
        "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
    ),
    _rule(
        "helm-patience-lowered",
        "Values that give pods less time to start or stop",
        "Requests that are under way are cut off at every roll-out, or pods are restarted under load.",
        "Kubernetes, Pod lifecycle: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/",
    ),
    _rule(
        "helm-resources-lowered",
        "Values that give less memory or CPU",
        "Below what it uses a container is killed or slowed.",
        "Kubernetes, Resource management: "
        "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
    ),
    _rule(
        "helm-image-moves",
        "Values that name an image without a fixed version",
        "A restart may bring other code, and a roll-back brings the same.",
        "Kubernetes, Images: https://kubernetes.io/docs/concepts/containers/images/#image-names",
    ),
    _rule(
        "helm-dependency-major",
        "A chart that this one needs jumps a major version",
        "By semantic versioning a major version breaks what used the one before.",
        f"Helm, Chart dependencies and versions: {_CHARTS}/topics/charts/#chart-dependencies",
    ),
)
