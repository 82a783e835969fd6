"""The console in a real browser: it fills without a reload, keeps what somebody does, outlives its server.

Pictures of the pages are written to artefacts/, to be looked at.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.recordings import CASES, CATALOGUE
from tests.integration.rules import quick_rules
from tests.integration.server import Server, within
from watchkeeper.demo import Step, read_steps, shifted

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHROMIUM = Path("/usr/bin/chromium")
ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
PATIENCE_MS = 15_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield browser
        browser.close()


def made(folder: Path) -> Server:
    """A server whose agents speak within seconds."""
    rules = quick_rules(folder / "rules", explain_wait="1s", explain_again_after="2s")
    return Server(folder / "data", "--catalog", CATALOGUE, "--rules", rules)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with made(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one incident, which tests only look at."""
    with made(tmp_path_factory.mktemp("filled")) as started:
        recording = Recording(started.url)
        recording.send(recording.ended)
        yield started


class Recording:
    """The deploy that went wrong, sent piece by piece; its alerts fire now."""

    def __init__(self, url: str) -> None:
        self.steps = read_steps(CASES / "bad-deploy")
        self.url, self.sent = url, 0
        self.begin = int(time.time() * 1_000) - self.steps[self.ended - 1].after

    @property
    def ended(self) -> int:
        """The first step in which an alert is over."""
        return next(n for n, step in enumerate(self.steps) if "'resolved'" in str(step.body))

    @property
    def fired(self) -> int:
        """The first step in which an alert fires."""
        return next(n for n, step in enumerate(self.steps) if "alertname" in str(step.body))

    def send(self, until: int) -> None:
        for step in self.steps[self.sent : until]:
            self._post(step)
        self.sent = max(self.sent, until)

    def _post(self, step: Step) -> None:
        answer = httpx.post(self.url + step.path, json=shifted(step.body, self.begin), timeout=15)
        assert answer.is_success, answer.text[:300]


class Tab:
    """A page with a record of what it asked for and complained of."""

    def __init__(self, browser: Browser, server: Server, **look: object) -> None:
        self.server, self.hosts, self.complaints = server, set[str](), list[str]()
        self.context = browser.new_context(base_url=server.url, **look)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> Page:
        """Its script runs and follows; a mark on `window` shows later that the page was not loaded again."""
        self.page.goto(path)
        self.state("Live")
        self.page.evaluate("window.mark = 1")
        return self.page

    def state(self, text: str) -> None:
        sync_api.expect(self.page.locator("#live-state")).to_have_text(text, timeout=PATIENCE_MS)

    def was_never_loaded_again(self) -> bool:
        return bool(self.page.evaluate("window.mark === 1"))

    def close(self) -> None:
        """Nothing was asked of another host, and nothing was complained of."""
        self.context.close()
        assert self.hosts == {f"127.0.0.1:{self.server.port}"}
        assert self.complaints == []

    def picture(self, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"console-{name}.png", full_page=True)


@pytest.fixture
def tab(chromium: Browser, server: Server) -> Iterator[Tab]:
    opened = Tab(chromium, server)
    yield opened
    opened.close()


def shown(where: Page | Locator, text: str) -> None:
    sync_api.expect(where.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)


def acknowledged(server: Server, name: str) -> int:
    form = {"to": "acknowledged", "actor": "bo"}
    return httpx.post(f"{server.url}/v1/incidents/{name}/transitions", json=form, timeout=15).status_code


def only(server: Server) -> str:
    assert within(10, lambda: len(server.incident_ids()) == 1)
    return server.incident_ids()[0]


def test_pages_fill_live_and_keep_what_somebody_does(tab: Tab, server: Server) -> None:
    recording = Recording(server.url)
    page = tab.open("/")
    shown(page, "No incidents yet")
    recording.send(recording.fired + 1)
    name = only(server)
    shown(page.locator("#incidents"), "nobody is on it")
    assert tab.was_never_loaded_again()

    page = tab.open(f"/incidents/{name}")
    before = page.locator("#alerts").inner_text()
    labels = page.locator("section[data-live=alerts] tbody tr details").first
    labels.locator("summary").click()
    row = labels.locator("xpath=ancestor::tr").get_attribute("id")
    page.locator("#with-note summary").click()
    page.locator("#reason").click()
    page.keyboard.type("it is the dep")
    recording.send(recording.ended)
    sync_api.expect(page.locator("#alerts")).not_to_have_text(before, timeout=PATIENCE_MS)
    shown(page.locator("section[data-live=short]"), "Written from the facts by a template")
    shown(page.locator("section[data-live=plans]"), "Nothing is executed; you do it.")
    sync_api.expect(page.locator("#live-said")).to_have_text(re.compile("^Updated: .* firing; P"))
    page.keyboard.type("loy")
    assert page.locator("#reason").input_value() == "it is the deploy"
    assert page.evaluate("document.activeElement.id") == "reason"
    assert page.locator(f"#{row} details").get_attribute("open") is not None
    assert tab.was_never_loaded_again()

    page.locator("#actor").focus()
    page.keyboard.type("ana")
    page.keyboard.press("Enter")
    shown(page.locator("section[data-live=head]"), "is on it since")
    shown(page.locator("section[data-live=history]"), "it is the deploy")


