"""Inhibition as in Alertmanager: while one alert fires, others that are less than it page nobody.

Alerts that fire and fit a source are filed by rule, domain and the values of the labels that must be equal,
when somebody asks and not when they come. An alert that fits both sides is not inhibited by one that does
too, itself included. An alert whose end is unknown, since its source is silent, inhibits nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from core.model.incident import Episode
from core.suppression.dispatch import Dispatch
from core.suppression.kinds import Suppression
from core.suppression.living import over
from core.suppression.matchers import Matchers, label_of, parse_all

if TYPE_CHECKING:
    from core.rules.quiet import InhibitionRow
    from core.world import World

# Domain, and the values of the labels that must be equal.
Key = tuple[str, tuple[str, ...]]
# Starts and ids of sources: those that fit the source's side alone, and those that fit both sides, which
# count for fewer.
Filed = tuple[list[tuple[int, str]], list[tuple[int, str]]]


class Ready(NamedTuple):
    """A rule with its matchers compiled."""

    name: str
    source: Matchers
    target: Matchers
    equal: tuple[str, ...]

    def key(self, episode: Episode) -> Key:
        return key_of(episode, self.equal)


def key_of(episode: Episode, equal: tuple[str, ...]) -> Key:
    labels = episode.labels
    values = [label_of(episode, name) if name[:1] == "@" else labels.get(name, "") for name in equal]
    return (episode.entity.domain, tuple(values))


class Inhibitors:
    """Made of the rules in force; `take` files alerts, `of` tells which of them inhibits one."""

    def __init__(self, rows: Iterable[InhibitionRow] = ()) -> None:
        self.rules = [
            Ready(row.name, Matchers(parse_all(row.source)), Matchers(parse_all(row.target)), row.equal)
            for row in rows
        ]
        self._sources = Dispatch((rule.source, rule) for rule in self.rules)
        self._targets = Dispatch((rule.target, rule) for rule in self.rules)
        self._places = {rule.name: place for place, rule in enumerate(self.rules)}
        # By the labels that must be equal and their values, the sources of each rule.
        self._filed: dict[tuple[str, ...], dict[Key, dict[str, Filed]]] = {}
        self.size = 0

    def take(self, episode: Episode) -> None:
        """File an alert under each rule whose source it fits. The same again changes nothing."""
        place = (episode.starts_at, episode.id)
        for rule in self._sources.fitting(episode):
            by_rule = self._filed.setdefault(rule.equal, {}).setdefault(rule.key(episode), {})
            row = by_rule.setdefault(rule.name, ([], []))[rule.target.fit(episode)]
            position = bisect_left(row, place)
            if row[position : position + 1] != [place]:
                row.insert(position, place)
                self.size += 1

    def of(self, episodes: dict[str, Episode], target: Episode) -> list[tuple[Ready, Episode]]:
        """By rule, in the rules' order, the alert that inhibits `target`: of several the first to begin."""
        tried = self._targets.candidates(target)
        if not tried:
            return []
        found = []
        for equal, by_key in self._filed.items():
            key = key_of(target, equal)
            here = by_key.get(key)
            if here is None:
                continue
            for rule in self._aimed(target, here, tried):
                source = self._source(episodes, rule, target, key, here[rule.name])
                if source is not None:
                    found.append((rule, source))
        return sorted(found, key=lambda row: self._places[row[0].name]) if len(found) > 1 else found

    def _aimed(self, target: Episode, here: dict[str, Filed], tried: int) -> list[Ready]:
        """Rules with a source `here` whose target side it fits; tries few, whichever way. Of all rules there
        would be `tried`."""
        if len(here) > tried:
            return [rule for rule in self._targets.fitting(target) if rule.name in here]
        rules = [self.rules[self._places[name]] for name in here]
        return [rule for rule in rules if rule.target.fit(target)]

    def _source(
        self, episodes: dict[str, Episode], rule: Ready, target: Episode, key: Key, rows: Filed
    ) -> Episode | None:
        found = [self._first(episodes, rule, key, rows[0], two_sided=False)]
        if not rule.source.fit(target):
            found.append(self._first(episodes, rule, key, rows[1], two_sided=True))
        return min((one for one in found if one is not None), key=_began, default=None)

    def _first(
        self,
        episodes: dict[str, Episode],
        rule: Ready,
        key: Key,
        row: list[tuple[int, str]],
        *,
        two_sided: bool,
    ) -> Episode | None:
        """The first to begin that still counts; those that are over are left out for good."""
        position = 0
        while position < len(row):
            episode = episodes.get(row[position][1])
            if episode is None or over(episode):
                del row[position]
                self.size -= 1
                continue
            # It may have been told of anew since it was filed.
            if _counts(episode, rule, key) and rule.target.fit(episode) == two_sided:
                return episode
            position += 1
        return None


def inhibited(world: World, episode: Episode, at: int) -> list[Suppression]:
    """By rule. No clock says how long."""
    return [
        Suppression("inhibition", rule.name, source.name, f"{_what(source)} fires", waits_for=source.id)
        for rule, source in world.suppression.inhibitors(world).of(world.state.episodes, episode)
    ]


def _counts(episode: Episode, rule: Ready, key: Key) -> bool:
    return episode.status == "firing" and rule.source.fit(episode) and rule.key(episode) == key


def _began(episode: Episode) -> tuple[int, str]:
    return episode.starts_at, episode.id


def _what(source: Episode) -> str:
    where = f" of {source.entity.service}" if source.entity.service else ""
    return f"{source.name or 'an alert'}{where}"
