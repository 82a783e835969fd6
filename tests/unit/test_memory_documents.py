"""What is remembered of an incident, on timelines: terms made by code, the words of people, the ending."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from core.ports import Remembered
from retrieval.documents import remembered_incident, remembered_runbook
from retrieval.ending import ending
from tests.timeline import SHOP, Timeline, alert, change, time


def over() -> Timeline:
    """A deploy of payments fails, checkout suffers; a rollback ends it."""
    t = Timeline(SHOP)
    t.changed(0, change("payments", 0, version="2.4.0"))
    t.push(20, alert("payments", starts=15, team="pay"), alert("checkout", "SlowRequests", starts=18))
    t.changed(120, change("payments", 120, version="2.3.9"))
    ends = [
        alert("payments", starts=15, ends=140, team="pay"),
        alert("checkout", "SlowRequests", starts=18, ends=150),
    ]
    t.push(160, *ends)
    t.wait(700)
    return t


def only(t: Timeline) -> dict[str, Any]:
    [incident] = t.incidents()
    return incident


def test_terms_say_what_kind_of_trouble_it_was_and_where() -> None:
    remembered = remembered_incident(only(over()))
    assert remembered.terms == (
        "origin-symptom:errors",
        "symptom:errors",
        "symptom:latency",
        "change:deploy",
        "spread:callers",
        "breadth:2-3",
        "origin:payments",
        "service:checkout",
        "service:payments",
        "alert:HighErrorRatio",
        "alert:SlowRequests",
        "word:high",
        "word:error",
        "word:ratio",
        "word:slow",
        "word:request",
        "team:pay",
        "domain:default",
    )
    assert (remembered.kind, remembered.at) == ("incident", time(15))
    assert remembered.title == only(over())["title"]


def test_the_ending_names_the_repair() -> None:
    assert ending(only(over())) == "deploy of payments 2.3.9, after which the alerts ended"


def test_what_runs_is_described_alike_and_has_no_ending() -> None:
    t = Timeline(SHOP)
    t.changed(0, change("payments", 0, version="9"))
    t.push(20, alert("payments", starts=15))
    remembered = remembered_incident(only(t))
    assert remembered.ending == ""
    assert {"origin-symptom:errors", "change:deploy", "spread:alone", "breadth:1"} <= set(remembered.terms)


@pytest.mark.parametrize(
    ("reason", "words", "said"),
    [
        ("person", 'failed over to the "replica"', "ana resolved it: \"failed over to the 'replica'\""),
        ("person", "", "ana resolved it and did not say how"),
        (
            "all_alerts_resolved",
            "",
            "its alerts ended by themselves; no change was reported that explains it",
        ),
    ],
)
def test_the_ending_says_who_resolved_it(reason: str, words: str, said: str) -> None:
    document = copy.deepcopy(only(over()))
    document["changes"] = []
    [row] = [row for row in document["history"] if row["what"] == "resolved"]
    row.update(actor="ana", reason=reason, detail=words)
    assert ending(document) == said


def test_a_repair_and_a_person_are_both_named() -> None:
    document = copy.deepcopy(only(over()))
    [row] = [row for row in document["history"] if row["what"] == "resolved"]
    row.update(actor="ana", reason="person", detail="rolled back")
    told = 'deploy of payments 2.3.9, after which the alerts ended; ana resolved it: "rolled back"'
    assert ending(document) == told


@pytest.mark.parametrize(
    ("kind", "version", "said"),
    [
        ("flag", "deep-ranking=off", "flag change of search (deep-ranking=off)"),
        ("configuration", "", "configuration change of search"),
        ("deploy", "", "deploy of search"),
    ],
)
def test_a_repair_is_named_by_its_kind(kind: str, version: str, said: str) -> None:
    document = only(over())
    repair = {"role": "repair", "kind": kind, "service": "search", "version": version}
    assert ending({**document, "changes": [repair]}) == f"{said}, after which the alerts ended"


def test_changes_elsewhere_are_chance_and_no_report_is_no_evidence() -> None:
    t = Timeline(SHOP)
    t.push(20, alert("ledger", "InstanceDown", starts=15), alert("payments", starts=16))
    unknown = remembered_incident(only(t)).terms
    t = Timeline(SHOP)
    t.changed(0, change("mailer", 0))
    t.push(20, alert("ledger", "InstanceDown", starts=15), alert("payments", starts=16))
    unchanged = remembered_incident(only(t)).terms
    assert not [term for term in unknown if term.startswith(("change:", "unchanged:"))]
    assert [term for term in unchanged if term.startswith(("change:", "unchanged:"))] == ["unchanged:origin"]


def test_a_change_on_what_the_origin_calls_counts() -> None:
    t = Timeline(SHOP)
    t.changed(0, change("ledger", 0, kind="configuration"))
    t.push(20, alert("payments", starts=15))
    assert "change:configuration" in remembered_incident(only(t)).terms


def test_an_alert_of_no_service_has_few_terms() -> None:
    t = Timeline(SHOP)
    t.push(20, alert("", "ClusterFull", starts=15))
    remembered = remembered_incident(only(t))
    assert remembered.terms == (
        "symptom:saturation",
        "alert:ClusterFull",
        "word:cluster",
        "word:full",
        "domain:default",
    )


def test_severity_says_nothing_of_likeness() -> None:
    low, high = (Timeline(SHOP), Timeline(SHOP))
    low.push(20, alert("payments", starts=15, severity="info"))
    high.push(20, alert("payments", starts=15, severity="critical"))
    assert remembered_incident(only(low)).terms == remembered_incident(only(high)).terms


def test_the_text_is_what_people_wrote_and_no_agent() -> None:
    t = over()
    document = copy.deepcopy(only(t))
    document["history"].append({"what": "closed", "actor": "ana", "reason": "person", "detail": "done\nnow"})
    document["annotations"] = [
        {"at": "", "author": "ben", "kind": "comment", "text": "pool was full"},
        {
            "at": "",
            "author": "narrator",
            "kind": "narrative",
            "text": "Payments failed",
            "made_by": "template",
        },
    ]
    assert remembered_incident(document).text == "done now / pool was full"
    document["annotations"][0]["text"] = "y" * 50_000
    assert len(remembered_incident(document).text) == 2_000


def test_foreign_values_are_made_harmless_and_their_number_is_bounded() -> None:
    t = Timeline(SHOP)
    t.push(
        20, *(alert("payments", f"Alert{n}\u202e\n {'x' * 300}", starts=15, pod=str(n)) for n in range(150))
    )
    terms = remembered_incident(only(t)).terms
    assert len([term for term in terms if term.startswith("alert:")]) == 60
    assert max(map(len, terms)) <= 130
    assert all(term.isprintable() for term in terms)


def test_a_runbook_has_its_text_and_the_symptoms_it_is_for() -> None:
    made = remembered_runbook("roll-back", "Roll back", "Undo the\ndeploy", ("errors", "change:deploy"))
    terms = ("origin-symptom:errors", "symptom:errors", "change:deploy")
    assert made == Remembered("roll-back", "runbook", "Roll back", "", terms, "Undo the deploy")
