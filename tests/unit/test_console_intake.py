"""The page Intake over real intake, journal and engine: what it says, what its button does; hostile text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from connectors.inbound.registry import SOURCES, parse
from connectors.storage.memory import MemoryJournal
from core.config import config_draft
from core.dead_letters import DeadLetter
from core.errors import JournalUnavailable
from core.journal import Draft
from core.model.incident import SourceLife
from core.times import DAY, MINUTE, SECOND
from tests.timeline import START, alert
from tests.unit.test_console import OURS, Browser, FakeWatch, FixedClock, Page, check_page, outage
from tests.unit.test_console_hostile import EVIL
from watchkeeper.console.guard import HEADERS
from watchkeeper.console.intake_view import MAX_ROWS, IntakeWatch
from watchkeeper.console.routes import console_router
from watchkeeper.dead_letters import DeadLetters
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.files import rules_content
from watchkeeper.http.intake import Intake, Refusal
from watchkeeper.senders import Sender, Senders
from watchkeeper.writer import JournalWriter

PROOF = {"x-watchkeeper-token": "s3cret"}
MAPPING = """\
source: backup
summary: Backups
events:
  - when: {{{key}: [FAILED]}}
    alert:
      labels: {{alertname: {{text: BackupFailed}}, service: job}}
      severity: {{text: high}}
      status: {{text: firing}}
"""
BODY = b'{"outcome": "FAILED",\n "job": "orders-db"}'


class House(Browser):
    """What a server has behind its intake and its console, in memory and with a clock that stands still."""

    def __init__(self) -> None:
        self.clock = FixedClock(START)
        self.journal = MemoryJournal(segment_records=1)
        self.journal.append([config_draft("rules", rules_content(None)), self.mapping("result")], START)
        self.writer = JournalWriter(self.journal, self.clock, 1 << 20)
        self.engine = EngineLoop(self.journal, parse, self.writer.append_now, self.clock, "test")
        self.writer.on_commit(self.engine.wake)
        secret = ("s3cret",)
        senders = Senders({name: Sender(name, secret) for name in ("backup", "alertmanager")})
        mappings = {"backup": MAPPING.format(key="result")}
        self.intake = Intake(self.writer, self.clock, 10_000, mappings, senders)
        letters = DeadLetters(self.engine, self.writer, self.journal)
        names = [*SOURCES, *mappings]
        seen = IntakeWatch(self.engine, self.journal, self.intake, letters, senders, names)
        self.app = FastAPI()
        self.app.include_router(console_router(FakeWatch(outage()), self.clock, seen))
        self.base = "http://watch.example:8080"

    def mapping(self, key: str) -> Draft:
        files = {"backup.yaml": MAPPING.format(key=key)}
        return config_draft("sources", {"bundle": "test", "files": files})

    def mend(self) -> None:
        """Put a mapping in force that reads BODY."""
        self.settle(self.writer.append_now(self.mapping("outcome")))

    def settle(self, seq: int) -> None:
        assert self.engine.wait_for(seq, 10)

    def tell(self, path: str, body: bytes | list[Any], headers: dict[str, str] = PROOF) -> int:
        """POST to intake, and wait until it is folded; the status."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.intake)
            async with httpx.AsyncClient(transport=transport, base_url=self.base) as client:
                return await client.post(path, headers=headers, **content)

        status = asyncio.run(send()).status_code
        self.settle(self.journal.head())
        return status

    def dead(self) -> int:
        """The number of a new dead letter."""
        assert self.tell("/v1/ingest/backup", BODY) == 202
        return self.journal.head()

    def again(self, record: Any, headers: dict[str, str] = OURS) -> httpx.Response:
        return self.post(f"/intake/dead-letters/{record}/replay", b"", headers)

    def page(self, path: str = "/intake") -> Page:
        answer = self.get(path)
        assert answer.status_code == 200
        return check_page(answer.text)


@contextmanager
def running() -> Iterator[House]:
    made = House()
    made.writer.start()
    made.engine.start()
    try:
        made.settle(2)
        yield made
    finally:
        made.engine.stop()
        made.writer.stop()


@pytest.fixture
def house() -> Iterator[House]:
    with running() as made:
        yield made


def rows(house: House) -> list[str]:
    """Of all tables of the page, the words of each row."""
    found = re.findall(
        r'<tr role="row"[^>]*>\s*<t[hd] (?!scope="col").*?</tr>', house.get("/intake").text, re.S
    )
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", row)).split()) for row in found]


def buttons(page: Page) -> list[str]:
    return [a["action"] for tag, a in page.attributes if tag == "form"]


def test_an_empty_page_says_what_would_be_here(house: House) -> None:
    page = house.page()
    assert "No source is silent, and all that came in could be read." in page.text
    assert "No source was heard yet. When something comes in" in page.text
    unheard = f"{len(SOURCES) + 1} sources can send here and were never heard. watchkeeper sources lists them"
    assert unheard in page.text
    assert "None. Such a body would be here with the reason" in page.text
    assert "Nothing. What cannot be used or is not proven would be here" in page.text
    assert page.count("table") == 0
    assert "/intake" in page.values("href", "a")


