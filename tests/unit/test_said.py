"""What alerts say of themselves is shown and sent as the sender's words, and decides nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from connectors.outbound.email import Mailbox, letter
from connectors.outbound.pagerduty import details, events
from connectors.outbound.webhook import body
from core.document import incident_document
from core.journal import Record
from core.model.document import Document
from core.model.events import AlertEvent
from core.narrative.page import page_text
from core.narrative.report import report
from core.narrative.said import MOST, said_json
from core.narrative.weblink import plain_url
from core.ports import Message
from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_api import Client, app, ask, now_shifted
from tests.unit.test_backtest_cli import write
from watchkeeper.app import App
from watchkeeper.cli.main import app as command
from watchkeeper.said import Sayings

__all__ = ["app"]
URL = "https://watch.example/"
RUNBOOK = "https://wiki.example/runbooks/payments?step=1"


def told(service: str, name: str = "HighErrorRatio", said: dict[str, str] | None = None, **more: Any) -> Any:
    words = {
        "summary": f"{service} fails",
        "description": f"More than 5 % of the requests\nto {service} fail.",
        "runbook_url": RUNBOOK,
        "dashboard_url": "https://grafana.example/d/1",
    }
    return alert(service, name, **more) | {"annotations": words if said is None else said}


class Counted:
    """A journal over a timeline's records that counts what is read of it."""

    def __init__(self, records: list[Record]) -> None:
        self.records, self.reads = {record.seq: record for record in records}, 0

    def read(self, after: int, limit: int) -> list[Record]:
        self.reads += 1
        found = self.records.get(after + 1)
        return [found] if found is not None else []


def of(t: Timeline, most: int | None = None) -> tuple[list[Document], Counted]:
    journal = Counted(t.records)
    [incident] = t.engine.state.incidents.values()
    document = incident_document(t.engine.world, incident)
    return Sayings(journal).of(t.fold, document, most), journal  # type: ignore[arg-type]


def test_the_origin_is_first_then_the_worst_and_the_newest() -> None:
    t = Timeline(SHOP)
    t.push(0, told("payments", severity="warning"), told("checkout", "Slow", starts=1, severity="info"))
    t.push(5, told("frontend", starts=4, severity="critical"), told("cart", starts=5, severity="warning"))
    t.push(9, told("ledger", starts=8, severity="warning"), told("checkout", "Down", starts=8))
    rows, _ = of(t)
    [incident] = t.incidents()
    assert rows[0]["service"] == incident["origin"]["service"]
    assert len(rows) == MOST
    assert "Slow" not in [row["name"] for row in rows]


def test_summary_description_and_links_are_read_from_the_record() -> None:
    t = Timeline(SHOP)
    t.push(0, told("payments"))
    [row], _ = of(t)
    [incident] = t.incidents()
    assert row == {
        "line": incident["alerts"][0]["line"],
        "index": 0,
        "name": "HighErrorRatio",
        "service": "payments",
        "summary": "payments fails",
        "description": "More than 5 % of the requests\nto payments fail.",
        "links": [
            {"kind": "graph", "url": "http://prometheus.example/graph", "host": "prometheus.example"},
            {"kind": "runbook", "url": RUNBOOK, "host": "wiki.example"},
            {"kind": "dashboard", "url": "https://grafana.example/d/1", "host": "grafana.example"},
        ],
    }


def test_a_thousand_alerts_are_not_a_thousand_records() -> None:
    t = Timeline(SHOP)
    for number in range(300):
        t.push(number / 10, told("payments", f"Alert{number}", starts=number / 10))
    rows, journal = of(t)
    assert len(rows) == MOST
    assert journal.reads == MOST
    assert of(t, 1)[1].reads == 1


def test_what_is_gone_erased_or_broken_says_nothing() -> None:
    t = Timeline(SHOP)
    t.push(0, told("payments"))
    [incident] = t.engine.state.incidents.values()
    document = incident_document(t.engine.world, incident)
    journal = Counted(t.records)
    sayings = Sayings(journal)  # type: ignore[arg-type]
    assert sayings.of(t.fold, document)[0]["summary"] == "payments fails"
    line = document["alerts"][0]["line"]
    journal.records[line] = msgspec.structs.replace(journal.records[line], erased="0" * 64, payload=b"")
    assert sayings.of(t.fold, document) == []
    del journal.records[line]
    assert sayings.of(t.fold, document) == []


def test_an_alert_of_a_rule_of_ours_has_no_sender() -> None:
    [incident] = ({"id": "INC-1", "alerts": [{"index": -1, "line": 7, "name": "SourceSilent"}]},)
    t = Timeline(SHOP)
    journal = Counted([])
    assert Sayings(journal).of(t.fold, incident) == []  # type: ignore[arg-type]
    assert journal.reads == 0


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://x.example/",
        "https://bank.example@evil.example/",
        "https://",
        "//x",
        "x" * 9,
    ],
)
def test_only_web_addresses_are_links(url: str) -> None:
    event = AlertEvent({}, "firing", annotations={"runbook_url": url}, generator_url=url)
    assert said_json(event)["links"] == []


