"""Source github: which events are changes, and of what."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.inbound import github
from core.errors import BodyError
from core.model.events import ChangeEvent, Parsed
from tests.timeline import START
from tests.unit import sender_bodies as bodies

NOW = START + 90_000


def parse(message: bodies.Message, *, bare: bool = False) -> Parsed:
    return github.parse({} if bare else message.headers, message.payload, NOW)


def only(message: bodies.Message) -> ChangeEvent:
    [event] = parse(message).events
    assert isinstance(event, ChangeEvent)
    return event


def test_a_deployment_begins_and_its_status_says_how_it_went() -> None:
    begun = only(bodies.github_deployment())
    assert begun == ChangeEvent(
        "deploy", "checkout", START, environment="production", version=bodies.SHA, author="ana",
        ref="shop/checkout/deployment/145988746", state="started", told_at=START,
    )  # fmt: skip
    done = only(bodies.github_deployment("success", 40))
    assert (done.ref, done.at, done.state, done.told_at) == (begun.ref, START, "succeeded", START + 40_000)
    assert done.url == "https://ci.example/1"


@pytest.mark.parametrize(
    ("state", "ours"),
    [("queued", "started"), ("in_progress", "started"), ("failure", "failed"), ("error", "failed")],
)
def test_states_of_a_deployment(state: str, ours: str) -> None:
    assert only(bodies.github_deployment(state, 3)).state == ours


def test_a_deployment_that_another_one_replaced_is_no_outcome() -> None:
    assert "inactive" in parse(bodies.github_deployment("inactive", 3)).ignored


def test_a_push_to_the_default_branch_is_a_change_of_configuration_at_its_own_time() -> None:
    pushed = only(bodies.github_push())
    assert (pushed.kind, pushed.version, pushed.state) == ("configuration", bodies.SHA, "succeeded")
    assert pushed.at == START + 5_000
    assert pushed.url == "https://github.com/shop/checkout/compare/a...b"


def test_a_merge_is_the_same_change_as_the_push_it_makes() -> None:
    assert only(bodies.github_merge()).ref == only(bodies.github_push()).ref == f"shop/checkout@{bodies.SHA}"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (bodies.github_push(ref="refs/heads/topic"), "not to the default branch"),
        (bodies.github_push(ref="refs/tags/v1"), "not to the default branch"),
        (bodies.github_push(deleted=True, after="0" * 40), "deleted"),
        (bodies.github_merge(merged=False), "not merged"),
        (bodies.github_merge(base={"ref": "topic"}), "not merged into the default branch"),
        (bodies.github("ping", {"zen": "x", "hook": {}}), "ping"),
        (bodies.github("issue_comment", {"action": "created"}), "issue_comment"),
        (bodies.github("release", {"action": "edited", "release": {"id": 1}}), "not just published"),
        (bodies.github_run("requested", None, 1), "has not begun"),
        (bodies.github_run("completed", "cancelled", 9), "cancelled"),
        (bodies.github_run("completed", "success", 9, event="pull_request"), "pull request"),
        (bodies.github_run("completed", "success", 9, name="Tests", path="a/tests.yml"), "do not say"),
        (bodies.github_run("completed", "success", 9, name="Undeployable", path="x"), "do not say"),
    ],
)
def test_what_changes_nothing_is_ignored_with_its_reason(message: bodies.Message, reason: str) -> None:
    parsed = parse(message)
    assert parsed.events == ()
    assert reason in parsed.ignored
    assert parsed.delivery == message.headers["x-github-delivery"]


def test_a_workflow_that_says_that_it_deploys_is_a_deploy() -> None:
    begun, failed = (
        only(bodies.github_run("in_progress", None, 2)),
        only(bodies.github_run("completed", "failure", 9)),
    )
    assert (begun.kind, begun.state, begun.at) == ("deploy", "started", START)
    assert (failed.state, failed.ref, failed.told_at) == ("failed", begun.ref, START + 9_000)
    again = only(bodies.github_run("completed", "success", 20, run_attempt=2))
    assert again.ref != begun.ref
    assert only(
        bodies.github_run("completed", "success", 9, name="x", path=".github/workflows/release.yml")
    ).ref


def test_a_release_is_a_deploy_of_its_tag() -> None:
    release = {"id": 7, "tag_name": "v2", "published_at": "2026-03-02T08:01:00Z", "author": {"login": "bo"}}
    event = only(bodies.github("release", {"action": "published", "release": release}))
    assert (event.kind, event.version, event.at, event.author) == ("deploy", "v2", START + 60_000, "bo")


def test_the_body_alone_tells_the_event() -> None:
    for message in (bodies.github_deployment(), bodies.github_deployment("success", 4), bodies.github_push()):
        assert parse(message, bare=True).events == parse(message).events
    assert parse(bodies.github("ping", {"zen": "x", "hook": {}}), bare=True).ignored == "GitHub's ping"


@pytest.mark.parametrize("repository", [None, {}, {"name": ""}, {"name": {}}, []])
def test_a_change_of_no_repository_is_refused(repository: Any) -> None:
    message = bodies.github("push", {**bodies.github_push().body, "repository": repository})
    with pytest.raises(BodyError, match="missing"):
        parse(message)