def test_the_page_and_the_form_answer_with_the_headers(house: House) -> None:
    record = house.dead()
    for answer in (house.get("/intake"), house.again(record), house.again(0), house.again(record, {})):
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert answer.headers["cache-control"] == "no-store"


def test_sources_are_told_with_what_came_of_them(house: House) -> None:
    house.tell("/api/v2/alerts", [alert("payments"), alert("checkout")], {})
    house.clock.at += 2 * MINUTE
    house.tell("/v1/ingest/change", b'{"kind": "deploy"}', {})
    house.tell("/v1/ingest/backup", b"{}", {"x-watchkeeper-token": "wrong"})
    assert rows(house)[:3] == [
        "backup not yet 1 refused 0 0 set",
        "change not yet 1 refused 0 0 not set",
        "prometheus 2 min ago 08:00:00 none 1 2 not set",
    ]
    page = house.page()
    assert "2 bodies were refused" in page.text
    assert f"{len(SOURCES) - 2} other sources can send here and were never heard" in page.text
    assert "Where no secret is set, whoever reaches the address is believed." in page.text


def test_a_source_of_two_domains_has_two_rows(house: House) -> None:
    for path in ("/api/v2/alerts", "/api/v2/alerts?domain=eu"):
        house.tell(path, [alert("payments")], {})
    assert rows(house) == [
        "prometheus just now 08:00:00 none 1 2 in all domains not set",
        "prometheus domain eu just now 08:00:00 none 1 2 in all domains not set",
    ]


def test_a_silent_source_is_first_and_says_since_when(house: House) -> None:
    house.tell("/v1/ingest/alertmanager", b'{"alerts": []}')
    house.tell("/api/v2/alerts", [alert("payments")], {})
    house.clock.at += 15 * MINUTE + SECOND
    house.engine.wake()
    house.settle(house.journal.head() + 1)
    assert rows(house) == [
        "prometheus 15 min ago 08:00:00 Silent , found 08:15:00 UTC (just now) 1 1 not set",
        "alertmanager 15 min ago 08:00:00 none 1 0 set",
    ]
    assert "1 source is silent." in house.page().text


def test_a_dead_letter_is_shown_with_reason_and_body(house: House) -> None:
    record = house.dead()
    page = house.page()
    assert "1 body could not be read" in page.text
    assert BODY.decode() in page.inside("p"), "with its line break"
    assert rows(house) == [
        "backup not yet 1 body not read 0 0 set",
        f"{record} just now 08:00:00 backup none of the rules fits this item The body of record {record} "
        f'{{"outcome": "FAILED", "job": "orders-db"}} {len(BODY)} bytes in all. body: events '
        f"Send what this source reads, or add a rule to its mapping Send in again record {record}",
    ]
    assert buttons(page) == [f"/intake/dead-letters/{record}/replay"]


def test_only_the_start_of_a_long_body_is_shown(house: House) -> None:
    house.tell("/v1/ingest/backup", "é".encode() * 2_000)
    page = house.page()
    assert "é" * 300 in page.inside("p")
    assert "é" * 301 not in page.text
    assert "4,000 bytes in all." in page.text


def test_what_still_cannot_be_read_says_why_on_the_page(house: House) -> None:
    record = house.dead()
    answer = house.again(record)
    assert answer.status_code == 400
    page = check_page(answer.text)
    assert f"Not sent in again. Record {record} still cannot be read" in page.text
    assert house.journal.head() == record
    assert buttons(page) == [f"/intake/dead-letters/{record}/replay"]


def test_after_a_fix_it_is_read_and_the_page_says_as_which_record(house: House) -> None:
    record = house.dead()
    house.mend()
    answer = house.again(record)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/intake?sent={record}")
    page = house.page(answer.headers["location"])
    new = house.journal.head()
    assert f"Done. Record {record} could be read now, as record {new}." in page.text
    assert f"read as record {new}" in page.inside("td")
    assert buttons(page) == []
    again = house.again(record)
    assert again.status_code == 400
    assert f"was read already, as record {new}" in check_page(again.text).text


def test_one_that_was_not_read_yet_is_not_said_to_be_done(house: House) -> None:
    text = house.page(f"/intake?sent={house.dead()}").text
    assert "Not read yet." in text
    assert "Done." not in text


def test_those_not_read_are_first(house: House) -> None:
    old = house.dead()
    newer = house.dead()
    house.mend()
    house.again(newer)
    assert [row.partition(" ")[0] for row in rows(house)] == ["backup", str(old), str(newer)]


