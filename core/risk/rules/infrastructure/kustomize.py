"""Kustomizations and Argo CD applications: what they run fewer of, and which version they take from where.

What is not written on both sides is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.infrastructure.manifests import Object, Pair, whole
from core.risk.rules.infrastructure.scale import fewer, moves, told
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import is_lower, judged, line_at, shown
from core.risk.rules.yamldocs import Map, documents, line_of, map_at, rows_at

_NAMES = ("kustomization.yaml", "kustomization.yml", "kustomization")
_FIXED = re.compile(r"(?:refs/tags/.{1,200}|v?[0-9]+(?:\.[0-9]+){1,3}(?:[-+][\w.+-]{1,80})?|[0-9a-f]{7,40})")
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


def of_applications(found: list[Pair]) -> Iterator[Match]:
    """The matches of `argo-follows-branch`."""
    for pair in found:
        if pair.before and pair.after and pair.after.kind in ("Application", "ApplicationSet"):
            yield from _followed(pair.before, pair.after)


def _followed(old: Object, new: Object) -> Iterator[Match]:
    was = dict(_sources(old))
    for repository, source in _sources(new):
        before = _revision(was[repository]) if repository in was else ""
        now = _revision(source)
        if _FIXED.fullmatch(before) and not _FIXED.fullmatch(now) and "{" not in now:
            automated = "automated" in map_at(_spec(new), "syncPolicy")
            level: Level = "high" if automated else "medium"
            after = " and brings it out by itself" if automated else ""
            what = f"{new.title} went out at {before}; it follows {now or 'HEAD'} now{after}."
            clears = "Name a tag or a commit, and change it in a change that somebody reads."
            line = line_of(source, "targetRevision")
            yield Match("argo-follows-branch", level, shown(what), clears, new.path, line, new.evidence(line))


def _spec(one: Object) -> Map:
    spec = map_at(one.body, "spec")
    return map_at(spec, "template", "spec") if one.kind == "ApplicationSet" else spec


def _sources(one: Object) -> Iterator[tuple[str, Map]]:
    """What an application takes from which repository (and chart)."""
    spec = _spec(one)
    for source in (map_at(spec, "source"), *rows_at(spec, "sources")):
        if source:
            yield f"{source.get('repoURL')} {source.get('chart')} {source.get('path')}", source


def _revision(source: Map) -> str:
    return str(source.get("targetRevision") or "")[:200]


# Of each rule: id, title, why it matters, where that is known from.
TOLD: tuple[tuple[str, str, str, str], ...] = (
    (
        "argo-follows-branch",
        "An application of Argo CD follows a branch instead of a version",
        "Whatever is pushed goes out at once, and nothing says to which version a roll-back returns.",
        "Argo CD, Tracking strategies: "
        "https://argo-cd.readthedocs.io/en/stable/user-guide/tracking_strategies/",
    ),
)
