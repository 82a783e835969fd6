"""The section "Why was I paged?" of an incident's page: its sentences, what folds out, and hostile names."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.model.incident import Delivery
from tests.timeline import SHOP, START, Timeline, alert
from tests.unit.test_console import Browser, FakeWatch, check_page, outage, path_of
from tests.unit.test_console_hostile import EVIL
from tests.unit.test_suppression import dismiss, put, silence
from watchkeeper.receivers import read_receivers

RECEIVERS = """
receivers:
  - {name: shop-oncall, webhook: {url: "http://127.0.0.1:9/a"}}
  - {name: lead, webhook: {url: "http://127.0.0.1:9/b"}}
"""


def routed(catalogue: str = SHOP) -> Timeline:
    routes = read_receivers(f"{RECEIVERS}\nroutes: [{{receiver: shop-oncall}}]", "r", {}).routes_text
    t = Timeline(catalogue)
    t.configure(0, "routes", routes)
    return t


def section(t: Timeline, number: int = 0, now: float = 720) -> str:
    html = Browser(FakeWatch(t), now).get(f"/incidents/{t.incidents()[number]['id']}").text
    check_page(html)
    found = html.partition('data-live="why"')[2].partition("</section>")[0]
    assert found
    return found


def test_it_says_who_was_paged_when_and_why_in_a_few_sentences() -> None:
    t = routed()
    t.push(0, alert("payments"))
    t.push(10, alert("checkout", starts=5), alert("frontend", starts=8))
    t.wait(200)
    html = section(t)
    assert '<h2 id="why-paged">Why was I paged?</h2>' in html
    assert "shop-oncall was paged at 08:00 UTC on 2026-03-02, because a new incident opened." in html
    assert "It is P0 because an alert is critical, a tier 1 service alerts and at least 3 services" in html
    assert "It probably began at payments: the others depend on it" in html
    assert "services that call each other (2)" in html
    above = html.partition("<details")[0]
    assert 2 <= above.count("<li>") <= 5
    assert not any(word in above for word in ("dependency-edge", "explains", "severity_raised", "onset"))
    assert '<a href="#grouping">' in html


def test_it_folds_without_a_script_and_comes_before_the_questions() -> None:
    html = Browser(FakeWatch(outage())).get(path_of(FakeWatch(outage()))).text
    assert '<details id="why-all">' in html
    assert html.index('data-live="why"') < html.index('data-live="answers"')


def test_the_head_leads_to_it_past_the_forms() -> None:
    html = Browser(FakeWatch(outage())).get(path_of(FakeWatch(outage()))).text
    heading = html.partition('<h2 id="why-paged">')[2].partition("</h2>")[0]
    link = f'<a href="#why-paged">{heading}</a>'
    assert heading
    assert html.index('data-live="head"') < html.index(link) < html.index('id="act"')


def test_evidence_leads_to_the_alerts_of_the_page() -> None:
    html = section(outage())
    assert 'href="#alert-' in html
    assert "default/" not in html


def test_when_nobody_was_paged_it_says_why() -> None:
    t = routed()
    put(t, 0, silence('service="search"', ends=600, comment="moving disks"))
    t.push(10, alert("search", starts=10))
    t.wait(200)
    html = section(t)
    assert "Why was nobody paged?" in html
    assert "because all that fired was silenced (silence SIL-A)." in html
    assert "For now nobody is paged about what fires: silence SIL-A of ana until 08:10 UTC" in html
    assert "moving disks" in html


def test_a_dismissal_before_the_page_is_told_by_its_author() -> None:
    t = routed()
    t.push(0, alert("search", severity="warning"))
    dismiss(t, 1, 600, actor="bo")
    t.wait(200)
    html = section(t)
    assert "because somebody had dismissed the incident for a while." in html
    assert "bo dismissed it until 08:10 UTC" in html


def test_pages_that_were_not_delivered_are_counted() -> None:
    t = routed()
    t.push(0, alert("search"))
    t.wait(200)
    incident = next(iter(t.engine.state.incidents.values()))
    incident.deliveries = (Delivery("dec-1", START, "failed", "shop-oncall", 5, "HTTP 503"),)
    assert "1 of these pages could not be delivered." in section(t)


def test_the_closest_miss_leads_to_that_incident() -> None:
    t = routed()
    t.push(0, alert("payments"))
    t.push(2_000, alert("payments", "Slow", starts=2_000))
    other = t.incidents()[1]["id"]
    html = section(t, now=2_100)
    assert f'<a href="/incidents/{other}">{other}</a>: they began 33 min 20 s apart' in html
    assert "No other incident" in section(outage())


@pytest.mark.parametrize("name", [EVIL, "{{ 7 * 7 }}", "a" * 3_000, "\n\n", "of and, because: after "])
def test_hostile_names_stay_text(name: str) -> None:
    t = routed()
    put(t, 0, silence('alertname=~".+"', ends=500, author=name, comment=name))
    t.push(10, alert(name, name, starts=10))
    t.push(2_500, alert(name, name, starts=2_500, instance=name))
    t.wait(2_600)
    for number in range(len(t.incidents())):
        html = section(t, number, 2_700)
        assert "<script>" not in html
        assert "<img" not in html
        assert not set(html) & set("\u202e\u0000\u2028")
        assert len(html) < 60_000


def test_a_storm_is_cut_and_says_so() -> None:
    t = routed()
    for number in range(60):
        t.push(number, alert("payments", f"A{number}", starts=number))
    html = section(t)
    assert re.search(r"and \d+ more", html)
    assert len(html) < 60_000


def test_a_first_page_that_waits_because_of_a_storm_says_so() -> None:
    """Not one that was due before it began, nor after it was paged."""
    t = routed()
    t.push(0, *(alert(f"svc-{n}", "Slow", severity="warning") for n in range(120)))
    t.push(20, alert("late", "Slow", starts=20, severity="warning"))
    services = [row["alerts"][0]["service"] for row in t.incidents()]
    first, late = services.index("svc-0"), services.index("late")
    waits = (
        "Nobody has been paged yet: very many alerts have begun since 08:00 UTC on 2026-03-02, and in such a"
        " storm first pages wait, so that there is one for each cause. This one is due at 08:02 UTC"
    )
    assert waits in section(t, late, 25)
    assert "storm" not in section(t, first, 25)
    assert "the first page waits a little" in section(t, first, 25)
    t.wait(130)
    assert "storm" not in section(t, late, 130)
    assert "shop-oncall was paged at 08:02" in section(t, late, 130)


def test_an_incident_that_has_left_memory_is_explained_from_its_document() -> None:
    class Past(FakeWatch):
        def why(self, document: dict[str, Any]) -> dict[str, Any]:
            from core.narrative.why import explanation

            return explanation({**document, "why": None}, None)

    watch = Past(outage(), lambda document: {**document, "why": None, "deliveries": []})
    html = Browser(watch).get(path_of(watch)).text
    check_page(html)
    assert "It is P0: critical on tier 1 and spreading." in html


def test_whoever_was_paged_reads_by_which_route_and_what_the_severity_asks() -> None:
    routes = f"""{RECEIVERS}
