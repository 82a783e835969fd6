"""Recurrence: the very same alerts as in an incident that is over. The new incident says which one it
recalls.

Incidents are compared by the set of their alerts' fingerprints, once an alert has settled. Those of very many
alerts are not compared.
"""

from __future__ import annotations

from core.canonical import canonical_json, sha256_hex
from core.model.incident import Incident
from core.state import keep_recent
from core.times import DAY
from core.world import Turn, World

_MOST = 200
_KEPT = 90 * DAY


def remember(turn: Turn, incident: Incident) -> None:
    """Call when an incident is resolved."""
    name = _pattern(turn.world, incident)
    if name:
        patterns = turn.world.state.patterns
        patterns[name] = (turn.at, incident.id)
        keep_recent(patterns, turn.at, lambda known: known[0], age=_KEPT)


def recall(turn: Turn, incident: Incident) -> None:
    """Call when its alerts may have become the same as those of one that is over."""
    if incident.recurrence_of or incident.resolved_at is not None:
        return
    name = _pattern(turn.world, incident)
    known = turn.world.state.patterns.get(name) if name else None
    if known is None or turn.world.resolve_id(known[1]) == incident.id:
        return
    incident.recurrence_of = known[1]
    turn.note(incident, "recurrence", "same_alerts", detail=known[1])


def _pattern(world: World, incident: Incident) -> str:
    """Of the domain and the alerts; "" for too many."""
    if len(incident.members) > _MOST:
        return ""
    alerts = sorted({world.state.episodes[name].fingerprint for name in incident.members})
    return sha256_hex(canonical_json([incident.domain, alerts]))[:24]
