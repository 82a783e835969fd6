"""Rule similar-names: alerts of like names in one namespace of one cluster, on services that the catalogue
does not know. Where it knows them, their dependencies say more.
"""

from __future__ import annotations

from functools import lru_cache

from core.correlation.link import Key, Look, Spot
from core.correlation.symptom import contained
from core.model.incident import Episode
from core.symptoms import words_of
from core.world import World

name = "similar-names"


def spots(world: World, episode: Episode) -> list[Spot]:
    rule, entity = world.rules.similar_names, episode.entity
    if rule.window is None:
        return []
    if world.config.catalogue.entry(entity) is not None or contained(world, episode):
        return []
    labels = episode.linking
    namespace = next((labels[label] for label in rule.namespace if labels.get(label)), "")
    if not namespace:
        return []
    words = likeness(episode.name, rule.ignored_words)
    if not words:
        return []
    key = ("name", entity.domain, entity.environment, entity.cluster, namespace, words)
    return [(key, rule.window)]


def looks(world: World, episode: Episode) -> tuple[Look, ...]:
    return ()


def shared(world: World, a: Episode, b: Episode, key: Key) -> str:
    return f"{a.name} and {b.name} are alike, in one namespace"


@lru_cache(maxsize=4_096)
def likeness(alert: str, ignored: tuple[str, ...]) -> tuple[str, ...]:
    """The words that tell an alert's name, sorted: equal for like names."""
    return tuple(sorted({w for w in words_of(alert, whole=False) if w not in ignored and not w[0].isdigit()}))
