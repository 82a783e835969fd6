"""Rule same-entity: alerts of one service, in one environment and cluster, that start close together.

Alerts that name the same instance of it, or both name none, are linked over a longer window. An alert that
fires again is no link: it goes where it was (see grouping).
"""

from __future__ import annotations

from collections.abc import Iterator

from core.correlation.link import Key, Look, Spot, around
from core.correlation.names import also_called
from core.correlation.reach import service_key
from core.correlation.symptom import contained
from core.model.incident import Episode
from core.rules.schema import RuleSet
from core.world import World

name = "same-entity"
_INSTANCE = "instance"


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
    labels = episode.linking
    return tuple([(name, labels[name]) for name in rules.identity.instance if labels.get(name)])


def _instance_key(episode: Episode, named: tuple[tuple[str, str], ...]) -> Key:
    """Flat, of what the episode holds anyway: one for every alert, it takes less room than a text."""
    return (_INSTANCE, episode.entity, *[part for pair in named for part in pair])


def spots(world: World, episode: Episode) -> list[Spot]:
    if not episode.entity.service:
        return []
    rule, named = world.rules.same_entity, _instance(episode, world.rules)
    instance = (_instance_key(episode, named), rule.instance_window if named else rule.whole_window)
    if contained(world, episode):
        return [instance]
    return [instance, (service_key(episode.entity), rule.window)]


def looks(world: World, episode: Episode) -> Iterator[Look]:
    """At the same workload by another name."""
    if not episode.entity.service or contained(world, episode):
        return
    for entity in also_called(world, episode.entity):
        yield around(service_key(entity), episode, world.rules.same_entity.window)


def shared(world: World, a: Episode, b: Episode, key: Key) -> str:
    if key[0] == _INSTANCE:
        named = _instance(a, world.rules)
        return (
            f"same instance of {a.entity.service}" if named else f"both are of {a.entity.service} as a whole"
        )
    if a.entity.service != b.entity.service:
        return f"{a.entity.service} and {b.entity.service} are one, where no catalogue tells them apart"
    return f"both are of {a.entity.service}"
