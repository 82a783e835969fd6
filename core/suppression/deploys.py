"""Silences at deploys: what a service says in the minutes after its deploy, unless serious, pages nobody.

Over at once when the deploy fails or is rolled back. Alerts that fired before it are not its doing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.canonical import sha256_hex
from core.correlation.names import called
from core.model.entity import Entity
from core.model.events import ChangeEvent
from core.model.incident import Episode
from core.narrative.plain import short_version
from core.suppression.kinds import Suppression
from core.timelines import within

if TYPE_CHECKING:
    from core.world import World

_RANKS = {"high": 1, "warning": 2, "info": 3}
# A source may not say how far a deploy is.
_UNDER_WAY = ("", "started", "succeeded")


def deploying(world: World, episode: Episode, at: int) -> list[Suppression]:
    """By deploys of the alert's service that began lately, the one that began last first."""
    rule, entity = world.rules.deploy_silence, episode.entity
    if not rule.lasts or not entity.service or episode.alert_rank < _RANKS[rule.at_most]:
        return []
    found = []
    for name in _begun(world, entity, at - rule.lasts + 1, min(at, episode.starts_at)):
        event = world.state.changes[name].event
        if _shakes(event, entity):
            what = f"deploy of {entity.service} {short_version(event.version)}".strip()
            until = event.at + rule.lasts
            found.append(Suppression("deploy", name, "rule deploy-silence", what, until, waits_for=name))
    return found[::-1]


def _begun(world: World, entity: Entity, low: int, high: int) -> list[str]:
    """Changes there from `low` to `high`, in order of time."""
    if not world.index.changes:
        return []
    found = [
        name
        for service in called(world, entity)
        for name in within(world.index.changes.get((entity.domain, service), ()), low, high)
    ]
    return sorted(found, key=lambda name: (world.state.changes[name].event.at, name))


def told_of(world: World, name: str) -> str:
    """A hash of what decides here of a change; "" for one that is not there."""
    change = world.state.changes.get(name)
    if change is None:
        return ""
    one = change.event
    said = (one.kind, one.state, one.service, one.environment, one.cluster)
    return sha256_hex("\0".join((str(one.at), *said)).encode("utf-8", "replace"))[:16]


def _shakes(event: ChangeEvent, entity: Entity) -> bool:
    """Whether it is a deploy that goes well so far, there."""
    return (
        event.kind == "deploy"
        and event.state in _UNDER_WAY
        and event.environment in ("", entity.environment)
        and event.cluster in ("", entity.cluster)
    )
