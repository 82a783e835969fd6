"""When the agents are asked to explain an incident: the enrich decisions.

They wait until the picture has settled, are asked again when it is another (it got worse, more alerts,
services or changes came, nothing fires any more), and at once when it is over. Paging never waits for them,
and what they say decides nothing.
"""

from __future__ import annotations

from core.model.incident import Incident
from core.world import Turn


def explain_soon(turn: Turn, incident: Incident) -> None:
    """After its opening or reopening."""
    due = turn.at + turn.world.rules.explain.wait
    turn.world.timers.arm_if_idle(f"explain:{incident.id}", due, turn.seq)


def watch_for_news(turn: Turn, incident: Incident) -> None:
    """Call after alerts or changes came: it is explained again when the picture is another."""
    if incident.explained and not _as_explained(incident) and incident.status != "closed":
        due = turn.at + turn.world.rules.explain.again_after
        turn.world.timers.arm_if_idle(f"explain:{incident.id}", due, turn.seq)


def explain_now(turn: Turn, incident: Incident, reason: str) -> None:
    turn.world.timers.cancel(f"explain:{incident.id}")
    decision = turn.decide("enrich", incident.id, reason)
    if decision.id not in incident.asked:
        incident.asked.append(decision.id)
    turn.world.state.pending[decision.id] = decision
    incident.explained = _size(incident)
    incident.version += 1


def on_explain_timer(turn: Turn, incident: Incident) -> None:
    if not _as_explained(incident):
        explain_now(turn, incident, "more_is_known" if incident.explained else "opened")


def _as_explained(incident: Incident) -> bool:
    """Whether the picture is the one that they were asked about."""
    known = incident.explained
    # A checkpoint of before has the first three alone.
    return known is not None and _size(incident)[: len(known)] == known


def _size(incident: Incident) -> tuple[int | bool | str, ...]:
    return (
        len(incident.entities),
        len(incident.changes),
        incident.firing > 0,
        incident.severity,
        len(incident.members),
    )
