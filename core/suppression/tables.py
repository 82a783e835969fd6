"""What suppression makes of the state and the rules to be quick: all of it can be made again at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.suppression.dispatch import Dispatch
from core.suppression.flapping import Counted, count
from core.suppression.inhibition import Inhibitors
from core.suppression.living import Living
from core.suppression.silences import Silence, filed
from core.suppression.waiting import Waiting
from core.suppression.windows import Window, filed_windows

if TYPE_CHECKING:
    from core.rules.schema import RuleSet
    from core.state import State
    from core.world import World

_SLACK = 1_000


class Tables:
    """`waiting` knows which pages wait for which places of inhibition, `living` which alerts may still fire
    of an incident that is held. Call `begin` once `world` has its rules and index."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rules: RuleSet | None = None
        self._inhibitors = Inhibitors()
        self._windows: Dispatch[Window] = Dispatch(())
        self._silences: Dispatch[Silence] | None = None
        self._counted: dict[tuple[str, str], Counted] = {}
        self.waiting = Waiting()
        self.living = Living(state)

    def begin(self, world: World) -> None:
        for incident in self._state.incidents.values():
            if incident.held is not None:
                self.waiting.note(world, incident)

    def silences(self) -> Dispatch[Silence]:
        if self._silences is None:
            self._silences = filed(self._state.silences)
        return self._silences

    def silences_changed(self) -> None:
        self._silences = None

    def counted(self, world: World, alert: tuple[str, str]) -> Counted:
        """The firings of an alert (domain, fingerprint), of which there are some; counted once each."""
        self._follow(world)
        if len(self._counted) > len(world.state.episodes) + _SLACK:
            self._counted.clear()
        found = count(world.index.firings(*alert), world.rules.flapping, self._counted.get(alert))
        self._counted[alert] = found
        return found

    def windows(self, world: World) -> Dispatch[Window]:
        self._follow(world)
        return self._windows

    def inhibitors(self, world: World) -> Inhibitors:
        """With every alert filed that came since it was last asked for."""
        self._follow(world)
        fresh, episodes = world.index.fresh, self._state.episodes
        if self._inhibitors.rules:
            if self._inhibitors.size > 2 * len(episodes) * len(self._inhibitors.rules) + _SLACK:
                self._file_all(world)
            for name in fresh:
                if name in episodes:
                    self._inhibitors.take(episodes[name])
        fresh.clear()
        return self._inhibitors

    def _follow(self, world: World) -> None:
        rules = world.rules
        if rules is not self._rules:
            self._windows = filed_windows(rules.quiet_times.windows)
            self._rules = rules
            self._counted.clear()
            self.waiting.other_rules()
            self._file_all(world)

    def _file_all(self, world: World) -> None:
        self._inhibitors = Inhibitors(world.rules.inhibition.inhibitions)
        world.index.fresh[:] = self._state.episodes
