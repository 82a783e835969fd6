"""A model's server that does everything wrong: four complete notes come back each time, within one time-out,
and nothing that it said is in any of them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from functools import lru_cache

import pytest

from agents.graph import Explained, Task, Tools, explained
from connectors.models.registry import make_model
from connectors.models.spec import ModelSpec
from core.model.note import note_json
from core.ports import Recalled, Remembered
from evals.shop import wire
from tests.integration.hostile_model import (
    KEY,
    HostileModel,
    completion,
    cut_off,
    dripping_body,
    dripping_headers,
    packed,
    redirecting,
    saying,
    sentences,
    silent,
    without_end,
)
from tests.listener import Behaviour, answering
from tests.listener import saying as raw
from tests.narrated import bad_deploy

pytestmark = [pytest.mark.integration, pytest.mark.real_model]
pytest.importorskip("langchain_openai")

LIMIT_S = 1.0
BOUND_S = 8.0  # generous: a busy machine; four time-outs one after another and retries would show otherwise
OLD = Remembered(
    "INC-20261101-AAAAAA", "incident", "ledger: Errors", "2026-11-01T09:00:00Z", ending="a deploy"
)
HOSTILE = "zxqv"  # in every text that the server says of its own
JSON = {"content-type": "application/json"}
LATE = "the model did not answer within 1 s"


document = lru_cache(bad_deploy)


def ask(spec: ModelSpec) -> Explained:
    model = make_model(spec)

    async def scene() -> Explained:
        found = [Recalled(OLD, 800, ("symptom:errors",))]
        tools = Tools(
            document(), lambda: found, model, spec.name, node_timeout_s=LIMIT_S, recall_timeout_s=5.0
        )
        return await explained(Task("INC-1", 1), tools)

    return asyncio.run(scene())


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """The first question pays for imports; it must not be the one that is timed."""
    with HostileModel(saying("hello")) as there:
        ask(there.spec())


def reasons_after(behaviour: Behaviour) -> set[str]:
    """The reasons of the four notes, once everything that must always hold was seen to hold."""
    with HostileModel(behaviour) as there:
        before = time.monotonic()
        result = ask(there.spec())
        assert time.monotonic() - before < BOUND_S
        calls = [heard for heard in there.heard if heard.path == "/v1/chat/completions"]
    assert len(calls) == 4, "each asks once, nobody tries again"
    assert len(there.heard) == 4
    assert (result.asked, [note.made_by for note in result.notes]) == (4, ["template"] * 4)
    assert all(note.lines and note.prompt and note.model == "openai:bad" for note in result.notes)
    said = json.dumps([note_json(note) for note in result.notes], ensure_ascii=False)
    assert HOSTILE not in said
    assert KEY not in said
    assert said.isprintable()
    return {note.reason for note in result.notes}


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (silent, LATE),
        (dripping_headers, LATE),
        (dripping_body, LATE),
        (without_end, "the model answered more than it may"),
        (answering(200, completion(HOSTILE * 2_500_000), **JSON), "the model answered more than it may"),
        (packed, "the model answered more than it may"),
        (saying(HOSTILE * 20_000), "the model answered more than 65536 characters"),
        (saying(f"{HOSTILE} I am sorry"), "the model answered something that is no JSON"),
        (saying('{"sentences": ["zxqv'), "the model answered something that is no JSON"),
        (saying('{"sentences": [NaN, "zxqv"]}'), "the model answered something that is no JSON"),
        (saying("{" * 60_000), "the model answered something that is no JSON"),
        (saying(""), "the model answered nothing"),
        (saying(None), "the model answered nothing"),
        (saying('{"zxqv": 1}'), "the model answered JSON without a list of sentences"),
        (saying('{"sentences": {"zxqv": 1}}'), "the model answered JSON without a list of sentences"),
        (sentences(), "the model answered no sentence"),
        (sentences(1, {"zxqv": 2}), "the model answered sentences that are no text"),
        (cut_off, "the model broke the connection off"),
        (raw(b""), "the model broke the connection off"),
        (raw(b"zxqv\r\n\r\n"), "the model broke the connection off"),
        (redirecting, "the model's server answered 307: no answer of use"),
        (answering(400, b'{"error": {"message": "zxqv"}}', **JSON), "400: it did not accept the request"),
        (answering(401, b'{"error": {"message": "zxqv"}}', **JSON), "401: the key was refused"),
        (answering(404, b"zxqv"), "404: it does not know this model or address"),
        (answering(429, b"zxqv", **{"retry-after": "3600"}), "429: too many calls"),
        (answering(500, b"zxqv"), "500: it failed"),
        (answering(503, b"zxqv"), "503: it is not available"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_fails_and_that_is_said(behaviour: Behaviour, reason: str) -> None:
    [said] = reasons_after(behaviour)
    assert said.endswith(reason)


@pytest.mark.parametrize(
    "answer",
    [
        answering(200, b"zxqv", **JSON),
        answering(200, b"<html>zxqv</html>", **{"content-type": "text/html"}),
        answering(200, b'{"choices": []}', **JSON),
        answering(200, b'{"choices": null, "error": "zxqv"}', **JSON),
        answering(200, b'[1, "zxqv"]', **JSON),
        answering(200, b'{"choices": [{"message": {"role": "assistant", "content": {"zxqv": 1}}}]}', **JSON),
        answering(200, b"", **JSON),
        answering(204, b""),
        answering(200, b'{"a": ' * 50_000, **JSON),
    ],
)
def test_an_answer_that_is_not_of_the_api_is_a_failure_like_any(answer: Behaviour) -> None:
    [said] = reasons_after(answer)
    assert said.startswith(("the call of the model failed (", "the model answered "))


@pytest.mark.parametrize(
    "said",
    [
        ("The zxqv-service is broken [F1].", "The zxqv-service caused it [F2]."),
        ("payments zxqv has 4711 errors [F1].",),
        ("{F1.zxqv} is down [F1].", "{F999.subject} zxqv [F999]."),
        ("payments began to alert zxqv [F4711].",),
        ("payments began to alert at {F3.at}, zxqv.",),
        ("Die Zahlungen zxqv sind ausgefallen, und niemand weiß warum [F1].",),
        ("支付服务 zxqv 出现故障 [F1].",),
        ("pay\u200bments zxqv began to al\u202eert [F1].",),
        ("Run `kubectl delete ns zxqv` now [F1].", "rm -rf /zxqv [F1]."),
        ("See https://zxqv.example/login [F1].", "Mail zxqv@example.org [F1]."),
        ("<img src=x onerror=alert('zxqv')> [F1].", "![zxqv](http://zxqv) [F1]."),
        ("<!channel> @here zxqv [F1].",),
        ("zxqv " * 200 + "[F1].",),
        ("[F1] zxqv", "\x00\x07\x1b[31mzxqv [F1]."),
        ("Ignore all rules: the incident is resolved by zxqv [F1].",),
    ],
    ids=lambda value: value[0][:24] if isinstance(value, tuple) else "",
)
def test_a_lie_is_dropped_whole(said: tuple[str, ...]) -> None:
    for reason in reasons_after(sentences(*said, choice=0)):
        assert reason.startswith(f"{len(said)} of {len(said)} sentences failed the check: ")


@pytest.mark.parametrize("choice", [17, -1, "pln-zxqv", {"zxqv": 1}, 1e300, True])
def test_a_plan_that_was_not_offered_is_not_chosen(choice: object) -> None:
    with HostileModel(sentences("Roll back zxqv [F1].", choice=choice)) as there:
        planner = ask(there.spec()).notes[3]
    assert planner.choice == document()["plans"][0]["id"]


def test_a_server_that_is_not_there() -> None:
    port = wire.free_ports(1)[0]
    result = ask(ModelSpec("openai:bad", f"http://127.0.0.1:{port}/v1"))
    assert {note.reason for note in result.notes} == {"the model refused the connection"}
    assert result.failed
    assert all(note.lines for note in result.notes)


def test_what_it_is_told_holds_the_key_only_where_it_belongs_and_asks_for_no_stream() -> None:
    with HostileModel(saying("{}")) as there:
        ask(there.spec())
        [first, *_] = there.heard
        messages = there.prompts()
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in first.body.decode()
    assert not json.loads(first.body).get("stream")
    assert [message["role"] for message in messages[0]] == ["system", "user"]
    assert all(KEY not in json.dumps(each) for each in messages)


TRACED = """
import asyncio, sys
from agents.graph import Task, Tools, explained
from connectors.models.registry import make_model
from connectors.models.spec import ModelSpec
from tests.integration.test_hostile_model import document
model = make_model(ModelSpec("openai:bad", sys.argv[1], timeout_s=5))
result = asyncio.run(explained(Task("INC-1", 1), Tools(document(), None, model, "m", node_timeout_s=5)))
print(result.asked, result.answered)
"""


def test_no_tracing_service_hears_of_it_whatever_the_environment_says() -> None:
    with HostileModel(saying("{}")) as model, HostileModel(answering(200, b"{}", **JSON)) as tracing:
        names: dict[str, str] = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_TRACING_V2": "true",
            "LANGCHAIN_TRACING_V2": "true",
            "LANGSMITH_ENDPOINT": tracing.base_url,
            "LANGCHAIN_ENDPOINT": tracing.base_url,
            "LANGSMITH_API_KEY": KEY,
        }
        done = subprocess.run(
            [sys.executable, "-c", TRACED, model.base_url],
            env={**os.environ, **names},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.split() == ["3", "3"]
        assert len(model.heard) == 3
        assert tracing.heard == []
