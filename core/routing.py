"""Routing: which receiver hears of an incident, by team, severity and environment. First match wins.

Only names are here. Addresses and secrets of receivers are the notifier's, never the journal's.
"""

from __future__ import annotations

from pydantic import Field

from core.errors import RoutesError
from core.model.incident import Severity
from core.yamltext import Strict, checked, read_yaml


class Match(Strict):
    """Each key given must hold the incident's value; an empty list holds every value."""

    team: tuple[str, ...] = ()
    severity: tuple[Severity, ...] = ()
    environment: tuple[str, ...] = ()

    def holds(self, team: str, severity: str, environment: str) -> bool:
        return (
            (not self.team or team in self.team)
            and (not self.severity or severity in self.severity)
            and (not self.environment or environment in self.environment)
        )


class Route(Strict):
    receiver: str
    match: Match = Match()


class Routes(Strict):
    routes: tuple[Route, ...] = Field(default=())

    def receiver(self, *, team: str, severity: str, environment: str) -> str:
        """The receiver's name, or "" when no route matches."""
        for route in self.routes:
            if route.match.holds(team, severity, environment):
                return route.receiver
        return ""


def parse_routes(text: str, where: str = "routes") -> Routes:
    return checked(Routes, read_yaml(text, RoutesError, where), RoutesError, where)
