"""Thresholds: alerts that say little alone page only once there are enough of them in one incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model.incident import Episode, Incident
from core.suppression.kinds import Suppression

if TYPE_CHECKING:
    from core.world import World


def short_of(world: World, incident: Incident) -> list[str]:
    """The thresholds that the incident has not reached."""
    alerts, services = len(incident.members), len(incident.entities)
    rows = world.rules.threshold.thresholds
    return [row.name for row in rows if alerts < row.alerts or services < row.services]


def too_few(world: World, episode: Episode, at: int) -> list[Suppression]:
    rows = world.rules.threshold.thresholds
    if not rows:
        return []
    incident = world.incident_of(episode)
    alerts, services = len(incident.members), len(incident.entities)
    return [
        Suppression(
            "threshold",
            row.name,
            "rule threshold",
            f"{alerts} of {row.alerts} alerts on {services} of {row.services} services",
        )
        for row in rows
        if (alerts < row.alerts or services < row.services) and row.fits.fit(episode)
    ]
