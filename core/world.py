"""What the engine's steps work on: the state with its indexes, and the turn being taken.

A *turn* is one record or one timer. It knows the time and the record's number, and collects decisions.
"""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from typing import Any, cast

from core.config import Config
from core.correlation.reach import Reach, reach_of
from core.errors import WatchkeeperError
from core.model.decision import Decision, DecisionKind, decide
from core.model.entity import Entity
from core.model.incident import Episode, Incident, Moment
from core.risk.commits import Commits
from core.rules.schema import RuleSet
from core.state import Index, State
from core.suppression.tables import Tables
from core.timelines import Timeline
from core.timers import Timers
from core.times import MINUTE

_ONSET = attrgetter("starts_at", "id")


class _NoRules:
    """Stands for the rules before any are in force. Asked for one, it raises InputError."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config.rules, name)


class World:
    def __init__(self, state: State) -> None:
        self.state = state
        self.config = Config(state.documents)
        self._take_rules()
        self.index = Index(state)
        self.timers = Timers(state.timers)
        self.suppression = Tables(state)
        self.suppression.begin(self)
        changes = ((one.id, one.domain, one.event) for one in state.changes.values())
        self.commits = Commits(state.assessments, changes)
        # Made from the state and the configuration in force: see core/correlation/index.py.
        self.links: dict[str | tuple[Any, ...], Timeline] = {}
        self.workloads: dict[Entity, Timeline] = {}
        self.told: dict[str, Any] = {}
        self._reach: Reach | None = None
        # Ids of episodes that have not settled, as they came.
        waiting = [one for one in state.episodes.values() if one.decided_at is None]
        waiting.sort(key=lambda one: (one.received_at, one.seq, one.index))
        self.unsettled = deque(one.id for one in waiting)

    def _take_rules(self) -> None:
        """An attribute, and no `__getattr__` in this class: both are read scores of times for every alert."""
        known = self.config.has_rules
        self.rules = self.config.rules if known else cast(RuleSet, _NoRules(self.config))

    @property
    def reach(self) -> Reach:
        """Of the catalogue and the rules in force."""
        if self._reach is None:
            self._reach = reach_of(self.config.catalogue, self.rules.dependency_edge)
        return self._reach

    def configured(self) -> None:
        """Call when configuration came into force: what was made of the old one is forgotten."""
        self._take_rules()
        self.told.clear()
        self._reach = None

    def incident_of(self, episode: Episode) -> Incident:
        return self.state.incidents[episode.incident]

    def resolve_id(self, incident_id: str) -> str:
        """The id that `incident_id` goes by now, after merges."""
        while incident_id in self.state.redirects:
            incident_id = self.state.redirects[incident_id]
        return incident_id

    def members(self, incident: Incident) -> list[Episode]:
        """Sorted by start, then id: the same for every order of arrival."""
        return sorted(map(self.state.episodes.__getitem__, incident.members), key=_ONSET)


class Turn:
    def __init__(self, world: World, at: int, seq: int, decisions: list[Decision]) -> None:
        self.world, self.at, self.seq, self.decisions = world, at, seq, decisions
        # Why what a person did has no effect: somebody else was quicker.
        self.refused: WatchkeeperError | None = None

    def decide(
        self, kind: DecisionKind, subject: str, reason: str, receiver: str = "", *, further: bool = False
    ) -> Decision:
        decision = decide(kind, subject, reason, at=self.at, seq=self.seq, receiver=receiver, further=further)
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
        # Pages that are held back are looked at again: see core/suppression/.
        if incident.held is not None or incident.snooze is not None:
            self.arm_by(f"held:{incident.id}", self.at)
        # Not at once: what stands may have very many alerts, each of which is looked at.
        if incident.clocks.stands is not None:
            self.arm_by(f"stand:{incident.id}", self.at + MINUTE)
        for name in self.world.suppression.waiting.woken(self.world, incident):
            self.arm_by(f"held:{name}", self.at)

    def arm_by(self, name: str, due: int) -> None:
        """Unless it is armed for that time or earlier."""
        armed = self.world.timers.armed.get(name)
        if armed is None or armed[0] > due:
            self.arm(name, due)

    def arm(self, name: str, due: int) -> None:
        self.world.timers.arm(name, due, self.seq)
