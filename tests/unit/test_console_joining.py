"""The console's pages to merge and to split, its comments, and the clocks that it shows."""

from __future__ import annotations

import pytest

from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_console import OURS, Browser, FakeWatch, check_page
from watchkeeper.console.acting import COOKIE

NAME = {"cookie": f"{COOKIE}=ana"}


def two() -> tuple[FakeWatch, str, str]:
    t = Timeline(SHOP, routes="routes: [{receiver: oncall}]")
    t.push(0, alert("payments"), alert("payments", "Slow <b>"))
    t.push(10, alert("mailer", starts=10))
    first, second = t.incidents()
    return FakeWatch(t), first["id"], second["id"]


def test_the_incident_page_leads_to_what_is_allowed() -> None:
    watch, first, second = two()
    page = check_page(Browser(watch).get(f"/incidents/{first}").text)
    assert {f"/incidents/{first}/merge", f"/incidents/{first}/split"} <= set(page.values("href"))
    page = check_page(Browser(watch).get(f"/incidents/{second}").text)
    assert f"/incidents/{second}/split" not in page.values("href"), "it has one alert"


def test_merging_shows_what_can_be_chosen_and_leads_to_what_stays() -> None:
    watch, first, second = two()
    browser = Browser(watch)
    page = check_page(browser.get(f"/incidents/{second}/merge", **NAME).text)
    radios = [a["value"] for tag, a in page.attributes if tag == "input" and a.get("type") == "radio"]
    assert radios == [first]
    assert "ana" in page.values("value")
    assert page.values("http-equiv") == [], "it has fields"
    form = {"into": first, "actor": "ana", "reason": "the same"}
    answer = browser.post(f"/incidents/{second}/merge", form, OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{first}")
    assert browser.get(f"/incidents/{second}/merge").headers["location"] == f"/incidents/{first}/merge"
    assert f"merged in: {second}" in browser.get(f"/incidents/{first}").text


def test_splitting_leads_to_the_new_incident() -> None:
    watch, first, _ = two()
    browser = Browser(watch)
    page = check_page(browser.get(f"/incidents/{first}/split").text)
    boxes = [a["value"] for tag, a in page.attributes if tag == "input" and a.get("type") == "checkbox"]
    assert len(boxes) == 2
    assert "Slow <b> of payments" in page.text
    answer = browser.post(f"/incidents/{first}/split", {"alerts": boxes[1], "actor": "ana"}, OURS)
    [new] = watch.incident(first)["split_into"]
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{new}")
    page = check_page(browser.get(f"/incidents/{new}").text)
    assert "split off from" in page.text
    assert f"/incidents/{first}" in page.values("href")


def test_what_is_refused_keeps_what_was_typed_and_chosen() -> None:
    watch, first, second = two()
    browser = Browser(watch)
    page = check_page(browser.get(f"/incidents/{first}/split").text)
    boxes = [a["value"] for tag, a in page.attributes if tag == "input" and a.get("type") == "checkbox"]
    body = f"alerts={boxes[0]}&alerts={boxes[1]}&actor=ana&reason=both".encode()
    answer = browser.post(f"/incidents/{first}/split", body, OURS)
    assert answer.status_code == 400
    page = check_page(answer.text)
    assert "nothing would stay" in page.text
    assert [a["value"] for tag, a in page.attributes if tag == "input" and "checked" in a] == boxes
    assert {"ana", "both"} <= set(page.values("value"))
    answer = browser.post(f"/incidents/{first}/merge", {"actor": "ana", "reason": ""}, OURS)
    assert (answer.status_code, "No other incident chosen" in answer.text) == (400, True)
    answer = browser.post(f"/incidents/{second}/merge", {"into": second, "actor": "ana"}, OURS)
    assert (answer.status_code, "cannot be merged with itself" in answer.text) == (400, True)
    assert len(watch.timeline.incidents()) == 2


def test_forms_of_other_sites_and_large_ones_are_refused() -> None:
    watch, first, second = two()
    browser = Browser(watch)
    theirs = {"sec-fetch-site": "cross-site"}
    for verb in ("merge", "split"):
        answer = browser.post(f"/incidents/{first}/{verb}", {"into": second, "actor": "x"}, theirs)
        assert answer.status_code == 403
        answer = browser.post(f"/incidents/{first}/{verb}", b"alerts=1&" * 300, OURS)
        assert answer.status_code == 400
        answer = browser.post(f"/incidents/{first}/{verb}", b"actor=" + b"x" * 200_000, OURS)
        assert answer.status_code == 400
    assert len(watch.timeline.incidents()) == 2


def test_what_cannot_be_merged_or_split_says_so() -> None:
    watch, first, second = two()
    browser = Browser(watch)
    assert browser.get(f"/incidents/{second}/split").status_code == 409
    assert browser.get("/incidents/INC-NONE/merge").status_code == 404
    watch.timeline.move(20, first, "resolved")
    watch.timeline.move(21, first, "closed")
    assert browser.get(f"/incidents/{first}/merge").status_code == 409
    assert "There is no other incident" in check_page(browser.get(f"/incidents/{second}/merge").text).text


def test_a_comment_is_said_without_a_change_of_status() -> None:
    watch, first, _ = two()
    browser = Browser(watch)
    form = {"to": "comment", "actor": "ana", "reason": "looking <i>"}
    answer = browser.post(f"/incidents/{first}/transitions", form, OURS)
    assert answer.status_code == 303
    page = check_page(browser.get(f"/incidents/{first}").text)
    assert "looking <i>" in page.text
    assert watch.incident(first)["status"] == "triggered"
    answer = browser.post(f"/incidents/{first}/transitions", form | {"reason": ""}, OURS)
    assert (answer.status_code, "No words" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("minute", "said", "loud"),
    [(1, "Respond by 08:15:00 UTC (in 14 min)", False), (20, "Response overdue since 08:15:00 UTC", True)],
)
def test_the_response_clock_is_on_the_page_and_in_the_list(minute: int, said: str, loud: bool) -> None:
    watch, first, _ = two()
    browser = Browser(watch, now=minute * 60)
    for path in ("/", f"/incidents/{first}"):
        html = browser.get(path).text
        assert said in " ".join(check_page(html).text.split())
        assert ('urgent">Response overdue' in html) is loud


def test_the_update_clock_takes_over_once_somebody_has_it() -> None:
    watch, first, _ = two()
    watch.timeline.move(60, first, "acknowledged")
    text = " ".join(check_page(Browser(watch, now=120).get(f"/incidents/{first}").text).text.split())
    assert "Next update by 09:01:00 UTC (in 59 min)" in text
    assert "Responded in time" in text
    assert "Respond by" not in text
    text = " ".join(check_page(Browser(watch, now=3_700).get(f"/incidents/{first}").text).text.split())
    assert "Update overdue since 09:01:00 UTC" in text


def test_a_mitigated_incident_says_by_whom() -> None:
    watch, first, _ = two()
    watch.timeline.move(60, first, "mitigated")
    page = check_page(Browser(watch, now=120).get(f"/incidents/{first}").text)
    assert "Mitigated by ana" in " ".join(page.text.split())
    assert "is on it" in check_page(Browser(watch, now=120).get("/").text).text
