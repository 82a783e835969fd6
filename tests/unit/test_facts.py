"""The fact bundle: what it holds, that it holds no more, and that it is the same every time."""

from __future__ import annotations

import copy
import json

from core.model.note import Past
from core.narrative.facts import Fact, bundle_json, fact_bundle, value_text
from tests.narrated import PAST, documents, whole
from tests.timeline import SHOP, Timeline, alert, change


def test_facts_are_numbered_in_a_stable_order() -> None:
    for document in documents():
        bundle = fact_bundle(document, PAST)
        assert [fact.id for fact in bundle.facts] == [f"F{n}" for n in range(1, len(bundle.facts) + 1)]
        assert bundle == fact_bundle(copy.deepcopy(document), PAST)


def test_causes_point_to_facts_and_only_where_a_finding_holds_them() -> None:
    """From a suspect to the origin's trouble, from the called to the caller, from a repair to the end."""
    allowed = {("suspect", "trouble"), ("trouble", "trouble"), ("repair", "end")}
    for document in documents():
        bundle = fact_bundle(document)
        facts = {fact.id: fact for fact in bundle.facts}
        origin = str((document["origin"] or {}).get("service", ""))
        for fact in bundle.facts:
            assert {(fact.kind, facts[name].kind) for name in fact.causes} <= allowed
            if fact.kind == "suspect":
                assert {facts[name].subject for name in fact.causes} <= {origin}
            if fact.kind == "trouble" and fact.causes:
                assert fact.subject in _reached(bundle.of("edge"), origin)


def _reached(edges: tuple[Fact, ...], origin: str) -> set[str]:
    found = {origin}
    for _ in edges:
        found |= {edge.subject for edge in edges if edge.object in found}
    return found


def test_the_bad_deploy_as_facts() -> None:
    bundle = fact_bundle(whole("bad-deploy"))
    assert next((f.subject, f.object, f.value, f.unit) for f in bundle.of("age")) == (
        "payments",
        "payments",
        8130,
        "ms",
    )
    assert {(f.subject, f.object) for f in bundle.of("edge")} == {
        ("checkout", "payments"), ("mobile-api", "checkout"), ("mobile-api", "subscriptions"),
        ("storefront", "checkout"), ("subscriptions", "payments"),
    }  # fmt: skip
    trouble = {fact.subject: fact for fact in bundle.of("trouble")}
    names = {fact.id: fact.subject for fact in trouble.values()}
    assert {names[i] for i in trouble["payments"].causes} == {
        "checkout",
        "subscriptions",
        "storefront",
        "mobile-api",
    }
    assert trouble["storefront"].causes == ()
    assert trouble["payments"].object == "errors"
    assert trouble["payments"].evidence[0].startswith("default/")
    [repair] = bundle.of("repair")
    assert (repair.object, [f.subject for f in bundle.facts if f.id in repair.causes]) == (
        "2.3.9",
        ["payments"],
    )


def test_a_change_elsewhere_is_no_cause() -> None:
    bundle = fact_bundle(whole("dead-dependency"))
    assert [fact.causes for fact in bundle.of("suspect")] == [()]
    assert [fact.subject for fact in bundle.of("elsewhere")] == ["inventory-db"]


def test_a_version_cannot_forge_where_a_change_is_near() -> None:
    """The version is the sender's; only the end of a summary, which is ours, is read."""
    timeline = Timeline(SHOP)
    timeline.changed(
        0, change("ledger", -60, version="1, which checkout calls, 8 s before the first alert of checkout")
    )
    timeline.push(0, alert("payments"), alert("checkout", starts=30))
    [incident] = timeline.incidents()
    [age] = fact_bundle(incident).of("age")
    assert (age.object, age.value) == ("payments", 60_000)


def test_people_and_their_deeds() -> None:
    timeline = Timeline(SHOP)
    timeline.push(0, alert("payments"))
    [incident] = timeline.incidents()
    assert [f.kind for f in fact_bundle(incident).of("unacknowledged", "acknowledged")] == ["unacknowledged"]
    timeline.move(60, incident["id"], "acknowledged", "ana")
    timeline.move(90, incident["id"], "resolved", "bo")
    bundle = fact_bundle(timeline.incidents()[0])
    assert [(f.kind, f.subject) for f in bundle.of("unacknowledged", "acknowledged", "resolved")] == [
        ("acknowledged", "ana"),
        ("resolved", "bo"),
    ]
    [duration] = bundle.of("duration")
    assert (duration.value, value_text(duration)) == (90_000, "2 min")


def test_the_past_is_there_when_somebody_looked() -> None:
    document = whole("bad-deploy")
    assert fact_bundle(document).of("past", "no-past") == ()
    assert [f.kind for f in fact_bundle(document, ()).of("past", "no-past")] == ["no-past"]
    found = fact_bundle(document, PAST)
    assert [f.subject for f in found.of("past")] == [past.id for past in PAST]
    assert next(f.object for f in found.of("past-ending")) == PAST[0].ending


def test_foreign_text_is_short_inert_and_on_one_line() -> None:
    bad = "x\n`sudo`<b> @all https://evil.example [F1]{F2.at}\u202e" + "y" * 5_000
    document = copy.deepcopy(whole("bad-deploy"))
    document["changes"][0]["version"] = document["changes"][0]["author"] = bad
    document["alerts"][0]["name"] = bad
    bundle = fact_bundle(document, [Past(bad, bad, "", 500, (bad,), bad)])
    for fact in bundle.facts:
        for text in (fact.subject, fact.object, str(fact.value)):
            assert len(text) <= 200
            assert not set(text) & set("\n`<>@[]\u202e")
            assert "://" not in text


def test_large_incidents_make_small_bundles() -> None:
    timeline = Timeline(SHOP)
    timeline.push(0, *(alert("payments", f"Alert{n}", starts=n) for n in range(600)), alert("checkout"))
    for n in range(40):
        timeline.changed(1, change("payments", -n * 10, version=f"1.{n}"))
    [incident] = timeline.incidents()
    text = json.dumps(bundle_json(fact_bundle(incident, PAST)))
    assert len(text) < 20_000


def test_as_json_empty_keys_are_left_out() -> None:
    document = bundle_json(fact_bundle(whole("bad-deploy")))
    assert set(document) == {"facts", "links", "commands"}
    assert document["links"] == document["commands"] == []
    assert set(document["facts"][0]) == {"id", "kind", "subject", "predicate", "object", "evidence"}


def test_old_documents_make_bundles_too() -> None:
    document = copy.deepcopy(whole("bad-deploy"))
    del document["plans"]
    for row in document["alerts"]:
        del row["symptom"]
    for row in document["changes"]:
        del row["role"]
    bundle = fact_bundle(document)
    assert bundle.of("no-plan", "plan") == ()
    assert {f.object for f in bundle.of("trouble")} == {""}
    assert fact_bundle({"id": "INC-1"}).of("status")[0].subject == "INC-1"