def test_it_says_when_the_server_is_lost_and_recovers_by_itself(chromium: Browser, server: Server) -> None:
    recording = Recording(server.url)
    recording.send(recording.ended)
    tab = Tab(chromium, server)
    page = tab.open(f"/incidents/{only(server)}")
    server.kill9()
    banner = page.get_by_role("alert").filter(has_text="The server does not answer.")
    sync_api.expect(banner).to_be_visible(timeout=PATIENCE_MS)
    tab.state("Reconnecting…")
    tab.picture("lost")
    server.start()
    assert acknowledged(server, only(server)) == 200
    sync_api.expect(banner).to_be_hidden(timeout=2 * PATIENCE_MS)
    tab.state("Live")
    shown(page.locator("section[data-live=head]"), "bo is on it since")
    assert tab.was_never_loaded_again()
    tab.context.close()
    unlike = [text for text in tab.complaints if not text.startswith("Failed to load resource: net::ERR_")]
    assert unlike == []


def test_updates_can_be_paused_by_keyboard(tab: Tab, server: Server) -> None:
    page = tab.open("/")
    button = page.get_by_role("button", name="Pause updates")
    button.focus()
    page.keyboard.press("Enter")
    tab.state("Paused")
    sync_api.expect(page.get_by_role("status")).to_have_text("Paused: this page does not change.")
    recording = Recording(server.url)
    recording.send(recording.ended)
    only(server)
    assert page.locator("#incidents").count() == 0
    page.keyboard.press("Enter")
    tab.state("Live")
    shown(page.locator("#incidents"), "nobody is on it")
    assert page.evaluate("document.activeElement.id") == "live-pause"


def test_focus_and_selection_stay_and_what_is_new_is_marked(tab: Tab, server: Server) -> None:
    recording = Recording(server.url)
    recording.send(recording.fired + 1)
    page = tab.open(f"/incidents/{only(server)}")
    rows = page.locator("section[data-live=alerts] tbody tr")
    link = rows.first.get_by_role("link").first
    link.focus()
    focused = page.evaluate("document.activeElement.href")
    page.evaluate("getSelection().selectAllChildren(document.getElementById('title'))")
    title = page.locator("#title").inner_text()
    was = rows.count()
    recording.send(recording.ended)
    sync_api.expect(rows).not_to_have_count(was, timeout=PATIENCE_MS)
    assert page.evaluate("document.activeElement.href") == focused
    assert page.locator("#title").inner_text() != title, "the selected text itself changed"
    assert page.evaluate("getSelection().isCollapsed") is False
    assert page.evaluate("getSelection().toString()") in page.locator("#title").inner_text()
    assert page.locator("tr[data-new]").count() >= 1
    assert tab.was_never_loaded_again()


def test_a_page_of_what_was_merged_leads_to_where_it_went(tab: Tab, server: Server) -> None:
    def fires(service: str, ago: int) -> None:
        """Two calls apart, those that began within 40 s of each other are one at once."""
        place = {"alertname": "HighErrorRatio", "environment": "production", "severity": "critical"}
        began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))
        body = [{"labels": {**place, "service": service}, "startsAt": began}]
        assert httpx.post(f"{server.url}/api/v2/alerts", json=body, timeout=15).is_success

    fires("payments", 60)
    kept = only(server)
    fires("storefront", 0)
    assert within(10, lambda: len(server.incident_ids()) == 2)
    [gone] = set(server.incident_ids()) - {kept}
    page = tab.open(f"/incidents/{gone}")
    fires("checkout", 30)
    page.wait_for_url(f"**/incidents/{kept}", timeout=PATIENCE_MS)
    shown(page.locator("section[data-live=head]"), f"merged in: {gone}")


def test_without_the_script_the_page_reloads_itself(chromium: Browser, filled: Server) -> None:
    tab = Tab(chromium, filled, java_script_enabled=False)
    page = tab.page
    page.goto("/")
    fresh = page.locator("p.fresh")
    sync_api.expect(fresh).to_be_visible()
    assert "Refreshes every 10 s." in str(fresh.text_content())
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    assert not page.locator("#live").is_visible()
    tab.close()


def test_every_control_has_a_name_and_headings_are_in_order(chromium: Browser, filled: Server) -> None:
    tab, name = Tab(chromium, filled), only(filled)
    for path in ("/", f"/incidents/{name}"):
        page = tab.open(path)
        if path != "/":
            shown(page.locator("section[data-live=short]"), "Written from the facts")
        tree = page.locator("body").aria_snapshot()
        controls = re.findall(r"- (?:link|button|textbox)(?: (\"[^\"]+\"))?", tree)
        assert controls
        assert all(controls), [
            line for line in tree.splitlines() if re.search(r"- (link|button|textbox)\b(?! \")", line)
        ]
        assert "- status" in tree
        assert "- main" in tree
        levels = [int(level) for level in re.findall(r"heading .*\[level=(\d)\]", tree)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels)), levels
        page.locator("body").press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
    tab.close()


def test_pictures_to_look_at(chromium: Browser, filled: Server) -> None:
    name = only(filled)
    looks: dict[str, dict[str, object]] = {
        "light": {"color_scheme": "light"},
        "dark": {"color_scheme": "dark"},
        "narrow": {"viewport": {"width": 390, "height": 844}},
    }
    for look, how in looks.items():
        tab = Tab(chromium, filled, **how)
        for page_name, path in (("list", "/"), ("incident", f"/incidents/{name}")):
            page = tab.open(path)
            if page_name == "incident":
                shown(page.locator("section[data-live=short]"), "Written from the facts")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{look}: too wide"
            tab.picture(f"{page_name}-{look}")
        tab.page.emulate_media(media="print")
        assert not tab.page.locator("#live").is_visible()
        tab.picture(f"print-{look}")
        tab.close()
