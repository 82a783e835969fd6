"""Alerts that say far too much, and those that say nothing: kept, flagged, and never taken for another."""

from __future__ import annotations

import random
from typing import Any

import pytest

from connectors.inbound.registry import parse
from core.clamping import LABEL_CHARS, LABELS, NAME_CHARS, clamped_labels, cut
from core.explain import explain_episode
from core.model.document import Document
from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_api import Client, app, ask, now_shifted, settled
from tests.unit.test_console import Browser, FakeWatch, check_page, path_of
from watchkeeper.app import App
from watchkeeper.cli.explain import explanation_lines
from watchkeeper.erasing import said_by

__all__ = ["app"]
MANY = {f"l{number:05}": str(number) for number in range(10_000)}


def large(service: str = "payments", **labels: str) -> dict[str, Any]:
    one = alert(service, pod="p-1", node="n-1")
    return {**one, "labels": {**MANY, **one["labels"], **labels}}


def bare(**more: Any) -> dict[str, Any]:
    return {"status": "firing", "labels": {}, "annotations": {}, "startsAt": alert("")["startsAt"], **more}


def rows(t: Timeline) -> list[Document]:
    return [row for incident in t.incidents() for row in incident["alerts"]]


def test_ten_thousand_labels_are_clamped_flagged_and_kept() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("checkout"), large())
    [incident] = t.incidents()
    row = next(row for row in incident["alerts"] if row["service"] == "payments")
    assert row["flags"] == ["labels_clamped"]
    assert len(row["labels"]) == LABELS
    assert {"alertname", "severity", "service", "pod", "node", "l00000"} <= set(row["labels"])
    assert "l09999" not in row["labels"]
    assert t.records[-1].payload.count(b"l09999") == 1


def test_alerts_that_differ_in_what_was_dropped_are_two_and_replicas_are_one() -> None:
    t = Timeline()
    t.push(0, large(), large(l09999="other"), large(replica="a"), large(replica="b"))
    found = rows(t)
    assert len(found) == 2
    assert len({row["fingerprint"] for row in found}) == 2


def test_the_end_of_a_clamped_alert_ends_it_in_whatever_order_its_labels_come() -> None:
    t = Timeline()
    t.push(0, large())
    over = {**large(), "status": "resolved", "endsAt": alert("", ends=60)["endsAt"]}
    shuffled = list(over["labels"].items())
    random.Random(3).shuffle(shuffled)
    t.push(60, {**over, "labels": dict(shuffled)})
    [row] = rows(t)
    assert row["status"] == "resolved"


def test_long_values_and_names_are_cut_with_a_mark_and_stay_different() -> None:
    t = Timeline()
    for place, end in enumerate("ab"):
        t.push(place, large("x" * 20_000 + end, **{"n" * 2_000: "v"}))
    services = {row["service"] for row in rows(t)}
    assert len(services) == 2
    assert all(len(name) == LABEL_CHARS and "… [cut " in name for name in services)
    names = [name for row in rows(t) for name in row["labels"] if name.startswith("nn")]
    assert all(len(name) <= NAME_CHARS for name in names)


def test_what_is_kept_does_not_hang_on_the_order() -> None:
    labels = list(MANY.items())
    random.Random(5).shuffle(labels)
    kept = clamped_labels(dict(labels), ("l09998", "gone", "l09998"))
    assert kept == clamped_labels(MANY, ("l09998", "gone"))
    assert list(kept)[:2] == ["l09998", "l00000"]
    assert cut("x" * 50, 50) == "x" * 50
    assert cut("x" * 51, 50) != cut("x" * 52, 50)


def test_alerts_without_labels_are_kept_apart_and_joined_to_nothing() -> None:
    t = Timeline(SHOP)
    t.push(0, bare(), alert("payments"), bare(generatorURL="http://other.example/"))
    t.push(5, bare(startsAt=alert("", starts=5)["startsAt"]))
    incidents = t.incidents()
    assert len(incidents) == 4
    nameless = [one for one in incidents if one["alerts"][0]["flags"] == ["no_labels"]]
    assert [one["title"] for one in nameless] == ["unnamed alert"] * 3
    assert [one["alerts"][0]["service"] for one in nameless] == [""] * 3


def test_one_without_labels_that_is_told_again_and_ends_is_one() -> None:
    t = Timeline()
    t.push(0, bare())
    t.push(30, bare(annotations={"summary": "another word"}))
    t.push(60, bare(status="resolved", endsAt=alert("", ends=60)["endsAt"]))
    [row] = rows(t)
    assert (row["status"], row["flags"]) == ("resolved", ["no_labels"])


def test_labels_that_tell_replicas_apart_alone_name_nothing() -> None:
    t = Timeline()
    for url in ("http://a.example/", "http://b.example/"):
        t.push(0, bare(labels={"replica": "a"}, generatorURL=url))
    assert len({row["fingerprint"] for row in rows(t)}) == 2
    assert len(t.incidents()) == 2


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (large(), "came with more, or longer, labels than are kept in memory"),
        (bare(), "came without labels"),
    ],
)
def test_the_page_and_the_explanation_say_so(one: dict[str, Any], words: str) -> None:
    t = Timeline()
    t.push(0, one)
    watch = FakeWatch(t)
    assert f"({words})" in check_page(Browser(watch).get(path_of(watch)).text).text
    [episode] = t.engine.state.episodes.values()
    document = {"alerts": [explain_episode(t.engine.world, episode)]}
    assert f"  It {words}." in list(explanation_lines(document))


def test_erasing_finds_the_alert_by_the_labels_that_were_kept() -> None:
    t = Timeline()
    t.push(0, large(person="zoe"))
    record = t.records[-1]
    events = list(parse(record, {}).events)
    [episode] = t.engine.state.episodes.values()
    assert said_by(t.engine.world, record, events).labels == (episode.labels,)


def test_over_http_they_are_acknowledged_and_all_that_was_sent_stays(app: App) -> None:
    body = {"alerts": now_shifted(alert("payments"), large(), bare())}

    async def talk(client: Client) -> Any:
        answer = await client.post("/alerts", json=body)
        assert (answer.status_code, answer.json()["events"]) == (202, 3)
        assert "left_out" not in answer.json()
        line = answer.json()["record"]
        return (await client.get(f"/v1/alerts/{line}/1")).json()

    assert len(ask(app, talk)["alert"]["labels"]) == len(large()["labels"])
    settled(app)
    found = ask(app, lambda client: client.get("/v1/incidents")).json()["incidents"]
    assert {"unnamed alert"} < {one["title"] for one in found}
