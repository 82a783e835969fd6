"""The console as a browser meets it: what pages say, what is refused, and that hostile text stays text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI

from connectors.storage.memory import MemoryProjection
from core.document import summary_of as summary
from core.errors import JournalUnavailable, WatchkeeperError
from core.journal import Draft, Record
from core.lifecycle import allowed
from core.model.document import Document
from core.model.incident import Delivery, Remark
from core.replay import Fold
from core.times import SECOND
from tests.timeline import SHOP, START, Timeline, alert, change, time
from watchkeeper.console.acting import COOKIE
from watchkeeper.console.guard import HEADERS
from watchkeeper.console.routes import Watch, console_router
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.service import Watch as Service

VOID = {"meta", "link", "input", "br", "hr", "img"}
OURS = {"sec-fetch-site": "same-origin"}
HEALTH: Document = {
    "ready": True,
    "engine_lag_records": 0,
    "engine_lag_seconds": 0.0,
    "dispatcher_lag_seconds": 0.0,
    "receivers": ["shop-oncall"],
    "catalogue_services": 8,
    "version": "9.9.9",
    "journal_head": 41,
}


class Engine:
    """The engine's thread over a timeline, which has applied all that was told."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline, self._refused = timeline, dict[int, WatchkeeperError]()

    @property
    def fold(self) -> Fold:
        return self.timeline.fold

    @property
    def applied(self) -> int:
        return self.timeline.seq

    @contextmanager
    def reading(self) -> Iterator[Fold]:
        yield self.timeline.fold

    def wait_for(self, seq: int, timeout: float) -> bool:
        return seq <= self.timeline.seq

    def refused(self, seq: int) -> WatchkeeperError | None:
        return self.timeline.engine.refused if seq == self.timeline.seq else None


class Records:
    """Writer and journal of the same: what is appended is told at once."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline, self.disk_full = timeline, False

    async def append(self, draft: Draft) -> int:
        if self.disk_full:
            raise JournalUnavailable("the disk is full", mend="Make room")
        self.timeline._append((self.timeline.now - START) / SECOND, draft)
        return self.timeline.seq

    def read(self, after: int, limit: int) -> list[Record]:
        return self.timeline.records[after : after + limit]


class FakeWatch(Service):
    """The service itself over a timeline; `change` may spoil its documents on their way out."""

    def __init__(self, timeline: Timeline, change: Callable[[Document], Document] = lambda d: d) -> None:
        self.timeline, self.change, self.records = timeline, change, Records(timeline)
        self.facts_of_health, self.raw = dict(HEALTH), cast(Any, alert("payments"))
        engine, records = cast(EngineLoop, Engine(timeline)), cast(Any, self.records)
        clock = cast(Any, None)
        super().__init__(engine, records, records, MemoryProjection(), clock, lambda: self.facts_of_health)

    @property
    def only(self) -> str:
        return str(self.timeline.incidents()[0]["id"])

    def incidents(self, status: str | None, cursor: str | None, limit: int, order: str = "need") -> Document:
        page = super().incidents(status, cursor, limit, order)
        rows = [summary(self.change(self.facts(row["id"]))) for row in page["incidents"]]
        return page | {"incidents": rows}

    def incident(self, incident_id: str) -> Document:
        """Without the notes that stand in for those of agents."""
        document = self.facts(incident_id)
        possible = allowed(document["status"], len(document["alerts"]))
        return self.change(document) | {"allowed": list(possible)}

    def raw_alert(self, line: int, index: int) -> Document:
        return {"source": "alertmanager", "received_at": time(1), "alert": self.raw}

    def report(self, incident_id: str) -> str:
        return f"# {incident_id}: é\n"


class FixedClock:
    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


class Browser:
    def __init__(self, watch: Watch, now: float = 720, host: str = "watch.example:8080") -> None:
        self.app = FastAPI()
        self.app.include_router(console_router(watch, FixedClock(START + int(now * SECOND))))
        self.base = f"http://{host}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        return asyncio.run(self._send("GET", path, headers, b""))

    def post(self, path: str, form: dict[str, str] | bytes, headers: dict[str, str]) -> httpx.Response:
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return asyncio.run(self._send("POST", path, kind | headers, body))

    async def _send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url=self.base) as client:
            return await client.request(method, path, headers=headers, content=body)


class Page(HTMLParser):
    """Reads a page and fails on what no good page has: stray or open elements, ids given twice."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._inside: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []
        ids = self.values("id")
        assert len(ids) == len(set(ids)), "an id is given twice"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        self._inside += [(tag, data) for tag in self.open]

    def inside(self, tag: str) -> list[str]:
        """The texts inside elements of a kind."""
        return [text for name, text in self._inside if name == tag]

    def values(self, attribute: str, tag: str | None = None) -> list[str]:
        return [a[attribute] for name, a in self.attributes if attribute in a and tag in (None, name)]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def outage(catalogue: str | None = SHOP) -> Timeline:
    """A deploy of payments, and what calls it fails."""
    t = Timeline(catalogue)
    t.changed(-60, change("payments", -60, version="2.4.0", author="lena", url="https://git.example/2.4.0"))
    t.push(0, alert("payments"))
    t.push(10, alert("checkout", starts=5), alert("frontend", starts=8))
    t.wait(300)
    return t


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch(outage())


