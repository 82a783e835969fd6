"""Inhibition as in Alertmanager: while one alert fires, others that are less than it page nobody.

Alerts that fire and fit a source are filed by rule, domain and the values of the labels that must be equal,
when somebody asks and not when they come. An alert that fits both sides is not inhibited by one that does
too, itself included. An alert whose end is unknown, since its source is silent, inhibits nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from core.model.incident import Episode, InhibitionPlace
from core.suppression.dispatch import Dispatch
from core.suppression.kinds import Suppression
from core.suppression.living import over
from core.suppression.matchers import VIRTUAL, Matchers, parse_all

if TYPE_CHECKING:
    from core.rules.quiet import InhibitionRow
    from core.world import World

# Domain, and the values of the labels that must be equal.
Key = tuple[str, tuple[str, ...]]


class Ready(NamedTuple):
    """A rule with its matchers compiled."""

    name: str
    source: Matchers
    target: Matchers
    equal: tuple[str, ...]

    def key(self, episode: Episode) -> Key:
        return key_of(episode, self.equal)


class Filed(NamedTuple):
    """Starts and ids of the sources of a rule under a key, in order: those that fit the source's side
    `alone`, and those that fit `two` sides, which count for fewer. `places`: the first without these, the
    second with them."""

    alone: list[tuple[int, str]]
    two: list[tuple[int, str]]
    places: tuple[InhibitionPlace, InhibitionPlace]


class Standing(NamedTuple):
    """`source` stands for a target by `rule`, at `place`."""

    rule: Ready
    source: Episode
    place: InhibitionPlace


def key_of(episode: Episode, equal: tuple[str, ...]) -> Key:
    labels = episode.labels
    values = [VIRTUAL[name](episode) if name in VIRTUAL else labels.get(name, "") for name in equal]
    return (episode.entity.domain, tuple(values))


class Inhibitors:
    """Made of the rules in force; `take` files alerts, `of` tells which of them inhibits one, `first` which
    of them stands at a place."""

    def __init__(self, rows: Iterable[InhibitionRow] = ()) -> None:
        self.rules = [
            Ready(row.name, Matchers(parse_all(row.source)), Matchers(parse_all(row.target)), row.equal)
            for row in rows
        ]
        self._sources = Dispatch((rule.source, rule) for rule in self.rules)
        self._targets = Dispatch((rule.target, rule) for rule in self.rules)
        self._order = {rule.name: number for number, rule in enumerate(self.rules)}
        # By the labels that must be equal and their values, the sources of each rule.
        self._filed: dict[tuple[str, ...], dict[Key, dict[str, Filed]]] = {}
        self.size = 0

    def take(self, episode: Episode) -> None:
        """File an alert under each rule whose source it fits. The same again changes nothing."""
        place = (episode.starts_at, episode.id)
        for rule in self._sources.fitting(episode):
            key = rule.key(episode)
            by_rule = self._filed.setdefault(rule.equal, {}).setdefault(key, {})
            filed = by_rule.get(rule.name)
            if filed is None:
                filed = by_rule[rule.name] = _nothing_at(rule, key)
            row = filed.two if rule.target.fit(episode) else filed.alone
            position = bisect_left(row, place)
            if row[position : position + 1] != [place]:
                row.insert(position, place)
                self.size += 1

    def of(self, episodes: dict[str, Episode], target: Episode) -> list[Standing]:
        """By rule, in the rules' order, what inhibits `target`: of several alerts the first to begin."""
        tried = self._targets.candidates(target)
        if not tried:
            return []
        found = []
        for equal, by_key in self._filed.items():
            here = by_key.get(key_of(target, equal))
            if here is None:
                continue
            for rule in self._aimed(target, here, tried):
                place = here[rule.name].places[not rule.source.fit(target)]
                source = self._source(episodes, rule, here[rule.name], place)
                if source is not None:
                    found.append(Standing(rule, source, place))
        return sorted(found, key=lambda row: self._order[row.rule.name]) if len(found) > 1 else found

    def first(self, episodes: dict[str, Episode], place: InhibitionPlace) -> Episode | None:
        """The first to begin of those that stand at a place; of a rule that is not in force none do."""
        number = self._order.get(place.rule)
        if number is None:
            return None
        rule = self.rules[number]
        filed = self._filed.get(rule.equal, {}).get((place.domain, place.values), {}).get(rule.name)
        return None if filed is None else self._source(episodes, rule, filed, place)

    def _aimed(self, target: Episode, here: dict[str, Filed], tried: int) -> list[Ready]:
        """Rules with a source `here` whose target side it fits; tries few, whichever way. Of all rules there
        would be `tried`."""
        if len(here) > tried:
            return [rule for rule in self._targets.fitting(target) if rule.name in here]
        rules = [self.rules[self._order[name]] for name in here]
        return [rule for rule in rules if rule.target.fit(target)]

    def _source(
        self, episodes: dict[str, Episode], rule: Ready, filed: Filed, place: InhibitionPlace
    ) -> Episode | None:
        alone = self._first(episodes, rule, place, filed.alone, two_sided=False)
        if not place.both:
            return alone
        two = self._first(episodes, rule, place, filed.two, two_sided=True)
        return min((one for one in (alone, two) if one is not None), key=_began, default=None)

    def _first(
        self,
        episodes: dict[str, Episode],
        rule: Ready,
        place: InhibitionPlace,
        row: list[tuple[int, str]],
        *,
        two_sided: bool,
    ) -> Episode | None:
        """The first to begin that still counts; those before it that are over are left out for good."""
        kept: list[tuple[int, str]] = []
        for position, one in enumerate(row):
            episode = episodes.get(one[1])
            if episode is None or over(episode):
                continue
            # It may have been told of anew since it was filed.
            if _counts(episode, rule, place) and rule.target.fit(episode) == two_sided:
                self._leave_out(row, position, kept)
                return episode
            kept.append(one)
        self._leave_out(row, len(row), kept)
        return None

    def _leave_out(self, row: list[tuple[int, str]], end: int, kept: list[tuple[int, str]]) -> None:
        """Of the first `end` only `kept` stay."""
        if len(kept) < end:
            row[:end] = kept
            self.size -= end - len(kept)


def inhibited(world: World, episode: Episode, at: int) -> list[Suppression]:
    """By rule. No clock says how long."""
    return [
        Suppression("inhibition", rule.name, source.name, f"{_what(source)} fires", place=place)
        for rule, source, place in world.suppression.inhibitors(world).of(world.state.episodes, episode)
    ]


def _nothing_at(rule: Ready, key: Key) -> Filed:
    domain, values = key
    places = [InhibitionPlace(rule.name, domain, values, both) for both in (False, True)]
    return Filed([], [], (places[0], places[1]))


def _counts(episode: Episode, rule: Ready, place: InhibitionPlace) -> bool:
    return (
        episode.status == "firing"
        and rule.source.fit(episode)
        and rule.key(episode) == (place.domain, place.values)
    )


def _began(episode: Episode) -> tuple[int, str]:
    return episode.starts_at, episode.id


def _what(source: Episode) -> str:
    where = f" of {source.entity.service}" if source.entity.service else ""
    return f"{source.name or 'an alert'}{where}"
