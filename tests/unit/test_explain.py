"""`watchkeeper explain`, `GET /v1/explain/...` and what they stand on; and why two incidents are apart."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from core.errors import InputError, NotFound
from core.explain import explain_alert, explain_incident, firings
from core.narrative.why import clock, explanation, joined_sentences
from core.why_not import why_not
from tests.timeline import SHOP, Timeline, alert, change
from tests.unit.test_api import Client, app, ask, sent
from tests.unit.test_backtest_cli import write
from tests.unit.test_console_hostile import EVIL
from tests.unit.test_console_why import routed
from tests.unit.test_suppression import put, silence
from watchkeeper.app import App
from watchkeeper.cli.main import app as command

__all__ = ["app"]


def shop() -> Timeline:
    """A bad deploy over three services, trouble of nobody else, and payments again half an hour later."""
    t = routed()
    t.changed(-120, change("payments", -120, version="2.4.0", author="bo"))
    t.push(5, alert("payments"))
    t.push(25, alert("checkout", starts=20))
    t.push(45, alert("frontend", starts=40))
    t.push(60, alert("mailer", starts=40, severity="warning"))
    t.push(2_000, alert("payments", "Slow", starts=1_990, severity="warning"))
    t.push(2_300, alert("search", starts=2_290, severity="info"))
    return t


def incident_of(t: Timeline, service: str, place: int = 0) -> str:
    return [str(row["id"]) for row in t.incidents() if row["alerts"][0]["service"] == service][place]


def fingerprint(t: Timeline, service: str) -> str:
    return next(
        str(a["fingerprint"]) for row in t.incidents() for a in row["alerts"] if a["service"] == service
    )


def said(t: Timeline, incident: str) -> dict[str, list[str]]:
    live = t.engine.incident(incident)
    assert live is not None
    document = next(row for row in t.incidents() if row["id"] == incident)
    found: dict[str, list[str]] = explanation(document, explain_incident(t.engine.world, live))["said"]
    return found


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    journal = write(shop(), tmp_path / "data")
    yield tmp_path / "data"
    journal.close()


def run(*words: Any) -> Result:
    return CliRunner().invoke(command, ["explain", *map(str, words)])


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [line.strip() for line in result.output.splitlines()]


def test_an_incident_is_explained_in_the_order_of_need(data: Path) -> None:
    text = run(incident_of(shop(), "payments"), "--data", data).output
    order = [
        "Why were people paged?", "shop-oncall was paged at 08:00", "it got worse: severity rose to P0",
        "Why is it so severe?", "It is P0 because an alert is critical", "What joins its alerts?",
        "+ [dependency-edge] HighErrorRatio of checkout and HighErrorRatio of payments",
        "Where did it begin?",
        "It probably began at payments", "What did it nearly join?", "It is apart from INC-",
        "What changed?", "Deploy of payments 2.4.0",
    ]  # fmt: skip
    places = [text.find(words) for words in order]
    assert -1 not in places, [words for words, place in zip(order, places, strict=True) if place == -1]
    assert places == sorted(places)


def test_a_severity_says_what_each_worse_one_lacks() -> None:
    t = shop()
    assert said(t, incident_of(t, "mailer"))["severity"] == [
        "It is P2 because an alert is warning or worse.",
        "It is not P0 (critical on tier 1 and spreading): no alert is critical or worse.",
        "It is not P1 (critical): no alert is critical or worse.",
        "It is not P1 (high on tier 1): no alert is high or worse.",
    ]


def test_a_severity_under_other_rules_says_so() -> None:
    t = shop()
    live = t.engine.incident(incident_of(t, "mailer"))
    assert live is not None
    live.severity_reason = "of-yesterday"
    assert said(t, live.id)["severity"] == ["It is P2: of yesterday, under rules that are others now."]


def test_nothing_near_is_said_too() -> None:
    t = shop()
    found = said(t, incident_of(t, "mailer"))
    assert found["nearly"] == []
    assert found["joined"] == ["It is one alert; nothing else was joined with it."]
    assert found["origin"] == ["mailer is the only service in this incident."]


def test_the_link_that_failed_by_least_is_the_closest_miss() -> None:
    t = shop()
    live = t.engine.incident(incident_of(t, "payments"))
    assert live is not None
    misses = explain_incident(t.engine.world, live)["nearly_joined"]
    assert misses[0]["incident"] == incident_of(t, "payments", 1)
    every = [miss["why"]["terms"] for miss in misses]
    over = [terms["gap_ms"] - terms["window_ms"] for terms in every]
    assert over == sorted(over)
    assert over[0] > 0
    terms = every[0]
    assert terms["window_ms"] == t.engine.world.rules.same_entity.whole_window


def test_before_the_first_page_it_says_that_it_waits() -> None:
    t = routed()
    t.push(0, alert("mailer", severity="warning"))
    [told] = said(t, incident_of(t, "mailer"))["told"]
    assert told.startswith("Nobody has been paged yet")


def test_without_a_label_of_a_service_the_origin_is_not_known() -> None:
    t = routed()
    t.push(0, alert("", "Lonely"))
    assert said(t, t.incidents()[0]["id"])["origin"] == [
        "Where it began is not known: no label names a service."
    ]


def test_a_document_of_before_links_were_told_is_explained_all_the_same() -> None:
    t = shop()
    document = next(row for row in t.incidents() if len(row["alerts"]) > 1)
    for why in (None, {**document["why"], "children": document["why"]["children"][1:]}):
        found = explanation({**document, "why": why}, None)
        assert found["said"]["joined"] == ["Its 3 alerts are one incident."]
        assert found["said"]["severity"] == ["It is P0: critical on tier 1 and spreading."]
        assert (found["nearly_joined"], found["severity_why"]) == (None, None)


def gone_and_back() -> Timeline:
    """payments was over and has left memory; search fires days later."""
    t = routed()
    t.push(0, alert("payments"))
    t.push(10, alert("payments", ends=10))
    t.wait(3 * 86_400)
    t.push(3 * 86_400, alert("search", starts=3 * 86_400))
    return t


def test_what_has_left_memory_is_not_said_to_have_had_no_neighbours(tmp_path: Path) -> None:
    t = gone_and_back()
    [past] = t.fold.forgotten
    journal = write(t, tmp_path / "data")
    text = run(past["id"], "--data", tmp_path / "data").output
    document = json.loads(run(past["id"], "--data", tmp_path / "data", "--json").output)
    journal.close()
    assert "no other incident began near it" not in text
    assert "What did it nearly join?\n  Not known any more: the incident has left memory" in text
    assert document["nearly_joined"] is None


def test_why_not_of_what_has_left_memory_says_so_and_what_is_still_told(tmp_path: Path) -> None:
    t = gone_and_back()
    [past] = t.fold.forgotten
    here = incident_of(t, "search")
    journal = write(t, tmp_path / "data")
    for words in ((past["id"], "--why-not", here), (here, "--why-not", past["id"])):
        error = run(*words, "--data", tmp_path / "data").exception
        assert isinstance(error, NotFound)
        assert error.what.startswith(f"{past['id']} has left memory")
        assert error.mend == f"`explain {past['id']}` still tells what is kept of it"
    lost = run(past["alerts"][0]["fingerprint"], "--data", tmp_path / "data").exception
    assert isinstance(lost, NotFound)
    assert "An alert of an incident that has left memory is explained with it" in lost.mend
    journal.close()


def test_an_alert_is_explained_from_its_own_side(data: Path) -> None:
    found = lines(run(fingerprint(shop(), "checkout"), "--data", data))
    assert found[0].startswith("HighErrorRatio of checkout [")
    assert any(line.startswith("It is in INC-") for line in found)
    assert "Who was told of its incident:" in found
    assert any("shop-oncall: a new incident opened" in line for line in found)
    assert any(line.startswith("Severity P0: ") for line in found)


def test_an_alert_that_is_silenced_says_so(tmp_path: Path) -> None:
    t = routed()
    put(t, 0, silence('service="search"', ends=3_600, comment="moving disks"))
    t.push(10, alert("search"))
    journal = write(t, tmp_path / "data")
    text = run(fingerprint(t, "search"), "--data", tmp_path / "data").output
    journal.close()
    assert "pages nobody: silence SIL-A of ana until 2026-03-02T09:00:00.000Z: moving disks" in text
    assert "Not paged: all that fired was silenced (silence SIL-A)" in text


def test_of_an_alert_that_fires_again_and_again_the_last_firings_are_shown(tmp_path: Path) -> None:
    t = routed()
    for number in range(9):
        t.push(number * 100, alert("search", starts=number * 100))
        t.push(number * 100 + 50, alert("search", starts=number * 100, ends=number * 100 + 40))
    assert [e.starts_at for e in firings(t.engine.world, fingerprint(t, "search"))] == sorted(
        e.starts_at for e in t.engine.state.episodes.values()
    )
    assert len(explain_alert(t.engine.world, fingerprint(t, "search"))) == 9
    journal = write(t, tmp_path / "data")
    found = lines(run(fingerprint(t, "search"), "--data", tmp_path / "data"))
    journal.close()
    assert found[0] == "It fired 4 times before these."
    assert sum(line.startswith("It is in INC-") for line in found) == 5


@pytest.mark.parametrize("name", ["INC-NONE", "zz", "../etc", "\x1b[31m", "é"])
@pytest.mark.parametrize("more", [(), ("--why-not", "INC-NONE")])
def test_an_unknown_id_is_not_found(data: Path, name: str, more: tuple[str, ...]) -> None:
    error = run(name, "--data", data, *more).exception
    assert isinstance(error, NotFound)
    assert "no incident or alert" in error.what
    assert "watchkeeper incidents" in error.mend
    assert "fingerprints" in error.mend
    assert "\x1b" not in str(error)


def test_json_holds_the_same(data: Path) -> None:
    t = shop()
    name = incident_of(t, "payments")
    found = json.loads(run(name, "--data", data, "--json").output)
    assert set(found) == {"incident", "alerts", "said", "told", "beside", "severity_why", "nearly_joined"}
    assert found["said"] == said(t, name)
    assert found["told"][0]["words"] == "shop-oncall: a new incident opened"
    assert found["severity_why"]["children"][-1]["counted"] is True
    assert found["incident"]["id"] == name


def test_why_not_names_the_rule_the_gap_and_the_window(data: Path) -> None:
    t = shop()
    first, second = incident_of(t, "payments"), incident_of(t, "payments", 1)
    found = lines(run(first, "--why-not", second, "--data", data))
    assert found[0].startswith(
        "They are apart: they began 33 min 10 s apart, alerts of one service are joined within 15 min: "
        "18 min 10 s too far"
    )
    assert found[1].startswith("- [same-entity] HighErrorRatio of payments and Slow of payments")
    back = why_not(t.engine.world, second, first)
    assert back["why"]["terms"] == why_not(t.engine.world, first, second)["why"]["terms"]


def test_why_not_of_what_no_rule_joins(data: Path) -> None:
    t = shop()
    found = why_not(t.engine.world, incident_of(t, "mailer"), incident_of(t, "search"))
    assert found["why"] is None
    assert found["words"].startswith("They are apart: no rule joins alerts like these, however close.")
    assert found["words"].endswith("one is on mailer, the other on search.")


def test_why_not_of_two_alerts_of_one_incident_says_what_joins_them() -> None:
    t = shop()
    found = why_not(t.engine.world, fingerprint(t, "payments"), fingerprint(t, "frontend"))
    assert (found["together"], found["incident"]) == (True, incident_of(t, "payments"))
    assert found["why"]["rule"] == "dependency-edge"
    assert found["words"] == "They are one incident."


def test_why_not_of_what_a_person_has_parted() -> None:
    t = routed()
    t.push(0, alert("payments"), alert("checkout"))
    whole = t.incidents()[0]
    episode = next(a["episode"] for a in whole["alerts"] if a["service"] == "checkout")
    t.move(60, whole["id"], "split", alerts=(episode,))
    first, second = (row["id"] for row in t.incidents())
    found = why_not(t.engine.world, first, second)
    new, old = sorted((first, second), key=lambda name: name == whole["id"])
    assert found["words"] == (
        f'They are apart: ana split {new} off from {old} at 08:01 UTC on 2026-03-02 ("because").'
    )


def test_why_not_of_an_incident_that_was_over_says_so() -> None:
    t = routed()
    t.push(0, alert("payments"))
    first = t.incidents()[0]["id"]
    t.move(10, first, "resolved")
    t.move(20, first, "closed")
    t.push(60, alert("payments", "Slow", starts=55))
    second = next(row["id"] for row in t.incidents() if row["id"] != first)
    for found in (why_not(t.engine.world, first, second), why_not(t.engine.world, second, first)):
        assert found["words"] == f"They are apart: {first} was closed by then."


def test_why_not_of_what_the_catalogue_joins_only_now() -> None:
    t = routed()
    t.push(0, alert("mailer"), alert("search"))
    first, second = (row["id"] for row in t.incidents())
    t.configure(60, "catalogue", "services: [{name: mailer, depends_on: [search]}, {name: search}]")
    found = why_not(t.engine.world, first, second)
    assert found["words"].startswith(
        "They are apart: the rules, the catalogue or a change that links them came"
    )


def test_it_says_which_person_merged_what_into_it() -> None:
    t = shop()
    first, second = incident_of(t, "payments"), incident_of(t, "mailer")
    t.move(2_400, second, "merged", into=first)
    [document] = [row for row in t.incidents() if row["merged_from"]]
    entry = next(row for row in document["history"] if row["what"] == "merged" and row["reason"] == "person")
    assert entry["detail"] == second
    said = joined_sentences(document)
    assert said[-1] == f"{entry['actor']} merged {second} into it at {clock(entry['at'])}."
    by_rule = {**document, "history": [{**entry, "reason": "same-entity", "actor": "rule"}]}
    assert len(joined_sentences(by_rule)) == 1
    many = joined_sentences({**document, "history": [entry] * 5})
    assert "People merged 2 more into it before." in many
    assert len(many) == 5


def test_why_not_takes_ids_that_were_merged_away() -> None:
    t = shop()
    first, second = incident_of(t, "payments"), incident_of(t, "mailer")
    t.move(2_400, second, "merged", into=first)
    assert why_not(t.engine.world, first, fingerprint(t, "mailer"))["together"] is True
    assert why_not(t.engine.world, second, first)["together"] is True
    with pytest.raises(InputError):
        why_not(t.engine.world, second, second)


def test_why_not_the_same_twice_is_refused() -> None:
    t = shop()
    with pytest.raises(InputError) as refused:
        why_not(t.engine.world, fingerprint(t, "mailer"), fingerprint(t, "mailer"))
    assert refused.value.where == "why-not"
    with pytest.raises(NotFound) as unknown:
        why_not(t.engine.world, fingerprint(t, "mailer"), "INC-1")
    assert unknown.value.where == "why-not"


def asked(path: str, other: str, client: Client) -> Awaitable[Any]:
    return client.get(path, params={"why_not": other})


def test_the_api_explains_and_refuses(app: App) -> None:
    name = sent(app)
    found = ask(app, lambda client: client.get(f"/v1/explain/{name}")).json()
    assert found["said"]["origin"][0].startswith("It probably began at payments")
    alerts = [row["fingerprint"] for row in found["alerts"]]
    path = f"/v1/explain/{alerts[0]}"
    both = ask(app, lambda client: client.get(path, params={"why_not": alerts[1]}))
    assert (both.status_code, both.json()["together"]) == (200, True)
    for other, status in ((alerts[0], 400), ("zzz", 404), ("x" * 501, 400)):
        answer = ask(app, partial(asked, path, other))
        assert answer.status_code == status
        assert answer.json()["error"]["what"]
    schema = ask(app, lambda client: client.get("/openapi.json")).json()
    explain = schema["paths"]["/v1/explain/{name}"]["get"]
    assert set(explain["responses"]) == {"200", "400", "404", "503"}
    assert {one["name"] for one in explain["parameters"]} == {"name", "why_not"}


def test_hostile_names_cannot_move_the_cursor(tmp_path: Path) -> None:
    t = routed()
    evil = f"\x1b[2J{EVIL}\r\n"
    put(t, 0, silence('alertname=~".+"', ends=900, author=evil, comment=evil))
    t.push(0, alert(evil, evil))
    t.push(2_000, alert(evil, f"{evil}2", starts=2_000))
    first, second = (row["id"] for row in t.incidents())
    journal = write(t, tmp_path / "data")
    for words in (
        (first,),
        (fingerprint(t, t.incidents()[0]["alerts"][0]["service"]),),
        (first, "--why-not", second),
    ):
        result = run(*words, "--data", tmp_path / "data")
        assert result.exit_code == 0
        assert not set(result.output) & set("\x1b\r\u202e\u0000\u2028")
    journal.close()


def test_a_large_incident_stays_short(tmp_path: Path) -> None:
    t = Timeline(SHOP)
    for number in range(80):
        t.push(number, alert("payments", f"A{number}", starts=number))
    journal = write(t, tmp_path / "data")
    found = lines(run(t.incidents()[0]["id"], "--data", tmp_path / "data"))
    journal.close()
    assert len(found) < 60
    assert any(re.fullmatch(r"and \d+ more", line) for line in found)
    assert "Its 80 alerts are one incident, joined as alerts of one service." in found


def test_the_list_counts_one_alert_as_one(tmp_path: Path) -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    write(t, tmp_path / "one")
    said = CliRunner().invoke(command, ["incidents", "--data", str(tmp_path / "one")]).output
    assert "1 of 1 alert firing\n" in said
