"""Which pages wait for the end of which alert, so that one that ends wakes those alone, at once.

Kept by the incident that the alert is in: whoever changes an alert touches its incident.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.model.incident import Incident

if TYPE_CHECKING:
    from core.state import State


class Waiting:
    """Made of what is held in the state; `note` keeps it up to date."""

    def __init__(self, state: State) -> None:
        self._state = state
        # Incident to alert to the incidents whose page waits; and the way back.
        self._rows: dict[str, dict[str, set[str]]] = {}
        self._place: dict[str, str] = {}
        self._of: dict[str, set[str]] = {}
        for incident in state.incidents.values():
            self.note(incident)

    def note(self, incident: Incident) -> None:
        """Call when what an incident's page waits for is another."""
        held, episodes = incident.held, self._state.episodes
        now = {name for name in held.waits_for if name in episodes} if held else set()
        for name in self._of.pop(incident.id, set()) - now:
            self._leave(name, incident.id)
        for name in now:
            place = self._place.setdefault(name, episodes[name].incident)
            self._rows.setdefault(place, {}).setdefault(name, set()).add(incident.id)
        if now:
            self._of[incident.id] = now

    def woken(self, incident: Incident) -> list[str]:
        """Of an incident that was touched: whose page waits for an alert of it that fires no more."""
        if not self._rows:
            return []
        found: set[str] = set()
        for place in (incident.id, *incident.merged_from):
            for name in list(self._rows.get(place, ())):
                episode = self._state.episodes.get(name)
                if episode is None or episode.status != "firing":
                    found |= self._rows[place][name]
                elif episode.incident != place:
                    self._move(name, place, episode.incident)
        return sorted(found)

    def of(self, incident: str) -> Iterable[str]:
        """All whose page waits for an alert of the incident."""
        return sorted({name for held in self._rows.get(incident, {}).values() for name in held})

    def _move(self, name: str, old: str, new: str) -> None:
        held = self._rows[old].pop(name)
        if not self._rows[old]:
            del self._rows[old]
        self._place[name] = new
        self._rows.setdefault(new, {}).setdefault(name, set()).update(held)

    def _leave(self, name: str, held: str) -> None:
        place = self._place[name]
        row = self._rows[place]
        row[name].discard(held)
        if not row[name]:
            del row[name], self._place[name]
        if not row:
            del self._rows[place]
