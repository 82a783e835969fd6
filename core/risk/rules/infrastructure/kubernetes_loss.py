"""What workloads of Kubernetes would miss: themselves and what scales them, the time to shut down, patient
probes, backups that run by a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.rules.infrastructure.manifests import Object, Pair, containers, pod_spec, whole
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import shown
from core.risk.rules.yamldocs import Map, at, line_of, map_at

_RUNS = ("Deployment", "DaemonSet", "Rollout", "ReplicaSet")
_SCALES = ("HorizontalPodAutoscaler", "ScaledObject")
# Instead of a manifest something else may make the object.
_MAKERS = ("HelmRelease", "Application", "ApplicationSet", "HelmChart", "Kustomization")
_DEEP = re.compile(
    r"(?i)(?:^|[/_-])(?:db|database|redis|kafka|deps|dependencies|downstream|upstream|deep)(?:[/_-]|$)"
)
_COPIES = re.compile(
    r"(?i)(?:^|[_-])(?:backups?|dump|pgdump|pg-dump|snapshots?|restic|velero|pgbackrest|wal-g)(?:[_-]|$)"
)
_BY_CLOCK = {
    "Schedule": "paused",
    "ScheduledBackup": "suspend",
    "CronJob": "suspend",
    "BackupSchedule": "paused",
}
_GRACE = 30


def of_losses(found: list[Pair]) -> Iterator[Match]:
    """The matches of the rules of this file."""
    for pair in found:
        old, new = pair
        if old and new:
            yield from _copies(old, new)
            if not (old.body.templated or new.body.templated):
                yield from _shutdown(old, new)
                yield from _impatient(old, new)
        elif old:
            yield from _gone(old, found)


def _match(rule: str, level: Level, what: str, clears: str, one: Object, line: int, lost: str = "") -> Match:
    """`lost` is what was there before, where that is the evidence."""
    evidence = lost or one.evidence(line) or shown(one.title)
    return Match(rule, level, shown(what), clears, one.path, line, evidence)


def _gone(old: Object, found: list[Pair]) -> Iterator[Match]:
    if old.kind in _BY_CLOCK and _is_backup(old) and not _made_elsewhere(old, found):
        what = f"{old.title} is removed: these backups are made no more."
        yield _match("k8s-backups-off", "high", what, _COPY, old._replace(text=""), 0)
    elif old.kind in (*_RUNS, *_SCALES) and not _made_elsewhere(old, found):
        whole_app = old.kind in _RUNS and any(
            one.before and not one.after and one.before.kind == "Service" for one in found
        )
        effect = (
            "its load no longer changes how many run"
            if old.kind in _SCALES
            else "nothing of it runs any more"
        )
        what = f"{_title(old)} is removed: where removed manifests are pruned, {effect}."
        clears = "Say what runs instead, or show that nobody calls it any more."
        level: Level = "low" if whole_app else "medium"
        yield _match("k8s-workload-removed", level, what, clears, old._replace(text=""), 0)


def _title(one: Object) -> str:
    return f"A {one.kind} of the chart" if "$" in one.name else one.title


def _made_elsewhere(old: Object, found: list[Pair]) -> bool:
    """Whether something new in the change may make it, or what it scaled is gone or of a fixed number."""
    fresh = [one.after for one in found if one.after and not one.before]
    kinds: tuple[str, ...] = _SCALES if old.kind in _SCALES else (*_RUNS, "StatefulSet")
    kinds = kinds if old.kind not in _BY_CLOCK else (*_BY_CLOCK,)
    if any(one.kind in _MAKERS or (one.kind in kinds and _is_alike(old, one)) for one in fresh):
        return True
    return old.kind in _SCALES and any(_needs_none(old, one) for one in found)


def _is_alike(old: Object, new: Object) -> bool:
    """Whether both run an image of one name; what names none, or is of a template, may be anything."""
    was, now = _images(old), _images(new)
    return not was or not now or not was.isdisjoint(now) or old.body.templated or new.body.templated


def _images(one: Object) -> set[str]:
    rows = containers(one).values()
    return {str(row["image"]).partition("@")[0].rpartition(":")[0] for row in rows if "image" in row}


def _needs_none(scaler: Object, pair: Pair) -> bool:
    target = map_at(scaler.body, "spec", "scaleTargetRef").get("name")
    if not pair.before or pair.before.name != target or pair.before.kind not in (*_RUNS, "StatefulSet"):
        return False
    if pair.after is None:
        return True
    runs = whole(map_at(pair.after.body, "spec").get("replicas"))
    most = whole(map_at(scaler.body, "spec").get("maxReplicas"))
    return runs is not None and most is not None and runs >= most


def _is_backup(one: Object) -> bool:
    if one.kind == "Schedule":
        return "velero" in str(one.body.get("apiVersion"))
    return one.kind != "CronJob" or _COPIES.search(one.name) is not None


def _copies(old: Object, new: Object) -> Iterator[Match]:
    key = _BY_CLOCK.get(new.kind, "")
    was, now = (map_at(one.body, "spec") for one in (old, new))
    if key and _is_backup(new) and now.get(key) is True and was.get(key) is not True:
        what = f"{new.title} is stopped ({key}): these backups are made no more."
        yield _match("k8s-backups-off", "high", what, _COPY, new, line_of(now, key))


def _shutdown(old: Object, new: Object) -> Iterator[Match]:
    was, now = pod_spec(old), pod_spec(new)
    before, after = (whole(one.get("terminationGracePeriodSeconds")) for one in (was, now))
    had, given = (_GRACE if one is None else one for one in (before, after))
    if given * 3 <= had or (had > _GRACE and given * 2 <= had):
        what = f"{new.title} has {given} seconds to shut down, and had {had}: what it still does is cut off."
        clears = "Show that requests and jobs end within that time."
        line = line_of(now, "terminationGracePeriodSeconds") if after is not None else now.line
        lost = "" if after is not None else old.evidence(line_of(was, "terminationGracePeriodSeconds"))
        yield _match("k8s-shutdown-cut", "medium", what, clears, new, line, lost)
    held = [at(one, "lifecycle", "preStop") for one in containers(new).values()]
    for name, container in containers(old).items():
        hook = at(container, "lifecycle", "preStop")
        left = containers(new).get(name)
        if hook and left is not None and not at(left, "lifecycle", "preStop") and hook not in held:
            what = (
                f"{new.title}: container {name} is stopped while requests still reach it (preStop is gone)."
            )
            clears = (
                "Keep the preStop hook, or show that the program itself waits until nothing comes any more."
            )
            lost = old.evidence(line_of(map_at(container, "lifecycle"), "preStop"))
            yield _match("k8s-shutdown-cut", "medium", what, clears, new, left.line, lost)


def _impatient(old: Object, new: Object) -> Iterator[Match]:
    """Probes that restart a container sooner, or for what it cannot help."""
    for name, now in containers(new).items():
        was = containers(old).get(name, Map())
        for key in ("livenessProbe", "startupProbe"):
            before, after = map_at(was, key), map_at(now, key)
            if before and after and (what := _restarts(key, before, after, bool(now.get("startupProbe")))):
                clears = (
                    "Give it the time that the slowest start and the longest pause of the last weeks took."
                )
                line = next(
                    (line_of(after, one) for one in _PATIENCE if before.get(one) != after.get(one)),
                    after.line,
                )
                yield _match(
                    "k8s-probe-hasty", "medium", f"{new.title}: {what} (container {name}).", clears, new, line
                )
        path = str(at(now, "livenessProbe", "httpGet", "path") or "")
        earlier = str(at(was, "livenessProbe", "httpGet", "path") or "")
        if earlier and path != earlier and _DEEP.search(path) and not _DEEP.search(earlier):
            what = (
                f"{new.title}: livenessProbe asks {path}: what it depends on makes container {name} restart."
            )
            clears = "Ask in the livenessProbe for the process alone; a readinessProbe may ask for the rest."
            line = line_of(map_at(now, "livenessProbe", "httpGet"), "path")
            yield _match("k8s-probe-hasty", "medium", what, clears, new, line)


_PATIENCE = ("failureThreshold", "periodSeconds", "initialDelaySeconds", "timeoutSeconds")


def _restarts(key: str, before: Map, after: Map, starts_apart: bool) -> str:
    """In words that a probe gives up much sooner than before; "" where it does not."""
    was, now = _window(before), _window(after)
    if was and now and now * 3 <= was:
        return f"{key} gives up after {now} seconds, and did after {was}"
    if now and _count(before, "failureThreshold", 3) > 1 == _count(after, "failureThreshold", 3):
        return f"{key} gives up at the first failure"
    first, then = _count(before, "initialDelaySeconds", 0), _count(after, "initialDelaySeconds", 0)
    if first >= 20 and then * 3 <= first and not starts_apart:
        return f"{key} begins after {then} seconds, and did after {first}"
    return ""


def _window(probe: Map) -> int:
    return _count(probe, "failureThreshold", 3) * _count(probe, "periodSeconds", 10)


def _count(probe: Map, key: str, default: int) -> int:
    value = probe.get(key, default)
    number = whole(value)
    return 0 if number is None else number


_COPY = "Keep it running, or show which other copies there are and that they were restored once."
_DOCS = "https://kubernetes.io/docs"
# Of each rule: id, title, why it matters, where that is known from.
TOLD: tuple[tuple[str, str, str, str], ...] = (
    (
        "k8s-workload-removed",
        "A workload, or what scales it, is removed",
        "Pruning deletes it and its pods, whoever still calls it; without a scaler a peak meets too few.",
        "Argo CD, Automatic pruning: "
        "https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/#automatic-pruning",
    ),
    (
        "k8s-shutdown-cut",
        "Pods get less time to shut down",
        "Requests that are under way are cut off at every roll-out and at every drain.",
        f"Kubernetes, Termination of pods: {_DOCS}/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    ),
    (
        "k8s-probe-hasty",
        "A probe restarts containers sooner",
        "Under load or while a database is away all pods are restarted together, and the trouble grows.",
        f"Kubernetes, Configure probes: {_DOCS}/tasks/configure-pod-container/"
        "configure-liveness-readiness-startup-probes/",
    ),
    (
        "k8s-backups-off",
        "Backups by a clock are stopped",
        "It is noticed on the day on which they are needed.",
        "Velero, Schedule API type: https://velero.io/docs/latest/api-types/schedule/",
    ),
)