@pytest.fixture
def browser(watch: FakeWatch) -> Browser:
    return Browser(watch)


def path_of(watch: FakeWatch) -> str:
    return f"/incidents/{watch.only}"


def test_every_route_answers_with_the_headers_and_a_whole_page(watch: FakeWatch, browser: Browser) -> None:
    first = watch.incident(watch.only)["alerts"][0]
    suspect = watch.incident(watch.only)["changes"][0]["id"]
    asked = {
        ("GET", "/"): "/",
        ("GET", "/incidents/{incident_id}"): path_of(watch),
        ("POST", "/incidents/{incident_id}/transitions"): f"{path_of(watch)}/transitions",
        ("GET", "/incidents/{incident_id}/alerts/{line}/{index}"): (
            f"{path_of(watch)}/alerts/{first['line']}/{first['index']}"
        ),
        ("GET", "/incidents/{incident_id}/report.md"): f"{path_of(watch)}/report.md",
        ("GET", "/incidents/{incident_id}/merge"): f"{path_of(watch)}/merge",
        ("POST", "/incidents/{incident_id}/merge"): f"{path_of(watch)}/merge",
        ("GET", "/incidents/{incident_id}/split"): f"{path_of(watch)}/split",
        ("POST", "/incidents/{incident_id}/split"): f"{path_of(watch)}/split",
        ("GET", "/incidents/{incident_id}/cause"): f"{path_of(watch)}/cause?change={suspect}",
        ("POST", "/incidents/{incident_id}/cause"): f"{path_of(watch)}/cause",
        ("GET", "/slos"): "/slos",
        ("GET", "/static/{name}"): "/static/console.css",
    }
    routes = console_router(watch).routes
    there = {(method, route.path_format) for route in routes for method in route.methods}  # type: ignore[attr-defined]
    assert there == set(asked)
    for (method, _), path in asked.items():
        form = {"to": "acknowledged", "actor": "ana", "change": suspect}
        answer = browser.get(path) if method == "GET" else browser.post(path, form, OURS)
        chooses_nothing = method == "POST" and path.endswith(("/merge", "/split"))
        assert answer.status_code in ((400,) if chooses_nothing else (200, 303)), path
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert answer.headers["cache-control"] == "no-store"
            check_page(answer.text)


