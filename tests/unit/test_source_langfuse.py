"""Source langfuse: versions of prompts that a label points to."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import langfuse
from core.errors import BodyError
from core.model.events import ChangeEvent, Parsed
from tests.timeline import START
from tests.unit.sender_bodies import langfuse as message


def parse(action: str = "updated", labels: tuple[str, ...] = ("production", "latest"), **more: Any) -> Parsed:
    return langfuse.parse({}, message(action, labels, **more).payload, START + 90_000)


def test_a_label_that_moves_is_a_change_of_configuration() -> None:
    parsed = parse()
    assert parsed.events == (
        ChangeEvent(
            "configuration", "checkout", START + 5_000, environment="production", version="3",
            ref="updated-production-latest", state="succeeded", told_at=START + 5_000,
        ),
    )  # fmt: skip
    assert parsed.delivery == "updated-production-latest"


@pytest.mark.parametrize("labels", [(), ("latest",), ("",)])
def test_a_version_that_runs_nowhere_is_ignored(labels: tuple[str, ...]) -> None:
    assert "no label points" in parse(labels=labels).ignored


def test_two_labels_are_two_changes() -> None:
    found = [
        event for event in parse(labels=("staging", "production")).events if isinstance(event, ChangeEvent)
    ]
    assert [event.environment for event in found] == ["staging", "production"]
    assert len({event.ref for event in found}) == 2


def test_a_version_that_was_deleted_is_a_change_too() -> None:
    assert len(parse("deleted").events) == 1


@pytest.mark.parametrize("body", [{}, {"type": "trace"}, {"type": None}])
def test_other_events_are_ignored(body: Any) -> None:
    assert "no change of a prompt" in langfuse.parse({}, orjson.dumps(body), START).ignored


@pytest.mark.parametrize("more", [{"action": "x"}, {"prompt": None}, {"prompt": {"labels": ["production"]}}])
def test_a_prompt_without_a_name_or_an_action_is_refused(more: Any) -> None:
    with pytest.raises(BodyError):
        langfuse.parse({}, orjson.dumps({**message().body, **more}), START)
