"""Which alerts of an incident whose page is held back may still fire. A look leaves out for good what is over
for good, so that what fires again and again costs no more the longer it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.model.incident import Episode, Incident

if TYPE_CHECKING:
    from core.state import State

_SLACK = 1_000


class _Row(NamedTuple):
    """Of the first `seen` members, the last of them `last`, the `names` that are not over."""

    seen: int
    last: str
    names: list[str]


class Living:
    """Made of the state when asked; `drop` what is not held any more."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows: dict[str, _Row] = {}
        self._free: dict[str, str] = {}

    def of(self, incident: Incident) -> list[Episode]:
        """In the order in which they joined."""
        members, row = incident.members, self._rows.get(incident.id)
        names = members
        if row is not None and members[row.seen - 1 : row.seen] == [row.last]:
            names = row.names + members[row.seen :]
        episodes = self._state.episodes
        found = [one for one in map(episodes.__getitem__, names) if not over(one)]
        if incident.held is not None:
            self._rows[incident.id] = _Row(len(members), members[-1], [one.id for one in found])
        return found

    def free(self, incident: Incident) -> Episode | None:
        """The alert that was found free to page when it was last looked at, if it still fires here."""
        episode = self._state.episodes.get(self._free.get(incident.id, ""))
        if episode is None or episode.incident != incident.id or episode.status == "resolved":
            return None
        return episode

    def found_free(self, incident: Incident, episode: Episode) -> None:
        if len(self._free) > 2 * len(self._state.incidents) + _SLACK:
            self._free.clear()
        self._free[incident.id] = episode.id

    def drop(self, incident: Incident) -> None:
        self._rows.pop(incident.id, None)


def over(episode: Episode) -> bool:
    """For good: what ended by silence alone may be said again."""
    return episode.status == "resolved" and not episode.silent_end