def check_page(html: str) -> Page:
    """What holds for every page: landmarks, headings in order, labelled fields, links that lead somewhere."""
    page = Page(html)
    levels = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels)), levels
    for landmark in ("header", "main", "footer"):
        assert page.count(landmark) == 1
    ids = set(page.values("id"))
    assert set(page.values("aria-labelledby")) <= ids | {"timeline-title timeline-desc"}
    assert set(page.values("aria-describedby")) <= ids
    assert set(page.values("for")) <= ids
    for href in page.values("href"):
        assert href.startswith(("/", "#", "https://", "http://")), href
        assert not href.startswith("#") or href[1:] in ids, href
    names = {name for _, attributes in page.tags for name in attributes}
    assert "style" not in names, "the content security policy would drop it"
    assert not {name for name in names if name.startswith("on")}
    scripts = [a for tag, a in page.attributes if tag == "script"]
    assert all(a.keys() == {"src", "defer"} and a["src"].startswith("/static/") for a in scripts)
    assert all(text.isspace() or not text for text in page.inside("script"))
    return page


def test_the_page_answers_in_the_order_of_need(watch: FakeWatch, browser: Browser) -> None:
    html = browser.get(path_of(watch)).text.partition("<main")[2]
    order = [
        "Nobody has acknowledged it", "payments: HighErrorRatio (+2 services)", "12 min ago", "Acknowledge",
        "What changed?", "Is somebody on it already?", "What is the likely fix?", "Deploy: payments 2.4.0",
        "Probable origin", "Timeline", "Findings", "Pages sent", "History", '<h2 id="alerts">3 alerts',
    ]  # fmt: skip
    places = [html.find(text) for text in order]
    assert -1 not in places, [text for text, place in zip(order, places, strict=True) if place == -1]
    assert places == sorted(places)
    assert 'href="https://git.example/2.4.0" rel="noopener noreferrer nofollow"' in html
    assert f'<time datetime="{time(0)}">08:00:00 UTC</time>' in html


@pytest.mark.parametrize(
    ("status", "said"), [("known", "Known"), ("none", "Looked, found nothing"), ("unknown", "Not known")]
)
def test_answers_are_told_apart_by_words(status: str, said: str) -> None:
    def answered(document: Document) -> Document:
        question = {"answer": "So.", "status": status, "evidence": []}
        return document | {"questions": {"what_changed": question}}

    watch = FakeWatch(outage(), answered)
    assert f'<p class="mark">{said}</p>' in Browser(watch).get(path_of(watch)).text


def test_what_did_not_count_is_visible_with_its_hint(browser: Browser, watch: FakeWatch) -> None:
    html = browser.get(path_of(watch)).text
    assert "Looked at, did not count" in html
    assert "No service has more than one alert</span>" in html
    assert "did not count: one alert a service" in html


def test_pages_that_nobody_got_are_loud(watch: FakeWatch, browser: Browser) -> None:
    incident = watch.timeline.engine.incident(watch.only)
    assert incident is not None
    incident.deliveries = (
        Delivery("dec-1", START, "failed", "shop-oncall", 5, "HTTP 503"),
        Delivery("dec-2", START, "no_receiver", "", 0),
    )
    incident.remarks = (Remark(START, "ana", "comment", "First line.\nSecond <line>."),)
    html = browser.get(path_of(watch)).text
    assert "1 page was not delivered." in html
    assert '<span class="loud-text">NOT DELIVERED</span> to <strong>shop-oncall</strong>' in html
    assert '<span class="loud-text">Not paged</span>' in html
    assert "First line.\nSecond &lt;line&gt;." in html


def test_trouble_of_our_own_is_on_every_page(watch: FakeWatch, browser: Browser) -> None:
    watch.demo = True
    watch.facts_of_health |= {
        "ready": False,
        "engine_lag_seconds": 42.0,
        "engine_lag_records": 9_120,
        "dispatcher_lag_seconds": 300.0,
        "receivers": [],
        "catalogue_services": 0,
    }
    for path in ("/", path_of(watch)):
        text = check_page(browser.get(path).text).text
        assert "Demo data." in text
        assert "Alerts cannot be stored now" in text
        assert "This page is 42 s behind: 9,120 records not read yet." in text
        assert "Pages are late: the oldest has waited 5 min." in text
        assert "Nobody is paged: no receiver is configured." in text
        assert "Dependencies between services are not known." in text


