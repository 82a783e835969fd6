"""Severity P0 to P3 of an incident, by the conditions of the severity rule; the first that holds decides.

What it reads only grows with the members (the worst alert, the services, the best tier), so the order in
which alerts arrive cannot matter. With the shipped conditions it never falls while an incident lives.
"""

from __future__ import annotations

from core.model.events import AlertStatus
from core.model.finding import Terms, Why
from core.model.incident import SEVERITIES, Episode, Incident
from core.paging import announce_severity
from core.rules.deciding import LEVELS, SeverityRule, When
from core.world import Turn, World

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
    if config.rules.severity.in_production(episode.entity.environment):
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
        if not _failed(condition.when, incident):
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


def why_severity(world: World, incident: Incident) -> Why:
    """The conditions in their order, up to the one that decided; of those before, the term that failed."""
    nodes = []
    for condition in world.rules.severity.conditions:
        failed = _failed(condition.when, incident)
        said = f"{condition.severity} when {condition.name.replace('-', ' ')}"
        nodes.append(Why("severity", said, not failed, failed))
        if not failed:
            break
    facts: Terms = {
        "worst": LEVELS[incident.worst_rank] if incident.worst_rank < len(LEVELS) else "unknown",
        "production": "yes" if incident.production else "no",
        "services": len(incident.entities),
        "tier": "unknown" if incident.tier is None else incident.tier,
    }
    said = f"{incident.severity}: {incident.severity_reason.replace('-', ' ')}"
    return Why("severity", said, terms=facts, children=tuple(nodes))


def _failed(when: When, incident: Incident) -> str:
    """The first term of the condition that does not hold, for people; "" when all hold."""
    if (level := when.level) is not None and incident.worst_rank > _RANK[level]:
        return f"no alert is {level} or worse"
    if when.production is not None and incident.production != when.production:
        return "it is in production" if incident.production else "it is not in production"
    if when.tier_at_most is not None and (incident.tier is None or incident.tier > when.tier_at_most):
        wanted = f"the condition asks for tier {when.tier_at_most}{' or better' * (when.tier_at_most > 1)}"
        if incident.tier is None:
            return f"the catalogue gives none of its services a tier, and {wanted}"
        return f"the best tier of its services is {incident.tier}, and {wanted}"
    if when.services_at_least is not None and len(incident.entities) < when.services_at_least:
        count = len(incident.entities)
        alert = "1 service alerts" if count == 1 else f"{count} services alert"
        return f"{alert}, and the condition asks for {when.services_at_least}"
    return ""
