"""What an alert's name tells for links: its symptom, whether the trouble stays where it is (a certificate
that will expire takes nothing else down today), and its part between services.
"""

from __future__ import annotations

from typing import NamedTuple

from core.model.incident import Episode
from core.model.parts import Part
from core.rules.schema import RuleSet
from core.symptoms import is_contained, symptom_of, tells, words_of
from core.world import World


class Told(NamedTuple):
    """What an alert's name tells: see the rules symptom, same-entity and dependency-edge."""

    symptom: str
    contained: bool
    of_workload: bool
    part: Part


def told_by(world: World, name: str) -> Told:
    """What was found once for a name is remembered while the rules are in force."""
    known = world.told.get(name)
    if known is None:
        if len(world.told) > 20_000:
            world.told.clear()
        known = world.told[name] = _told(name, world.rules)
    return known


def _told(name: str, rules: RuleSet) -> Told:
    words = set(words_of(name, whole=False))
    of_workload = not words.isdisjoint(rules.same_entity.workload_words)
    return Told(
        symptom_of(name, rules.symptom), is_contained(name, rules.symptom), of_workload, _part(name, rules)
    )


def _part(name: str, rules: RuleSet) -> Part:
    rule, told = rules.dependency_edge, symptom_of(name, rules.symptom)
    if tells(name, rule.late_words):
        return "late"
    if told in rule.causes:
        return "cause"
    return "traffic" if told in rule.lost_traffic else "effect"


def symptom(world: World, episode: Episode) -> str:
    return told_by(world, episode.name).symptom


def contained(world: World, episode: Episode) -> bool:
    return told_by(world, episode.name).contained