def test_a_change_that_is_not_in_force_is_a_loud_warning(watch: FakeWatch, browser: Browser) -> None:
    fault = {"document": "rules", "where": "own.yaml, line 2", "what": "no such key", "mend": "Remove it"}
    watch.facts_of_health |= {"configuration": {"problems": [fault]}}
    for path in ("/", path_of(watch)):
        html = browser.get(path).text
        begin = '<p class="banner loud" role="alert"><strong>Warning:</strong>'
        assert f"{begin} A change of the rules is not in force" in html
        assert "own.yaml, line 2: no such key. Remove it" in check_page(html).text


@pytest.mark.parametrize(
    "headers",
    [OURS, {"sec-fetch-site": "none"}, {"origin": "http://watch.example:8080"}, {}],
)
def test_acknowledging_leads_back_and_remembers_the_name(
    watch: FakeWatch, browser: Browser, headers: dict[str, str]
) -> None:
    form = {"to": "acknowledged", "actor": 'Zoë "<b>"; Path=/', "reason": "mine"}
    answer = browser.post(f"{path_of(watch)}/transitions", form, headers)
    assert (answer.status_code, answer.headers["location"]) == (303, path_of(watch))
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    pair = cookie.partition(";")[0]
    html = browser.get(path_of(watch), cookie=pair).text
    assert "Zoë &#34;&lt;b&gt;&#34;; Path=/</strong> is on it since" in html
    assert "You act as <strong>Zoë" in html


def test_what_is_refused_says_what_is_allowed_and_keeps_what_was_typed(
    watch: FakeWatch, browser: Browser
) -> None:
    form = {"to": "closed", "actor": "ana <i>", "reason": "done & dusted"}
    answer = browser.post(f"{path_of(watch)}/transitions", form, OURS)
    assert answer.status_code == 409
    page = check_page(answer.text)
    assert "Not done." in page.text
    assert "Allowed from here: acknowledged, mitigated, resolved, merged, split" in page.text
    assert {"ana <i>", "done & dusted"} <= set(page.values("value"))
    assert page.values("http-equiv") == [], "a reload would ask the address of the form"


def test_a_full_disk_is_said_on_the_page(watch: FakeWatch, browser: Browser) -> None:
    watch.records.disk_full = True
    answer = browser.post(f"{path_of(watch)}/transitions", {"to": "resolved", "actor": "ana"}, OURS)
    assert answer.status_code == 503
    assert "The disk is full. Make room" in answer.text


def test_a_merged_incident_leads_to_where_it_went() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(101, alert("frontend", starts=100))
    before = {one["id"] for one in t.incidents()}
    t.push(102, alert("checkout", starts=60))
    [kept] = t.incidents()
    [gone] = before - {kept["id"]}
    watch = FakeWatch(t)
    browser = Browser(watch)
    answer = browser.get(f"/incidents/{gone}")
    assert (answer.status_code, answer.headers["location"]) == (308, f"/incidents/{kept['id']}")
    answer = browser.get(f"/incidents/{gone}/alerts/2/0")
    assert answer.headers["location"] == f"/incidents/{kept['id']}/alerts/2/0"
    assert f"merged in: {gone}" in browser.get(f"/incidents/{kept['id']}").text
    answer = browser.post(f"/incidents/{gone}/transitions", {"to": "acknowledged", "actor": "ana"}, OURS)
    assert answer.headers["location"] == f"/incidents/{kept['id']}"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/incidents/INC-1%3Cb%3E", 404),
        ("/static/..%2Froutes.py", 404),
        ("/static/nothing.css", 404),
        ("/?status=nonsense", 400),
        ("/?cursor=broken", 400),
    ],
)
def test_what_is_not_there_gets_a_page(browser: Browser, path: str, status: int) -> None:
    answer = browser.get(path)
    assert answer.status_code == status
    if answer.headers["content-type"].startswith("text/html"):
        check_page(answer.text)
        assert "<b>" not in answer.text


