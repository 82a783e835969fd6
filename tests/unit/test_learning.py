"""Links proposed from history: what came together again and again, and nothing else."""

from __future__ import annotations

from core.correlation.learning import Beginning, Proposal, learn
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.cli.rule_learning import beginnings, rule_text

PLACE = ("default", "production", "eu")
A, B, C = ("Slow", "search"), ("Errors", "mailer"), ("Full", "ledger")
HOUR = 3_600_000


def test_what_comes_together_nearly_every_time_is_proposed() -> None:
    rows = [Beginning(n * HOUR, PLACE, A) for n in range(5)]
    rows += [Beginning(n * HOUR + 200_000, PLACE, B) for n in range(5)]
    rows += [Beginning(5 * HOUR, PLACE, A)]
    rows += [Beginning(n * HOUR + 60_000, PLACE, C) for n in range(2)]
    assert learn(rows) == [Proposal(B, A, 5, 1)]


def test_what_also_comes_alone_is_not() -> None:
    rows = [Beginning(n * HOUR, PLACE, A) for n in range(5)]
    rows += [Beginning(n * HOUR + (200_000 if n < 3 else HOUR // 2), PLACE, B) for n in range(5)]
    assert learn(rows) == []
    assert learn(rows, share=400) == [Proposal(B, A, 3, 4)]


def test_other_places_and_storms_say_nothing() -> None:
    other = ("default", "production", "us")
    rows = [Beginning(n * HOUR, PLACE, A) for n in range(5)]
    rows += [Beginning(n * HOUR, other, B) for n in range(5)]
    assert learn(rows) == []
    crowd = [Beginning(n * HOUR, PLACE, (f"alert-{k}", "x")) for n in range(5) for k in range(40)]
    assert learn(crowd) == []


def test_the_same_told_twice_counts_once() -> None:
    rows = [Beginning(n * HOUR, PLACE, end) for n in range(3) for end in (A, B)]
    assert learn([*rows, *rows]) == learn(rows) == [Proposal(B, A, 3, 0)]


def test_what_is_proposed_joins_once_it_is_a_rule() -> None:
    t = Timeline(SHOP)
    for turn in range(4):
        at = turn * 10_000
        t.push(at, alert("search", "Slow", starts=at))
        t.push(at + 200, alert("mailer", "QueueFull", starts=at + 190))
        t.push(at + 400, alert("search", "Slow", starts=at, ends=at + 300))
        t.push(at + 401, alert("mailer", "QueueFull", starts=at + 190, ends=at + 300))
    rows = list(beginnings(t.incidents()))
    assert len(rows) == 8
    text = rule_text(learn(rows), 5)
    assert len(t.incidents()) == 8
    told = Timeline(SHOP, rules={"028-learned-links.yaml": text})
    told.push(0, alert("search", "Slow"), alert("mailer", "QueueFull", starts=190))
    assert len(told.incidents()) == 1
