"""Breaker, budget and gate: when a model is asked, on a clock of the test's own."""

from __future__ import annotations

from agents.breaker import Breaker
from agents.budget import HOUR_MS, Budget
from agents.gate import CALLS_A_RUN, Gate

SECOND = 1_000
FAILED_BEFORE = "the model failed this incident before and has answered nobody since"


def gate(*, has_model: bool = True, calls: int = 1_000, failures: int = 3, open_s: int = 60) -> Gate:
    return Gate(has_model=has_model, breaker=Breaker(failures, open_s), budget=Budget(calls))


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_try_through() -> None:
    breaker = Breaker(failures=3, open_s=60)
    for now in (0, 1, 2):
        assert breaker.allows(now)
        breaker.record(True, now)
    assert not breaker.allows(2 + 60 * SECOND - 1)
    assert breaker.allows(2 + 60 * SECOND)
    assert not breaker.allows(3 + 60 * SECOND), "one try at a time"
    breaker.record(True, 70 * SECOND)
    assert not breaker.allows(129 * SECOND)
    assert breaker.allows(130 * SECOND)
    breaker.record(False, 131 * SECOND)
    assert [breaker.allows(131 * SECOND) for _ in range(3)] == [True, True, True]
    assert breaker.failures == 0


def test_an_answer_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(failures=2)
    for failed in (True, False, True):
        breaker.record(failed, 0)
    assert breaker.allows(0)


def test_a_try_that_is_never_recorded_does_not_shut_the_breaker_for_ever() -> None:
    breaker = Breaker(failures=1, open_s=60)
    breaker.record(True, 0)
    assert breaker.allows(60 * SECOND)
    assert not breaker.allows(119 * SECOND)
    assert breaker.allows(120 * SECOND)


def test_no_hour_holds_more_calls_than_the_budget() -> None:
    budget = Budget(10)
    assert budget.take(4, 0)
    assert budget.take(4, HOUR_MS // 2)
    assert not budget.take(4, HOUR_MS // 2)
    assert budget.left(HOUR_MS - 1) == 2
    assert budget.left(HOUR_MS) == 6
    assert budget.take(6, HOUR_MS)
    assert budget.left(HOUR_MS) == 0


def test_a_budget_of_nothing_or_less_is_nothing() -> None:
    for calls in (0, -5):
        assert not Budget(calls).take(1, 0)
        assert Budget(calls).left(0) == 0


def test_without_a_model_nobody_is_asked() -> None:
    assert gate(has_model=False).verdict("INC-1", 0) == (False, "no model is configured")


def test_a_dead_model_costs_an_incident_one_run_in_its_whole_life() -> None:
    dead = gate()
    asked = 0
    for hour in range(24):
        now = hour * HOUR_MS
        if dead.verdict("INC-1", now).ask:
            asked += 1
            dead.record("INC-1", True, now)
    assert asked == 1
    assert dead.verdict("INC-1", 25 * HOUR_MS) == (False, FAILED_BEFORE)


def test_an_answer_to_anybody_opens_the_way_again() -> None:
    revived = gate()
    revived.record("INC-1", True, 0)
    assert revived.verdict("INC-2", 0).ask
    revived.record("INC-2", False, 0)
    assert revived.verdict("INC-1", 0).ask


def test_many_incidents_do_not_each_wait_for_a_dead_model() -> None:
    dead = gate()
    asked = 0
    for number in range(50):
        if dead.verdict(f"INC-{number}", number).ask:
            asked += 1
            dead.record(f"INC-{number}", True, number)
    assert asked == 3
    verdict = dead.verdict("INC-99", 100)
    assert verdict == (False, "the model failed 3 times in a row and is left alone for now")


def test_the_budget_is_spent_by_runs_and_not_by_refusals() -> None:
    tight = gate(calls=2 * CALLS_A_RUN)
    assert [tight.verdict(f"INC-{n}", n).ask for n in range(3)] == [True, True, False]
    spent = (False, "the budget of 8 model calls an hour is spent")
    assert tight.verdict("INC-9", 5) == spent
    assert tight.verdict("INC-9", HOUR_MS).ask


def test_a_budget_below_one_run_asks_nobody() -> None:
    assert not gate(calls=CALLS_A_RUN - 1).verdict("INC-1", 0).ask


def test_what_is_remembered_of_failures_is_bounded() -> None:
    dead = gate()
    for number in range(10_050):
        dead.record(f"INC-{number}", True, 0)
    assert dead.verdict("INC-10049", 0).because == FAILED_BEFORE
    assert dead.verdict("INC-0", 0).because != FAILED_BEFORE
