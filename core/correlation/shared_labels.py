"""Rule shared-labels: alerts on one piece of infrastructure (a node, a database, a queue), or with one
value of labels that the operator names, that start close together.
"""

from __future__ import annotations

from core.correlation.link import Key, Look, Spot
from core.correlation.symptom import contained, symptom
from core.model.incident import Episode
from core.world import World

name = "shared-labels"


def spots(world: World, episode: Episode) -> list[Spot]:
    groups = world.rules.shared_labels.groups
    if not groups or contained(world, episode):
        return []
    labels, entity = episode.linking, episode.entity
    found: list[Spot] = []
    for group in groups:
        for label in group.labels:
            value = labels.get(label)
            if value:
                if not group.symptoms or symptom(world, episode) in group.symptoms:
                    cluster = "" if group.across_clusters else entity.cluster
                    key = ("label", group.name, entity.domain, entity.environment, cluster, value)
                    found.append((key, group.window))
                break
    return found


def looks(world: World, episode: Episode) -> tuple[Look, ...]:
    return ()


def shared(world: World, a: Episode, b: Episode, key: Key) -> str:
    return f"both name {key[1]} {key[-1]}"
