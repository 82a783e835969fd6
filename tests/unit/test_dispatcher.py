"""The dispatcher: every page at least once, in order, and no receiver in another's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from connectors.outbound.memory import RecordingNotifier
from core.document import incident_document
from core.errors import JournalUnavailable
from core.journal import Draft, Record
from core.model.decision import Decision
from core.model.document import Document
from core.payloads import Outcome
from core.ports import Delivered, Message, Notifier
from tests.timeline import SHOP, START, Timeline, alert
from watchkeeper.dispatcher import Counts, Dispatcher
from watchkeeper.lane import Retry

QUICK = Retry(first_s=0.01, most_s=0.04, give_up_s=30.0, record_s=0.01, poll_s=0.01, grace_s=0.3)
REFUSED = Delivered(False, "HTTP 500")
URL = "https://watch.example"


def page(number: int, receiver: str = "team", incident: str = "INC-1") -> Decision:
    return Decision(f"dec-{number}", "notify", incident, "opened", START + number, number, receiver)


class Hanging:
    """Takes a page and does not answer until it is let go."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.go = asyncio.Event()

    async def send(self, message: Message) -> Delivered:
        self.messages.append(message)
        await self.go.wait()
        return Delivered(True, "at last")


class Refusing:
    """Refuses the pages named, accepts the rest."""

    def __init__(self, *names: str) -> None:
        self.names, self.accepted, self.tries = names, list[str](), list[str]()

    async def send(self, message: Message) -> Delivered:
        self.tries.append(message.decision)
        if message.decision in self.names:
            return REFUSED
        self.accepted.append(message.decision)
        return Delivered(True, "")


class Faulty:
    """A notifier with a bug in it, for the first page only."""

    def __init__(self) -> None:
        self.tries: list[str] = []

    async def send(self, message: Message) -> Delivered:
        self.tries.append(message.decision)
        if message.decision == "dec-1":
            raise KeyError("a bug")
        return Delivered(True, "")


class Scene:
    """The engine's and the journal's side. With `folds` off, outcomes are committed but not read yet."""

    def __init__(self, *decisions: Decision) -> None:
        self.decisions = list(decisions)
        self.outcomes: list[Outcome] = []
        self.documents: dict[str, Document] = {}
        self.folds = True
        self.journal_fails = 0
        self.appends = 0

    def now(self) -> int:
        return START + 60_000

    def pending(self) -> list[Decision]:
        settled = {outcome.decision for outcome in self.outcomes} if self.folds else set()
        return [decision for decision in self.decisions if decision.id not in settled]

    def document(self, incident_id: str) -> Document | None:
        return self.documents.get(incident_id)

    async def append(self, draft: Draft) -> int:
        self.appends += 1
        if self.journal_fails:
            self.journal_fails -= 1
            raise JournalUnavailable("the disk is full")
        assert (draft.kind, draft.source) == ("outcome", "dispatcher")
        self.outcomes.append(msgspec.json.decode(draft.payload, type=Outcome))
        return len(self.outcomes)

    def dispatcher(self, notifiers: dict[str, Notifier], retry: Retry = QUICK, **other: Any) -> Dispatcher:
        asks = {"pending": self.pending, "document": self.document, "append": self.append, **other}
        return Dispatcher(notifiers=notifiers, clock=self, base_url=URL, retry=retry, **asks)

    def settled(self, number: int) -> Callable[[], bool]:
        return lambda: len(self.outcomes) >= number

    @property
    def statuses(self) -> list[tuple[str, str, int]]:
        return [(outcome.decision, outcome.status, outcome.attempts) for outcome in self.outcomes]


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it did not come to that")


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def running(dispatcher: Dispatcher, until: Callable[[], bool]) -> None:
    task = asyncio.create_task(dispatcher.run())
    try:
        await eventually(until)
    finally:
        await cancelled(task)


def names(messages: list[Message]) -> list[str]:
    return [message.decision for message in messages]


def test_a_page_is_sent_with_its_text_and_facts_and_its_outcome_is_journalled() -> None:
    scene, team = Scene(page(1)), RecordingNotifier()
    scene.documents["INC-1"] = {"id": "INC-0", "title": "payments: HighErrorRatio", "severity": "P1"}
    dispatcher = scene.dispatcher({"team": team})
    asyncio.run(running(dispatcher, scene.settled(1)))
    [sent] = team.messages
    link = f"{URL}/incidents/INC-0"
    assert sent.text == f"P1 payments: HighErrorRatio\nINC-0: new incident\n{link}"
    assert (sent.decision, sent.reason, sent.at) == ("dec-1", "opened", START + 1)
    assert sent.incident == {**scene.documents["INC-1"], "url": link}
    assert scene.outcomes == [Outcome("dec-1", "delivered", "team", 1, "kept in memory")]
    assert dispatcher.counts == {"team": Counts(attempts=1, delivered=1)}


