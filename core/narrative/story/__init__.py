"""Template sentences: what the agents say without a language model, in the form that a model must write too.

Every sentence has slots (`{F3.at}`) that code fills and citations (`[F3]`), and passes the claim check.
Nothing is said that no fact holds: where a fact is missing, the sentence is.
"""

from __future__ import annotations

from core.narrative.facts import FITS, Bundle
from core.narrative.story.changes import change_sentences
from core.narrative.story.sentences import (
    about,
    at,
    came,
    cite,
    clock,
    elsewhere,
    ended_by,
    lasting,
    listed,
    named,
    no_change,
    object_,
    of_change,
    subject,
    value,
)

_CALLERS = 4


def story(bundle: Bundle) -> list[str]:
    """The narrator: what is wrong since when, where it begins, whom it hurts, what changed, how it ends."""
    parts = (_situation, _state, _begins, _hurts, _no_edges, _main_suspect, _ended_by, _known)
    return [sentence for part in parts for sentence in part(bundle)]


def changes_story(bundle: Bundle) -> list[str]:
    """The deploy-risk analyst: how suspect each change looks, and what followed it."""
    return change_sentences(bundle)


def past_story(bundle: Bundle) -> list[str]:
    """The retriever: incidents that were like this one, and what ended them. Empty when nobody looked."""
    told = [f"No past incident like this one is remembered {cite(f)}." for f in bundle.of("no-past")]
    for past in bundle.of("past"):
        when = f", at {at(past)}," if past.at else ""
        told.append(f"{subject(past)}{when} was like this one, with a match of {value(past)} {cite(past)}.")
        told += [
            f"{subject(fact)} has this in common with it: {object_(fact)} {cite(fact)}."
            for fact in about(bundle, "shared", past.subject)
        ]
        told += [
            f"{subject(fact)} ended with this: {object_(fact)} {cite(fact)}."
            for fact in about(bundle, "past-ending", past.subject)
        ]
    return told


def plan_story(bundle: Bundle) -> list[str]:
    """The planner: which plans fit, the best first. Empty when no runbooks are in force."""
    told = [f"No runbook fits this incident {cite(fact)}." for fact in bundle.of("no-plan")]
    for plan in bundle.of("plan"):
        order = "The plan that fits best is" if not told else "Another plan that fits is"
        if plan.predicate != FITS:
            order = "A plan that fits is"
        told.append(f"{order} this one: {subject(plan)} {cite(plan)}.")
        counts = bundle.of("plan-questions", "plan-evidence", "plan-checklist")
        own = [fact for fact in counts if fact.subject == plan.object]
        if own:
            told.append(f"It holds {listed(value(fact) for fact in own)} {cite(*own)}.")
        told += [
            f"At {value(plan)}, {value(fact)} of it are not shown {cite(plan, fact)}."
            for fact in about(bundle, "plan-withheld", plan.object)
        ]
    suspect = bundle.first("suspect")
    return told + (lasting(bundle, suspect) if bundle.of("plan") and suspect is not None else [])


def _situation(bundle: Bundle) -> list[str]:
    severity, started = bundle.first("severity"), bundle.first("started")
    alerts, services = bundle.first("alerts"), bundle.first("services")
    if not (severity and started and alerts and services and alerts.value):
        return []
    place = bundle.of("place")
    where = f" in {object_(place[0])}" if len(place) == 1 else ""
    reach = f"{value(alerts)} on {value(services)}" if services.value else value(alerts)
    facts = (severity, started, alerts, *([services] if services.value else []), *(place if where else ()))
    return [
        f"This {object_(severity)} incident began at {at(started)} and holds {reach}{where} {cite(*facts)}."
    ]


