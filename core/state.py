"""The engine's state: what the fold of the journal has come to, and indexes derived from it.

`State` is plain data; a checkpoint is its encoding. `Index` can be rebuilt from it at any time and holds
only what may still be linked: the episodes of incidents that are not closed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from core.dead_letters import DeadLetter
from core.model.decision import Decision
from core.model.entity import Entity
from core.model.incident import Change, Episode, Incident, SourceLife
from core.model.risk import Assessed, Taught
from core.model.slo import Slo
from core.model.watchdog import Watchdog
from core.storm import Storm
from core.suppression.silences import Silence
from core.timelines import Place, Timeline, discard, insert
from core.times import DAY


class State(msgspec.Struct):
    """Everything that a restart needs. Keys: episode id, incident id, `domain/service`, `domain/source`.

    `delivered`: when a delivery (domain, source and its id) was seen. `named_ends`: ends of firings that have
    not been heard to begin; `loose_ends`: by alert, ends that name no firing.
    """

    clock: int = 0
    seq: int = -1
    documents: dict[str, Any] = {}
    episodes: dict[str, Episode] = {}
    incidents: dict[str, Incident] = {}
    redirects: dict[str, str] = {}
    changes: dict[str, Change] = {}
    changes_seen: dict[str, int] = {}
    sources: dict[str, SourceLife] = {}
    timers: dict[str, tuple[int, int]] = {}
    pending: dict[str, Decision] = {}
    dead_letters: dict[str, DeadLetter] = {}
    delivered: dict[str, int] = {}
    # By the set of its alerts: when an incident was resolved, and its id.
    patterns: dict[str, tuple[int, str]] = {}
    # The last record that changed the rules or the catalogue.
    configured_seq: int = -1
    storm: Storm = msgspec.field(default_factory=Storm)
    named_ends: dict[str, int] = {}
    loose_ends: dict[str, list[int]] = {}
    watchdogs: dict[str, Watchdog] = {}
    silences: dict[str, Silence] = {}
    # By `domain/environment/cluster/service/slo`.
    slos: dict[str, Slo] = {}
    # By incident, those that a person has parted from it; see core/barriers.py.
    parted: dict[str, list[str]] = {}
    # And those that only touch it; see core/correlation/weighing.py.
    loose: dict[str, list[str]] = {}
    # By `domain/repository@head`, see core/risk/assessments.py; and by `incident/change`, causes.py.
    assessments: dict[str, Assessed] = {}
    taught: dict[str, Taught] = {}


class Index:
    """Episodes by entity, by alert (domain, fingerprint) and by their source's id of them, changes by
    service; timelines are sorted."""

    def __init__(self, state: State) -> None:
        self.by_entity: dict[Entity, Timeline] = {}
        self.entities: dict[tuple[str, str], set[Entity]] = {}
        # Those of `namespace/name`, by the name alone.
        self.namespaced: dict[tuple[str, str], set[Entity]] = {}
        # By domain, then fingerprint: a pair for each alert would cost as much as its place.
        self.by_alert: dict[str, dict[str, Timeline]] = {}
        self.by_occurrence: dict[tuple[str, str, str], str] = {}
        self.changes: dict[tuple[str, str], Timeline] = {}
        self.unknown: dict[str, set[str]] = {}
        # Ids of episodes that came, or are told of otherwise, since somebody last took them out.
        self.fresh: list[str] = []
        self._place: Place = (0, "")
        for episode in state.episodes.values():
            self.add(episode, linkable=state.incidents[episode.incident].closed_at is None)
            if episode.status == "unknown":
                self.unknown.setdefault(episode.source, set()).add(episode.id)
        for change in state.changes.values():
            self.add_change(change)

    def add(self, episode: Episode, *, linkable: bool = True) -> None:
        self.fresh.append(episode.id)
        place = self._place = (episode.starts_at, episode.id)
        insert(self.by_alert.setdefault(episode.entity.domain, {}), episode.fingerprint, place)
        if episode.occurrence:
            self.by_occurrence[_occurrence(episode)] = episode.id
        if linkable:
            self.add_place(episode)

    def firings(self, domain: str, fingerprint: str) -> Timeline:
        """Of one alert."""
        return self.by_alert.get(domain, {}).get(fingerprint, ())

    def place_of(self, episode: Episode) -> Place:
        """Its start and id, as timelines hold them: one for all of them where it was added just now."""
        place = self._place
        return place if place[1] is episode.id else (episode.starts_at, episode.id)

    def add_place(self, episode: Episode) -> None:
        """Where alerts of its service are found."""
        entity = episode.entity
        if not entity.service:
            return
        first = entity not in self.by_entity
        insert(self.by_entity, entity, self.place_of(episode))
        if first:
            self.entities.setdefault((entity.domain, entity.service), set()).add(entity)
            if "/" in entity.service:
                self.namespaced.setdefault(_name(entity), set()).add(entity)

    def unlink(self, episode: Episode) -> None:
        """Take it out of what may be linked; it is still found by its alert."""
        entity = episode.entity
        discard(self.by_entity, entity, (episode.starts_at, episode.id))
        if entity not in self.by_entity:
            self.entities.get((entity.domain, entity.service), set()).discard(entity)
            self.namespaced.get(_name(entity), set()).discard(entity)

    def forget(self, episode: Episode) -> None:
        self.unlink(episode)
        place = (episode.starts_at, episode.id)
        discard(self.by_alert.get(episode.entity.domain, {}), episode.fingerprint, place)
        self.by_occurrence.pop(_occurrence(episode), None)
        self.unknown.get(episode.source, set()).discard(episode.id)

    def add_change(self, change: Change) -> None:
        key = (change.domain, change.event.service)
        insert(self.changes, key, (change.event.at, change.id))

    def forget_change(self, change: Change) -> None:
        discard(self.changes, (change.domain, change.event.service), (change.event.at, change.id))


def _name(entity: Entity) -> tuple[str, str]:
    return (entity.domain, entity.service.rpartition("/")[2])


def _occurrence(episode: Episode) -> tuple[str, str, str]:
    return (episode.entity.domain, episode.fingerprint, episode.occurrence)


def keep_recent(entries: dict[str, Any], now: int, when: Callable[[Any], int], *, age: int = DAY) -> None:
    """Bound a map of what is remembered for a day, or another `age` in ms: once it holds 20,000 entries,
    what is older goes, then all but the newest 10,000, whatever their order in memory. `when` tells the time
    of an entry."""
    if len(entries) <= 20_000:
        return
    recent = [(when(entry), key) for key, entry in entries.items()]
    kept = sorted((row for row in recent if row[0] > now - age), reverse=True)[:10_000]
    remembered = {key: entries[key] for _, key in kept}
    entries.clear()
    entries.update(remembered)
