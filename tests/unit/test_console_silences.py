"""The page of silences and what stands of them on an incident's page: whole pages, forms, foreign words."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from core.suppression.matchers import Matchers, of_labels, parse_matchers
from tests.unit.test_api import app as app
from tests.unit.test_api import ask, sent
from tests.unit.test_console import check_page
from tests.unit.test_silences_api import call, ours
from watchkeeper.app import App
from watchkeeper.console.silences_view import prefill

OURS = {"sec-fetch-site": "same-origin"}
FORM = {"matchers": 'service="payments"', "lasts": "1h", "comment": "disks", "actor": "ana"}


def page(app: App, path: str) -> Any:
    answer = call(app, "GET", path)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return check_page(answer.text)


def post(app: App, path: str, form: dict[str, str], headers: dict[str, str] = OURS) -> httpx.Response:
    return call(app, "POST", path, data=form, headers=headers)


def test_a_silence_is_put_and_ended_by_forms_alone(app: App) -> None:
    name = sent(app)
    assert "Nothing is silenced." in page(app, "/silences").text
    answer = post(app, "/silences", FORM)
    assert answer.status_code == 303
    assert "watchkeeper_actor=ana" in answer.headers["set-cookie"]
    shown = page(app, answer.headers["location"])
    [identity] = [one for one in shown.values("id") if one.startswith("SIL-")]
    assert f"{identity} is in force." in shown.text
    assert 'service="payments"' in shown.text
    assert f"/incidents/{name}" in shown.values("href")
    incident = page(app, f"/incidents/{name}")
    assert f"/silences#{identity}" in incident.values("href")
    assert "All that fires here" not in incident.text
    answer = post(app, f"/silences/{identity}/expire", {"actor": "bo"})
    assert answer.status_code == 303
    assert f"{identity} is over." in page(app, answer.headers["location"]).text
    assert "Expired" in page(app, "/silences").text
    assert "pages nobody" not in page(app, f"/incidents/{name}").text


def test_when_all_that_fires_is_silenced_the_incident_says_so(app: App) -> None:
    name = sent(app)
    post(app, "/silences", {**FORM, "matchers": 'alertname="HighErrorRatio"'})
    assert "All that fires here is suppressed" in page(app, f"/incidents/{name}").text
    assert "2 alerts, 2 not resolved, 2 suppressed" in page(app, "/").text
    post(app, f"/incidents/{name}/dismissal", {"for": "2h", "actor": "ana"})
    assert "dismissed until" in page(app, "/").text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"matchers": "payments"}, "No label and sign"),
        ({"matchers": 'service=~".*"'}, "almost everything"),
        ({"lasts": "soon"}, "is not a duration"),
        ({"lasts": "0s"}, "not after it starts"),
        ({"actor": " "}, "Nobody's name"),
    ],
)
def test_a_refusal_says_why_and_keeps_what_was_typed(app: App, fields: dict[str, str], said: str) -> None:
    answer = post(app, "/silences", {**FORM, **fields, "comment": "<b>disks</b>"})
    assert answer.status_code == 400
    shown = check_page(answer.text)
    assert said in shown.text
    assert "<b>disks</b>" in shown.values("value", "input")
    assert fields.get("matchers", FORM["matchers"]) in shown.values("value", "input")
    assert call(app, "GET", "/v1/silences").json() == {"silences": []}


@pytest.mark.parametrize("comment", ["", " "])
def test_a_form_without_a_reason_is_refused(app: App, comment: str) -> None:
    answer = post(app, "/silences", {**FORM, "comment": comment})
    assert answer.status_code == 400
    assert "Say why" in answer.text


def test_forms_of_other_sites_are_refused(app: App) -> None:
    name = sent(app)
    foreign = {"sec-fetch-site": "cross-site"}
    paths = ("/silences", "/silences/SIL-A/expire", f"/incidents/{name}/dismissal")
    assert [post(app, path, FORM, foreign).status_code for path in paths] == [403, 403, 403]
    assert call(app, "GET", "/v1/silences").json() == {"silences": []}


def test_dismissed_from_its_page_and_taken_back(app: App) -> None:
    name = sent(app)
    path = f"/incidents/{name}/dismissal"
    assert path in page(app, f"/incidents/{name}?refresh=off").values("action", "form")
    assert post(app, path, {"for": "2h", "actor": "ana", "reason": "known"}).status_code == 303
    shown = page(app, f"/incidents/{name}")
    assert "Dismissed until" in shown.text
    assert "dismissal of this incident" in shown.text
    assert post(app, path, {"for": "0", "actor": "ana"}).status_code == 303
    assert "Dismissed until" not in page(app, f"/incidents/{name}").text
    assert post(app, path, {"for": "0", "actor": "ana"}).status_code == 409
    assert post(app, path, {"for": "later", "actor": "ana"}).status_code == 400
    assert post(app, path, {"for": "2h"}).status_code == 400


def test_silence_this_brings_matchers_that_fit_its_alerts(app: App) -> None:
    name = sent(app)
    links = [one for one in page(app, f"/incidents/{name}").values("href") if one.startswith("/silences?")]
    assert len(links) == 3
    given = parse_qs(urlsplit(links[0]).query)["matchers"][0]
    assert given == 'alertname="HighErrorRatio", @service=~"checkout|payments"'
    assert given in page(app, links[0]).values("value", "input")
    assert post(app, "/silences", {**FORM, "matchers": given}).status_code == 303


@pytest.mark.parametrize("odd", ['a"b\\', "x|y", "(.*", "ü\n{}", "a,b"])
def test_prefilled_matchers_read_back_whatever_the_labels_hold(odd: str) -> None:
    row = {"name": odd, "service": odd, "environment": "", "cluster": odd}
    for alerts in ([row], [row, {**row, "service": "other"}]):
        matchers = Matchers(parse_matchers(prefill(alerts)))
        for one in alerts:
            assert matchers.hold(
                of_labels({"alertname": odd, "@service": one["service"], "@cluster": odd})
            ), matchers.text
    assert prefill([row, {**row, "name": "z", "service": "", "cluster": ""}]) == ""


def test_foreign_words_are_shown_and_never_markup(app: App) -> None:
    odd = "<script>alert(1)</script>\u202e"
    body = ours(comment=odd, author=odd, matchers=[f'"{odd}"="{odd}"'])
    assert call(app, "POST", "/v1/silences", json=body).status_code == 200
    shown = page(app, "/silences")
    assert shown.count("script") == 0
    assert "<script>" in shown.text
    assert "\u202e" not in shown.text
    assert (
        check_page(call(app, "GET", "/silences?matchers=%22%3E%3Cscript%3E&done=%3Ci%3E").text).count("i")
        == 0
    )


def test_a_long_list_is_cut_and_says_so(app: App) -> None:
    async def many(client: httpx.AsyncClient) -> None:
        for number in range(205):
            await client.post("/v1/silences", json=ours(matchers=[f"n={number}"]))

    ask(app, many)
    shown = page(app, "/silences")
    assert "5 silences more" in shown.text
