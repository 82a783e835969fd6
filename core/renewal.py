"""What fires on in a closed incident, and is told again after the reopen window: closed stays closed, so that
a new incident takes the alerts that fire, and names the old one as what it recalls.

They go together, as they were together; the old one leaves memory with its last document.
"""

from __future__ import annotations

from core.asking import explain_soon
from core.correlation.index import link_again
from core.lifecycle import left_firing
from core.model.incident import Incident
from core.paging import announce_opening
from core.splitting import count, found_of
from core.world import Turn, World


def going_on(world: World, incident: Incident) -> list[str]:
    """The alerts (episode ids) that a new incident takes over; none while no source has said that one fires
    since it was closed."""
    closed = incident.closed_at
    if incident.status != "closed" or closed is None:
        return []
    if not any(episode.last_heard > closed for episode in left_firing(world, incident)):
        return []
    episodes = world.state.episodes
    return [name for name in incident.members if episodes[name].status != "resolved"]


def renew(turn: Turn, old: Incident, names: list[str]) -> Incident:
    """The incident of `names`. Call when `old` has left memory, and they have not."""
    new = found_of(turn, old, names)
    new.recurrence_of = old.id
    for episode in turn.world.members(new):
        link_again(turn.world, episode)
    turn.note(new, "opened", "still_firing", detail=old.id)
    turn.decide("open", new.id, "still_firing")
    count(turn, new)
    announce_opening(turn, new)
    explain_soon(turn, new)
    return new
