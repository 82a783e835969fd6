"""Rule same-entity: alerts of one service, in one environment and cluster, that start close together.

The same alert firing again is linked over a longer window, whether or not its service is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.correlation.link import Conducts
from core.model.incident import Episode
from core.rules.schema import SameEntity
from core.state import outward
from core.world import World

name = "same-entity"


def linked(a: Episode, b: Episode, rule: SameEntity) -> bool:
    gap = abs(a.starts_at - b.starts_at)
    if a.fingerprint == b.fingerprint and a.entity.domain == b.entity.domain:
        return gap <= rule.same_alert_window
    return bool(a.entity.service) and a.entity == b.entity and gap <= rule.window


def partners(world: World, episode: Episode, conducts: Conducts) -> Iterator[tuple[str, bool]]:
    rule, index = world.rules.same_entity, world.index
    alert = (episode.entity.domain, episode.fingerprint)
    yield from outward(index.by_alert.get(alert, []), episode.starts_at, rule.same_alert_window, conducts)
    if episode.entity.service:
        yield from outward(index.by_entity.get(episode.entity, []), episode.starts_at, rule.window, conducts)
