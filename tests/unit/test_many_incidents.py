"""Incidents that begin while very many do say so on their first page, and only those."""

from __future__ import annotations

import pytest

from core.narrative.page import page_text
from core.storm import many_incidents
from tests.restarts import copy_state
from tests.timeline import START, Timeline, alert
from tests.unit.test_clocks import ONLY_EVERYONE

RULES = {
    "087-storm.yaml": "rule: storm\nsummary: s\nincidents: 5\nincidents_within: 5m\n",
    "026-similar-names.yaml": "rule: similar-names\nsummary: s\n",
}
NAMES = ("ant", "bee", "cow", "dog", "elk", "fox", "gnu", "hen")


def storm(every: float = 5) -> Timeline:
    t = Timeline(routes=ONLY_EVERYONE, rules=RULES)
    for number, name in enumerate(NAMES):
        t.push(number * every, alert(name, starts=number * every))
    assert len(t.incidents()) == len(NAMES)
    return t


def said(t: Timeline) -> list[str]:
    lines = [page_text(one, "opened", "http://h").splitlines() for one in t.incidents()]
    return [line for text in lines for line in text if line.startswith("One of")]


def test_the_page_says_how_many_and_where_the_list_is() -> None:
    t = storm()
    assert said(t) == [
        f"One of {count} incidents that began within 5 min; the list: http://h/" for count in (5, 6, 7, 8)
    ]
    moments = [m for m in t.incidents()[-1]["history"] if m["what"] == "storm"]
    assert [(m["reason"], m["detail"]) for m in moments] == [("many_incidents", "8 incidents within 5 min")]


def test_what_begins_slowly_is_none_and_overdue_pages_go_out_as_usual() -> None:
    assert said(storm(every=90)) == []
    t = storm()
    t.wait(16 * 60)
    assert [reason for _, reason in t.pages()].count("response_overdue") == len(NAMES)


def test_what_became_part_of_another_counts_no_more() -> None:
    t = storm()
    first, second, *_ = [one["id"] for one in t.incidents()]
    t.move(60, second, "merged", into=first)
    world = t.engine.world
    assert many_incidents(world, START + 61_000) == len(NAMES) - 1
    assert copy_state(world.state).storm.opened == world.state.storm.opened


@pytest.mark.parametrize("rules", [None, {"087-storm.yaml": "rule: storm\nsummary: s\n"}])
def test_as_shipped_it_takes_twenty_and_a_rule_of_before_says_nothing(rules: dict[str, str] | None) -> None:
    t = Timeline(routes=ONLY_EVERYONE, rules=rules)
    assert t.engine.world.rules.storm.incidents == (20 if rules is None else 0)
    t.push(0, *[alert(f"{name}", starts=0) for name in NAMES])
    assert said(t) == []
