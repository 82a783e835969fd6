"""Kubernetes objects before and after a change, paired by kind, namespace and name; quantities as numbers.

First within a file, then what left one file for another. What is no manifest (templates, other YAML) is none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.reading import differing
from core.risk.rules.touched import ending, is_lower, judged, line_at
from core.risk.rules.yamldocs import Map, documents, map_at, rows_at

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout")
wanted = ending(".yaml", ".yml", ".json")
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?")
_FACTORS = {
    "m": 0.001, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


class Object(NamedTuple):
    kind: str
    namespace: str
    name: str
    body: Map
    path: str
    text: str

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"

    def evidence(self, line: int) -> str:
        return line_at(self.text, line)


class Pair(NamedTuple):
    before: Object | None
    after: Object | None


def pairs(change: ChangeSet) -> list[Pair]:
    """All objects that a change touches, in the order of files; those of lower environments are left out."""
    before: dict[tuple[str, str, str, str], Object] = {}
    after: dict[tuple[str, str, str, str], Object] = {}
    for file in judged(change, wanted):
        if is_lower(file.path):
            continue
        old, new = differing(file.before, file.after)
        before |= {(file.path, *_key(one)): one for one in objects(file, old, file.before)}
        after |= {(file.path, *_key(one)): one for one in objects(file, new, file.after)}
    return list(_paired(before, after))


def staying(change: ChangeSet, kinds: Collection[str]) -> Iterator[Object]:
    """Objects of these kinds as they are after the change, those too that it leaves as they were beside what
    it touches."""
    for file in judged(change, wanted):
        text = file.after or ""
        if not is_lower(file.path) and any(kind in text for kind in kinds):
            yield from (one for one in objects(file, text, text) if one.kind in kinds)


def _paired(before: dict[Any, Object], after: dict[Any, Object]) -> Iterator[Pair]:
    left = {key: one for key, one in before.items() if key not in after}
    elsewhere = {key[1:]: key for key in left}
    for key, one in after.items():
        old = before.get(key)
        if old is None and key[1:] in elsewhere:
            old = left.pop(elsewhere.pop(key[1:]), None)
        yield Pair(old, one)
    for one in left.values():
        yield Pair(one, None)


def objects(file: TouchedFile, read: str | None, text: str | None) -> Iterator[Object]:
    """The objects of a manifest, those of a List too; `read` is the part of its text that is looked at."""
    if not text or "apiVersion" not in text:
        return
    for document in documents(read) or ():
        items = (
            rows_at(document, "items") if isinstance(document, Map) and document.get("kind") == "List" else ()
        )
        for body in items or [document]:
            kind, name = map_at(body).get("kind"), map_at(body, "metadata").get("name")
            if isinstance(kind, str) and isinstance(name, str) and isinstance(body.get("apiVersion"), str):
                namespace = map_at(body, "metadata").get("namespace")
                space = namespace if isinstance(namespace, str) else ""
                yield Object(kind, space, name[:100], body, file.path, text)


def _key(one: Object) -> tuple[str, str, str]:
    return one.kind, one.namespace, one.name


def pod_spec(one: Object) -> Map:
    """The pod that a workload runs; an empty map where it runs none."""
    ways = {"Pod": ("spec",), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}
    return (
        map_at(one.body, *ways.get(one.kind, ("spec", "template", "spec")))
        if one.kind in WORKLOADS
        else Map()
    )


def containers(one: Object) -> dict[str, Map]:
    """Its containers by name, with those that run before."""
    pod = pod_spec(one)
    rows = [*rows_at(pod, "initContainers"), *rows_at(pod, "containers")]
    return {str(row.get("name")): row for row in rows}


def quantity(value: Any) -> float | None:
    """Cores, bytes or pieces; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    found = _QUANTITY.fullmatch(str(value).strip())
    return float(found[1]) * _FACTORS[found[2] or ""] if found else None


def whole(value: Any) -> int | None:
    """A whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
