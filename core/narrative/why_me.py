"""Why me: the route by which a receiver was paged, and what the severity asks of whoever is.

Routes are asked as they are now, of the incident as it is now, at the time of its first page: of a receiver
that they would not name so, nothing is said. What a severity asks is from the rule `response`.
"""

from __future__ import annotations

from core.model.incident import Incident
from core.narrative.plain import one_line
from core.paging import about
from core.routing import Match
from core.times import spoken
from core.world import World

_NAME, _MOST = 80, 3


def routed_said(world: World, incident: Incident) -> list[str]:
    """For each receiver of the first page, at most three, what its route goes by."""
    first = next((one for one in incident.history if one.what == "paged" and one.detail), None)
    if first is None:
        return []
    told = first.detail.split(", ")
    routes = world.config.routes.matching(about(world, incident), first.at)
    named = {route.receiver: route.match for route in reversed(routes) if route.receiver in told}
    return [
        f"{one_line(name, _NAME)} was chosen because {_why(named[name])}."
        for name in told[:_MOST]
        if name in named
    ]


def severity_means(world: World, severity: str) -> list[str]:
    """What is to be done how soon; nothing where the rule has no such clock."""
    rule = world.rules.response
    respond, update = rule.respond.get(severity), rule.update.get(severity)  # type: ignore[call-overload]
    parts = [f"somebody acknowledges it within {spoken(respond)}"] if respond else []
    parts += [f"whoever has it says how it goes every {spoken(update)}"] if update else []
    return [f"{severity} asks that {' and that '.join(parts)}."] if parts else []


def _why(match: Match) -> str:
    """`its route is for severity P0 or P1 and team payments`."""
    rows = (
        ("severity", match.severity),
        ("team", match.team),
        ("service", match.service),
        ("environment", match.environment),
        ("cluster", match.cluster),
        ("namespace", match.namespace),
        ("domain", match.domain),
    )
    held = [(key, [one_line(one, _NAME) for one in names if one]) for key, names in rows]
    parts = [f"{key} {' or '.join(names)}" for key, names in held if names]
    parts += [f"the times of {one_line(match.when, _NAME)}"] if match.when else []
    if not parts:
        return "its route takes whatever no route before it took"
    return f"its route is for {', '.join(parts[:-1])}{' and ' * (len(parts) > 1)}{parts[-1]}"
