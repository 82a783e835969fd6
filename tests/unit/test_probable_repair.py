"""Finding probable-repair: which change ended the trouble, and which did not, however it looks."""

from __future__ import annotations

from typing import Any

from tests.timeline import SHOP, Timeline, alert, change


def over(*repairs: dict[str, Any], service: str = "payments") -> dict[str, Any]:
    """A deploy of payments, its alert and a caller's, the given changes, and the end of both at 300 s."""
    t = Timeline(SHOP)
    t.changed(0, change("payments", -20, version="2.4.0"))
    t.push(0, alert(service))
    t.push(10, alert("checkout", starts=10))
    for body in repairs:
        t.changed(200, body)
    t.push(300, alert(service, ends=300), alert("checkout", starts=10, ends=290))
    t.wait(900)
    [incident] = t.incidents()
    return incident


def repairs(incident: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in incident["findings"] if finding["kind"] == "probable-repair"]


def test_a_roll_back_after_which_the_alerts_end() -> None:
    incident = over(change("payments", 180, version="2.3.9"))
    [found] = repairs(incident)
    assert found["summary"] == "deploy of payments 2.3.9, 2 min before the alerts of payments ended"
    assert found["why"]["terms"] == {"before_end_ms": 120_000, "hops": 0, "undoes": 1, "confidence": 947}
    assert [(c["version"], c["role"]) for c in incident["changes"]] == [
        ("2.4.0", "suspect"),
        ("2.3.9", "repair"),
    ]


def test_nothing_is_repaired_while_an_alert_fires() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.changed(100, change("payments", 100, version="2.3.9"))
    t.push(160, alert("payments", ends=150))
    t.push(165, alert("payments", name="SlowRequests", starts=150))
    t.wait(170)
    [incident] = t.incidents()
    assert repairs(incident) == []
    [node] = [node for node in incident["why"]["children"] if node["rule"] == "probable-repair"]
    assert (node["counted"], node["hint"]) == (False, "not all alerts have ended")


def test_the_cause_is_not_its_own_repair() -> None:
    assert repairs(over()) == []


def test_a_change_elsewhere_repairs_nothing() -> None:
    assert repairs(over(change("mailer", 180, version="1.9"))) == []
    assert repairs(over(change("checkout", 180, version="4.2"))) == []


def test_a_change_on_what_the_origin_calls_counts_for_less() -> None:
    [near] = repairs(over(change("payments", 180, "configuration", version="pool=20")))
    [far] = repairs(over(change("ledger", 180, "configuration", version="pool=20")))
    assert near["confidence"] - far["confidence"] == 150
    assert near["why"]["terms"]["undoes"] == 0


def test_a_change_after_the_end_says_so() -> None:
    incident = over(change("payments", 180, version="2.3.9"), change("payments", 400, version="2.5.0"))
    [found] = repairs(incident)
    assert "2.3.9" in found["summary"]
    [tree] = [node for node in incident["why"]["children"] if node["rule"] == "probable-repair"]
    hints = {node["summary"]: node["hint"] for node in tree["children"]}
    assert hints["deploy of payments 2.5.0"] == "the alerts had ended 2 min before"


def test_too_long_before_the_end_is_no_repair() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.changed(60, change("payments", 60, version="2.3.9"))
    t.push(1_200, alert("payments", ends=1_190))
    t.wait(1_210)
    [incident] = t.incidents()
    assert repairs(incident) == []


def test_an_unknown_origin_has_no_repair() -> None:
    incident = over(change("payments", 180, version="2.3.9"), service="payments")
    assert repairs(incident)
    t = Timeline(SHOP)
    t.push(0, alert("", "Odd"))
    t.push(60, alert("", "Odd", ends=50))
    t.wait(70)
    [alone] = t.incidents()
    assert repairs(alone) == []
