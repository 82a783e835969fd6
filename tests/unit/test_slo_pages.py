"""Objectives over the API, in a terminal and in the console: what is said of each, and hostile names."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from connectors.storage.sqlite_journal import SqliteJournal
from core.config import config_draft
from core.model.document import Document
from core.slo_document import incident_budgets, slos_document
from tests.objectives import CALM, FAST, HOUR, Objectives, told
from tests.timeline import SHOP, START, alert, time
from tests.unit.test_api import ask, settled
from tests.unit.test_console import Browser, FakeWatch, Page, check_page, path_of
from tests.unit.test_console_hostile import EVIL
from watchkeeper.app import App
from watchkeeper.cli.main import app as command
from watchkeeper.console.slo_view import bar_svg, trend_svg
from watchkeeper.files import rules_content
from watchkeeper.settings import Settings


class Shown(FakeWatch):
    """With the budgets that the API adds to an incident."""

    def incident(self, incident_id: str) -> Document:
        incident = self.timeline.engine.incident(incident_id)
        assert incident is not None
        budgets = incident_budgets(self.timeline.engine.world, incident)
        return {**super().incident(incident_id), "budgets": budgets}


def page(t: Objectives, path: str = "/slos", now: float = 720) -> Page:
    answer = Browser(Shown(t), now).get(path)
    assert answer.status_code == 200
    return check_page(answer.text)


def burning() -> Objectives:
    t = Objectives()
    t.push(0, alert("payments"))
    t.tell(60, told(CALM, slo="calm", budget_spent=0.2), told({"1h": 0.001}, service="mailer"))
    t.tell(600, told(FAST, budget_spent=0.92))
    return t


def test_the_documents_in_order_of_trouble() -> None:
    found = slos_document(burning().engine.world, None, 200)
    assert [row["id"] for row in found["slos"]] == [
        "default///payments/availability",
        "default///payments/calm",
        "default///mailer/availability",
    ]
    assert found["total"] == 3
    row = found["slos"][0]
    expected = {
        "objective": "99.9", "window_ms": 2_592_000_000, "budget_ms": 2_592_000, "spent": 920, "left": 80,
        "basis": "told", "basis_window_ms": None, "told_at": time(600), "stale_since": None,
        "exhausted_in_ms": 12_960_000, "pace_window_ms": 3_600_000,
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    assert [band["reached"] for band in row["bands"]] == [True, True, True, False]
    assert {one["alert"]: (one["holds"], one["firing"]) for one in row["conditions"]} == {
        "SLOBurnRateFast": (True, True),
        "SLOBurnRateSlow": (False, False),
        "SLOBurnRateSteady": (False, False),
        "SLOBudgetLow": (True, True),
    }
    assert row["conditions"][0]["long"] == 16_000
    mailer = found["slos"][2]
    assert (mailer["basis"], mailer["basis_window_ms"], mailer["spent"]) == ("estimated", 3_600_000, 1)
    assert mailer["conditions"][0]["missing_ms"] == [300_000]
    assert "history" not in row


def test_of_one_service_with_history_and_by_an_alias() -> None:
    t = Objectives("services: [{name: payments, aliases: [pay]}]")
    t.tell(0, told(CALM, budget_spent=0.1), told(CALM, service="mailer"))
    t.tell(7 * HOUR, told(CALM, budget_spent=0.3))
    [row] = slos_document(t.engine.world, "pay", 200)["slos"]
    assert row["history"] == [{"at": time(0), "spent": 100}, {"at": time(7 * HOUR), "spent": 300}]
    assert slos_document(t.engine.world, "nobody", 200) == {"slos": [], "total": 0}
    assert len(slos_document(t.engine.world, None, 1)["slos"]) == 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "catalog.yaml").write_text(SHOP)
    made = App(Settings(data=tmp_path / "data", catalogue=tmp_path / "catalog.yaml"))
    made.start()
    yield made
    made.stop()


def test_the_api_takes_tellings_and_says_where_objectives_stand(server: App) -> None:
    async def talk(client: httpx.AsyncClient) -> Any:
        assert (await client.get("/v1/slos")).json() == {"slos": [], "total": 0}
        body = [told(FAST, budget_spent=0.5), {"slo": "x"}]
        answer = await client.post("/v1/ingest/slo", json=body)
        assert (answer.status_code, answer.json()["events"]) == (202, 1)
        refused = await client.post("/v1/ingest/slo", json=told({"1h": 2}))
        assert (refused.status_code, refused.json()["error"]["where"]) == (400, "body.rates.1h")
        await asyncio.to_thread(settled, server)
        [row] = (await client.get("/v1/slos?service=payments")).json()["slos"]
        assert (row["left"], len(row["history"])) == (500, 1)
        assert (await client.get("/v1/slos?limit=0")).status_code == 400
        [incident] = (await client.get("/v1/incidents")).json()["incidents"]
        document = (await client.get(f"/v1/incidents/{incident['id']}")).json()
        assert [one["id"] for one in document["budgets"]] == [row["id"]]
        assert "slo-burn" in [one["kind"] for one in document["findings"]]
        assert (await client.get("/slos")).status_code == 200
        assert "get" in (await client.get("/openapi.json")).json()["paths"]["/v1/slos"]

    ask(server, talk)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(command, ["slos", *map(str, words)])


def journal(data: Path, t: Objectives) -> Path:
    """The timeline as a journal on disk."""
    from core.journal import Draft

    made = SqliteJournal(data)
    made.append([config_draft("rules", rules_content(None))], START)
    for record in t.records:
        if record.kind == "ingest":
            draft = Draft("ingest", record.source, record.payload, record.domain)
            made.append([draft], record.received_at)
    made.close()
    return data


def test_the_command_reads_a_journal(tmp_path: Path) -> None:
    result = run("--data", journal(tmp_path / "data", burning()))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[:6] == [
        "[#...................]  payments, availability  99.9 % over 30 d",
        "    8 % of 43 min is left; burns 16 times over 60 min: spent in 3 h 36 min",
        "    agreed: stop deploys (from 90 % spent)",
        "    ! SLOBurnRateFast: burn above 14.4 over 60 min and over 5 min: holds",
        "    ! SLOBudgetLow: less than 10 % left: holds",
        f"    told {time(600)}",
    ]
    assert "at most 99.8 % of 43 min is left, as the errors over 60 min tell" in result.output
    assert (
        "- SLOBurnRateFast: burn above 14.4 over 60 min and over 5 min: not known, "
        "the rate over 5 min was not told" in result.output
    )
    assert '"total": 1' in run("--data", tmp_path / "data", "--service", "mailer", "--json").output


def test_the_command_without_objectives_exits_1(tmp_path: Path) -> None:
    result = run("--data", journal(tmp_path / "data", Objectives()))
    assert (result.exit_code, "docs/slo.md" in result.output) == (1, True)


def test_what_a_body_would_become_is_said_in_numbers_for_people(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(orjson.dumps([told({"5m": 0.0144, "1h": 1}, budget_spent=0), {"slo": "x"}]))
    result = CliRunner().invoke(command, ["sources", "try", "slo", str(body)])
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert lines[0] == "0 slo - - payments availability"
    for line in ("objective 99.9", "window 30 d", "rates 5 min=0.0144, 60 min=1", "spent 0"):
        assert line in lines
    assert "left out: [1].service: no service" in result.output


def test_a_terminal_shows_hostile_names_as_text(tmp_path: Path) -> None:
    t = Objectives()
    t.tell(0, told(CALM, slo="\x1b[31m\u202eevil", service="a\nb", environment="x\x07"))
    result = run("--data", journal(tmp_path / "data", t))
    assert result.exit_code == 0
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", result.output)


def test_the_page_says_what_burns_first_with_pictures() -> None:
    found = page(burning())
    assert "1 objective has an alert." in found.text
    order = [found.text.index(text) for text in ("availability", "calm", "mailer")]
    assert order == sorted(order)
    for words in (
        "8 % of 43 min is left", "burns 16 times over 60 min: spent in 3 h 36 min", "Agreed: stop deploys",
        "SLOBurnRateFast: burn above 14.4 over 60 min and over 5 min: holds", "99.9 % over 30 d", "2 min ago",
        "not known, the rate over 5 min was not told",
    ):  # fmt: skip
        assert words in found.text, words
    said = [f"{left} % of the error budget is left" for left in ("8", "80", "99.8")]
    assert found.values("aria-label", "svg") == said
    assert set(found.values("class", "rect")) == {"bar-back", "slo-burning", "slo-fine"}
    assert "/slos" in found.values("href", "a")


def test_the_page_of_one_service_and_of_none() -> None:
    found = page(burning(), "/slos?service=payments")
    assert "Error budgets of payments" in found.text
    assert "mailer" not in found.text
    assert (
        "No service level objective was told of for this service." in page(burning(), "/slos?service=x").text
    )
    empty = page(Objectives())
    assert "Send error rates to /v1/ingest/slo" in empty.text
    assert empty.count("table") == 0


def test_what_is_stale_says_so() -> None:
    t = burning()
    t.wait(600 + 2 * HOUR)
    assert "Nothing since" in page(t, now=600 + 2 * HOUR).text


def test_an_incident_shows_the_budgets_of_its_services() -> None:
    t = burning()
    watch = Shown(t)
    text = check_page(Browser(watch).get(path_of(watch)).text).text
    assert "Error budgets" in text
    assert "8 % of 43 min is left" in text
    assert "mailer" not in text
    assert "SLOBurnRateFast (raised by a rule)" in " ".join(text.split())
    links = [
        a["href"] for tag, a in check_page(Browser(watch).get(path_of(watch)).text).attributes if tag == "a"
    ]
    sent = [link for link in links if re.fullmatch(r"/incidents/[^/]+/alerts/.*", link)]
    assert sent
    for link in sent:
        assert Browser(watch).get(link).status_code == 200
    bare = FakeWatch(t, lambda document: {key: document[key] for key in document if key != "budgets"})
    assert 'id="budgets"' not in Browser(bare).get(path_of(bare)).text


def structure(name: str) -> list[tuple[str, tuple[str, ...]]]:
    t = Objectives()
    t.tell(0, told(FAST, slo=name, service=name, environment=name, cluster=name, budget_spent=0.95))
    return page(t).tags + page(t, "/slos?service=x").tags


def test_evil_names_are_text() -> None:
    t = Objectives()
    t.tell(0, told(FAST, slo=EVIL, service=EVIL, environment=EVIL, cluster=EVIL))
    for path in ("/slos", "/slos?service=%3Cscript%3Ealert(1)%3C/script%3E"):
        html = Browser(Shown(t)).get(path).text
        check_page(html)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert "<script>" not in html
        assert "<img" not in html


@pytest.fixture(scope="module")
def plain() -> list[tuple[str, tuple[str, ...]]]:
    return structure("plain")


@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(str.strip))
def test_no_name_changes_the_structure_of_the_page(
    plain: list[tuple[str, tuple[str, ...]]], name: str
) -> None:
    assert structure(f"x{name}") == plain


@pytest.mark.parametrize(
    ("left", "width"), [(0, "0.0%"), (1, "0.1%"), (500, "50.0%"), (999, "99.9%"), (1_000, "100.0%")]
)
def test_a_bar_is_as_wide_as_what_is_left(left: int, width: str) -> None:
    drawn = bar_svg(left, [500, 900, 1_000], "fine")
    assert f'class="slo-fine" width="{width}"' in drawn
    assert re.findall(r'x1="([\d.]+)%"', drawn) == ["50.0", "10.0"]


def test_what_is_not_known_has_no_bar() -> None:
    drawn = bar_svg(None, [500], "unknown")
    assert "What is left is not known" in drawn
    assert "slo-unknown" not in drawn


def test_a_line_needs_two_points_and_stays_in_its_picture() -> None:
    one = {"at": time(0), "spent": 100}
    assert trend_svg([one], START) == ""
    drawn = trend_svg([one, {"at": time(HOUR), "spent": 5_000}], START)
    assert 'points="0.00,10.0 100.00,100.0"' in drawn
    assert "10 % of the budget was spent, then 500 %" in drawn
