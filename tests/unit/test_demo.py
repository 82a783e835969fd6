"""The demo's clock, and in which order and at what times of that clock recordings are sent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from core.rules.loader import parse_rules
from core.times import DAY, HOUR, MINUTE, SECOND, parse_rfc3339
from watchkeeper.clock import DemoClock, SystemClock
from watchkeeper.demo import (
    ENDED_AGO,
    MARGIN,
    QUIET,
    SPEED,
    START_AGO,
    demo_clock,
    play_cases,
    play_demo,
    read_steps,
)
from watchkeeper.files import builtin_rules, demo_cases

START = 1_795_000_000_000


class Hands:
    """A real clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at


def test_the_clock_begins_in_the_past_runs_fast_and_lands_on_real_time() -> None:
    real = Hands()
    clock = DemoClock(190 * SECOND, 20, real)
    assert clock.now() == START - 190 * SECOND
    real.at += SECOND
    assert clock.now() == START - 170 * SECOND
    real.at = START + 9 * SECOND
    assert clock.now() == real.at - 19 * SECOND
    real.at = START + 10 * SECOND
    assert clock.now() == real.at
    real.at += 1
    assert clock.now() == real.at
    real.at += DAY
    assert clock.now() == real.at


@pytest.mark.parametrize("ago", [2 * DAY, HOUR, 0])
def test_what_begins_after_a_skip_ends_as_long_ago_as_was_asked(ago: int) -> None:
    real = Hands()
    clock = DemoClock(3 * DAY, 20, real)
    real.at += 5 * SECOND
    begin = clock.skip(200 * SECOND, ago)
    assert clock.now() == begin == real.at + 10 * SECOND - 200 * SECOND - ago
    real.at += 10 * SECOND
    assert clock.now() == begin + 200 * SECOND == real.at - ago


def test_a_skip_to_what_is_past_stays() -> None:
    clock = DemoClock(HOUR, 20, Hands())
    assert clock.skip(MINUTE, DAY) == START - HOUR


def test_a_real_clock_that_is_set_back_does_not_take_this_one_along() -> None:
    real = Hands()
    clock = DemoClock(0, 20, real)
    real.at -= MINUTE
    assert clock.now() == START
    real.at = START + 1
    assert clock.now() == START + 1


MOVES = st.one_of(
    st.tuples(st.just("pass"), st.integers(-HOUR, DAY), st.just(0)),
    st.tuples(st.just("skip"), st.integers(0, HOUR), st.integers(0, 4 * DAY)),
)


@given(st.integers(0, 5 * DAY), st.integers(1, 500), st.lists(MOVES, max_size=20))
def test_whatever_happens_it_never_goes_back_nor_ahead(
    ago: int, speed: int, moves: list[tuple[str, int, int]]
) -> None:
    real = Hands()
    clock = DemoClock(ago, speed, real)
    latest_real, before = real.at, clock.now()
    for what, first, second in moves:
        if what == "pass":
            real.at += first
        else:
            clock.skip(first, second)
        latest_real = max(latest_real, real.at)
        now = clock.now()
        assert before <= now <= latest_real
        before = now


