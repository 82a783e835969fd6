"""An incident's first screen: what its alert says, suspect, origin, who was paged; then one row to act."""

from __future__ import annotations

from typing import Any

import pytest

from core.model.document import Document
from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_console import OURS, Browser, FakeWatch, check_page, outage, path_of
from tests.unit.test_console_hostile import EVIL
from tests.unit.test_console_why import routed
from watchkeeper.console.acting import COOKIE
from watchkeeper.console.brief import saying_of

SAID: Document = {
    "line": 4,
    "index": 0,
    "name": "HighErrorRatio",
    "service": "payments",
    "summary": "payments fails",
    "description": "More than 5 %\nfail.",
    "links": [
        {"kind": "graph", "url": "https://prometheus.example/graph", "host": "prometheus.example"},
        {"kind": "runbook", "url": "https://wiki.example/r", "host": "wiki.example"},
    ],
}


def saying(**more: Any) -> FakeWatch:
    return FakeWatch(outage(), lambda document: document | {"said": [SAID | more]})


def head(html: str) -> str:
    return html.partition('data-live="head"')[2].partition("</section>")[0]


def test_what_a_tired_person_needs_comes_before_any_field_or_button() -> None:
    watch = saying()
    html = Browser(watch).get(path_of(watch)).text.partition("<main")[2]
    order = [
        "“payments fails”", "(prometheus.example)", "Runbook", "<dt>Suspect</dt>", "Deploy of payments 2.4.0",
        "<dt>Origin</dt>", "Probably payments: it changed shortly before and the others depend on it.",
        "<dt>Paged</dt>", "It is P0 because", 'id="actor"', ">Acknowledge</button>", "With a note",
        "Silence or dismiss", 'id="said"', "More than 5 %\nfail.", 'id="why-paged"',
    ]  # fmt: skip
    places = [html.find(words) for words in order]
    assert -1 not in places, [words for words in order if words not in html]
    assert places == sorted(places)


def test_words_and_links_of_an_alert_are_text_and_say_where_they_lead() -> None:
    watch = saying(summary=EVIL, description=EVIL, name=EVIL)
    page = check_page(Browser(watch).get(path_of(watch)).text)
    out = [a for tag, a in page.attributes if tag == "a" and a.get("class") == "outward"]
    assert {a["href"] for a in out} == {"https://prometheus.example/graph", "https://wiki.example/r"}
    assert all(a["rel"] == "noopener noreferrer nofollow" for a in out)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a@b.example/", "//evil.example", "data:text/html,x"]
)
def test_an_address_that_is_none_is_no_link_whoever_let_it_through(url: str) -> None:
    watch = saying(links=[{"kind": "runbook", "url": url, "host": "x"}])
    html = Browser(watch).get(path_of(watch)).text
    assert 'class="outward"' not in html
    assert url not in html


def test_without_words_of_alerts_the_page_is_whole() -> None:
    watch = FakeWatch(outage())
    html = Browser(watch).get(path_of(watch)).text
    check_page(html)
    assert "It says" not in html
    assert "What the alerts say" not in html


def test_without_a_suspect_it_says_what_is_known_of_changes() -> None:
    t = routed(SHOP)
    t.push(0, alert("payments"))
    watch = FakeWatch(t)
    text = head(Browser(watch).get(path_of(watch)).text)
    assert "<dt>Changed</dt>" in text
    assert "nobody has told Watchkeeper about any change yet" in text
    assert "payments is the only service in this incident." in text


def test_what_the_origin_calls_leads_to_its_incident() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("ledger", "InstanceDown"))
    t.push(3_600, alert("payments", starts=3_600))
    ledger, payments = (row["id"] for row in t.incidents())
    text = head(Browser(FakeWatch(t), now=3_700).get(f"/incidents/{payments}").text)
    assert f'ledger, which it calls, has an open incident: <a href="/incidents/{ledger}">' in text


def test_nobody_has_it_is_a_no_and_not_a_known() -> None:
    watch = FakeWatch(outage())
    html = Browser(watch).get(path_of(watch)).text
    card = html.partition("Is somebody on it already?")[2].partition("</div>")[0]
    assert '<p class="mark">No</p>' in card


def test_actions_are_one_labelled_row_and_forms_fold_open() -> None:
    watch = FakeWatch(outage())
    browser = Browser(watch)
    html = browser.get(path_of(watch)).text
    row = html.partition('id="act"')[2].partition("</section>")[0]
    assert '<details id="with-note">' in row
    assert '<label for="reason">' in row
    assert '<details id="quieten"' in row
    assert (
        'aria-describedby="does-1">Acknowledge</button><span class="hidden" id="does-1">I am on it</span>'
        in row
    )
    known = browser.get(path_of(watch), cookie=f"{COOKIE}=ana").text
    row = known.partition('id="act"')[2].partition("</section>")[0]
    assert "<input id=" not in row.partition("quieten")[0]
    assert "You act as <strong>ana</strong>" in row


def test_a_note_that_was_typed_stays_in_sight_after_a_refusal() -> None:
    watch = FakeWatch(outage())
    form = {"to": "closed", "actor": "ana", "reason": "done"}
    html = Browser(watch).post(f"{path_of(watch)}/transitions", form, OURS).text
    assert '<details id="with-note" open>' in html


@pytest.mark.parametrize(
    "sent", [None, "text", [], {"annotations": [1]}, {"generatorURL": 7}, {"annotations": {"a": 1}}]
)
def test_an_alert_of_any_form_says_what_it_can(sent: Any) -> None:
    assert saying_of(sent) == ("", "", [])


def test_any_other_alert_says_it_on_its_own_page() -> None:
    watch = FakeWatch(outage())
    watch.raw = alert("payments") | {
        "annotations": {
            "summary": "it fails",
            "description": "a lot",
            "runbook_url": "https://wiki.example/r",
        }
    }
    first = watch.incident(watch.only)["alerts"][0]
    html = Browser(watch).get(f"{path_of(watch)}/alerts/{first['line']}/{first['index']}").text
    check_page(html)
    assert (
        html.index("What it says")
        < html.index("it fails")
        < html.index("(wiki.example)")
        < html.index("Labels")
    )
