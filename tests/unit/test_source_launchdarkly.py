"""Source launchdarkly: flags that were changed."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.inbound import launchdarkly
from core.model.events import ChangeEvent, Parsed
from tests.timeline import START
from tests.unit.sender_bodies import launchdarkly as message


def parse(*resource: str, **more: Any) -> Parsed:
    return launchdarkly.parse({}, message(*resource, **more).payload, START + 90_000)


def test_a_flag_that_was_changed_is_a_change_of_its_service() -> None:
    parsed = parse()
    assert parsed.delivery == "57c0a8e29969090743529965"
    assert parsed.events == (
        ChangeEvent(
            "flag", "checkout", START + 5_000, environment="production", author="ana@example.com",
            version="new-basket: turned on the flag", ref="57c0a8e29969090743529965", state="succeeded",
            told_at=START + 5_000,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    "version", [None, {}, {"tags": []}, {"tags": "service:x"}, {"tags": [7, "service:"]}]
)
def test_without_a_tag_the_project_is_the_service(version: Any) -> None:
    [event] = parse(currentVersion=version).events
    assert isinstance(event, ChangeEvent)
    assert event.service == "shop"


@pytest.mark.parametrize("tag", ["service:pay", "service.pay", "service. pay "])
def test_a_tag_names_the_service(tag: str) -> None:
    [event] = parse(currentVersion={"tags": ["zeta", tag, "services.x", "service-desk"]}).events
    assert isinstance(event, ChangeEvent)
    assert event.service == "pay"


def test_tags_of_a_resource_and_every_environment() -> None:
    [event] = parse("proj/shop;web:env/*:flag/new-basket;beta").events
    assert isinstance(event, ChangeEvent)
    assert (event.environment, event.version) == ("", "new-basket: turned on the flag")


def test_several_environments_are_several_changes() -> None:
    accesses = [
        {"action": "updateOn", "resource": f"proj/shop:env/{env}:flag/f"}
        for env in ("test", "production", "test")
    ]
    found = [event for event in parse(accesses=accesses).events if isinstance(event, ChangeEvent)]
    assert [(event.environment, event.index) for event in found] == [("test", 0), ("production", 1)]
    assert len({event.ref for event in found}) == 2


@pytest.mark.parametrize(
    "more",
    [{"kind": "environment"}, {"kind": ""}, {"accesses": []}, {"accesses": None},
     {"accesses": [{"action": "createMember", "resource": "member/1"}]}],
)  # fmt: skip
def test_what_is_no_flag_is_ignored(more: Any) -> None:
    parsed = parse(**more)
    assert parsed.events == ()
    assert "no flag" in parsed.ignored
