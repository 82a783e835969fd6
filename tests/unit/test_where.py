"""Where an incident is: said in titles, pages, rows and notifiers, and enough to tell two of a kind apart."""

from __future__ import annotations

from typing import Any

from connectors.outbound.email import Mailbox, letter
from connectors.outbound.pagerduty import events
from connectors.outbound.webhook import facts
from core.model.document import Document
from core.narrative.page import page_text, titled
from core.narrative.place import thing_of, where_words
from core.ports import Message
from core.times import parse_rfc3339
from tests.timeline import SHOP, Timeline, alert
from tests.told import Told
from tests.unit.test_watchdog import dog
from watchkeeper.cli.show import incident_lines
from watchkeeper.console.list_view import list_view

HOST: dict[str, Any] = {"instance": "10.9.9.9:9100", "cluster": "eu-3"}


def page_of(incident: Document) -> Message:
    text = page_text(incident, "opened", "http://h")
    return Message("dec-1", "opened", parse_rfc3339(incident["opened_at"]), incident, text)


def test_a_host_without_a_service_is_named_everywhere() -> None:
    t = Timeline()
    t.push(0, alert("", "HostOutOfMemory", **HOST))
    [incident] = t.incidents()
    title = titled(incident)
    assert "10.9.9.9" in title
    assert title.endswith(" in cluster eu-3")
    text = page_of(incident).text
    assert text.startswith(f"P1 {title}\n")
    assert "\nWhere: 10.9.9.9:9100, cluster eu-3\n" in text
    [event] = events(page_of(incident))
    payload = event["payload"]
    assert payload["source"].startswith("10.9.9.9")
    assert payload["component"] == payload["source"]
    assert (payload["group"], payload["summary"]) == ("cluster eu-3", f"P1 {title}")
    assert payload["custom_details"]["where"] == "10.9.9.9:9100, cluster eu-3"
    box = Mailbox("h", 25, "none", "a@b.example", ("c@d.example",))
    assert title in str(letter(box, page_of(incident))["Subject"])
    assert facts(incident)["where"]["clusters"] == ["eu-3"]
    shown = "\n".join(incident_lines({**incident, "annotations": []}))
    assert "where: 10.9.9.9:9100, cluster eu-3" in shown


def test_one_service_in_two_clusters_and_two_domains_has_four_headlines() -> None:
    t = Timeline(SHOP)
    for domain in ("tenant-a", "tenant-b"):
        for cluster in ("eu-1", "us-1"):
            t.push(0, alert("payments", cluster=cluster), domain=domain)
    incidents = t.incidents()
    assert len({page_of(one).text.partition("\n")[0] for one in incidents}) == 4
    rows = list_view({"incidents": [_row(one) for one in incidents], "next_cursor": None}, "all", None, 0)
    assert {row.title for row in rows["rows"]} == {
        f"payments: HighErrorRatio in cluster {cluster}, domain {domain}"
        for cluster in ("eu-1", "us-1")
        for domain in ("tenant-a", "tenant-b")
    }


def _row(incident: Document) -> Document:
    return {**incident, "alerts_total": 1, "alerts_firing": 1, "alerts_suppressed": 0}


def test_namespace_environment_and_several_places_are_told() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", namespace="shop", environment="production", pod="payments-0"))
    t.push(5, alert("payments", "Other", namespace="shop", environment="production", pod="payments-1"))
    t.push(6, alert("payments", "Third", namespace="shop", environment="production", pod="payments-2"))
    [incident] = t.incidents()
    said = where_words(incident["where"])
    assert said == "payments-0 and payments-1 and 1 more, namespace shop, production"


def test_a_topic_goes_before_the_exporter_that_tells_of_it() -> None:
    labels: dict[str, Any] = {"topic": "orders", "instance": "exporter:9308"}
    assert thing_of(labels) == "topic orders on exporter:9308"
    t = Timeline()
    t.push(0, alert("", "ConsumerLag", **labels))
    assert "topic orders" in t.incidents()[0]["title"]


def test_two_dead_watchdogs_are_told_apart_by_their_labels() -> None:
    told = Told()
    for cluster in ("eu-1", "us-1"):
        told.tell(0, dog(cluster=cluster))
    told.tell(0, dog(region="eu-north"))
    told.wait(24 * 3_600)
    assert sorted(one["title"] for one in told.incidents()) == [
        f"WatchdogSilent (Watchdog from told, {where})"
        for where in ("cluster eu-1", "cluster us-1", "region eu-north")
    ]


def test_documents_of_before_say_nothing_of_it() -> None:
    assert where_words(None) == ""
    assert titled({"title": "x"}) == "x"
