"""The levels document: what it gives for each kind of step and place, and what it refuses."""

from __future__ import annotations

import pytest

from core.errors import InputError
from core.model.entity import Entity
from core.remediation.levels import ACTIONS, Action, Levels, parse_levels

PAYMENTS = Entity("default", "production", "eu", "payments")
STAGING = PAYMENTS._replace(environment="staging")
LEDGER = PAYMENTS.peer("ledger")
NOWHERE = Entity("default", "", "", "payments")

GRID = """
default: 1
set:
  - {level: 1, service: ledger}
  - {level: 2, environment: staging}
  - {level: 1, action: irreversible}
  - {level: 2, environment: production, action: read}
  - {level: 2, service: payments, action: notify}
"""


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("entity", [PAYMENTS, STAGING, LEDGER, NOWHERE])
def test_without_a_document_everything_stays_at_the_lowest(action: Action, entity: Entity) -> None:
    assert Levels().of(action, entity) == 1
    assert parse_levels("set: []").of(action, entity) == 1


@pytest.mark.parametrize(
    ("entity", "shown"),
    [
        (PAYMENTS, {"read", "notify"}),
        (STAGING, set(ACTIONS)),
        (LEDGER, set()),
        (LEDGER._replace(environment="staging"), set()),
        (NOWHERE, {"notify"}),
    ],
)
def test_the_first_setting_that_fits_decides(entity: Entity, shown: set[str]) -> None:
    levels = parse_levels(GRID)
    assert {action for action in ACTIONS if levels.of(action, entity) == 2} == shown


def test_order_matters_and_the_default_comes_last() -> None:
    first = parse_levels("default: 2\nset:\n  - {level: 1, service: payments}\n  - {level: 2}\n")
    second = parse_levels("default: 1\nset:\n  - {level: 2}\n  - {level: 1, service: payments}\n")
    assert [first.of("read", entity) for entity in (PAYMENTS, LEDGER)] == [1, 2]
    assert [second.of("read", entity) for entity in (PAYMENTS, LEDGER)] == [2, 2]
    assert parse_levels("default: 2").of("irreversible", LEDGER) == 2


def test_names_nobody_has_seen_are_legal() -> None:
    levels = parse_levels("set: [{level: 2, service: not-there-yet, environment: mars}]")
    assert levels.of("read", PAYMENTS) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("default: 3", "default: level 3 is not there yet: this release executes nothing"),
        ("set: [{level: 5}]", "set.1.level: level 5 is not there yet"),
        ("default: 0", "default: a level is 1"),
        ("default: 6", "default: a level is 1"),
        ("default: true", "default: a level is 1"),
        ("default: '2'", "default: a level is 1"),
        ("default: 2.0", "default: a level is 1"),
        ("set: [{service: payments}]", "set.1.level: it is missing"),
        ("set: [{level: 2, acton: read}]", "set.1.acton"),
        ("set: [{level: 2, action: destroy}]", "set.1.action"),
        ("set: [{level: 2, service: [a, b]}]", "set.1.service"),
        ("set: {level: 2}", "set: "),
        ("levels: 2", "levels: "),
        ("default: [", "line 1"),
        ("- 2", "not a map"),
        ("", "not a map"),
    ],
)
def test_a_bad_levels_file_says_where(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_levels(text, "levels.yaml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("levels.yaml")
    assert caught.value.mend
