"""Routing: which receivers hear of an incident, by team, severity, place, service and time of day.

The first route that matches decides; one that says `continue` lets those after it add their receivers. Only
names are here. Addresses and secrets of receivers are the notifier's, never the journal's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from core.calendars import Intervals
from core.errors import RoutesError
from core.model.incident import Severity
from core.rules.responding import Steps
from core.times import HOUR
from core.yamltext import Strict, checked, read_yaml


class About(NamedTuple):
    """What routes go by, of an incident's probable origin; "" for what is not known."""

    team: str = ""
    severity: str = ""
    environment: str = ""
    cluster: str = ""
    namespace: str = ""
    service: str = ""
    domain: str = ""


class Match(Strict):
    """Each key given must hold the incident's value; an empty list holds every value. A service is found by
    its name with or without its namespace before it.

    `when` names a time interval that must hold when the page is decided.
    """

    team: tuple[str, ...] = ()
    severity: tuple[Severity, ...] = ()
    environment: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    namespace: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    when: str = ""

    def holds(self, about: About) -> bool:
        """All but `when`."""
        service = not self.service or about.service.rpartition("/")[2] in self.service
        return (service or about.service in self.service) and all(
            not wanted or said in wanted
            for wanted, said in (
                (self.team, about.team),
                (self.severity, about.severity),
                (self.environment, about.environment),
                (self.cluster, about.cluster),
                (self.namespace, about.namespace),
                (self.domain, about.domain),
            )
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

    def with_environments(
        self, name: Callable[[str], str], production: Callable[[str], bool] = lambda environment: False
    ) -> Routes:
        """The same, with environments by their one name: routes say `prod` where alerts say `production`. A
        route for production takes what says no environment too, where `production` counts that as such."""
        if not any(route.match.environment for route in self.routes):
            return self
        routes = []
        for route in self.routes:
            named = tuple(name(one) for one in route.match.environment)
            if production("") and any(production(one) for one in named):
                named = (*named, "")
            match = route.match.model_copy(update={"environment": named})
            routes.append(route.model_copy(update={"match": match}))
        return self.model_copy(update={"routes": tuple(routes)})

    def receivers_of(self, about: About, at: int) -> tuple[str, ...]:
        """Names, each once, in the routes' order, for a page decided at `at` (ms UTC); none: none matches."""
        return tuple(dict.fromkeys(route.receiver for route in self.matching(about, at)))

    def matching(self, about: About, at: int) -> list[Route]:
        """The routes by which they are named: the first that matches, and those that it lets add theirs."""
        found: list[Route] = []
        for route in self.routes:
            if route.match.holds(about) and self._now(route.match.when, at):
                found.append(route)
                if not route.goes_on:
                    break
        return found

    def untaken(self, about: About, start: int) -> int | None:
        """When, of the hours of the week from `start` (ms UTC), no route would take such a page for the first
        time; None for never."""
        if any(route.match.holds(about) and not route.match.when for route in self.routes):
            return None
        hours = (start + hour * HOUR for hour in range(7 * 24))
        return next((at for at in hours if not self.receivers_of(about, at)), None)

    def escalation_of(self, about: About, at: int) -> Steps:
        """The steps of the first route that matches and has any; empty when none does."""
        for route in self.routes:
            if route.match.holds(about) and self._now(route.match.when, at):
                if route.escalation:
                    return route.escalation
                if not route.goes_on:
                    break
        return ()

    @cached_property
    def first_step(self) -> int | None:
        """When the earliest of the routes' own escalations begins, in ms."""
        return min((route.escalation[0].after for route in self.routes if route.escalation), default=None)

    @cached_property
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