def test_a_body_that_is_gone_is_said_and_has_no_button(house: House) -> None:
    first, second = house.dead(), house.dead()
    house.journal.drop(first)
    house.journal.erase([second])
    page = house.page()
    assert "It is no longer in the journal" in page.text
    assert "It was erased." in page.text
    assert buttons(page) == []


def test_a_journal_that_cannot_be_read_leaves_the_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.dead()

    def broken(after: int, limit: int) -> list[Any]:
        raise JournalUnavailable("the disk is gone")

    house.engine.stop()
    monkeypatch.setattr(house.journal, "read", broken)
    assert "The journal cannot be read now." in house.page().text


def test_what_was_refused_is_shown_with_the_reason(house: House) -> None:
    assert house.tell("/v1/ingest/nosuch", b"{}") == 404
    assert house.tell("/v1/ingest/change", b'{"kind": "<b>"}', {}) == 400
    assert house.tell("/v1/ingest/backup", b"x" * 10_001) == 413
    page = house.page()
    for words in ("404 no such source", "400 cannot be used", "413 too large", "no source 'nosuch'"):
        assert words in page.text
    assert '{"kind": "<b>"}' in page.inside("p")
    assert "3 bodies were refused" in page.text


def test_the_list_warns_while_something_is_not_read(house: House) -> None:
    assert "could not be read" not in house.page("/").text
    house.dead()
    record = house.dead()
    page = house.page("/")
    assert "Warning: 2 bodies were acknowledged and could not be read. See why" in page.text
    assert "/intake#letters" in page.values("href", "a")
    house.clock.at += DAY
    text = house.page("/").text
    assert "Warning: 2 bodies" not in text
    assert "2 bodies were acknowledged" in text
    house.mend()
    house.again(record)
    assert "1 body was acknowledged and could not be read." in house.page("/").text


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}, {"origin": "null"}]
)
def test_a_button_of_another_site_does_nothing(house: House, headers: dict[str, str]) -> None:
    record = house.dead()
    house.mend()
    before = house.journal.head()
    answer = house.again(record, headers)
    assert answer.status_code == 403
    assert "was not sent by a page of Watchkeeper" in check_page(answer.text).text
    assert house.journal.head() == before


@pytest.mark.parametrize("record", ["0", "1", "-1", "x", "9" * 30, "٣", "1%3Cb%3E"])
def test_what_is_no_dead_letter_gets_a_page(house: House, record: str) -> None:
    answer = house.again(record)
    assert answer.status_code == 404
    assert "is no dead letter" in check_page(answer.text).text
    assert 'id="notice"' not in house.get(f"/intake?sent={record}").text


def test_a_thousand_of_each_make_a_small_page(house: House) -> None:
    refusal = Refusal(START, "change", 400, "no", "body", "mend", "{}")
    house.intake.refusals.extend([refusal] * 1_000)
    with house.engine.reading() as fold:
        for seq in range(1_000):
            letter = DeadLetter(seq + 10, START, "default", "backup", "no", "body", "mend")
            fold.engine.state.dead_letters[str(seq + 10)] = letter
    page = house.page()
    assert len(buttons(page)) + page.text.count("no longer in the journal") == MAX_ROWS
    assert "and 900 dead letters more, not shown here." in page.text
    assert "and 900 refusals more, not shown here." in page.text


def spoil(house: House, record: int, text: str) -> None:
    """Everything on the page that others may choose, replaced."""
    house.intake.refusals.clear()
    house.intake.refusals.append(Refusal(START, text, 400, text, text, text, text))
    with house.engine.reading() as fold:
        state = fold.engine.state
        state.dead_letters[str(record)] = DeadLetter(record, START, text, text, text, text, text)
        state.sources = {f"{text}/{text}": SourceLife(START, START, 1, START)}


Elements = list[tuple[str, tuple[str, ...]]]


@pytest.fixture(scope="module")
def structure() -> Iterator[Callable[[str], Elements]]:
    """The elements of the page when every foreign text, and a dead letter's body, is the given one."""
    with running() as house:

        def elements(text: str) -> Elements:
            house.tell("/v1/ingest/backup", f"x{text}".encode("utf-8", "surrogatepass"))
            with house.engine.reading() as fold:
                fold.engine.state.dead_letters.clear()
            spoil(house, house.journal.head(), f"x{text.replace('/', '')}")
            html = house.get("/intake").text
            assert not set(html) & set("\u0000\u0007\u202e\u2028\u2066\ud800")
            return check_page(html).tags

        yield elements


@given(text=st.text(st.characters(), max_size=40))
def test_no_text_changes_the_structure_of_the_page(structure: Callable[[str], Elements], text: str) -> None:
    assert structure(text) == structure("plain")


def test_hostile_bodies_and_reasons_are_shown_and_do_nothing(house: House) -> None:
    house.tell("/v1/ingest/backup", EVIL.encode())
    spoil(house, house.journal.head(), EVIL)
    html = house.get("/intake").text
    check_page(html)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html
