"""When people are told: the notify decisions, each with a named reason.

The first page waits as long as its severity allows, so that one message can tell the whole story. After
it, a rise in severity, a merge, a reopening and the resolution are told at once; services that joined
are told together, once, unless somebody has acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence

from core import response
from core.findings import probable_place
from core.model.incident import Episode, Incident
from core.narrative.page import WAKING
from core.routing import About
from core.standing import judge
from core.storm import count_incident, first_wait, many_incidents
from core.suppression.holding import hold
from core.times import spoken
from core.world import Turn, World


def announce_opening(turn: Turn, incident: Incident) -> None:
    count_incident(turn)
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


def announce_merge(turn: Turn, kept: Incident, absorbed: Incident, *, untold: bool = False) -> None:
    """Those who were told of `absorbed` learn what it goes by now, whatever the routes say of `kept`.
    `untold`: its first page was still to come. Whoever has `kept` does not know what is critical in it."""
    unknown = untold and kept.status in response.AT_WORK and absorbed.firing and not absorbed.worst_rank
    if absorbed.notified or unknown:
        turn.world.timers.cancel(f"notify:{kept.id}")
        notify(turn, kept, f"merged:{absorbed.id}", also=_reachable(turn, absorbed.told_to))
    # Where that page is held back, they are to be told of the end all the same.
    kept.told_to.extend(name for name in absorbed.told_to if name not in kept.told_to)


def announce_acknowledgements(turn: Turn) -> None:
    """Of what this record decided; to receivers that want to know, if they were paged."""
    for decision in [one for one in turn.decisions if one.kind == "acknowledge" and one.seq == turn.seq]:
        incident = turn.world.state.incidents.get(decision.subject)
        if incident is not None:
            _tell_taken(turn, incident)


def announce_answer(turn: Turn, incident: Incident) -> None:
    """A person who has it said or did something: what they were woken for since is in hand too."""
    last = next((one for one in reversed(incident.history) if one.what == "paged"), None)
    base = last.reason.partition(":")[0] if last is not None else ""
    if incident.status in response.AT_WORK and base in WAKING:
        _tell_taken(turn, incident)


def _tell_taken(turn: Turn, incident: Incident) -> None:
    wanted = turn.world.config.routes.acknowledged
    told = [name for name in incident.told_to if name in wanted]
    if told:
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
        if count := many_incidents(turn.world, turn.at):
            within = spoken(turn.world.rules.storm.incidents_within)
            turn.note(incident, "storm", "many_incidents", detail=f"{count} incidents within {within}")
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
    if receivers == [""] and turn.world.config.routes.routes:
        turn.note(incident, "not_paged", "no_route", detail=reason)
    else:
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
    return routes.receivers_of(about(turn.world, incident), turn.at) or ("",)


def about(world: World, incident: Incident) -> About:
    """Of the probable origin, for the routes: the people who can mend it."""
    entity, names = probable_place(world, incident), world.rules.identity
    _, environment, cluster, service = entity
    own = [one for one in world.members(incident) if one.entity == entity]
    entry = world.config.catalogue.entry(entity)
    team = entry.team if entry is not None and entry.team else _said(own, names.team)
    namespace = _said(own, names.namespace) or (entry.namespace if entry is not None else "")
    return About(team, incident.severity, environment, cluster, namespace, service, incident.domain)


def _said(episodes: Sequence[Episode], labels: Sequence[str]) -> str:
    """What the first of the episodes that says anything under one of the labels says."""
    for episode in episodes:
        for label in labels:
            if episode.labels.get(label):
                return episode.labels[label]
    return ""
