"""Routing: which receivers hear of an incident, by team, severity, environment and time of day.

The first route that matches decides; one that says `continue` lets those after it add their receivers. Only
names are here. Addresses and secrets of receivers are the notifier's, never the journal's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from core.calendars import Intervals
from core.errors import RoutesError
from core.model.incident import Severity
from core.rules.responding import Steps
from core.yamltext import Strict, checked, read_yaml


class Match(Strict):
    """Each key given must hold the incident's value; an empty list holds every value.

    `when` names a time interval that must hold when the page is decided.
    """

    team: tuple[str, ...] = ()
    severity: tuple[Severity, ...] = ()
    environment: tuple[str, ...] = ()
    when: str = ""

    def holds(self, team: str, severity: str, environment: str) -> bool:
        """All but `when`."""
        return (
            (not self.team or team in self.team)
            and (not self.severity or severity in self.severity)
            and (not self.environment or environment in self.environment)
        )


class Route(Strict):
    receiver: str
    match: Match = Match()
    goes_on: bool = Field(default=False, alias="continue")
    # Who else is told while nobody acknowledges; in the place of the rule's steps.
    escalation: Steps = ()


def _named(interval: Intervals) -> Intervals:
    if not interval.name:
        raise ValueError("it has no name; add one, such as business-hours")
    return interval


class Routes(Strict):
    """`receivers`: every receiver there is, by name; `acknowledged`: those that are told when somebody has
    acknowledged what they were paged for. Both are empty in journals of before."""

    routes: tuple[Route, ...] = Field(default=())
    time_intervals: tuple[Annotated[Intervals, AfterValidator(_named)], ...] = ()
    receivers: tuple[str, ...] = ()
    acknowledged: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Routes:
        names = [interval.name for interval in self.time_intervals]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"time_intervals: {name!r} is there twice; rename one")
        for place, route in enumerate(self.routes, 1):
            if route.match.when and route.match.when not in names:
                known = ", ".join(names) or "none"
                says = f"no time interval is called {route.match.when!r}; known: {known}"
                raise ValueError(f"routes.{place}.match.when: {says}")
        return self

    def with_environments(self, name: Callable[[str], str]) -> Routes:
        """The same, with environments by their one name: routes say `prod` where alerts say `production`."""
        if not any(route.match.environment for route in self.routes):
            return self
        routes = []
        for route in self.routes:
            named = tuple(name(one) for one in route.match.environment)
            match = route.match.model_copy(update={"environment": named})
            routes.append(route.model_copy(update={"match": match}))
        return self.model_copy(update={"routes": tuple(routes)})

    def receivers_of(self, *, team: str, severity: str, environment: str, at: int) -> tuple[str, ...]:
        """Names, each once, in the routes' order, for a page decided at `at` (ms UTC); none: none matches."""
        found: dict[str, None] = {}
        for route in self.routes:
            if not route.match.holds(team, severity, environment) or not self._now(route.match.when, at):
                continue
            found[route.receiver] = None
            if not route.goes_on:
                break
        return tuple(found)

    def escalation_of(self, *, team: str, severity: str, environment: str, at: int) -> Steps:
        """The steps of the first route that matches and has any; empty when none does."""
        for route in self.routes:
            if route.match.holds(team, severity, environment) and self._now(route.match.when, at):
                if route.escalation:
                    return route.escalation
                if not route.goes_on:
                    break
        return ()

    @cached_property
    def first_step(self) -> int | None:
        """When the earliest of the routes' own escalations begins, in ms."""
        return min((route.escalation[0].after for route in self.routes if route.escalation), default=None)

    @property
    def known(self) -> frozenset[str]:
        """Names of all receivers that can be told; of journals of before, those that routes name."""
        if self.receivers:
            return frozenset(self.receivers)
        steps = {step.receiver for route in self.routes for step in route.escalation}
        return frozenset({*(route.receiver for route in self.routes), *steps})

    def _now(self, when: str, at: int) -> bool:
        return not when or any(one.holds(at) for one in self.time_intervals if one.name == when)


def parse_routes(text: str, where: str = "routes") -> Routes:
    return checked(Routes, read_yaml(text, RoutesError, where), RoutesError, where)