def test_nothing_is_sent_while_nothing_is_pending() -> None:
    scene, team, looks = Scene(), RecordingNotifier(), list[int]()

    def pending() -> list[Decision]:
        looks.append(1)
        return []

    asyncio.run(running(scene.dispatcher({"team": team}, pending=pending), lambda: len(looks) > 5))
    assert not team.messages
    assert not scene.appends


def test_pages_of_a_receiver_go_in_the_order_decided() -> None:
    decisions = [page(n, incident=f"INC-{n % 3}") for n in range(1, 10)]
    scene, team = Scene(*decisions), RecordingNotifier()
    asyncio.run(running(scene.dispatcher({"team": team}), scene.settled(9)))
    assert names(team.messages) == [decision.id for decision in decisions]


def test_a_failure_is_tried_again_and_the_next_page_waits_for_it() -> None:
    scene, team = Scene(page(1), page(2, incident="INC-2")), RecordingNotifier([REFUSED, REFUSED])
    dispatcher = scene.dispatcher({"team": team})
    asyncio.run(running(dispatcher, scene.settled(2)))
    assert names(team.messages) == ["dec-1", "dec-1", "dec-1", "dec-2"]
    assert scene.statuses == [("dec-1", "delivered", 3), ("dec-2", "delivered", 1)]
    assert dispatcher.counts["team"] == Counts(attempts=4, delivered=2)


def test_a_page_that_keeps_failing_lets_other_incidents_pass_but_not_its_own() -> None:
    scene = Scene(page(1), page(2), page(3, incident="INC-2"))
    team = Refusing("dec-1")
    asyncio.run(running(scene.dispatcher({"team": team}), lambda: team.tries.count("dec-1") > 4))
    assert team.tries[:4] == ["dec-1", "dec-1", "dec-1", "dec-3"]
    assert team.accepted == ["dec-3"]


def test_a_page_is_given_up_in_time_and_the_next_of_its_incident_follows() -> None:
    scene, team = Scene(page(1), page(2)), Refusing("dec-1")
    dispatcher = scene.dispatcher({"team": team}, QUICK._replace(give_up_s=0.1))
    asyncio.run(running(dispatcher, scene.settled(2)))
    [first, second] = scene.outcomes
    assert (first.status, first.receiver, first.detail) == ("failed", "team", "HTTP 500")
    assert first.attempts == team.tries.count("dec-1") > 1
    assert (second.decision, second.status) == ("dec-2", "delivered")
    assert dispatcher.counts["team"].failed == 1


def test_a_final_refusal_is_not_tried_again() -> None:
    scene, team = Scene(page(1)), RecordingNotifier([Delivered(False, "HTTP 410", final=True)])
    asyncio.run(running(scene.dispatcher({"team": team}), scene.settled(1)))
    assert scene.outcomes == [Outcome("dec-1", "failed", "team", 1, "HTTP 410")]


def test_who_cannot_be_reached_is_recorded_at_once() -> None:
    scene, team = Scene(page(1), page(2, ""), page(3, "gone")), Hanging()
    dispatcher = scene.dispatcher({"team": team})
    asyncio.run(running(dispatcher, scene.settled(2)))
    assert scene.outcomes == [
        Outcome("dec-2", "no_receiver", detail="no route matches"),
        Outcome("dec-3", "failed", "gone", 0, "the routing file has no receiver of this name any more"),
    ]
    assert dispatcher.no_receiver == 1


def test_a_hanging_receiver_delays_no_other() -> None:
    scene = Scene(page(1, "slow"), page(2, "slow"), page(3), page(4))
    slow, team = Hanging(), RecordingNotifier()
    asyncio.run(running(scene.dispatcher({"slow": slow, "team": team}), scene.settled(2)))
    assert names(team.messages) == ["dec-3", "dec-4"]
    assert names(slow.messages) == ["dec-1"]


