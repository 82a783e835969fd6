"""Sources and bodies of no sender: whatever comes, a parser makes events of it, ignores it, or refuses it."""

from __future__ import annotations

import copy
import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.inbound.registry import SOURCES
from core.errors import BodyError
from core.model.events import CHANGE_KINDS, AlertEvent, ChangeEvent, Parsed
from tests.unit.sender_bodies import STORIES, Message

NOW = 1_795_226_400_000
OURS = (
    "grafana", "sns", "github", "gitlab", "pagerduty", "sentry", "terraform", "launchdarkly", "langfuse",
    "incident_io", "jira", "flux",
)  # fmt: skip
LEVELS = {"critical", "high", "warning", "info", "low"}
MESSAGES = [message for story in STORIES.values() for message in story]
HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1e308, 2**63, "", " ", "x", "0", "-1", "null", "\u0000", "\ud83d", "\uff19",
    "é" * 5_000,
    "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+23:59", "0001-01-01T00:00:00+23:59",
    "javascript:alert(1)", "http://[", "https://user@host:99999/", "//x", [], [None], [[[]]], [1, "a"], {},
    {"": ""}, {"id": {}}, {"name": []}, "proj/::;;//", "arn:::::::", "refs/heads/", "{", "[" * 500,
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def look(name: str, body: bytes, headers: dict[str, str] | None = None) -> None:
    """Parse, and check what the engine relies on."""
    try:
        parsed = SOURCES[name].parse(headers or {}, body, NOW)
    except BodyError as error:
        refusal: BodyError | None = error
        parsed = Parsed(())
    else:
        refusal = None
    if refusal is not None:
        assert refusal.what
        assert refusal.mend
        return
    assert parsed.events or parsed.ignored or parsed.problems
    assert not (parsed.events and parsed.ignored)
    assert len({event.index for event in parsed.events}) == len(parsed.events)
    for event in parsed.events:
        if isinstance(event, AlertEvent):
            look_at_alert(name, event)
        else:
            assert isinstance(event, ChangeEvent)
            look_at_change(event)


def look_at_alert(name: str, alert: AlertEvent) -> None:
    assert alert.status in ("firing", "resolved")
    texts = {**alert.labels, **alert.annotations}
    assert all(isinstance(item, str) for pair in texts.items() for item in pair)
    if name != "grafana":
        assert alert.labels["alertname"]
        assert all(alert.labels.values())
        assert alert.labels.get("severity", "low") in LEVELS
    assert set(alert.identity) <= {"alertname", "service", "issue", "account", *alert.labels}
    assert alert.generator_url == "" or alert.generator_url.lower().startswith(("http://", "https://"))
    for at in (alert.starts_at, alert.ends_at):
        assert at is None or isinstance(at, int)


def look_at_change(change: ChangeEvent) -> None:
    assert change.kind in CHANGE_KINDS
    assert change.service
    assert change.state in ("", "started", "succeeded", "failed", "rolled_back")
    assert isinstance(change.at, int)
    assert isinstance(change.told_at, int)
    assert change.url == "" or change.url.lower().startswith(("http://", "https://"))
    fields = (change.service, change.environment, change.version, change.author, change.ref)
    assert all(isinstance(item, str) for item in fields)


@given(JSON | st.binary())
def test_any_json_and_any_bytes(value: Any) -> None:
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    for name in OURS:
        look(name, body)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [place for key, item in steps for place in places(item, (*path, key))]
    return [path, *inner] if path else inner


def mutated(body: dict[str, Any], place: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    if value is KeyError:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return changed


def dumped(value: Any) -> bytes:
    """JSON as a hostile sender writes it: lone surrogates and huge numbers too."""
    import json

    return json.dumps(value).encode("ascii")


@pytest.mark.parametrize("message", MESSAGES, ids=[f"{m.source}-{n}" for n, m in enumerate(MESSAGES)])
def test_every_field_of_a_genuine_body_turned_hostile(message: Message) -> None:
    for place in places(message.body):
        for value in [KeyError, *HOSTILE]:
            body = dumped(mutated(message.body, place, value))
            look(message.source, body)
            look(message.source, body, dict(message.headers))


@given(st.sampled_from(MESSAGES), st.randoms(use_true_random=False), JSON)
@settings(max_examples=200)
def test_several_fields_at_once(message: Message, dice: random.Random, value: Any) -> None:
    body = message.body
    for _ in range(3):
        if found := places(body):
            body = mutated(body, dice.choice(found), dice.choice([value, KeyError, *HOSTILE]))
    look(message.source, dumped(body), dict(message.headers))


@pytest.mark.parametrize("name", OURS)
def test_headers_are_hostile_too(name: str) -> None:
    genuine = next(message for message in MESSAGES if message.source == name)
    for key in SOURCES[name].kept:
        for value in ("", "x", "\x00", "é", "9" * 400, "a,b"):
            look(name, genuine.payload, {**genuine.headers, key: value})


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(
    "body", [b"", b" ", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}', b"[" * 100_000, b"\xef\xbb\xbf{}"]
)
def test_bodies_that_are_no_object_are_refused(name: str, body: bytes) -> None:
    with pytest.raises(BodyError):
        SOURCES[name].parse({}, body, NOW)


@pytest.mark.parametrize("name", OURS)
def test_a_source_says_what_it_is(name: str) -> None:
    source = SOURCES[name]
    assert source.name == name
    assert source.summary
    assert not source.summary.endswith(".")
    assert source.proof
    assert all(key == key.lower() for key in source.kept)
    assert not {"authorization", "cookie", "x-gitlab-token"} & set(source.kept)
    assert not [key for key in source.kept if "signature" in key or "token" in key]