class Sent:
    """A server that notes what it is sent and when, by the demo's clock; nothing is ever open in it."""

    def __init__(self, clock: DemoClock) -> None:
        self.clock = clock
        self.bodies: list[tuple[int, str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.bodies.append((self.clock.now(), request.url.path, json.loads(request.content)))
            return httpx.Response(202)
        return httpx.Response(200, json={"incidents": [], "engine_lag_records": 0})

    async def play(self, cases: list[Path]) -> None:
        transport = httpx.MockTransport(self)
        async with httpx.AsyncClient(base_url="http://demo", transport=transport) as client:
            await play_cases(client, self.clock, cases)


@pytest.fixture(scope="module")
def sent() -> Sent:
    sent = Sent(demo_clock(speed=1_000))
    asyncio.run(sent.play(demo_cases()))
    return sent


class Slow(Sent):
    """After each body, an incident is open in it until it was asked three times."""

    def __init__(self, clock: DemoClock) -> None:
        super().__init__(clock)
        self.questions = 0
        self.open_when_sent: list[bool] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.open_when_sent.append(self.questions > 0)
            self.questions = 3
        elif request.url.params.get("status") == "open":
            self.questions -= 1
            rows = [{"id": "INC-1"}] if self.questions > 0 else []
            return httpx.Response(200, json={"incidents": rows})
        return super().__call__(request)


def test_a_case_begins_only_when_what_the_one_before_opened_is_over() -> None:
    slow = Slow(demo_clock(speed=1_000))
    asyncio.run(slow.play(demo_cases()))
    first_of_each = [sum(len(read_steps(case)) for case in demo_cases()[:n]) for n in range(4)]
    assert [slow.open_when_sent[number] for number in first_of_each] == [False] * 4
    assert slow.open_when_sent[1] is True


def by_case(sent: Sent) -> list[list[tuple[int, str, Any]]]:
    found, bodies = [], list(sent.bodies)
    for case in demo_cases():
        count = len(read_steps(case))
        found.append(bodies[:count])
        del bodies[:count]
    assert not bodies
    return found


def test_every_body_of_every_case_is_sent_in_order_to_where_it_belongs(sent: Sent) -> None:
    wanted = [step.path for case in demo_cases() for step in read_steps(case)]
    assert [path for _, path, _ in sent.bodies] == wanted
    assert {"/api/v2/alerts", "/v1/ingest/alertmanager", "/v1/ingest/change"} == set(wanted)
    assert [at for at, _, _ in sent.bodies] == sorted(at for at, _, _ in sent.bodies)


def test_no_body_is_sent_before_its_time(sent: Sent) -> None:
    for case, played in zip(demo_cases(), by_case(sent), strict=True):
        steps = read_steps(case)
        begin = parse_rfc3339(played[0][2]["at"]) - parse_rfc3339(steps[0].body["at"])
        for step, (at, _, _) in zip(steps, played, strict=True):
            assert at >= begin + step.after


def test_no_body_speaks_of_what_has_not_happened_yet(sent: Sent) -> None:
    for at, path, body in sent.bodies:
        alerts = body if path == "/api/v2/alerts" else body.get("alerts", [])
        assert all(parse_rfc3339(alert["startsAt"]) <= at for alert in alerts)


def test_days_lie_between_the_cases_and_the_last_one_ends_now(sent: Sent) -> None:
    now = SystemClock().now()
    assert now <= sent.clock.now() <= SystemClock().now()
    starts = [played[0][0] for played in by_case(sent)]
    assert starts[1] - starts[0] > DAY
    assert starts[2] - starts[1] > 12 * HOUR
    assert starts[3] - starts[2] > 2 * HOUR


def test_the_first_incident_is_over_and_closed_before_the_second_begins() -> None:
    rules = parse_rules(builtin_rules()).lifecycle
    first, second, third, last = ENDED_AGO
    assert rules.clear_after < QUIET
    assert first - second - MARGIN > rules.clear_after + rules.close_after + rules.reopen_window
    assert min(second - third, third - last) - MARGIN > rules.clear_after + rules.reopen_window
    assert first < START_AGO


def test_the_first_alert_comes_within_five_seconds() -> None:
    first = next(step for step in read_steps(demo_cases()[0]) if "alerts" in step.body)
    assert first.after / SPEED < 5 * SECOND


def test_the_demos_cases_share_one_catalogue() -> None:
    texts = {(case / "catalog.yaml").read_text() for case in demo_cases()}
    assert len(texts) == 1


def test_a_server_that_is_gone_ends_the_demo_quietly() -> None:
    with structlog.testing.capture_logs() as logs:
        # Nothing listens on the discard port.
        asyncio.run(play_demo(demo_cases(), "http://127.0.0.1:9", demo_clock()))
    assert [(line["event"], line["reason"]) for line in logs] == [("demo_ended_early", "ConnectError")]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_says_which_case_is_played(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    asyncio.run(Sent(demo_clock(speed=1_000)).play(demo_cases()))
    said = capsys.readouterr().out
    lines = said.splitlines() if not terminal else said.split("\n")[:-1]
    assert len(lines) == (4 if terminal else 8)
    for number, case in enumerate(demo_cases(), 1):
        last = lines[number - 1].split("\r")[-1] if terminal else lines[2 * number - 1]
        assert last.startswith(f"demo {number}/4 {case.name}")
        assert "[##############################]" in last
