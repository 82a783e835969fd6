"""When people are told: the notify decisions, each with a named reason.

The first page waits as long as its severity allows, so that one message can tell the whole story. After
it, a rise in severity, a merge, a reopening and the resolution are told at once; services that joined
are told together, once, unless somebody has acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence

from core import response
from core.findings import probable_place
from core.model.incident import Incident
from core.standing import judge
from core.storm import first_wait
from core.suppression.holding import hold
from core.world import Turn, World


def announce_opening(turn: Turn, incident: Incident) -> None:
    turn.arm(f"notify:{incident.id}", turn.at + first_wait(turn, incident))
    response.start(turn, incident)


def announce_severity(turn: Turn, incident: Incident) -> None:
    response.hasten(turn, incident)
    name = f"notify:{incident.id}"
    pending = turn.world.timers.armed.get(name)
    if incident.status in response.AT_WORK:
        # The first page would not come any more, nor wait: whoever took it took something less.
        turn.world.timers.cancel(name)
        notify(turn, incident, f"severity_raised:{incident.severity}")
    elif pending is not None:
        due = turn.at + first_wait(turn, incident)
        if due < pending[0]:
            turn.arm(name, due)
    elif incident.notified:
        notify(turn, incident, f"severity_raised:{incident.severity}")


def announce_merge(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    """Those who were told of `absorbed` learn what it goes by now, whatever the routes say of `kept`."""
    if absorbed.notified:
        turn.world.timers.cancel(f"notify:{kept.id}")
        notify(turn, kept, f"merged:{absorbed.id}", also=_reachable(turn, absorbed.told_to))
    # Where that page is held back, they are to be told of the end all the same.
    kept.told_to.extend(name for name in absorbed.told_to if name not in kept.told_to)


def announce_acknowledgements(turn: Turn) -> None:
    """Of what this record decided; to receivers that want to know, if they were paged."""
    wanted = turn.world.config.routes.acknowledged
    for decision in [one for one in turn.decisions if one.kind == "acknowledge" and one.seq == turn.seq]:
        incident = turn.world.state.incidents.get(decision.subject)
        told = [name for name in incident.told_to if name in wanted] if incident else []
        if incident and told:
            notify(turn, incident, "acknowledged", to=told)


def announce_reopening(turn: Turn, incident: Incident, why: str = "") -> None:
    response.start_anew(turn, incident)
    if why:
        notify(turn, incident, f"reopened:{why}")
    else:
        notify(turn, incident, "reopened")


def announce_resolution(turn: Turn, incident: Incident) -> None:
    """Only those who were paged want to know, whoever the routes name by now."""
    turn.world.timers.cancel(f"notify:{incident.id}")
    turn.world.timers.cancel(f"update:{incident.id}")
    response.stop(turn, incident)
    if incident.notified or incident.told_to:
        notify(turn, incident, "resolved", to=_reachable(turn, incident.told_to))


def on_notify_timer(turn: Turn, incident: Incident) -> None:
    if incident.status != "triggered":
        turn.note(incident, "not_paged", f"already_{incident.status}")
    elif not incident.firing:
        turn.note(incident, "not_paged", "nothing_fires_any_more")
    else:
        notify(turn, incident, "opened")


def watch_for_page(turn: Turn, incident: Incident) -> None:
    """An incident that was quiet when its page was due is paged when something fires again."""
    if incident.firing and not incident.notified and not incident.held and incident.status == "triggered":
        due = turn.at + first_wait(turn, incident)
        turn.world.timers.arm_if_idle(f"notify:{incident.id}", due, turn.seq)


def on_update_timer(turn: Turn, incident: Incident) -> None:
    if incident.status == "triggered" and len(incident.entities) > incident.notified_services:
        notify(turn, incident, f"more_services:{len(incident.entities)}")


def watch_for_more(turn: Turn, incident: Incident) -> None:
    """After the first page: services that join are told together."""
    if incident.notified and len(incident.entities) > incident.notified_services:
        due = turn.at + turn.world.rules.notify.update_after
        turn.world.timers.arm_if_idle(f"update:{incident.id}", due, turn.seq)


def notify(
    turn: Turn,
    incident: Incident,
    reason: str,
    *,
    to: Sequence[str] = (),
    also: Sequence[str] = (),
    gated: bool = True,
) -> None:
    """A page to each of `to`, else to whom the routes name now; and to those in `also`. None while all that
    fires is suppressed, unless it is not `gated`: what somebody was told of may not rest by itself."""
    if gated and hold(turn, incident, reason):
        judge(turn, incident)
        return
    wanted = dict.fromkeys((*(to or _routed(turn, incident)), *also))
    # One page per incident, record and receiver: its text is made when it is sent, and holds all of it.
    same = incident.told is not None and incident.told[:2] == (turn.seq, turn.at)
    already = incident.told[2].split(",") if incident.told is not None and same else []
    receivers = [name for name in wanted if name not in already]
    if not receivers:
        return
    incident.told = (turn.seq, turn.at, ",".join([*already, *receivers]))
    for place, receiver in enumerate(receivers):
        decision = turn.decide("notify", incident.id, reason, receiver, further=bool(already) or place > 0)
        turn.world.state.pending[decision.id] = decision
    incident.told_to.extend(name for name in receivers if name and name not in incident.told_to)
    incident.notified += 1
    if not to:
        incident.notified_services = len(incident.entities)
    turn.note(incident, "paged", reason, detail=", ".join(receivers))
    incident.clocks.told = True
    if incident.clocks.stands is not None:
        judge(turn, incident)


def _reachable(turn: Turn, names: Sequence[str]) -> list[str]:
    """Those that the routes document still knows; journals of before do not say which there are."""
    known = turn.world.config.routes.receivers
    return [name for name in names if not known or name in known]


def _routed(turn: Turn, incident: Incident) -> tuple[str, ...]:
    """By the routes as they are at this time of day; "" alone stands for nobody."""
    routes = turn.world.config.routes
    if not routes.routes:
        return ("",)
    environment, team = place_of(turn.world, incident)
    return routes.receivers_of(
        team=team, severity=incident.severity, environment=environment, at=turn.at
    ) or ("",)


def place_of(world: World, incident: Incident) -> tuple[str, str]:
    """Environment and team of the probable origin: the people who can mend it."""
    entity = probable_place(world, incident)
    entry = world.config.catalogue.entry(entity)
    if entry is not None and entry.team:
        return entity.environment, entry.team
    for episode in world.members(incident):
        if episode.entity == entity:
            for label in world.rules.identity.team:
                if episode.labels.get(label):
                    return entity.environment, episode.labels[label]
    return entity.environment, ""