def test_while_the_journal_refuses_the_outcome_only_the_record_is_tried_again() -> None:
    scene, team = Scene(page(1), page(2)), RecordingNotifier()
    scene.journal_fails = 5
    with capture_logs() as logs:
        asyncio.run(running(scene.dispatcher({"team": team}), scene.settled(2)))
    assert names(team.messages) == ["dec-1", "dec-2"]
    assert scene.appends == 7
    assert [line["event"] for line in logs].count("outcome_not_recorded") == 5


def test_nothing_more_is_sent_to_a_receiver_whose_outcome_is_not_recorded() -> None:
    scene, team = Scene(page(1), page(2)), RecordingNotifier()
    scene.journal_fails = 1_000_000
    dispatcher = scene.dispatcher({"team": team}, QUICK._replace(grace_s=0.0))
    asyncio.run(running(dispatcher, lambda: scene.appends > 5))
    assert names(team.messages) == ["dec-1"]


def test_an_outcome_that_the_engine_has_not_read_yet_does_not_repeat_the_page() -> None:
    scene, team, looks = Scene(page(1)), RecordingNotifier(), list[int]()
    scene.folds = False

    def pending() -> list[Decision]:
        looks.append(len(scene.outcomes))
        return scene.pending()

    asyncio.run(running(scene.dispatcher({"team": team}, pending=pending), lambda: looks.count(1) > 5))
    assert names(team.messages) == ["dec-1"]


def test_a_crash_between_sending_and_recording_repeats_that_page_only() -> None:
    scene, team = Scene(page(1), page(2), page(3)), RecordingNotifier()

    async def crashing(draft: Draft) -> int:
        if b"dec-2" in draft.payload:
            await asyncio.Event().wait()
        return await scene.append(draft)

    first = scene.dispatcher({"team": team}, QUICK._replace(grace_s=0.0), append=crashing)
    asyncio.run(running(first, lambda: len(team.messages) == 2))
    assert scene.statuses == [("dec-1", "delivered", 1)]
    asyncio.run(running(scene.dispatcher({"team": team}), scene.settled(3)))
    assert names(team.messages) == ["dec-1", "dec-2", "dec-2", "dec-3"]
    assert [outcome.decision for outcome in scene.outcomes] == ["dec-1", "dec-2", "dec-3"]


def test_an_orderly_stop_repeats_nothing() -> None:
    scene, team = Scene(page(1), page(2)), Hanging()

    async def stop_while_sending() -> None:
        task = asyncio.create_task(scene.dispatcher({"team": team}).run())
        await eventually(lambda: len(team.messages) == 1)
        task.cancel()
        await asyncio.sleep(0.02)
        team.go.set()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(stop_while_sending())
    assert names(team.messages) == ["dec-1"]
    assert scene.statuses == [("dec-1", "delivered", 1)]


def test_a_stop_waits_no_longer_than_its_grace() -> None:
    scene, team = Scene(page(1)), Hanging()
    dispatcher = scene.dispatcher({"team": team}, QUICK._replace(grace_s=0.05))
    asyncio.run(asyncio.wait_for(running(dispatcher, lambda: bool(team.messages)), 5))
    assert not scene.outcomes


def test_it_is_woken_from_another_thread() -> None:
    scene, team = Scene(), RecordingNotifier()
    dispatcher = scene.dispatcher({"team": team}, QUICK._replace(poll_s=60.0))
    dispatcher.wake()

    def decide() -> None:
        scene.decisions.append(page(1))
        dispatcher.wake()

    async def wake_it() -> None:
        task = asyncio.create_task(dispatcher.run())
        await asyncio.sleep(0.05)
        thread = threading.Thread(target=decide)
        thread.start()
        await eventually(scene.settled(1))
        thread.join()
        await cancelled(task)

    asyncio.run(wake_it())
    dispatcher.wake()
    assert names(team.messages) == ["dec-1"]


def test_the_lag_is_the_age_of_the_oldest_page_that_nobody_has_heard() -> None:
    scene, slow = Scene(page(1), page(7, "slow")), Hanging()
    dispatcher = scene.dispatcher({"team": RecordingNotifier(), "slow": slow})
    assert dispatcher.lag_ms(START + 5_001) == 5_000

    async def look() -> None:
        task = asyncio.create_task(dispatcher.run())
        await eventually(scene.settled(1))
        assert dispatcher.lag_ms(START + 5_007) == 5_000
        assert dispatcher.lag_ms(START) == 0
        slow.go.set()
        await eventually(scene.settled(2))
        assert dispatcher.lag_ms(START + 5_007) == 0
        await cancelled(task)

    asyncio.run(look())


