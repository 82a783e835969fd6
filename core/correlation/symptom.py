"""Whether an alert's trouble stays where it is: a certificate that will expire takes nothing else down
today."""

from __future__ import annotations

from typing import NamedTuple

from core.model.incident import Episode
from core.symptoms import symptom_of, words_of
from core.world import World


class Told(NamedTuple):
    """What an alert's name tells: see the rules symptom and same-entity."""

    symptom: str
    contained: bool
    of_workload: bool


def told_by(world: World, name: str) -> Told:
    """What was found once for a name is remembered while the rules are in force."""
    known = world.told.get(name)
    if known is None:
        if len(world.told) > 20_000:
            world.told.clear()
        rules = world.rules
        symptom = symptom_of(name, rules.symptom)
        words = set(words_of(name, whole=False))
        of_workload = not words.isdisjoint(rules.same_entity.workload_words)
        known = Told(symptom, symptom in rules.symptom.contained, of_workload)
        world.told[name] = known
    return known


def symptom(world: World, episode: Episode) -> str:
    return told_by(world, episode.name).symptom


def contained(world: World, episode: Episode) -> bool:
    return told_by(world, episode.name).contained
