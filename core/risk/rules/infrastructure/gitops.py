"""What Argo CD and Flux bring out by themselves: sources that follow a branch in place of a version, pruning
that begins while what is kept changes.

What is not written on both sides is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.rules.infrastructure.manifests import Object, Pair
from core.risk.rules.infrastructure.scale import moves
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import shown
from core.risk.rules.yamldocs import Map, at, line_of, map_at, rows_at

_FIXED = re.compile(r"(?:refs/tags/.{1,200}|v?[0-9]+(?:\.[0-9]+){1,3}(?:[-+][\w.+-]{1,80})?|[0-9a-f]{7,40})")
_NAME_IT = "Name a tag or a commit, and change it in a change that somebody reads."
_ARGO = ("Application", "ApplicationSet")
# What says to Flux which version it takes, from the narrowest on.
_REFS = ("digest", "commit", "name", "tag", "semver", "branch")


def of_applications(found: list[Pair]) -> Iterator[Match]:
    """The matches of the rules of this file."""
    for old, new in found:
        if not old or not new:
            continue
        if new.kind in _ARGO:
            yield from _followed(old, new)
        elif new.kind in ("GitRepository", "OCIRepository", "Bucket"):
            yield from _loosened(old, new)
        elif new.kind == "HelmRelease":
            yield from _chart(old, new)
        if new.kind in (*_ARGO, "Kustomization"):
            yield from _pruned(old, new)


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
            yield _match("argo-follows-branch", level, what, _NAME_IT, new, line_of(source, "targetRevision"))


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


def _loosened(old: Object, new: Object) -> Iterator[Match]:
    """Flux takes the first of these that is there; each lets more in than those before it."""
    was, now = (map_at(one.body, "spec", "ref") for one in (old, new))
    before, after = (next((key for key in _REFS if ref.get(key)), "") for ref in (was, now))
    place = "" if new.kind == "GitRepository" else "latest"
    said = str(now.get(after) or place or "the default branch")[:200]
    held = before in ("digest", "commit") or (
        before in ("tag", "semver") and not moves(f"i:{was.get(before)}")
    )
    held = held or (before == "name" and "tags/" in str(was.get("name")))
    free = after in ("branch", "") or (after == "tag" and moves(f"i:{said}"))
    free = free or (after == "name" and "heads/" in said) or (after == "semver" and before != "semver")
    if held and free and "$" not in said:
        what = (
            f"{new.title} was held at {was.get(before)}; it follows {said} now and brings it out by itself."
        )
        line = line_of(now, after) if after else line_of(map_at(new.body, "spec"), "ref")
        lost = "" if after else old.evidence(line_of(was, before))
        yield _match("argo-follows-branch", "medium", what, _NAME_IT, new, line, lost)


def _chart(old: Object, new: Object) -> Iterator[Match]:
    was, now = (map_at(one.body, "spec", "chart", "spec") for one in (old, new))
    before, after = (str(one.get("version") or "*")[:100] for one in (was, now))
    if (
        was.get("chart") == now.get("chart")
        and _FIXED.fullmatch(before)
        and after.strip()[:1] in ("*", ">", "x")
    ):
        what = f"{new.title} was held at {before}; it takes any newer version ({after}) now, by itself."
        lost = "" if "version" in now else old.evidence(line_of(was, "version"))
        yield _match("argo-follows-branch", "medium", what, _NAME_IT, new, line_of(now, "version"), lost)


def _pruned(old: Object, new: Object) -> Iterator[Match]:
    """Pruning that begins together with another place to take from, or another one to go to."""
    if _prunes(old) or not _prunes(new):
        return
    changed = [key for key in _PLACES if at(_spec(old), *key) != at(_spec(new), *key)]
    if changed:
        what = f"{new.title} begins to delete what it no longer finds, while its {changed[0][-1]} changes."
        clears = (
            "Change the place first, show the difference (`argocd app diff`, `flux diff`), then switch it on."
        )
        held = map_at(_spec(new), *_prune_of(new)[:-1])
        yield _match("argo-prunes-moved", "high", what, clears, new, line_of(held, "prune"))


_PLACES = (
    ("source", "path"),
    ("source", "repoURL"),
    ("source", "chart"),
    ("destination", "namespace"),
    ("path",),
    ("targetNamespace",),
    ("sourceRef", "name"),
)


def _prune_of(one: Object) -> tuple[str, ...]:
    return ("syncPolicy", "automated", "prune") if one.kind in _ARGO else ("prune",)


def _prunes(one: Object) -> bool:
    return at(_spec(one), *_prune_of(one)) is True


def _match(rule: str, level: Level, what: str, clears: str, one: Object, line: int, lost: str = "") -> Match:
    """`lost` is what was there before, where that is the evidence."""
    return Match(rule, level, shown(what), clears, one.path, line, lost or one.evidence(line))


# Of each rule: id, title, why it matters, where that is known from.
TOLD: tuple[tuple[str, str, str, str], ...] = (
    (
        "argo-follows-branch",
        "Argo CD or Flux follows a branch instead of a version",
        "Whatever is pushed goes out at once, and nothing says to which version a roll-back returns.",
        "Argo CD, Tracking strategies: "
        "https://argo-cd.readthedocs.io/en/stable/user-guide/tracking_strategies/",
    ),
    (
        "argo-prunes-moved",
        "Pruning begins while what is kept changes",
        "What stood in the old place and not in the new one is deleted from the cluster at once.",
        "Argo CD, Automatic pruning: "
        "https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/#automatic-pruning",
    ),
)
