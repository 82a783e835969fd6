"""What is noisy: alerts that flap, alerts that say little alone, storms, and incidents that come again."""

from __future__ import annotations

from core.rules.linking import Flapping
from core.suppression.flapping import Flap, count
from core.timelines import Timeline as Starts
from tests.timeline import SHOP, Timeline, alert

RULE = Flapping(summary="", within="10m", begins=4, ends=1)
MINUTE = 60_000


def starts(*minutes: int) -> Starts:
    return [(minute * MINUTE, str(minute)) for minute in minutes]


def flap(timeline: Starts, rule: Flapping) -> Flap | None:
    return count(timeline, rule).flap


def test_flapping_begins_and_ends_at_different_counts() -> None:
    assert flap(starts(0, 1, 2), RULE) is None
    begun = flap(starts(0, 1, 2, 3), RULE)
    assert begun is not None
    assert (begun.since, begun.firings) == (3 * MINUTE, 4)
    # Two within the time are fewer than it takes to begin, and more than it takes to end.
    still = flap(starts(0, 1, 2, 3, 12), RULE)
    assert still is not None
    assert (still.since, still.firings) == (3 * MINUTE, 2)
    assert flap(starts(0, 1, 2, 3, 14), RULE) is None


def test_an_alert_that_flaps_pages_no_more_until_it_stays() -> None:
    t = Timeline(SHOP)
    for turn in range(7):
        at = turn * 400
        t.push(at, alert("mailer", starts=at))
        t.push(at + 90, alert("mailer", starts=at, ends=at + 60))
    t.wait(2800)
    told = [reason for _, reason in t.pages()]
    assert told.count("reopened") == 2
    [incident] = t.incidents()
    held = [m["reason"] for m in incident["history"] if m["what"] == "not_paged"]
    assert any(reason.startswith("flapping:") for reason in held)
    t.push(2900, alert("mailer", starts=2900))
    assert t.incidents()[0]["alerts"][-1]["suppressed"][0]["kind"] == "flapping"
    t.wait(2900 + 15 * 60 + 1)
    assert t.pages()[-1] == (2900 + 15 * 60, "reopened")


def test_alerts_that_say_little_alone_page_once_there_are_enough() -> None:
    rule = (
        "rule: threshold\nsummary: s\nthresholds:\n"
        "  - {name: probes, matchers: ['alertname=\"ProbeFailed\"'], alerts: 3}\n"
    )
    t = Timeline(SHOP, rules={"086-threshold.yaml": rule})
    t.push(0, alert("mailer", "ProbeFailed", pod="a"))
    t.push(10, alert("mailer", "ProbeFailed", starts=10, pod="b"))
    t.wait(60)
    assert t.pages() == []
    [incident] = t.incidents()
    assert [m["reason"] for m in incident["history"] if m["what"] == "not_paged"] == ["too_few:probes"]
    t.push(70, alert("mailer", "ProbeFailed", starts=70, pod="c"))
    t.wait(120)
    assert [reason for _, reason in t.pages()] == ["opened"]
    t.push(200, alert("search", "HighErrorRatio", starts=200))
    t.wait(240)
    assert len(t.pages()) == 2


def storm(size: int) -> Timeline:
    t = Timeline(SHOP)
    t.push(0, *(alert(f"svc-{n}", "Slow", severity="warning") for n in range(size)))
    t.push(5, alert("late", "Slow", starts=5, severity="warning"))
    return t


def test_in_a_storm_first_pages_wait_for_the_picture() -> None:
    calm, wild = storm(40), storm(120)
    for t in (calm, wild):
        t.wait(40)
    assert 35 in {at for at, _ in calm.pages()}
    assert 35 not in {at for at, _ in wild.pages()}
    wild.wait(120)
    assert 105 in {at for at, _ in wild.pages()}
    wild.push(600, alert("later", "Slow", starts=600, severity="warning"))
    wild.wait(640)
    assert wild.pages()[-1] == (630, "opened")


def test_the_same_alerts_as_before_are_said_to_come_again() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("checkout"))
    t.push(300, alert("payments", ends=290), alert("checkout", ends=290))
    t.wait(8000)
    [first] = t.incidents()
    assert first["status"] == "resolved"
    t.push(8000, alert("payments", starts=8000), alert("checkout", starts=8010))
    t.push(8001, alert("mailer", starts=8000))
    t.wait(8200)
    second = next(
        one for one in t.incidents() if one["started_at"] > first["resolved_at"] and len(one["alerts"]) == 2
    )
    assert second["recurrence_of"] == first["id"]
    assert any(m["what"] == "recurrence" and m["reason"] == "same_alerts" for m in second["history"])
