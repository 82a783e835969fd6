"""The dispatcher: at least once, in order per receiver, and never because of somebody else later."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from connectors.outbound.memory import RecordingNotifier
from core.errors import JournalUnavailable
from core.journal import Draft
from core.model.decision import Decision, decide
from core.narrative.page import page_text
from core.ports import Delivered, Message, Notifier
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.clock import SystemClock
from watchkeeper.dispatcher import Dispatcher, Patience

QUICK = Patience(first=2, longest=8, give_up=60_000, look=2)
NO = Delivered(False, "busy")


def incident() -> dict[str, Any]:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("checkout"))
    return t.incidents()[0]


class House:
    """A journal's worth of surroundings: decisions stay pending until their outcome was appended."""

    def __init__(self, *decisions: Decision, patience: Patience = QUICK, **notifiers: Notifier) -> None:
        self.decisions = {decision.id: decision for decision in decisions}
        self.outcomes: list[dict[str, Any]] = []
        self.failures = 0
        document = incident()
        self.dispatcher = Dispatcher(
            pending=lambda: list(self.decisions.values()),
            document=lambda name: document if name == "INC-1" else None,
            append=self._append,
            notifiers=notifiers,
            clock=SystemClock(),
            base_url="http://wk.example",
            patience=patience,
        )

    async def _append(self, draft: Draft) -> int:
        if self.failures:
            self.failures -= 1
            raise JournalUnavailable("disk full")
        outcome = json.loads(draft.payload)
        self.outcomes.append(outcome)
        del self.decisions[outcome["decision"]]
        return 1

    def run_until(self, done: Callable[[], bool], then: Callable[[], Awaitable[None]] | None = None) -> None:
        async def run() -> None:
            task = asyncio.create_task(self.dispatcher.run())
            try:
                async with asyncio.timeout(10):
                    while not done():
                        await asyncio.sleep(0.002)
                if then is not None:
                    await then()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        asyncio.run(run())


def page(seq: int, receiver: str = "a", subject: str = "INC-1") -> Decision:
    return decide("notify", subject, "opened", at=0, seq=seq, receiver=receiver)


def test_pages_go_in_the_order_decided_once_each() -> None:
    a = RecordingNotifier()
    pages = [page(n) for n in range(1, 6)]
    house = House(*pages, a=a)

    async def settle() -> None:
        await asyncio.sleep(0.05)

    house.run_until(lambda: len(house.outcomes) == 5, settle)
    assert [message.decision for message in a.messages] == [decision.id for decision in pages]
    assert {outcome["status"] for outcome in house.outcomes} == {"delivered"}


def test_a_failed_try_is_repeated_until_it_succeeds() -> None:
    a = RecordingNotifier([NO, NO, NO])
    house = House(page(1), a=a)
    house.run_until(lambda: bool(house.outcomes))
    assert len(a.messages) == 4
    assert house.outcomes[0]["attempts"] == 4
    assert (house.dispatcher.counters.attempts, house.dispatcher.counters.delivered) == ({"a": 4}, {"a": 1})


def test_what_cannot_be_delivered_is_given_up_and_said() -> None:
    house = House(page(1), patience=QUICK._replace(give_up=20), a=RecordingNotifier([NO] * 1_000))
    house.run_until(lambda: bool(house.outcomes))
    assert (house.outcomes[0]["status"], house.outcomes[0]["detail"]) == ("failed", "busy")


def test_a_final_no_is_not_tried_again() -> None:
    a = RecordingNotifier([Delivered(False, "gone", final=True)])
    house = House(page(1), a=a)
    house.run_until(lambda: bool(house.outcomes))
    assert len(a.messages) == 1


def test_nobody_to_tell_is_an_outcome_too() -> None:
    house = House(
        page(1, receiver=""), page(2, receiver="unknown"), page(3, subject="INC-9"), a=RecordingNotifier()
    )
    house.run_until(lambda: len(house.outcomes) == 3)
    said = {outcome["status"]: outcome["detail"] for outcome in house.outcomes}
    assert said["no_receiver"] == "no route leads to a receiver"
    assert set(said) == {"no_receiver", "failed"}


class Hanging:
    async def send(self, message: Message) -> Delivered:
        await asyncio.sleep(60)
        return NO


def test_a_receiver_that_hangs_delays_nobody_else() -> None:
    house = House(page(1, "slow"), page(2, "quick"), slow=Hanging(), quick=RecordingNotifier())
    house.run_until(lambda: bool(house.outcomes))
    assert house.outcomes[0]["receiver"] == "quick"
    assert house.dispatcher.lag_ms(5_000) == 5_000


def test_an_outcome_that_cannot_be_stored_delays_itself_and_repeats_no_page() -> None:
    a = RecordingNotifier()
    house = House(page(1), a=a)
    house.failures = 5
    house.run_until(lambda: bool(house.outcomes))
    assert len(a.messages) == 1


def test_a_crash_between_sending_and_recording_repeats_the_page_once() -> None:
    a = RecordingNotifier()
    first = House(page(1), a=a)
    first.failures = 1_000_000
    first.run_until(lambda: bool(a.messages))
    second = House(*first.decisions.values(), a=a)
    second.run_until(lambda: bool(second.outcomes))
    assert [message.decision for message in a.messages] == [page(1).id] * 2


def test_the_text_is_plain_short_and_made_of_facts() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments\u202e", "Down\r\n<!channel> http://evil.example/" + "x" * 5_000))
    text = page_text(t.incidents()[0], "opened", "http://wk.example/")
    assert "\r" not in text
    assert "\u202e" not in text
    assert len(text) <= 1_500
    assert text.splitlines()[-1] == f"http://wk.example/incidents/{t.incidents()[0]['id']}"
    assert text.startswith("P1 payments: Down")
    assert "What changed? Unknown" in text


def test_the_text_of_a_resolved_incident_says_so() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("checkout"))
    t.move(60, t.incidents()[0]["id"], "resolved")
    text = page_text(t.incidents()[0], "resolved", "http://wk.example")
    assert "Resolved." in text
    assert "likely fix" not in text
    assert "Probable origin: payments" in text
