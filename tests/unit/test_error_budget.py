"""The arithmetic of error budgets, at its limits; and the rule that holds the limits."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound.slo import parse
from core.decimals import times
from core.error_budget import (
    Condition,
    allowed,
    budget_ms,
    burn,
    conditions,
    cost_ms,
    exhausted_in,
    holds,
    missing,
    reached,
    spent,
)
from core.errors import RuleError
from core.model.events import SignalEvent
from core.rules.loader import parse_rules
from core.rules.slo import SloBurn
from core.times import DAY, HOUR, MINUTE
from tests.objectives import told
from watchkeeper.files import builtin_rules

RULE = parse_rules(builtin_rules()).slo_burn
FAST, SLOW, STEADY, LOW = conditions(RULE)


def event(rates: dict[str, float] | None = None, **more: Any) -> SignalEvent:
    [found] = parse({}, orjson.dumps(told(rates, **more)), 10**12).events
    assert isinstance(found, SignalEvent)
    return found


def test_the_rule_as_shipped() -> None:
    assert [(one.alert, one.level, one.lasts) for one in conditions(RULE)] == [
        ("SLOBurnRateFast", "critical", 15 * MINUTE),
        ("SLOBurnRateSlow", "high", 90 * MINUTE),
        ("SLOBurnRateSteady", "warning", 18 * HOUR),
        ("SLOBudgetLow", "critical", HOUR),
    ]


@pytest.mark.parametrize(
    ("condition", "long", "short", "limit"),
    [(FAST, "1h", "5m", 0.0144), (SLOW, "6h", "30m", 0.006), (STEADY, "3d", "6h", 0.001)],
)
@pytest.mark.parametrize(
    ("over_long", "over_short", "expected"),
    [(0, 0, False), (1e-9, 1e-9, True), (1e-9, 0, False), (0, 1e-9, False), (-1e-9, 1, False), (1, 1, True)],
)  # fmt: skip
def test_both_windows_must_exceed_the_limit(
    condition: Condition, long: str, short: str, limit: float,
    over_long: float, over_short: float, expected: bool,
) -> None:  # fmt: skip
    rates = {long: min(1.0, limit + over_long), short: min(1.0, limit + over_short)}
    assert holds(condition, event(rates)) is expected


@pytest.mark.parametrize(
    ("objective", "limit"), [(99.0, 0.144), (99.99, 0.00144), (99.5, 0.072), (98.6, 0.2016)]
)
def test_the_limit_is_exact_for_other_objectives(objective: float, limit: float) -> None:
    for more, expected in ((0, False), (1e-9, True)):
        rates = {"1h": limit + more, "5m": limit + more}
        assert holds(FAST, event(rates, objective=objective)) is expected


def test_a_window_that_is_missing_does_not_hold_and_is_named() -> None:
    assert not holds(FAST, event({"1h": 1.0}))
    assert missing(FAST, event({"1h": 1.0})) == (5 * MINUTE,)
    assert missing(FAST, event(None, budget_spent=0)) == (HOUR, 5 * MINUTE)
    assert missing(FAST, event({"60m": 1.0, "5m": 1.0})) == ()
    assert missing(LOW, event({"1h": 1.0})) == ()


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.9, False), (0.900000001, True), (0.899, False), (1, True), (7, True), (0, False)],
)
def test_less_than_a_tenth_left_is_low(share: float, expected: bool) -> None:
    assert holds(LOW, event(None, budget_spent=share)) is expected


def test_a_budget_of_which_nothing_is_known_is_not_low() -> None:
    assert not holds(LOW, event({"31d": 1.0}))


@pytest.mark.parametrize(
    ("share", "bands"),
    [(0.4999, 0), (0.5, 1), (0.7499, 1), (0.75, 2), (0.8999, 2), (0.9, 3), (0.9999, 3), (1.0, 4), (3.0, 4)],
)
def test_bands_begin_at_their_limits(share: float, bands: int) -> None:
    names = ("freeze-non-critical-deploys", "reliability-focus", "stop-deploys", "post-mortem")
    assert reached(RULE, spent(event(None, budget_spent=share)).share) == names[:bands]
    assert reached(RULE, None) == ()


def test_a_budget_of_three_nines_is_43_minutes_a_month() -> None:
    assert budget_ms(event({"1h": 0.0})) == 43 * MINUTE + 12_000
    assert allowed(event({"1h": 0.0})) == 1_000_000


def test_burns_and_costs() -> None:
    found = event({"5m": 0.02, "1h": 0.016})
    assert (burn(found, 5 * MINUTE), burn(found, HOUR), burn(found, DAY)) == (20_000, 16_000, None)
    assert (cost_ms(found, HOUR), cost_ms(found, DAY)) == (57_600, 0)


def test_what_is_spent_is_told_or_estimated_from_the_longest_window_within() -> None:
    assert spent(event({"3d": 0.01}, budget_spent=0.25)) == (250_000_000, "told", 0)
    # Three days at twice the pace are a fifth of thirty.
    assert spent(event({"1h": 0.5, "3d": 0.002})) == (200_000_000, "estimated", 3 * DAY)
    assert spent(event({"30d": 0.0005})) == (500_000_000, "estimated", 30 * DAY)
    assert spent(event({"30d": 1.0, "1h": 0.001}, window="7d")) == (5_952_380, "estimated", HOUR)
    assert spent(event({"8d": 1.0}, window="7d")) == (None, "unknown", 0)


def test_when_nothing_is_left() -> None:
    half = {"budget_spent": 0.5}
    assert exhausted_in(event({"1h": 0.001}, **half), HOUR) == 15 * DAY
    assert exhausted_in(event({"1h": 0.0144}, **half), HOUR) == 25 * HOUR
    assert exhausted_in(event({"1h": 0.0}, **half), HOUR) is None
    assert exhausted_in(event({"1h": 0.001}, **half), DAY) is None
    assert exhausted_in(event({"1h": 0.0}, budget_spent=1), HOUR) == 0
    assert exhausted_in(event({"31d": 0.5}), HOUR) is None


BURN = "{name: fast, above: 14400, long: 1h, short: 5m, level: critical}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"burns: [{BURN}, {BURN}]", "one name"),
        ("burns: [{name: fast, above: 1, long: 5m, short: 5m, level: high}]", "`short` must be below `long`"),
        ("burns: [{name: Fast, above: 1, long: 1h, short: 5m, level: high}]", ".name: "),
        ("burns: [{name: fast, above: 0, long: 1h, short: 5m, level: high}]", ".above: "),
        ("burns: [{name: fast, above: 14.4, long: 1h, short: 5m, level: high}]", ".above: "),
        ("burns: [{name: fast, above: 1, long: 60, short: 5m, level: high}]", "duration with its unit"),
        ("burns: [{name: fast, above: 1, long: 1h, short: 5m, level: urgent}]", ".level: "),
        ("bands: [{name: a, spent: 900}, {name: b, spent: 500}]", "in order"),
        ("bands: [{name: a, spent: 500}, {name: b, spent: 500}]", "in order"),
        ("low: {left: 1001, level: high}", "low.left"),
        ("stale_after: 2h\ngone_after: 1h", "`gone_after` must not be below"),
        ("patience: 0", "patience"),
        ("limit: 3", "limit"),
    ],
)
def test_a_mistake_in_the_rule_is_named(text: str, said: str) -> None:
    files = {**builtin_rules(), "100-slo-burn.yaml": f"rule: slo-burn\nsummary: s\n{text}\n"}
    with pytest.raises(RuleError) as caught:
        parse_rules(files)
    assert said in str(caught.value)


def test_a_journal_from_before_the_rule_has_no_condition() -> None:
    files = {name: text for name, text in builtin_rules().items() if "slo-burn" not in name}
    rule = parse_rules(files).slo_burn
    assert rule == SloBurn(summary="")
    assert conditions(rule) == ()


def test_a_burn_is_told_from_the_limit_that_it_stands_beside() -> None:
    assert [times(burn, 14_400) for burn in (14_410, 14_401, 14_400, 14_399, 20_000, 60)] == [
        "14.41", "14.401", "14.4", "14.3", "20", "0.06",
    ]  # fmt: skip
    assert (times(14_410), times(60)) == ("14.4", "0.06")
