"""How many alerts page nobody for now, by what keeps them; and in /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from core.replay import Fold
from core.suppression.silencing import dismiss_draft
from core.times import HOUR
from tests.timeline import SHOP, START, Timeline, alert
from tests.unit.test_api import app, ask, sent
from tests.unit.test_silences_api import call, ours
from tests.unit.test_suppression import put, silence
from watchkeeper.app import App
from watchkeeper.suppressed_counts import KINDS, SuppressedCounts

__all__ = ["app"]
INHIBITION = """
rule: inhibition
summary: Made for this test.
inhibitions:
  - {name: worse, source: ['severity="critical"'], target: ['severity="warning"'], equal: [service]}
"""


class Standing:
    """An engine of which only the state is asked."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline, self.asked = timeline, 0

    @contextmanager
    def reading(self) -> Iterator[Fold]:
        self.asked += 1
        yield self.timeline.fold


def held() -> Timeline:
    """Of six alerts that fire, two are silenced, one of these is inhibited too, and one is dismissed."""
    t = Timeline(SHOP, rules={"110-inhibition.yaml": INHIBITION})
    put(t, 0, silence("service=payments", ends=7_200))
    t.push(10, alert("payments"), alert("payments", "Slow", severity="warning"))
    t.push(11, alert("mailer", "QueueBacklog"))
    t.push(12, alert("search", "DiskFull", starts=-900), alert("search", "Full", starts=-900, ends=5))
    t.push(13, alert("ledger", "Lag", starts=-3_000), alert("cart", "Cold", starts=-3_000))
    mailer = next(row["id"] for row in t.incidents() if row["alerts"][0]["service"] == "mailer")
    t._append(20, dismiss_draft(mailer, START + HOUR, "ana", "later", "api"))
    return t


def test_alerts_are_counted_by_each_thing_that_keeps_them() -> None:
    t = held()
    counts = SuppressedCounts(cast(Any, Standing(t))).counts()
    assert tuple(counts) == KINDS
    assert {kind: count for kind, count in counts.items() if count} == {
        "silence": 2, "inhibition": 1, "dismissal": 1,
    }  # fmt: skip


def test_what_is_over_and_what_nothing_keeps_count_for_nothing() -> None:
    t = held()
    t.push(60, alert("payments", ends=50), alert("payments", "Slow", severity="warning", ends=50))
    t.wait(4_000)
    assert not any(SuppressedCounts(cast(Any, Standing(t))).counts().values())


def test_a_count_is_kept_for_many_times_as_long_as_it_took() -> None:
    standing, now, used = Standing(held()), [100.0], [0.0]

    def cpu() -> float:
        used[0] += 0.5
        return used[0]

    counts = SuppressedCounts(cast(Any, standing), lambda: now[0], cpu)
    first, asked = counts.counts(), standing.asked
    now[0] += 14.9
    assert counts.counts() == first
    assert standing.asked == asked
    now[0] += 0.2
    counts.counts()
    assert standing.asked > asked


def test_the_engine_goes_on_between_some_alerts_and_the_next() -> None:
    t = Timeline(SHOP)
    t.push(0, *(alert("payments", f"A{number}") for number in range(450)))
    put(t, 1, silence("service=payments", ends=7_200))
    standing = Standing(t)
    assert SuppressedCounts(cast(Any, standing)).counts()["silence"] == 450
    assert standing.asked == 2 + 3


def test_metrics_name_every_kind(app: App) -> None:
    sent(app)
    call(app, "POST", "/v1/silences", json=ours())
    text = ask(app, lambda client: client.get("/metrics")).text
    assert 'watchkeeper_suppressed_alerts{kind="silence"} 1.0' in text
    assert 'watchkeeper_suppressed_alerts{kind="maintenance"} 0.0' in text
    assert text.count("watchkeeper_suppressed_alerts{") == len(KINDS)