def test_static_files_may_be_kept_by_their_hash(browser: Browser) -> None:
    [css] = [href for href in Page(browser.get("/").text).values("href", "link") if "console.css" in href]
    assert "immutable" in browser.get(css).headers["cache-control"]
    plain = browser.get("/static/console.css")
    assert plain.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" not in plain.headers["cache-control"]


def test_a_page_with_fields_never_refreshes_itself(watch: FakeWatch, browser: Browser) -> None:
    known = {"cookie": f"{COOKIE}=ana"}
    for query in ("", "?refresh=on", "?refresh=off"):
        for headers in ({}, known):
            page = check_page(browser.get(path_of(watch) + query, **headers).text)
            typing = [a for tag, a in page.attributes if tag == "input" and a.get("type") != "hidden"]
            assert not (typing and page.values("http-equiv")), (query, headers)
            assert bool(page.values("http-equiv")) is (
                query == "?refresh=on" or (query == "" and bool(headers))
            )
    assert Page(browser.get("/").text).values("http-equiv") == ["refresh"]
    assert Page(browser.get("/?refresh=off").text).values("http-equiv") == []


def test_enter_in_a_field_does_not_close_an_incident(watch: FakeWatch, browser: Browser) -> None:
    watch.timeline.move(400, watch.only, "resolved")
    page = check_page(browser.get(path_of(watch)).text)
    buttons = [a for tag, a in page.attributes if tag == "button" and a["type"] == "submit"]
    assert "disabled" in buttons[0], "the form's default button"
    assert [a["value"] for a in buttons[1:]] == ["closed", "triggered", "comment"]


def test_the_list_has_what_needs_somebody_first() -> None:
    t = Timeline(None)
    t.push(0, alert("search", severity="warning"))
    t.push(1, alert("payments"))
    t.push(2, alert("mailer"))
    mailer = next(one["id"] for one in t.incidents() if "mailer" in one["title"])
    t.move(9, mailer, "acknowledged", "ana")
    watch = FakeWatch(t)
    html = Browser(watch).get("/").text
    places = [html.find(f"{service}: HighErrorRatio") for service in ("payments", "mailer", "search")]
    assert -1 not in places
    assert places == sorted(places)
    assert "2 not acknowledged by anybody" in html
    assert "<strong>ana</strong> is on it" in html
    assert "No resolved incidents" in check_page(Browser(watch).get("/?status=resolved").text).text


def test_an_empty_console_teaches_how_to_fill_it() -> None:
    page = check_page(Browser(FakeWatch(Timeline(None))).get("/").text)
    assert "url: http://watch.example:8080/v1/ingest/alertmanager" in page.text
    assert 'targets: ["watch.example:8080"]' in page.text
    assert "curl -X POST http://watch.example:8080/v1/ingest/change" in page.text


def test_ten_thousand_alerts_make_a_small_page() -> None:
    def many(document: Document) -> Document:
        first = document["alerts"][0]
        alerts = [first | {"line": n, "episode": f"e{n}", "starts_at": time(n)} for n in range(10_000)]
        return document | {"alerts": alerts, "history": document["history"] * 500}

    watch = FakeWatch(outage(), many)
    html = Browser(watch).get(path_of(watch)).text
    assert len(html) < 600_000
    assert "10,000 alerts" in html
    assert "and 9,800 alerts more, not shown here." in html
    assert "earlier entries more, not shown here." in html
    check_page(html)


def test_nothing_known_is_said_so() -> None:
    t = Timeline(None)
    t.push(0, alert("", name=""))
    watch = FakeWatch(t)
    text = check_page(Browser(watch).get(path_of(watch)).text).text
    assert "no label names their service" in text
    assert "Not known: no label of these alerts names a service." in text
    assert "No change that was reported is near this incident." in text
    assert "unnamed alert" in text
