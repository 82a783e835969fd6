"""Where service level objectives stand, as plain JSON values: what the API, the console and terminals show.

Times are RFC 3339 texts, lengths of time ms; burns and shares of the budget are thousandths, rates of errors
parts per billion. What is not known is null.
"""

from __future__ import annotations

from core.decimals import decimal
from core.error_budget import Condition, budget_ms, burn, conditions, holds, missing, spent, windows_of
from core.model.document import Document
from core.model.incident import Incident
from core.model.slo import BILLION, Slo
from core.rules.slo import SloBurn
from core.slo import Standing, budget, present_window, standing
from core.times import format_rfc3339, optional_rfc3339
from core.world import World


def slos_document(world: World, service: str | None, limit: int) -> Document:
    """Those in trouble first: what burns, then by what is left, then by name. Of one `service` (also by an
    alias) with the history of what was spent; `total` counts those beyond `limit` too."""
    name = None if service is None else world.config.catalogue.canonical_name(service) or service
    slos = [one for one in world.state.slos.values() if name is None or one.entity.service == name]
    shown = sorted((standing(world, slo) for slo in slos), key=_trouble)[:limit]
    rows = [slo_document(world, stands) for stands in shown]
    if name is not None:
        rows = [{**row, "history": _history(world.state.slos[row["id"]])} for row in rows]
    return {"slos": rows, "total": len(slos)}


def incident_budgets(world: World, incident: Incident) -> list[Document]:
    """The objectives of an incident's services, each once."""
    found = {one.slo.id: one for entity in sorted(incident.entities) for one in budget(world, entity)}
    return [slo_document(world, stands) for stands in sorted(found.values(), key=_trouble)]


def slo_document(world: World, stands: Standing) -> Document:
    slo, rule = stands.slo, world.rules.slo_burn
    told, used = slo.latest, spent(slo.latest)
    return {
        "id": slo.id,
        "domain": slo.entity.domain,
        "service": slo.entity.service,
        "environment": slo.entity.environment,
        "cluster": slo.entity.cluster,
        "slo": told.slo,
        "objective": decimal(told.objective, BILLION // 100),
        "window_ms": told.window,
        "budget_ms": budget_ms(told),
        "told_at": format_rfc3339(told.at),
        "stale_since": optional_rfc3339(slo.stale_since),
        "spent": stands.spent,
        "left": stands.left,
        "basis": stands.basis,
        "basis_window_ms": used.window or None,
        "bands": _bands(rule, stands),
        "exhausted_in_ms": stands.exhausted_in,
        "pace_window_ms": present_window(world, slo) or None,
        "conditions": [_condition(one, slo, stands) for one in conditions(rule)],
        "rates": [
            {"window_ms": window, "errors": errors, "burn": burn(told, window)}
            for window, errors in told.rates
        ],
    }


def _history(slo: Slo) -> list[Document]:
    return [{"at": format_rfc3339(one.at), "spent": one.spent * 1_000 // BILLION} for one in slo.history]


def _bands(rule: SloBurn, stands: Standing) -> list[Document]:
    return [
        {"name": band.name, "spent": band.spent, "reached": band.name in stands.bands} for band in rule.bands
    ]


def _condition(condition: Condition, slo: Slo, stands: Standing) -> Document:
    """`holds` in the latest telling, with the windows that it lacks; `firing`: its alert has not ended."""
    told, pace = slo.latest, condition.burn
    long, short = windows_of(condition) or (None, None)
    return {
        "alert": condition.alert,
        "level": condition.level,
        "holds": holds(condition, told),
        "firing": condition.alert in stands.burning,
        "above": pace.above if pace else None,
        "left_below": condition.low.left if condition.low else None,
        "long_ms": long,
        "short_ms": short,
        "long": burn(told, long) if long else None,
        "short": burn(told, short) if short else None,
        "missing_ms": list(missing(condition, told)),
    }


def _trouble(stands: Standing) -> tuple[bool, bool, int, str]:
    return (not stands.burning, stands.left is None, stands.left or 0, stands.slo.id)
