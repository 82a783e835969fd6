"""What the engine's steps work on: the state with its indexes, and the turn being taken.

A *turn* is one record or one timer. It knows the time and the record's number, and collects decisions.
"""

from __future__ import annotations

from core.config import Config
from core.model.decision import Decision, DecisionKind, decide
from core.model.incident import Episode, Incident, Moment
from core.rules.schema import RuleSet
from core.state import Index, State
from core.timers import Timers


class World:
    def __init__(self, state: State) -> None:
        self.state = state
        self.config = Config(state.documents)
        self.index = Index(state)
        self.timers = Timers(state.timers)

    @property
    def rules(self) -> RuleSet:
        return self.config.rules

    def incident_of(self, episode: Episode) -> Incident:
        return self.state.incidents[episode.incident]

    def resolve_id(self, incident_id: str) -> str:
        """The id that `incident_id` goes by now, after merges."""
        while incident_id in self.state.redirects:
            incident_id = self.state.redirects[incident_id]
        return incident_id

    def members(self, incident: Incident) -> list[Episode]:
        """Sorted by start, then id: the same for every order of arrival."""
        episodes = [self.state.episodes[name] for name in incident.members]
        episodes.sort(key=lambda episode: (episode.starts_at, episode.id))
        return episodes


class Turn:
    def __init__(self, world: World, at: int, seq: int, decisions: list[Decision]) -> None:
        self.world, self.at, self.seq, self.decisions = world, at, seq, decisions

    def decide(self, kind: DecisionKind, subject: str, reason: str, receiver: str = "") -> Decision:
        decision = decide(kind, subject, reason, at=self.at, seq=self.seq, receiver=receiver)
        self.decisions.append(decision)
        return decision

    def note(
        self, incident: Incident, what: str, reason: str, *, actor: str = "rule", detail: str = ""
    ) -> None:
        """Add to the incident's history."""
        incident.history.append(Moment(self.at, what, actor, reason, detail))
        self.touch(incident)

    def touch(self, incident: Incident) -> None:
        incident.dirty = True
        incident.version += 1

    def arm(self, name: str, due: int) -> None:
        self.world.timers.arm(name, due, self.seq)
