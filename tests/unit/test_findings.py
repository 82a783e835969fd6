"""Findings, origin, severity, and the three questions."""

from __future__ import annotations

from typing import Any

from tests.timeline import SHOP, Timeline, alert, change


def only(t: Timeline) -> dict[str, Any]:
    [incident] = t.incidents()
    return incident


def bad_deploy() -> Timeline:
    t = Timeline(SHOP)
    t.changed(-120, change("payments", -120, version="2.4.0", author="bo"))
    t.push(5, alert("payments"))
    t.push(25, alert("checkout", starts=20))
    t.push(45, alert("frontend", starts=40))
    return t


def test_the_origin_is_the_service_that_explains_the_others() -> None:
    incident = only(bad_deploy())
    assert incident["origin"]["service"] == "payments"
    terms = incident["origin"]["terms"]
    assert terms == {"explains": 300, "onset": 100, "change": 246, "symptom": 125, "unexplained": 100}
    assert incident["origin"]["score"] == sum(incident["origin"]["terms"].values())


def test_the_origin_need_not_be_first() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("frontend"))
    t.push(10, alert("checkout", starts=10))
    t.push(20, alert("payments", starts=20))
    assert only(t)["origin"]["service"] == "payments"


def test_a_recent_deploy_answers_what_changed_and_what_may_help() -> None:
    questions = only(bad_deploy())["questions"]
    assert questions["what_changed"]["status"] == "known"
    assert "payments 2.4.0" in questions["what_changed"]["answer"]
    assert questions["likely_fix"]["answer"].startswith("Roll back the deploy of payments 2.4.0")


def test_a_change_that_comes_late_counts_the_same() -> None:
    late = Timeline(SHOP)
    late.push(5, alert("payments"))
    late.changed(30, change("payments", -120, version="2.4.0"))
    [early] = [f for f in only(bad_deploy())["findings"] if f["kind"] == "recent-change"]
    [finding] = [f for f in only(late)["findings"] if f["kind"] == "recent-change"]
    assert (finding["subject"], finding["confidence"]) == (early["subject"], early["confidence"])


def test_a_change_after_the_first_alert_is_shown_and_does_not_count() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.changed(100, change("payments", 90, version="2.3.9"))
    incident = only(t)
    assert incident["changes"] == []
    node = next(child for child in incident["why"]["children"] if child["rule"] == "recent-change")
    assert not node["counted"]
    assert "after the first alert" in node["children"][0]["hint"]


def test_a_change_of_what_a_service_calls_counts_less() -> None:
    t = Timeline(SHOP)
    t.changed(-60, change("ledger", -60))
    t.push(0, alert("payments"))
    [finding] = [f for f in only(t)["findings"] if f["kind"] == "recent-change"]
    assert finding["why"]["terms"]["hops"] == 1
    assert finding["confidence"] < 850


def test_a_change_elsewhere_is_nothing() -> None:
    t = Timeline(SHOP)
    t.changed(-60, change("mailer", -60))
    t.changed(-60, change("payments", -60, environment="staging"))
    t.push(0, alert("payments", environment="production"))
    assert only(t)["questions"]["what_changed"]["status"] == "none"


def test_a_change_far_from_the_origin_is_not_called_the_fix() -> None:
    t = Timeline(SHOP)
    t.changed(-30, change("search", -30, kind="flag", version="deep=on"))
    t.push(0, alert("payments"))
    t.push(10, alert("checkout", starts=10), alert("frontend", starts=10))
    questions = only(t)["questions"]
    assert questions["what_changed"]["answer"].startswith("Nothing on payments itself")
    assert questions["likely_fix"]["status"] == "unknown"


def test_unknown_is_said() -> None:
    t = Timeline()
    t.push(0, alert("payments"))
    incident = only(t)
    assert incident["questions"]["what_changed"]["status"] == "unknown"
    assert incident["questions"]["already_known"]["status"] == "none"
    assert incident["questions"]["likely_fix"]["status"] == "unknown"
    edges = next(child for child in incident["why"]["children"] if child["rule"] == "dependency-edge")
    assert edges["summary"] == "Dependencies are unknown"


def test_an_open_neighbour_is_named() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.move(10, t.incidents()[0]["id"], "acknowledged")
    t.push(1200, alert("checkout", starts=1200))
    first, second = t.incidents()
    assert first["id"] in second["questions"]["already_known"]["answer"]
    assert "ana acknowledged" in first["questions"]["already_known"]["answer"]


def severity(*alerts: dict[str, Any]) -> tuple[str, str]:
    t = Timeline(SHOP)
    t.push(0, *alerts)
    incident = only(t)
    return incident["severity"], incident["severity_reason"]


def test_severity_by_rule() -> None:
    spreading = (alert("payments"), alert("checkout"), alert("frontend"))
    assert severity(*spreading) == ("P0", "critical-on-tier-1-and-spreading")
    assert severity(alert("mailer")) == ("P1", "critical")
    assert severity(alert("mailer", severity="WARNING")) == ("P2", "warning")
    assert severity(alert("mailer", severity="nonsense")) == ("P2", "warning")
    assert severity(alert("mailer", severity="info")) == ("P3", "informational")
    assert severity(alert("payments", environment="Staging")) == ("P3", "not-production")
    assert severity(alert("payments", severity="error")) == ("P1", "high-on-tier-1")


def test_every_grouping_has_a_tree_with_what_did_not_count() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("payments", "Slow"))
    t.push(50, alert("checkout", starts=50))
    t.push(55, alert("frontend", starts=450, severity="info"))
    incident = t.incidents()[0]
    rules = [child["rule"] for child in incident["why"]["children"]]
    assert rules[:7] == [
        "links",
        "same-entity",
        "dependency-edge",
        "recent-change",
        "probable-origin",
        "probable-repair",
        "silent-source",
    ]
    links = incident["why"]["children"][0]["children"]
    assert [link["rule"] for link in links] == ["links", "same-entity", "dependency-edge"]
    losers = [c for c in incident["why"]["children"][4]["children"] if not c["counted"]]
    assert all(c["hint"].startswith("score") for c in losers)
    assert losers