def _state(bundle: Bundle) -> list[str]:
    resolved, lasted = bundle.first("resolved"), bundle.first("duration")
    firing, unknown = bundle.first("firing"), bundle.first("unknown")
    if resolved is not None:
        who = f" by {subject(resolved)}" if resolved.object else ""
        after = f", {value(lasted)} after it began" if lasted else ""
        return [
            f"It was resolved{who} at {at(resolved)}{after} {cite(resolved, *([lasted] if lasted else []))}."
        ]
    told = []
    if firing is not None and firing.value:
        told.append(
            f"Of these, {value(firing)} still {'fires' if firing.value == 1 else 'fire'} {cite(firing)}."
        )
    elif firing is not None and not unknown:
        told.append(f"None of its alerts is firing at the moment {cite(firing)}.")
    if unknown is not None:
        told.append(f"Of {value(unknown)} it is not known whether they still fire {cite(unknown)}.")
    return told


def _begins(bundle: Bundle) -> list[str]:
    origin = bundle.first("origin")
    if origin is None:
        lost = bundle.of("no-origin")
        return [f"It is not known where it begins {cite(fact)}." for fact in lost]
    for trouble in about(bundle, "trouble", origin.subject):
        name = f" with {value(trouble)}" if trouble.value else ""
        return [
            f"It probably begins at {subject(origin)}, which began to alert at {clock(trouble)}{name}"
            f" {cite(origin, trouble)}."
        ]
    return [f"It probably begins at {subject(origin)} {cite(origin)}."]


def _hurts(bundle: Bundle) -> list[str]:
    origin = bundle.first("origin")
    if origin is None:
        return []
    troubles = {fact.subject: fact for fact in bundle.of("trouble")}
    own = troubles.get(origin.subject)
    direct = [edge for edge in bundle.of("edge") if edge.object == origin.subject][:_CALLERS]
    if own is None or not direct:
        return []
    names, verb = listed(subject(edge) for edge in direct), "calls" if len(direct) == 1 else "call"
    told = [f"{names} {verb} {object_(direct[0])} and alerted as well {cite(*direct)}."]
    near = {edge.subject for edge in direct}
    far = [fact for fact in troubles.values() if fact.id in own.causes and fact.subject not in near][
        :_CALLERS
    ]
    if far:
        was = "was" if len(far) == 1 else "were"
        told.append(
            f"Further up, {listed(map(subject, far))} {was} probably hit because of {subject(own)}"
            f" {cite(own, *far)}."
        )
    return told


def _no_edges(bundle: Bundle) -> list[str]:
    """Services that no counted call joins to the origin are named, and nothing is said of why."""
    origin = bundle.first("origin")
    troubles = bundle.of("trouble")
    own = next((fact for fact in troubles if origin and fact.subject == origin.subject), None)
    if own is None:
        return []
    rest = [fact for fact in troubles if fact is not own and fact.id not in own.causes][:_CALLERS]
    return [f"Alerts came from {listed(map(subject, rest))} as well {cite(*rest)}."] if rest else []


def _main_suspect(bundle: Bundle) -> list[str]:
    chosen = next((fact for fact in bundle.of("suspect") if fact.causes), None)
    if chosen is None:
        return [*no_change(bundle), *elsewhere(bundle)]
    age = of_change(bundle, "age", chosen)
    when = f" {came(age)} and" if age else ""
    facts = (chosen, age) if age else (chosen,)
    return [f"The {named(chosen)}{when} is the main suspect {cite(*facts)}."]


def _ended_by(bundle: Bundle) -> list[str]:
    return [sentence for repair in bundle.of("repair")[:1] for sentence in ended_by(bundle, repair)]


def _known(bundle: Bundle) -> list[str]:
    returns = [f"It looks like a return of {object_(fact)} {cite(fact)}." for fact in bundle.of("recurrence")]
    people = [
        f"It was acknowledged by {subject(fact)}{f' at {clock(fact)}' if fact.at else ''} {cite(fact)}."
        for fact in bundle.of("acknowledged")
    ]
    nobody = [f"Nobody has acknowledged it yet {cite(fact)}." for fact in bundle.of("unacknowledged")]
    return [*returns, *people, *nobody]
