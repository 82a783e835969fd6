"""Which pages wait for which places of inhibition, so that what empties one wakes those alone, at once.

Of each place one alert is known that stands there, by the incident that it is in: whoever changes an alert
touches its incident. When it stands there no longer the next is looked for, and only where there is none are
the pages woken. Which of several is known never shows: a restart may find another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from core.model.incident import Episode, Incident, InhibitionPlace

if TYPE_CHECKING:
    from core.world import World


class _Known(NamedTuple):
    """An alert that stands at a place, and the incident by which it is found. That is "" for one that is just
    being put where it belongs."""

    episode: Episode
    incident: str


class Waiting:
    """`note` keeps it up to date; all of it follows from what is held in the state."""

    def __init__(self) -> None:
        self._waiters: dict[InhibitionPlace, set[str]] = {}
        self._of: dict[str, frozenset[InhibitionPlace]] = {}
        self._known: dict[InhibitionPlace, _Known] = {}
        self._found_by: dict[str, set[InhibitionPlace]] = {}

    def note(self, world: World, incident: Incident) -> None:
        """Call when what an incident's page waits for is another, or may be there no more."""
        now = frozenset(incident.held.places) if incident.held is not None else frozenset()
        for place in self._of.pop(incident.id, frozenset()) - now:
            self._leave(place, incident.id)
        for place in now:
            self._waiters.setdefault(place, set()).add(incident.id)
            self.taken(world, place)
        if now:
            self._of[incident.id] = now

    def other_rules(self) -> None:
        """Call when rules came into force: nothing is known of who stands where."""
        self._known.clear()
        self._found_by.clear()

    def taken(self, world: World, place: InhibitionPlace) -> bool:
        """Whether anything stands at a place that a page waits for."""
        inhibitors, known = world.suppression.inhibitors(world), self._known.get(place)
        if known is not None and known.episode.status == "firing":
            return True
        self._lose(place)
        episode = inhibitors.first(world.state.episodes, place)
        if episode is not None:
            self._know(place, episode)
        return episode is not None

    def woken(self, world: World, incident: Incident) -> list[str]:
        """Of an incident that was touched: whose page waits for a place where an alert of it was the last to
        stand."""
        if not self._found_by:
            return []
        empty = []
        for name in ("", incident.id, *incident.merged_from):
            for place in tuple(self._found_by.get(name, ())):
                known = self._known.get(place)
                if known is None or known.episode.status != "firing":
                    empty += [] if self.taken(world, place) else [place]
                elif known.episode.incident != name:
                    self._lose(place)
                    self._know(place, known.episode)
        return self._waiting_for(world, empty) if empty else []

    def relabelled(self, world: World, episode: Episode) -> list[str]:
        """The same of one alert whose labels have changed."""
        empty = []
        for place in tuple(self._found_by.get(episode.incident, ())):
            known = self._known.get(place)
            if known is None or known.episode is episode:
                self._lose(place)
                empty += [] if self.taken(world, place) else [place]
        return self._waiting_for(world, empty)

    def _waiting_for(self, world: World, empty: Iterable[InhibitionPlace]) -> list[str]:
        """What does not fire has no page to wait for, and is touched itself when it does again."""
        names = {name for place in empty for name in self._waiters[place]}
        return sorted(name for name in names if world.state.incidents[name].firing)

    def _leave(self, place: InhibitionPlace, name: str) -> None:
        self._waiters[place].discard(name)
        if not self._waiters[place]:
            del self._waiters[place]
            self._lose(place)

    def _know(self, place: InhibitionPlace, episode: Episode) -> None:
        self._known[place] = _Known(episode, episode.incident)
        self._found_by.setdefault(episode.incident, set()).add(place)

    def _lose(self, place: InhibitionPlace) -> None:
        known = self._known.pop(place, None)
        if known is not None:
            found = self._found_by[known.incident]
            found.discard(place)
            if not found:
                del self._found_by[known.incident]
