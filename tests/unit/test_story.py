"""The template sentences: they pass the claim check everywhere, and say what somebody needs at night."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.narrative.check import check, lines
from core.narrative.facts import Bundle, fact_bundle
from core.narrative.story import changes_story, past_story, plan_story, story
from tests.narrated import PAST, STORIES, bundles, literal, whole
from tests.timeline import SHOP, Timeline, alert, change

WORDS = st.text(max_size=40) | st.sampled_from(
    ["before", "because", "not", "5 alerts", "F1", "[F1]", "{F1.at}", "resolved", "run rm -rf /", "2",
    "2.4", "the", "it",
     "payments", "04:25 UTC", "2026-11-21", "a@b.c", "https://x.example", "deploy", "no", "Redis", "and",
     "origin"]
)  # fmt: skip


def told(bundle: Bundle, sentences: list[str]) -> str:
    checked = check(bundle, sentences)
    assert [s.reasons for s in checked.sentences if not s.kept] == []
    return " ".join(line.text for line in lines(checked))


@pytest.mark.parametrize("make", STORIES, ids=lambda make: make.__name__)
def test_every_story_of_every_prefix_of_every_case_passes(make) -> None:  # type: ignore[no-untyped-def]
    """With slots, and written out as text."""
    for bundle in bundles():
        sentences = make(bundle)
        assert len(sentences) <= 12
        for form in (sentences, [literal(bundle, sentence) for sentence in sentences]):
            checked = check(bundle, form)
            assert [
                (s.reasons, raw) for s, raw in zip(checked.sentences, form, strict=True) if not s.kept
            ] == []
            assert checked.template_used is (not sentences)


@settings(max_examples=150, deadline=None)
@given(WORDS, WORDS, WORDS, WORDS)
def test_names_of_any_kind_cannot_make_a_story_fail(
    service: str, name: str, version: str, author: str
) -> None:
    """What others call their services, alerts, versions and themselves is data."""
    timeline = Timeline(SHOP)
    timeline.changed(0, change("payments", -30, version=version, author=author))
    timeline.push(
        0, alert("payments", name or "x"), alert(service or "y", starts=5), alert("checkout", starts=9)
    )
    for incident in timeline.incidents():
        bundle = fact_bundle(incident, PAST)
        for make in STORIES:
            told(bundle, make(bundle))


def test_the_bad_deploy_in_words() -> None:
    bundle = fact_bundle(whole("bad-deploy"))
    assert told(bundle, story(bundle)) == (
        "This P0 incident began at 2026-11-21 04:25:16 UTC and holds 5 alerts on 5 services in production."
        " It was resolved at 2026-11-21 04:32:25 UTC, 7 min after it began."
        " It probably begins at payments, which began to alert at 04:25:16 UTC with HighErrorRatio."
        " checkout and subscriptions call payments and alerted as well."
        " Further up, storefront and mobile-api were probably hit because of payments."
        " The deploy of payments (2.4.0) came 8 s before the first alert of payments and is the main suspect."
        " The deploy of payments (2.3.9) came 14 s before the last alert of payments ended, and probably"
        " ended it."
    )


def test_a_night_without_changes_or_catalogue() -> None:
    timeline = Timeline()
    timeline.push(0, alert("payments"))
    bundle = fact_bundle(timeline.incidents()[0])
    text = told(bundle, story(bundle))
    assert "1 alert on 1 service" in text
    assert "1 alert still fires" in text
    assert "It is not known what changed." in text
    assert "Nobody has acknowledged it yet." in text
    assert told(bundle, changes_story(bundle)) == "It is not known what changed."


def test_an_alert_that_names_no_service() -> None:
    timeline = Timeline()
    timeline.push(0, alert(""))
    bundle = fact_bundle(timeline.incidents()[0])
    assert "It is not known where it begins." in told(bundle, story(bundle))


def test_people_are_named() -> None:
    timeline = Timeline(SHOP)
    timeline.push(0, alert("payments"))
    [incident] = timeline.incidents()
    timeline.move(60, incident["id"], "acknowledged", "ana maria")
    bundle = fact_bundle(timeline.incidents()[0])
    assert "It was acknowledged by ana maria at 08:01:00 UTC." in told(bundle, story(bundle))
    timeline.move(90, incident["id"], "resolved", "bo")
    bundle = fact_bundle(timeline.incidents()[0])
    assert "It was resolved by bo at 2026-03-02 08:01:30 UTC, 2 min after it began." in told(
        bundle, story(bundle)
    )


def test_a_return_is_said() -> None:
    timeline = Timeline(SHOP)
    timeline.push(0, alert("payments"))
    first = timeline.incidents()[0]["id"]
    timeline.move(60, first, "resolved")
    timeline.push(70, alert("payments", ends=65))
    timeline.push(1_920, alert("payments", starts=1_920))
    bundle = fact_bundle(timeline.incidents()[-1])
    assert f"It looks like a return of {first}." in told(bundle, story(bundle))


def test_changes_say_how_suspect_each_is_and_what_followed() -> None:
    bundle = fact_bundle(whole("bad-deploy"))
    text = told(bundle, changes_story(bundle))
    assert "It is on the probable origin, payments, and has a suspicion of 999/1000." in text
    assert "The configuration change of inventory (cache-seconds=30) by tomasz came 50 s before" in text
    assert "After the deploy of payments (2.4.0), the deploy of payments (2.3.9) came at" in text


def test_a_change_on_what_the_origin_calls() -> None:
    timeline = Timeline(SHOP)
    timeline.changed(0, change("ledger", -60, version="7.1"))
    timeline.push(0, alert("payments"), alert("checkout", starts=30))
    bundle = fact_bundle(timeline.incidents()[0])
    assert "It is on ledger, which the probable origin, payments, calls, and has a suspicion of" in told(
        bundle, changes_story(bundle)
    )


def test_the_past_and_the_plans() -> None:
    bundle = fact_bundle(whole("bad-deploy"), PAST)
    text = told(bundle, past_story(bundle))
    assert (
        "INC-20260901-ABCDEF, at 2026-09-01 10:00:00 UTC, was like this one, with a match of 820/1000."
        in text
    )
    assert 'INC-20260715-GHIJKL ended with this: ana resolved it: "failed over to the replica".' in text
    assert told(bundle, plan_story(bundle)).startswith(
        "A plan that fits is this one: Roll back the deploy of payments 2.4.0 (probably already rolled back"
    )
    before = {**whole("bad-deploy"), "plans": [{**one, "done": ""} for one in whole("bad-deploy")["plans"]]}
    assert told(fact_bundle(before), plan_story(fact_bundle(before))).startswith(
        "The plan that fits best is this one: Roll back the deploy of"
    )
    nothing = fact_bundle({**whole("bad-deploy"), "plans": []}, ())
    assert told(nothing, past_story(nothing)) == "No past incident like this one is remembered."
    assert told(nothing, plan_story(nothing)) == "No runbook fits this incident."
    assert past_story(fact_bundle(whole("bad-deploy"))) == []


def test_a_change_that_was_only_elsewhere_is_no_change_here() -> None:
    timeline = Timeline(SHOP)
    timeline.changed(0, change("payments", -30, version="2", environment="staging"))
    timeline.push(0, alert("payments", env="prod"))
    [incident] = timeline.incidents()
    bundle = fact_bundle(incident, PAST)
    assert "No change was reported here shortly before it" in told(bundle, changes_story(bundle))
