"""Kustomizations: what they run fewer of, and which version of an image they take.

What is not written on both sides is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.infrastructure.manifests import whole
from core.risk.rules.infrastructure.scale import fewer, moves, told
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import is_lower, judged, line_at, shown
from core.risk.rules.yamldocs import Map, documents, line_of, map_at, rows_at

_NAMES = ("kustomization.yaml", "kustomization.yml", "kustomization")
_SCALE = "Show that the rest carries the peak load, or lower it in steps."
_NAME_IT = "Name a version that is never written again, or a digest."


def wanted(path: str) -> bool:
    return path.rpartition("/")[2].lower() in _NAMES


def of_kustomizations(change: ChangeSet) -> Iterator[Match]:
    """The matches of `k8s-replicas-down` and `k8s-image-moves` in kustomizations."""
    for file in judged(change, wanted, gone=False):
        if not is_lower(file.path):
            before, after = (map_at((documents(text) or [None])[0]) for text in (file.before, file.after))
            yield from _replicas(file, before, after)
            yield from _images(file, before, after)


def _by_name(kustomization: Map, key: str) -> dict[str, Map]:
    return {str(row.get("name")): row for row in rows_at(kustomization, key)}


def _replicas(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    was = _by_name(before, "replicas")
    for name, row in _by_name(after, "replicas").items():
        old, new = whole(was.get(name, Map()).get("count")), whole(row.get("count"))
        level = fewer(old, new)
        if level:
            what = told(name, old, new, " replicas")
            yield _match(file, "k8s-replicas-down", level, what, _SCALE, line_of(row, "count"))


def _images(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    was = _by_name(before, "images")
    for name, row in _by_name(after, "images").items():
        old, new = str(was.get(name, Map()).get("newTag", "")), str(row.get("newTag", ""))
        if new and moves(f"i:{new}") and not row.get("digest") and not (old and moves(f"i:{old}")):
            what = f"{name} runs the tag {new}, an image that may be another tomorrow."
            yield _match(file, "k8s-image-moves", "medium", what, _NAME_IT, line_of(row, "newTag"))


def _match(file: TouchedFile, rule: str, level: Level, what: str, clears: str, line: int) -> Match:
    return Match(rule, level, shown(what), clears, file.path, line, line_at(file.after, line))