routes:
  - {{match: {{team: [shop], severity: [P2, P3]}}, receiver: lead}}
  - {{match: {{severity: [P0, P1], team: [payments]}}, receiver: shop-oncall, continue: true}}
  - {{receiver: lead}}
"""
    t = Timeline(SHOP)
    t.configure(0, "routes", read_receivers(routes, "r", {}).routes_text)
    t.push(0, alert("payments"))
    t.wait(200)
    above = section(t).partition("<details")[0]
    assert "shop-oncall was chosen because its route is for severity P0 or P1 and team payments." in above
    assert "lead was chosen because its route takes whatever no route before it took." in above
    assert "P1 asks that somebody acknowledges it within 15 min and that whoever has it says how" in above


def test_without_a_page_no_route_is_named_and_the_heading_says_why_not() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.wait(200)
    above = section(t).partition("<details")[0]
    assert "Why was nobody paged?" in above
    assert "was chosen because" not in above
    assert "P1 asks that somebody acknowledges it within 15 min" in above


def test_an_alerts_page_says_how_it_stands_by_which_name_it_is_asked_for_and_what_joins_it() -> None:
    t = routed()
    t.push(0, alert("payments"))
    t.push(10, alert("checkout", starts=5))
    t.push(60, alert("payments", ends=50))
    [incident] = t.incidents()
    pages = {}
    for one in incident["alerts"]:
        html = (
            Browser(FakeWatch(t)).get(f"/incidents/{incident['id']}/alerts/{one['line']}/{one['index']}").text
        )
        pages[one["service"]] = html.partition('id="now"')[2].partition("</section>")[0]
        assert f"watchkeeper explain {one['fingerprint']}" in pages[one["service"]]
    assert "<strong>Resolved</strong>" in pages["payments"]
    assert "<strong>Firing</strong>" in pages["checkout"]
    assert all("checkout calls payments" in html for html in pages.values())


def test_the_page_of_a_lonely_alert_says_that_it_is_alone() -> None:
    t = routed()
    t.push(0, alert("payments"))
    [incident] = t.incidents()
    [one] = incident["alerts"]
    html = Browser(FakeWatch(t)).get(f"/incidents/{incident['id']}/alerts/{one['line']}/{one['index']}").text
    assert "It is the only alert of the incident." in html
