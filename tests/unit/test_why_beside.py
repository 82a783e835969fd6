"""What is said of an incident's neighbours: what its origin calls, who has them, what nearly joined."""

from __future__ import annotations

from core.explain import explain_incident
from core.why_not import why_not
from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_explain import incident_of, said

CHAIN = """
services:
  - {name: web, depends_on: [checkout, search], tier: 1}
  - {name: checkout, depends_on: [payments]}
  - {name: payments, depends_on: [paydb]}
  - {name: search}
  - {name: paydb}
"""


def two_beside() -> Timeline:
    """The database's incident is an hour old when what calls it begins to fail."""
    t = Timeline(CHAIN)
    t.push(0, alert("paydb", "InstanceDown"))
    t.push(3_600, alert("payments", "PodCrashLooping", starts=3_600))
    t.push(3_610, alert("checkout", starts=3_610))
    return t


def test_what_the_origin_calls_and_is_in_trouble_elsewhere_is_named() -> None:
    t = two_beside()
    database, shop = incident_of(t, "paydb"), incident_of(t, "payments")
    assert database != shop
    began, beside = said(t, shop)["origin"]
    assert "nothing in this incident that it calls is in trouble" in began
    assert "the other one depends on it" in began
    assert beside == f"paydb, which it calls, has an open incident: {database}."
    assert said(t, database)["origin"] == ["paydb is the only service in this incident."]


def test_once_that_is_over_nothing_that_it_calls_is_in_trouble() -> None:
    t = two_beside()
    t.move(3_700, incident_of(t, "paydb"), "resolved")
    [began] = said(t, incident_of(t, "payments"))["origin"]
    assert "nothing that it calls is in trouble" in began


def test_a_lone_service_is_told_what_it_calls() -> None:
    t = Timeline(CHAIN)
    t.push(0, alert("paydb", "InstanceDown"))
    t.push(3_600, alert("payments", starts=3_600))
    lone, beside = said(t, incident_of(t, "payments"))["origin"]
    assert lone == "payments is the only service in this incident."
    assert "paydb, which it calls, has an open incident: INC-" in beside


def test_how_many_of_the_others_depend_on_it_is_counted() -> None:
    t = Timeline(CHAIN)
    t.push(0, alert("payments", "InstanceDown"))
    t.push(5, alert("checkout", starts=5), alert("web", starts=6), alert("search", starts=7, severity="info"))
    [document] = t.incidents()
    assert document["origin"]["service"] == "payments"
    assert "2 of the 3 others depend on it" in said(t, document["id"])["origin"][0]


def test_an_open_neighbour_that_nobody_has_is_no_yes() -> None:
    t = two_beside()
    database, shop = incident_of(t, "paydb"), incident_of(t, "payments")
    answer = next(row for row in t.incidents() if row["id"] == shop)["questions"]["already_known"]
    assert answer == {
        "answer": "No: nobody has acknowledged it."
        f" {database} is open nearby: P1 on paydb, which nobody has acknowledged.",
        "status": "none",
        "evidence": [database],
    }
    t.move(3_700, database, "acknowledged", actor="bo")
    answer = next(row for row in t.incidents() if row["id"] == shop)["questions"]["already_known"]
    assert (answer["status"], "which somebody has acknowledged" in answer["answer"]) == ("none", True)
    t.move(3_710, shop, "acknowledged", actor="ana")
    answer = next(row for row in t.incidents() if row["id"] == shop)["questions"]["already_known"]
    assert answer["status"] == "known"
    assert answer["answer"].startswith("Yes: ana acknowledged it at ")
    assert answer["evidence"] == [shop, database]


def test_the_near_misses_hold_what_why_not_finds_two_calls_away() -> None:
    t = Timeline(CHAIN)
    t.push(0, alert("payments", "InstanceDown"), alert("checkout", starts=1), alert("web", starts=2))
    [whole] = t.incidents()
    member = next(one for one in whole["alerts"] if one["service"] == "web")
    t.move(60, whole["id"], "split", alerts=(member["fingerprint"],))
    other = incident_of(t, "web")
    middle = next(one for one in whole["alerts"] if one["service"] == "checkout")
    t.move(70, whole["id"], "split", alerts=(middle["fingerprint"],))
    apart = why_not(t.engine.world, other, incident_of(t, "payments"))
    assert apart["why"]["rule"] == "dependency-edge"
    live = t.engine.incident(other)
    assert live is not None
    missed = {row["incident"]: row["why"] for row in explain_incident(t.engine.world, live)["nearly_joined"]}
    assert set(missed) == {incident_of(t, "payments"), incident_of(t, "checkout")}
    assert missed[incident_of(t, "payments")] == apart["why"]


def test_near_misses_by_labels_are_found_where_no_service_calls_another() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("mailer", "DiskFull", node="n1"))
    t.push(400, alert("search", "DiskFull", starts=400, node="n1"))
    mailer, search = incident_of(t, "mailer"), incident_of(t, "search")
    live = t.engine.incident(search)
    assert live is not None
    [miss] = explain_incident(t.engine.world, live)["nearly_joined"]
    apart = why_not(t.engine.world, search, mailer)["why"]
    assert (miss["incident"], miss["why"]["rule"]) == (mailer, "shared-labels")
    assert miss["why"]["terms"] == apart["terms"]
