"""The text of a page: complete, short, true when it comes late, and harmless whatever the labels say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.narrative.page import MAX_CHARS, inert, page_text
from core.times import parse_rfc3339
from tests.timeline import SHOP, START, Timeline, alert, change

URL = "https://watch.example/"
HOSTILE = [
    "<!channel> <@U123> @here @everyone",
    "[click](https://evil.example) <https://evil.example|runbook> http://evil.example",
    "line one\nP0 forged headline\r\nhttps://evil.example/incidents/X",
    "\u202egnp.exe \u200b\x1b[31m\x00 \u2028 <script>alert(1)</script>",
    "`rm -rf /` " + "w" * 10_000,
    "{0} {severity} %s",
]


def story() -> Timeline:
    t = Timeline(SHOP)
    t.changed(0, change("payments", at=-180, version="2.4.0", author="ana"))
    t.push(5, alert("payments", starts=0))
    t.push(20, alert("checkout", starts=15))
    return t


def test_a_page_says_what_where_since_when_and_answers_the_three_questions() -> None:
    [incident] = story().incidents()
    assert page_text(incident, "opened", URL).splitlines() == [
        f"{incident['severity']} payments: HighErrorRatio (+1 service)",
        f"{incident['id']}: new incident",
        "2 alerts on 2 services, 2 firing",
        "Since 2026-03-02 08:00:00 UTC",
        f"What changed? {incident['questions']['what_changed']['answer']}",
        "Is somebody on it already? "
        "No: nobody has acknowledged it, and no open incident touches these services.",
        f"What is the likely fix? {incident['questions']['likely_fix']['answer']}",
        f"https://watch.example/incidents/{incident['id']}",
    ]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("severity_raised:P0", "severity raised to P0"),
        ("more_services:5", "now 5 services"),
        ("reopened", "reopened"),
        ("merged:INC-20260302-AAAAAA", "joined by INC-20260302-AAAAAA"),
        ("something_new:x", "something new"),
    ],
)
def test_the_reason_is_told_in_words(reason: str, words: str) -> None:
    [incident] = story().incidents()
    assert page_text(incident, reason, URL).splitlines()[1] == f"{incident['id']}: {words}"


def test_a_late_page_says_what_became_of_the_incident() -> None:
    t = story()
    [incident] = t.incidents()
    t.move(60, incident["id"], "acknowledged", actor="ana@shop.example")
    [incident] = t.incidents()
    assert "new incident, acknowledged by ana(at)shop.example" in page_text(incident, "opened", URL)
    t.move(600, incident["id"], "resolved")
    [incident] = t.incidents()
    assert f"{incident['id']}: new incident, resolved by now" in page_text(incident, "opened", URL)
    text = page_text(incident, "resolved", URL)
    assert f"{incident['id']}: resolved\n" in text
    assert "Since 2026-03-02 08:00:00 UTC, resolved after 10 min" in text


def test_an_alert_of_no_service_makes_a_page_too() -> None:
    t = Timeline(SHOP)
    t.push(5, alert("", "NoData"))
    [incident] = t.incidents()
    assert "1 alert on no known service, 1 firing" in page_text(incident, "opened", URL)


def test_an_id_alone_makes_a_page() -> None:
    assert page_text({"id": "INC-1"}, "opened", "http://127.0.0.1:8080") == (
        "INC-1: new incident\nhttp://127.0.0.1:8080/incidents/INC-1"
    )


def assert_harmless(text: str, link: str) -> None:
    lines = text.splitlines()
    assert len(lines) <= 9
    assert len(text) <= MAX_CHARS
    assert lines[-1] == link
    assert "://" not in "\n".join(lines[:-1])
    assert not set("<>[]@`") & set(text)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_labels_neither_mention_nor_link_nor_forge_a_line(words: str) -> None:
    t = Timeline(SHOP)
    t.changed(0, change(words.replace("\x00", "")[:150], at=-60, version=words, author=words, url=words))
    t.push(5, alert(words, words, team=words, environment=words))
    t.push(6, alert("payments", words))
    for incident in t.incidents():
        link = f"{URL}incidents/{incident['id']}"
        assert_harmless(page_text(incident, "opened", URL), link)
        t.move(60, incident["id"], "acknowledged", actor=words)
    for incident in t.incidents():
        assert_harmless(page_text(incident, "opened", URL), f"{URL}incidents/{incident['id']}")


@given(words=st.text(max_size=4_000), reason=st.sampled_from(["opened", "merged:INC-1", "resolved"]))
def test_any_text_anywhere_stays_harmless_and_bounded(words: str, reason: str) -> None:
    answer = {"answer": words, "status": "known", "evidence": []}
    incident: dict[str, Any] = {
        "id": "INC-1",
        "severity": "P1",
        "status": "acknowledged",
        "acknowledged_by": words,
        "title": words,
        "started_at": "2026-03-02T08:00:00.000Z",
        "alerts": [{"status": "firing"}],
        "services": [],
        "questions": {"what_changed": answer, "already_known": answer, "likely_fix": answer},
    }
    assert_harmless(page_text(incident, reason, URL), f"{URL}incidents/INC-1")


@given(st.text())
def test_inert_text_stays_as_it_is_when_made_inert_again(words: str) -> None:
    once = inert(words, 200)
    assert inert(once, 200) == once


def merged_into_worse() -> tuple[Timeline, str, str]:
    """A warning and something critical of others; a person merges them a minute later."""
    t = Timeline(SHOP, routes="receivers: [shop]\nroutes: [{receiver: shop}]")
    t.push(0, alert("payments", severity="warning"))
    t.push(1, alert("mailer", "QueueBacklog"))
    t.wait(40)
    kept, absorbed = (row["id"] for row in t.incidents())
    t.move(60, absorbed, "merged", into=kept)
    return t, kept, absorbed


def test_a_merge_that_is_told_as_something_else_names_the_other_incident() -> None:
    """One page tells of all that one record did: here that it got worse by what joined it."""
    t, kept, absorbed = merged_into_worse()
    [incident] = t.incidents()
    page = t.decisions("notify")[-1]
    assert page["reason"] == "severity_raised:P1"
    told = page_text(incident, page["reason"], URL, parse_rfc3339(page["at"]))
    assert told.splitlines()[1] == f"{kept}: severity raised to P1, joined by {absorbed}"
    merged = page_text(incident, f"merged:{absorbed}", URL, parse_rfc3339(page["at"]))
    assert merged.splitlines()[1] == f"{kept}: joined by {absorbed}"
    later = page_text(incident, "more_services:3", URL, parse_rfc3339(page["at"]) + 1)
    assert later.splitlines()[1] == f"{kept}: now 3 services"


def test_of_many_that_joined_at_once_two_are_named() -> None:
    history = [
        {"what": "merged", "at": "2026-03-02T08:00:00.000Z", "detail": f"INC-{n}"} for n in range(2, 6)
    ]
    text = page_text({"id": "INC-1", "history": history}, "merged:INC-2", URL, START)
    assert text.splitlines()[0] == "INC-1: joined by INC-2 and INC-3, INC-4 and 1 more"
