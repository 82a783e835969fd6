"""Rule same-entity: alerts of one service, in one environment and cluster, that start close together.

Alerts that name the same instance of it, or both name none, are linked over a longer window. An alert that
fires again is no link: it goes where it was (see grouping).
"""

from __future__ import annotations

from core.correlation.link import Key, Look, Spot
from core.correlation.reach import service_key
from core.correlation.symptom import contained
from core.model.entity import Entity
from core.model.incident import Episode
from core.rules.schema import RuleSet
from core.world import World

name = "same-entity"


def window(a: Episode, b: Episode, rules: RuleSet) -> int:
    """Between two alerts of one service, in ms: the longest that holds for them."""
    rule = rules.same_entity
    if a.fingerprint == b.fingerprint:
        return rule.same_alert_window
    named = _instance(a, rules)
    if named != _instance(b, rules):
        return rule.window
    return rule.instance_window if named else rule.whole_window


def _instance(episode: Episode, rules: RuleSet) -> tuple[tuple[str, str], ...]:
    labels = episode.labels
    return tuple((name, labels[name]) for name in rules.identity.instance if labels.get(name))


def _instance_key(world: World, episode: Episode) -> tuple[str, Entity, tuple[tuple[str, str], ...]]:
    return ("instance", episode.entity, _instance(episode, world.rules))


def spots(world: World, episode: Episode) -> list[Spot]:
    if not episode.entity.service:
        return []
    rule, key = world.rules.same_entity, _instance_key(world, episode)
    instance = (key, rule.instance_window if key[2] else rule.whole_window)
    if contained(world, episode):
        return [instance]
    return [instance, (service_key(episode.entity), rule.window)]


def looks(world: World, episode: Episode) -> tuple[Look, ...]:
    return ()


def shared(world: World, a: Episode, b: Episode, key: Key) -> str:
    if isinstance(key, str):
        return f"both are of {a.entity.service}"
    return f"same instance of {a.entity.service}" if key[2] else f"both are of {a.entity.service} as a whole"
