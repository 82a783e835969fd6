"""Every reason that core can give has words, in the explanation, on the page and in the history."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.correlation.index import LINK_RULES
from core.correlation.runs import SAME_ALERT, WORKLOAD
from core.explain_words import (
    DETAIL,
    HELD,
    LINKED,
    NOT_PAGED,
    ORIGIN,
    PAGED,
    STANDS,
    held_by,
    listed,
    missed_by,
    not_paged_because,
    paged_because,
    stands_because,
    when_holds,
)
from core.lifecycle import STILL_FIRING
from core.model.incident import IncidentStatus
from core.narrative import history, page
from core.rules.deciding import When
from core.rules.schema import OriginWeights
from core.suppression.kinds import HELD_BY

CORE = Path(__file__).parent.parent.parent / "core"


@cache
def all_calls() -> dict[str, list[list[ast.expr]]]:
    """The arguments of every call of a function or method in core, by its name."""
    found: dict[str, list[list[ast.expr]]] = {}
    for path in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                found.setdefault(called, []).append(node.args)
    return found


def base(text: ast.expr) -> str | None:
    """What a reason begins with; None where it is a variable."""
    if isinstance(text, ast.JoinedStr):
        text = text.values[0]
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return text.value.partition(":")[0]
    return None


def page_reasons() -> set[str]:
    return {found for args in all_calls()["notify"] if len(args) > 2 and (found := base(args[2]))}


def quiet_reasons() -> set[str]:
    """Of history entries that say that somebody was not told."""
    found = set()
    for args in all_calls()["note"]:
        if len(args) > 2 and base(args[1]) in ("not_paged", "not_escalated"):
            reason = base(args[2])
            found |= {reason} if reason else set()
    status = {f"already_{one}" for one in get_args(IncidentStatus) if one != "triggered"}
    return (found - {"already_"}) | status | set(HELD_BY.values())


def test_the_reasons_are_found_in_the_sources() -> None:
    assert {"opened", "resolved", "reopened", "severity_raised", "merged", "returned"} <= page_reasons()
    assert {"nothing_fires_any_more", "already_acknowledged", "silenced", "no_receiver"} <= quiet_reasons()


def test_every_reason_of_a_page_has_words() -> None:
    """`escalated` is put together before it is used."""
    wanted = page_reasons() | {"escalated"}
    assert wanted <= set(PAGED)
    assert set(PAGED) <= wanted, "words for a reason that nobody gives"
    assert wanted <= set(page._REASONS)


def test_the_history_of_a_page_has_words_for_every_reason() -> None:
    for name in page_reasons() | quiet_reasons() | {"escalated"}:
        if name not in history.REASON:
            words = PAGED.get(name) or NOT_PAGED[name]
            assert history.reason_words(name).startswith(words.split(" (", 1)[0].split(":")[0].split(" {")[0])
    assert history.reason_words("returned:time_is_up").endswith("its time was up")


def test_whatever_happens_to_an_incident_has_words() -> None:
    noted = {found for args in all_calls()["note"] if len(args) > 1 and (found := base(args[1]))}
    assert {"opened", "paged", "clocks_stand"} <= noted
    assert noted <= set(history.WHAT)


def test_every_reason_of_no_page_has_words() -> None:
    assert quiet_reasons() == set(NOT_PAGED)


def test_every_suppression_rule_link_and_term_has_words() -> None:
    assert set(HELD) == set(HELD_BY)
    assert {rule.name for rule in LINK_RULES} | {SAME_ALERT, WORKLOAD} == set(LINKED)
    assert set(OriginWeights.model_fields) == set(ORIGIN)


def test_the_reasons_of_an_end_of_a_dismissal_have_words() -> None:
    source = (CORE / "suppression" / "returning.py").read_text()
    assert all(name in source for name in ("severity_raised", "more_services", "time_is_up"))
    others = {"new_alert", "alert_fires_again", STILL_FIRING}
    assert {"severity_raised", "more_services", "time_is_up"} | others == set(DETAIL)


def test_all_that_makes_clocks_stand_has_words() -> None:
    assert set(STANDS) == set(HELD_BY.values())
    assert stands_because("silenced:SIL-A") == "all that fires is silenced (silence SIL-A)"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("opened", "a new incident opened"),
        ("severity_raised:P0", "it got worse: severity rose to P0"),
        ("opened:after SIL-A", "a new incident opened; until then it was held back by SIL-A"),
        (
            "severity_raised:P0 after looking after",
            "it got worse: severity rose to P0; until then it was held back by looking after",
        ),
        ("escalated:2:lead", "no answer had come in time (escalation step 2, to lead)"),
        ("returned:time_is_up", "it had been dismissed, and that ended: its time was up"),
        ("returned:severity_raised P1", "it had been dismissed, and that ended: severity rose to P1"),
        ("effect_back:new_alert", "the effect was back after it had been mitigated: a new alert fired"),
        ("of_tomorrow:7", "of tomorrow 7"),
        ("", ""),
    ],
)
def test_a_page_in_words(reason: str, said: str) -> None:
    assert paged_because(reason) == said


@pytest.mark.parametrize(
    ("reason", "detail", "said"),
    [
        ("silenced:SIL-A", "opened", "all that fired was silenced (silence SIL-A)"),
        ("already_acknowledged", "", "somebody had acknowledged it before the page was due"),
        ("no_receiver", "lead", "no route knows the receiver lead"),
        ("muted", "", "all that fired was in its quiet hours"),
        ("of_tomorrow", "x", "of tomorrow x"),
    ],
)
def test_no_page_in_words(reason: str, detail: str, said: str) -> None:
    assert not_paged_because(reason, detail) == said


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_becomes_one_line(reason: str, detail: str) -> None:
    for said in (paged_because(reason), not_paged_because(reason, detail)):
        assert len(said) < 400
        assert not set(said) & set("\n\r\x1b\u202e\u2028")


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (When(), "nothing worse holds"),
        (When(level="critical"), "an alert is critical"),
        (When(level="high", production=False), "an alert is high or worse and it is not in production"),
        (When(tier_at_most=2), "a service of tier 2 or better alerts"),
        (When(tier_at_most=1, services_at_least=3), "a tier 1 service alerts and at least 3 services alert"),
    ],
)  # fmt: skip
def test_conditions_in_words(when: When, said: str) -> None:
    assert when_holds(when) == said


def test_a_miss_says_gap_window_and_what_is_too_much() -> None:
    why = {"rule": "same-entity", "hint": "h", "terms": {"gap_ms": 1_200_000, "window_ms": 900_000}}
    said = "they began 20 min apart, alerts of one service are joined within 15 min: 5 min too far"
    assert missed_by(why) == said
    assert missed_by({**why, "terms": {"gap_ms": 5}}) == "h"
    assert missed_by({**why, "terms": {"gap_ms": 5, "window_ms": 9}}) == "h"
    assert missed_by({**why, "terms": {"gap_ms": "x"}}) == "h"


def test_suppressions_and_lists() -> None:
    one = {"kind": "silence", "id": "SIL-{by}", "by": "a\x1bna"}
    assert held_by(one) == "silence SIL-{by} of a na"
    assert held_by({**one, "kind": "of_tomorrow"}) == "of_tomorrow"
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"]), listed([])] == [
        "a", "a and b", "a, b and c", "",
    ]  # fmt: skip