def test_a_fault_of_ours_costs_tries_and_not_the_lane() -> None:
    scene, team = Scene(page(1), page(2, incident="INC-2")), Faulty()
    with capture_logs() as logs:
        dispatcher = scene.dispatcher({"team": team}, QUICK._replace(give_up_s=0.1))
        asyncio.run(running(dispatcher, scene.settled(2)))
    failed = next(outcome for outcome in scene.outcomes if outcome.decision == "dec-1")
    assert (failed.status, failed.detail) == ("failed", "internal fault (KeyError)")
    assert "test_dispatcher.py" in next(line["fault"] for line in logs if line["event"] == "page_fault")


def test_looking_may_fail_now_and_then() -> None:
    scene, team, looks = Scene(page(1)), RecordingNotifier(), list[int]()

    def pending() -> list[Decision]:
        looks.append(1)
        if len(looks) < 3:
            raise OSError("not now")
        return scene.pending()

    asyncio.run(running(scene.dispatcher({"team": team}, pending=pending), scene.settled(1)))
    assert names(team.messages) == ["dec-1"]


def test_waits_double_up_to_a_minute_and_are_the_same_in_every_run() -> None:
    retry = Retry()
    waits = [retry.delay("dec-1", tries) for tries in range(1, 100)]
    assert waits == [retry.delay("dec-1", tries) for tries in range(1, 100)]
    for tries, wait in enumerate(waits):
        nominal = min(60.0, 2.0**tries)
        assert 0.75 * nominal <= wait <= nominal
    assert len({retry.delay(f"dec-{n}", 10) for n in range(50)}) == 50


@pytest.mark.parametrize("receiver", ["payments-oncall", "nobody-any-more"])
def test_with_the_engine_outcomes_end_what_is_pending_and_show_as_deliveries(receiver: str) -> None:
    t = Timeline(SHOP, routes=f"routes: [{{match: {{team: [payments]}}, receiver: {receiver}}}]")
    t.push(5, alert("payments", starts=0))
    t.push(5, alert("mailer", "MailStuck", starts=0))
    t.wait(120)
    team, engine = RecordingNotifier(), t.engine
    scene = Scene()

    def document(incident_id: str) -> Document | None:
        incident = engine.incident(incident_id)
        return incident_document(engine.world, incident) if incident else None

    def pages() -> list[Decision]:
        return [one for one in engine.state.pending.values() if one.kind == "notify"]

    def fold(draft: Draft) -> Awaitable[int]:
        t.seq += 1
        engine.apply(Record(t.seq, t.now + 120_000, draft.kind, draft.source, draft.payload))
        return scene.append(draft)

    dispatcher = scene.dispatcher(
        {"payments-oncall": team},
        pending=pages,
        document=document,
        append=fold,
    )
    asyncio.run(running(dispatcher, lambda: not pages()))
    delivered = receiver == "payments-oncall"
    shown = [d for incident in engine.state.incidents.values() for d in incident.deliveries]
    assert sorted((d.status, d.receiver) for d in shown) == sorted(
        [("delivered" if delivered else "failed", receiver), ("no_receiver", "")]
    )
    assert [message.text.split("\n")[0] for message in team.messages] == (
        ["P1 payments: HighErrorRatio"] if delivered else []
    )


def test_a_receiver_that_is_added_gets_pages_and_one_that_is_left_out_those_of_before() -> None:
    scene, old, new = Scene(), RecordingNotifier(), RecordingNotifier()
    dispatcher = scene.dispatcher({"old": old})

    async def through() -> None:
        task = asyncio.create_task(dispatcher.run())
        scene.decisions.append(page(1, "old"))
        await eventually(scene.settled(1))
        dispatcher.take({"new": new})
        scene.decisions += [page(2, "new", "INC-2"), page(3, "old", "INC-3")]
        await eventually(scene.settled(3))
        await cancelled(task)

    asyncio.run(through())
    assert names(new.messages) == ["dec-2"]
    assert names(old.messages) == ["dec-1", "dec-3"]
    assert {status for _, status, _ in scene.statuses} == {"delivered"}


def test_a_receiver_whose_address_changed_is_reached_at_the_new_one() -> None:
    scene, before, after = Scene(), RecordingNotifier(), RecordingNotifier()
    dispatcher = scene.dispatcher({"team": before})
    dispatcher.take({"team": after})
    scene.decisions.append(page(1))
    asyncio.run(running(dispatcher, scene.settled(1)))
    assert (names(before.messages), names(after.messages)) == ([], ["dec-1"])
    assert dispatcher.counts["team"].delivered == 1
