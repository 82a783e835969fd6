"""What turns critical in an incident that somebody has: told once, by name, if they cannot know."""

from __future__ import annotations

from core.narrative.page import page_text
from core.times import parse_rfc3339
from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_clocks import MIN, ONLY_EVERYONE, told

WAITS = "wait: {P0: 0s, P1: 0s, P2: 30s, P3: 30s}\nupdate_after: 2m\n"
RULES = {"070-notify.yaml": f"rule: notify\nsummary: s\n{WAITS}"}


def acknowledged(**more: dict[str, str]) -> tuple[Timeline, str]:
    t = Timeline(SHOP, routes=ONLY_EVERYONE, **more)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(20, name, "acknowledged")
    return t, name


def spread(t: Timeline) -> list[tuple[float, str]]:
    return [(when * 60, reason) for when, _, reason in told(t) if reason.startswith("spread")]


def test_a_new_critical_service_is_told_at_once_and_by_name() -> None:
    t, _ = acknowledged()
    t.push(40, alert("checkout", starts=40))
    assert spread(t) == [(40, "spread:1")]
    [incident] = t.incidents()
    moment = next(one for one in incident["history"] if one["what"] == "spread")
    assert (moment["reason"], moment["detail"]) == ("new_critical_alert", "checkout")
    page = page_text(incident, "spread:1", "http://h", parse_rfc3339(moment["at"]))
    assert "something else turned critical: checkout, acknowledged at 08:00 UTC by ana" in page


def test_what_follows_is_told_together_after_a_while() -> None:
    t, _ = acknowledged()
    t.push(30, alert("checkout", starts=30))
    t.push(40, alert("frontend", starts=40), alert("ledger", "InstanceDown", starts=40))
    t.push(60, alert("checkout", "Other", starts=60))
    t.wait(14 * MIN)
    assert [when for when, _ in spread(t)] == [30]
    t.wait(20 * MIN)
    assert spread(t)[1:] == [(30 + 15 * 60, "spread:2")]


def test_not_what_was_known_what_is_not_critical_or_what_ended() -> None:
    t, _ = acknowledged()
    t.push(30, alert("payments", "Other", starts=30), alert("checkout", starts=30, severity="warning"))
    t.push(35, alert("payments"))
    t.wait(30 * MIN)
    assert spread(t) == []


def test_not_while_nobody_has_it_or_where_the_rule_says_nothing() -> None:
    t = Timeline(SHOP, routes=ONLY_EVERYONE)
    t.push(0, alert("payments"))
    t.push(20, alert("checkout", starts=20))
    off, _ = acknowledged(rules=RULES)
    off.push(40, alert("checkout", starts=40))
    assert spread(t) == spread(off) == []


def test_a_service_that_joined_with_less_counts_once_it_is_critical() -> None:
    t, _ = acknowledged()
    t.push(40, alert("checkout", starts=40, severity="warning"))
    t.push(90, alert("checkout", "Worse", starts=90))
    assert spread(t) == [(90, "spread:1")]


def test_what_a_merge_brought_is_told_by_the_merge() -> None:
    t, name = acknowledged()
    t.push(30, alert("mailer", starts=30))
    other = next(one["id"] for one in t.incidents() if one["id"] != name)
    t.move(50, name, "merged", into=other)
    t.push(60, alert("mailer", starts=30))
    t.wait(10 * MIN)
    assert spread(t) == []


def test_the_first_page_that_a_merge_prevents_is_told_where_somebody_has_the_other() -> None:
    """In a storm first pages wait; whoever has the incident that it joins was told nothing of it."""
    rules = {"087-storm.yaml": "rule: storm\nsummary: s\nalerts: 2\nwithin: 2m\nwait: 100s\n"}
    t = Timeline(SHOP, routes=ONLY_EVERYONE, rules=rules)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(20, name, "acknowledged")
    t.push(30, alert("mailer", starts=30), alert("mailer", "Other", starts=30))
    other = next(one["id"] for one in t.incidents() if one["id"] != name)
    t.move(50, name, "merged", into=other)
    assert [reason.partition(":")[0] for _, _, reason in told(t)][-1] == "merged"


def test_a_scrape_job_names_machines_that_have_little_in_common() -> None:
    t = Timeline(routes=ONLY_EVERYONE)
    t.push(0, alert("", "HostOutOfMemory", job="batch", instance="10.0.0.1:9100"))
    t.move(20, t.incidents()[0]["id"], "acknowledged")
    t.push(40, alert("", "HostOutOfMemory", job="batch", instance="10.0.0.2:9100", starts=40))
    assert spread(t) == []
    t.push(60, alert("", "HostRaidFailure", job="batch", instance="db-prod-7:9100", starts=60))
    if len(t.incidents()) == 1:
        assert spread(t) == [(60, "spread:1")]
        [moment] = [m for m in t.incidents()[0]["history"] if m["what"] == "spread"]
        assert moment["detail"] == "batch (db-prod-7:9100)"
    assert {one["receiver"] for one in t.decisions("notify")} == {"everyone"}
