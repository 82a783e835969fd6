"""The arithmetic of error budgets, in integers: burns, what is spent, when it runs out, what holds.

A telling and the rule go in, numbers come out; nothing here knows what was told before or what time it is.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from core.model.events import SignalEvent
from core.model.slo import BILLION
from core.rules.slo import Alarm, Burn, Low, SloBurn

THOUSAND = 1_000
_MILLION = BILLION // THOUSAND
Basis = Literal["told", "estimated", "unknown"]


class Condition(NamedTuple):
    """What an alert of ours stands for; either `burn` or `low` says when it holds. `lasts`: for how many ms
    after the last telling it is believed."""

    alert: str
    level: Alarm
    lasts: int
    burn: Burn | None = None
    low: Low | None = None


class Spent(NamedTuple):
    """`share` of the budget in parts per billion, or None. An estimate is the least that it can be: what the
    errors over the longest window told (`window`, ms) have spent."""

    share: int | None
    basis: Basis
    window: int = 0

    @property
    def thousandths(self) -> int | None:
        return None if self.share is None else self.share // _MILLION


def conditions(rule: SloBurn) -> tuple[Condition, ...]:
    """Of the rule in force, in its order; the one on what is left comes last."""
    burns = [
        Condition(f"SLOBurnRate{_camel(burn.name)}", burn.level, rule.patience * burn.short, burn=burn)
        for burn in rule.burns
    ]
    low = [Condition("SLOBudgetLow", rule.low.level, rule.stale_after, low=rule.low)] if rule.low else []
    return (*burns, *low)


def holds(condition: Condition, told: SignalEvent) -> bool:
    """What was not told does not hold. At the limit itself a condition does not hold yet."""
    if condition.burn is not None:
        return all(_exceeds(told, window, condition.burn.above) for window in windows_of(condition))
    share = spent(told).share
    return share is not None and condition.low is not None and _left(share) < condition.low.left * _MILLION


def windows_of(condition: Condition) -> tuple[int, ...]:
    return () if condition.burn is None else (condition.burn.long, condition.burn.short)


def missing(condition: Condition, told: SignalEvent) -> tuple[int, ...]:
    """The windows (ms) that the condition needs and the telling lacks."""
    return tuple(window for window in windows_of(condition) if rate(told, window) is None)


def rate(told: SignalEvent, window: int) -> int | None:
    """The share of errors over `window`, in parts per billion."""
    return dict(told.rates).get(window)


def burn(told: SignalEvent, window: int) -> int | None:
    """How many thousandths of the pace that just spends the budget; None where the window was not told."""
    errors = rate(told, window)
    return None if errors is None else errors * THOUSAND // allowed(told)


def allowed(told: SignalEvent) -> int:
    """The share of errors that the objective allows, in parts per billion; never 0."""
    return BILLION - told.objective


def spent(told: SignalEvent) -> Spent:
    """As the source says, else by what the longest window within the objective's own has cost."""
    if told.spent is not None:
        return Spent(told.spent, "told")
    within = [row for row in told.rates if row[0] <= told.window]
    if not within:
        return Spent(None, "unknown")
    window, errors = within[-1]
    return Spent(errors * window * BILLION // (allowed(told) * told.window), "estimated", window)


def budget_ms(told: SignalEvent) -> int:
    """The budget as time without any success: 43.2 minutes for 99.9 % over 30 days."""
    return allowed(told) * told.window // BILLION


def cost_ms(told: SignalEvent, window: int) -> int:
    """What the errors over `window` have cost, as time without any success."""
    return (rate(told, window) or 0) * window // BILLION


def exhausted_in(told: SignalEvent, window: int) -> int | None:
    """In how many ms nothing is left, at the pace of `window`: 0 when nothing is; None for never, or when it
    is not known."""
    share, errors = spent(told).share, rate(told, window)
    if share is None:
        return None
    if _left(share) == 0:
        return 0
    return _left(share) * told.window * allowed(told) // (BILLION * errors) if errors else None


def left(share: int) -> int:
    """Thousandths of the budget that are left."""
    return _left(share) // _MILLION


def reached(rule: SloBurn, share: int | None) -> tuple[str, ...]:
    """The bands that so much spent has reached, the last one being the present one."""
    return tuple(band.name for band in rule.bands if share is not None and share >= band.spent * _MILLION)


def _exceeds(told: SignalEvent, window: int, above: int) -> bool:
    errors = rate(told, window)
    return errors is not None and errors * THOUSAND > above * allowed(told)


def _left(share: int) -> int:
    return max(0, BILLION - share)


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))