def test_words_are_bounded_and_not_told_twice() -> None:
    said = said_json(AlertEvent({}, "firing", annotations={"message": "down\n" + "w" * 9_000}))
    assert len(said["summary"]) <= 300
    assert len(said["description"]) <= 2_000
    assert said_json(AlertEvent({}, "firing", annotations={"message": "it is down"}))["description"] == ""


@given(words=st.text(max_size=3_000), url=st.text(max_size=300))
def test_any_text_makes_a_bounded_line(words: str, url: str) -> None:
    said = said_json(AlertEvent({}, "firing", annotations={"summary": words, "runbook_url": url}))
    assert "\n" not in said["summary"]
    text = page_text({"id": "INC-1", "said": [said]}, "opened", URL)
    assert len(text) <= 1_500
    assert len(text.splitlines()) <= 4
    address = plain_url(url, 300)
    assert text.count("://") == 1 + bool(address and any(one["url"] == address for one in said["links"]))


def message(**said: Any) -> Message:
    t = Timeline(SHOP)
    t.push(0, told("payments", **said))
    [row], _ = of(t)
    [incident] = t.incidents()
    document = {**incident, "said": [row], "url": f"{URL}incidents/{incident['id']}"}
    return Message("dec-1", "opened", 0, document, page_text(document, "opened", URL))


def test_a_page_tells_the_alert_s_words_and_its_runbook_as_the_sender_s() -> None:
    page = message()
    assert "The alert says: payments fails\n" in page.text
    assert f"Its runbook (the sender's link): {RUNBOOK}\n" in page.text
    [said] = json.loads(body(page))["incident"]["said"]
    assert (said["summary"], said["links"][1]["url"]) == ("payments fails", RUNBOOK)
    assert details(page)["alert_says"]["runbook"] == RUNBOOK
    [event] = events(page)
    assert {"href": RUNBOOK, "text": "Runbook, says the alert (wiki.example)"} in event["links"]
    box = Mailbox("mail.example", 25, "none", "watch@ours.example", ("ana@ours.example",))
    html = letter(box, page).get_payload(1).get_content()  # type: ignore[union-attr]
    assert f'<a href="{RUNBOOK}">The alert&#x27;s runbook, the sender&#x27;s link (wiki.example)</a>' in html


def test_hostile_words_act_nowhere() -> None:
    evil = "<!channel> [x](https://evil.example) `rm` <script>alert(1)</script>"
    page = message(said={"summary": evil, "runbook_url": "https://e.example/|@here`<b>"})
    assert page.text.count("://") == 1
    assert not set("<[`@") & set(page.text)
    box = Mailbox("mail.example", 25, "none", "watch@ours.example", ("ana@ours.example",))
    html = letter(box, page).get_payload(1).get_content()  # type: ignore[union-attr]
    assert "<script" not in html
    assert html.count("<a ") == 1


def test_a_page_without_them_is_as_ever() -> None:
    t = Timeline(SHOP)
    t.push(0, told("payments"))
    [incident] = t.incidents()
    assert "The alert says" not in page_text(incident, "opened", URL)
    assert json.loads(body(Message("d", "opened", 0, incident, "")))["incident"]["said"] == []


def test_server_and_journal_and_report_tell_the_same(app: App, tmp_path: Path) -> None:
    async def story(client: Client) -> tuple[Document, str]:
        body = {"alerts": now_shifted(told("payments"))}
        assert (await client.post("/alerts", json=body)).status_code == 202
        await asyncio.to_thread(app.engine.wait_for, app.health()["journal_head"], 10)
        [row] = (await client.get("/v1/incidents")).json()["incidents"]
        found = (await client.get(f"/v1/incidents/{row['id']}")).json()
        return found, (await client.get(f"/v1/incidents/{row['id']}/report")).text

    found, written = ask(app, story)
    assert found["said"][0]["summary"] == "payments fails"
    assert "## What the alerts said" in written
    assert "HighErrorRatio of payments: payments fails: graph `http://prometheus.example/graph" in written
    assert "](http" not in written
    t = Timeline(SHOP)
    t.push(0, told("payments"))
    write(t, tmp_path / "journal").close()
    name = t.incidents()[0]["id"]
    shown = CliRunner().invoke(command, ["show", name, "--data", str(tmp_path / "journal")]).output
    assert "What the alerts say (their senders' words)\n  payments HighErrorRatio: payments fails\n" in shown
    assert f"      runbook    {RUNBOOK}\n" in shown
    raw = CliRunner().invoke(command, ["show", name, "--json", "--data", str(tmp_path / "journal")]).output
    assert json.loads(raw)["said"][0]["links"][1]["host"] == "wiki.example"


def test_a_document_without_them_makes_the_report_as_ever() -> None:
    t = Timeline(SHOP)
    t.push(0, told("payments"))
    [incident] = t.incidents()
    assert "What the alerts said" not in report(incident)
