"""What PagerDuty shows follows what happens here: nothing stays open there that is over or went away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from connectors.outbound.pagerduty import PagerdutyNotifier
from core.document import incident_document
from core.journal import Record
from core.model.decision import Decision
from core.model.document import Document
from core.narrative.page import incident_url, page_text
from core.payloads import Outcome
from core.ports import Message
from tests.listener import Handler, Listener, answering
from tests.timeline import SHOP, Timeline, alert

ROUTES = "routes: [{receiver: pd}]\nreceivers: [pd]\nacknowledged: [pd]"
URL = "https://watch.example"


class Pagerduty:
    """Alerts by their key, as the Events API v2 keeps them: the end of what is not known is ignored."""

    def __init__(self) -> None:
        self.alerts: dict[str, str] = {}

    def take(self, event: dict[str, Any]) -> None:
        key, before = event["dedup_key"], self.alerts.get(event["dedup_key"])
        match event["event_action"]:
            case "trigger" if before != "acknowledged":
                self.alerts[key] = "triggered"
            case "acknowledge" if before == "triggered":
                self.alerts[key] = "acknowledged"
            case "resolve" if before is not None:
                self.alerts[key] = "resolved"

    def behaviour(self, handler: Handler) -> None:
        self.take(json.loads(handler.server.heard[-1].body))
        answering(202, b'{"status":"success"}')(handler)


class Scene:
    """An engine whose pages are sent when a test says so."""

    def __init__(self) -> None:
        self.t, self.there = Timeline(SHOP, routes=ROUTES), Pagerduty()

    def pending(self) -> list[Decision]:
        return [one for one in self.t.engine.state.pending.values() if one.kind == "notify"]

    def send(self, listener: Listener, twice: bool = False) -> None:
        """All that waits, in order; each `twice`, as after a crash."""

        async def all_of_them() -> None:
            async with httpx.AsyncClient(trust_env=False) as client:
                notifier = PagerdutyNotifier(listener.url, "k" * 32, client, 5.0)
                for decision in self.pending():
                    for _ in range(1 + twice):
                        delivered = await notifier.send(self.message(decision))
                        assert delivered.ok, delivered
                    self.settle(decision)

        asyncio.run(all_of_them())

    def message(self, decision: Decision) -> Message:
        incident = self.t.engine.incident(decision.subject)
        found = incident_document(self.t.engine.world, incident) if incident else {"id": decision.subject}
        document: Document = {**found, "url": incident_url(URL, str(found["id"]))}
        return Message(
            decision.id, decision.reason, decision.at, document, page_text(found, decision.reason, URL)
        )

    def settle(self, decision: Decision) -> None:
        self.t.seq += 1
        payload = msgspec.json.encode(Outcome(decision.id, "delivered", "pd", 1))
        self.t.fold.apply(Record(self.t.seq, self.t.now, "outcome", "dispatcher", payload))


def acknowledge(scene: Scene, at: float) -> None:
    for incident in scene.t.incidents():
        scene.t.move(at, incident["id"], "acknowledged")


STARTS = {"payments": 0, "frontend": 60, "checkout": 30}


def begin(scene: Scene, at: float, service: str) -> None:
    scene.t.push(at, alert(service, starts=STARTS[service]))


def two(scene: Scene) -> None:
    begin(scene, 5, "payments")
    begin(scene, 65, "frontend")
    scene.t.wait(70)


def end(scene: Scene, at: float, *services: str) -> None:
    for service in services:
        scene.t.push(at, alert(service, starts=STARTS[service], ends=at - 5))
    scene.t.wait(at + 600)


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("late", [(), (1,), (0, 1), (2,), (1, 2)])
def test_whenever_the_pages_arrive_the_end_is_the_same(late: tuple[int, ...], twice: bool) -> None:
    """Two incidents, one of which goes into the other, are acknowledged and end. In `late` steps nothing is
    sent."""
    scene = Scene()
    steps: list[Callable[[], None]] = [
        lambda: two(scene),
        lambda: begin(scene, 75, "checkout"),
        lambda: acknowledge(scene, 80),
        lambda: end(scene, 100, *STARTS),
    ]
    with Listener(scene.there.behaviour) as listener:
        for number, step in enumerate(steps):
            step()
            if number not in late:
                scene.send(listener, twice)
                check(scene)
    [incident] = scene.t.incidents()
    assert incident["status"] == "resolved"
    assert len(incident["merged_from"]) == 1
    assert set(scene.there.alerts.values()) <= {"resolved"}


def check(scene: Scene) -> None:
    """What is open there is open here, under the same name: as it stands here, by one alert at least."""
    here = {one["id"]: one["status"] for one in scene.t.incidents()}
    told: dict[str, set[str]] = {}
    for key, state in scene.there.alerts.items():
        told.setdefault(key.partition(":")[0], set()).add(state)
    for name, states in told.items():
        stands = here.get(name, "resolved")
        assert stands in states <= {stands, "resolved"}, (scene.there.alerts, here)


def test_what_comes_back_is_triggered_again() -> None:
    scene = Scene()
    steps: list[Callable[[], None]] = [
        lambda: begin(scene, 65, "payments"),
        lambda: end(scene, 100, "payments"),
        lambda: scene.t.push(800, alert("payments", starts=790)),
    ]
    with Listener(scene.there.behaviour) as listener:
        for step in steps:
            step()
            scene.send(listener)
            check(scene)
    assert list(scene.there.alerts.values()) == ["resolved", "triggered"]
