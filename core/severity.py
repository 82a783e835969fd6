"""Severity P0 to P3 of an incident, by the conditions of the severity rule; the first that holds decides.

What it reads only grows with the members (the worst alert, the services, the best tier), so the order in
which alerts arrive cannot matter. With the shipped conditions it never falls while an incident lives.
"""

from __future__ import annotations

from core.model.events import AlertStatus
from core.model.incident import SEVERITIES, Episode, Incident
from core.paging import announce_severity
from core.rules.schema import LEVELS, SeverityRule, When
from core.world import Turn

_RANK = {level: rank for rank, level in enumerate(LEVELS)}


class Levels:
    """The rank (0 is worst) of what an alert says of its severity."""

    def __init__(self, rule: SeverityRule) -> None:
        self._label = rule.label
        self._ranks = {word: _RANK[level] for level, words in rule.levels.items() for word in words}
        self._default = _RANK[rule.default_level]

    def rank(self, labels: dict[str, str], status: AlertStatus) -> int:
        """An end that names no severity has the least: it makes nothing worse."""
        if status == "resolved" and self._label not in labels:
            return _RANK["info"]
        return self._ranks.get(labels.get(self._label, "").lower(), self._default)


def add_member(turn: Turn, incident: Incident, episode: Episode) -> None:
    config = turn.world.config
    incident.worst_rank = min(incident.worst_rank, episode.alert_rank)
    if episode.entity in incident.entities:
        return
    incident.entities.add(episode.entity)
    if episode.entity.environment.lower() not in config.rules.severity.non_production:
        incident.production = True
    entry = config.catalogue.entry(episode.entity)
    if entry is not None and entry.tier is not None:
        incident.tier = entry.tier if incident.tier is None else min(incident.tier, entry.tier)


def raise_rank(turn: Turn, incident: Incident, rank: int) -> None:
    """An alert of the incident has become worse."""
    if rank < incident.worst_rank:
        incident.worst_rank = rank
        update(turn, incident)


def merge(kept: Incident, absorbed: Incident) -> None:
    kept.worst_rank = min(kept.worst_rank, absorbed.worst_rank)
    kept.entities |= absorbed.entities
    kept.production |= absorbed.production
    tiers = [tier for tier in (kept.tier, absorbed.tier) if tier is not None]
    kept.tier = min(tiers, default=None)


def update(turn: Turn, incident: Incident) -> None:
    """Decide severity anew; a change is a decision, a rise is announced."""
    for condition in turn.world.rules.severity.conditions:
        if _holds(condition.when, incident):
            break
    first = not incident.severity_reason
    before, incident.severity_reason = incident.severity, condition.name
    if condition.severity == before and not first:
        return
    incident.severity = condition.severity
    turn.decide("severity", incident.id, f"{condition.severity}:{condition.name}")
    if not first:
        turn.note(incident, "severity", condition.name, detail=condition.severity)
        if SEVERITIES.index(condition.severity) < SEVERITIES.index(before):
            announce_severity(turn, incident)


def _holds(when: When, incident: Incident) -> bool:
    return (
        (when.level is None or incident.worst_rank <= _RANK[when.level])
        and (when.production is None or incident.production == when.production)
        and (when.tier_at_most is None or (incident.tier is not None and incident.tier <= when.tier_at_most))
        and (when.services_at_least is None or len(incident.entities) >= when.services_at_least)
    )
