"""Where link rules find episodes: by the keys of every rule, those that may be linked, sorted by start.

It is made from the state under the configuration in force, and made anew when configuration changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from core.correlation import (
    dependency_edge,
    learned_links,
    same_change,
    same_entity,
    shared_labels,
    similar_names,
)
from core.correlation.link import LinkRule, Look, Spot, around
from core.correlation.runs import add_run, before, remove_run
from core.model.incident import Episode, Incident
from core.timelines import discard, insert
from core.world import World

LINK_RULES: tuple[LinkRule, ...] = tuple(
    cast(LinkRule, rule)
    for rule in (same_entity, dependency_edge, same_change, shared_labels, similar_names, learned_links)
)


def spots_of(world: World, episode: Episode) -> list[Spot]:
    return [spot for rule in LINK_RULES for spot in rule.spots(world, episode)]


def looks_of(world: World, episode: Episode) -> Iterator[tuple[LinkRule, Look]]:
    """Where it looks for others, by rule."""
    for rule in LINK_RULES:
        for key, window in rule.spots(world, episode):
            if window >= 0:
                yield rule, around(key, episode, window)
        for look in rule.looks(world, episode):
            yield rule, look


def add_links(world: World, episode: Episode, spots: Iterable[Spot]) -> None:
    place, links = world.index.place_of(episode), world.links
    for key, _ in spots:
        insert(links, key, place)


def remove_links(world: World, episode: Episode) -> None:
    place = (episode.starts_at, episode.id)
    for key, _ in spots_of(world, episode):
        discard(world.links, key, place)


def unlink(world: World, episode: Episode) -> None:
    """Its incident is closed: nothing joins it any more."""
    world.index.unlink(episode)
    remove_run(world, episode)
    remove_links(world, episode)


def come_back(world: World, incident: Incident) -> None:
    """An alert of a closed incident goes on after all: its incident takes part again."""
    if incident.closed_at is None:
        return
    incident.closed_at = None
    world.timers.cancel(f"forget:{incident.id}")
    for name in incident.members:
        episode = world.state.episodes[name]
        world.index.add_place(episode)
        add_run(world, episode)
        if not episode.again:
            add_links(world, episode, spots_of(world, episode))


def link_again(world: World, episode: Episode) -> None:
    """An alert of a closed incident takes part in another: it follows what it followed only where that is
    there too. Of several call it in the order of their starts."""
    found = before(world, episode)
    episode.again = found is not None and found[1].incident == episode.incident
    world.index.add_place(episode)
    add_run(world, episode)
    if not episode.again:
        add_links(world, episode, spots_of(world, episode))


def linked_by(world: World) -> tuple[object, object]:
    """The documents that links are made of; others leave them as they are."""
    documents = world.config.documents
    return documents.get("rules"), documents.get("catalogue")


def relink(world: World) -> None:
    """Make the index anew: after the start, and after configuration came into force."""
    world.links.clear()
    world.workloads.clear()
    if not world.config.documents.get("rules"):
        return
    incidents = world.state.incidents
    for episode in world.state.episodes.values():
        if incidents[episode.incident].closed_at is None:
            add_run(world, episode)
            if not episode.again:
                add_links(world, episode, spots_of(world, episode))
