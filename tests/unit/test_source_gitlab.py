"""Source gitlab: which events are changes, and of what."""

from __future__ import annotations

import pytest

from connectors.inbound import gitlab
from core.errors import BodyError
from core.model.events import ChangeEvent, Parsed
from tests.timeline import START
from tests.unit import sender_bodies as bodies

NOW = START + 90_000


def parse(message: bodies.Message) -> Parsed:
    return gitlab.parse(message.headers, message.payload, NOW)


def only(message: bodies.Message) -> ChangeEvent:
    [event] = parse(message).events
    assert isinstance(event, ChangeEvent)
    return event


def test_a_deployment_has_a_ref_and_states() -> None:
    begun, done = only(bodies.gitlab_deployment("running", 3)), only(bodies.gitlab_deployment("success", 40))
    assert begun == ChangeEvent(
        "deploy", "checkout", START + 3_000, environment="production", version=bodies.SHA, author="ana",
        url="https://gitlab.example/shop/checkout/-/jobs/796", ref="shop/checkout/deployment/15",
        state="started", told_at=START + 3_000,
    )  # fmt: skip
    assert (done.ref, done.state, done.told_at) == (begun.ref, "succeeded", START + 40_000)
    assert "canceled" in parse(bodies.gitlab_deployment("canceled", 9)).ignored


def test_a_pipeline_counts_when_a_job_of_it_that_ran_deploys() -> None:
    failed = only(bodies.gitlab_pipeline("failed", 50))
    assert (failed.state, failed.environment, failed.at) == ("failed", "production", START + 30_000)
    assert failed.url == "https://gitlab.example/shop/checkout/-/pipelines/31"
    manual = {"stage": "deploy", "name": "production", "status": "manual"}
    tests = {"stage": "test", "name": "unit", "status": "success"}
    for builds in ([], [manual], [tests], [manual, tests], None, "x"):
        assert (
            "no job that ran deploys" in parse(bodies.gitlab_pipeline("success", 50, builds=builds)).ignored
        )


def test_a_merge_is_the_same_change_as_its_push_and_a_pushed_commit_may_be_old() -> None:
    pushed, merged = only(bodies.gitlab_push()), only(bodies.gitlab_merge())
    assert pushed.ref == merged.ref == f"shop/checkout@{bodies.SHA}"
    assert (pushed.kind, pushed.at, merged.at) == ("configuration", NOW, START + 4_000)


def test_a_tag_is_a_change_of_its_own() -> None:
    message = bodies.gitlab("tag_push", ref="refs/tags/v1.0", after=bodies.SHA, commits=[])
    assert (only(message).version, only(message).ref) == ("v1.0", f"shop/checkout/tag/v1.0@{bodies.SHA}")


def test_a_release_is_a_deploy() -> None:
    message = bodies.gitlab(
        "release", action="create", tag="v1.0", id=5, released_at="2026-03-02 08:01:00 UTC"
    )
    assert (only(message).kind, only(message).version, only(message).at) == ("deploy", "v1.0", START + 60_000)


def test_a_flag_that_is_switched_is_a_change_each_time() -> None:
    on = only(bodies.gitlab("feature_flag", object_attributes={"id": 6, "name": "basket", "active": True}))
    off = only(bodies.gitlab("feature_flag", object_attributes={"id": 6, "name": "basket", "active": False}))
    assert (on.kind, on.version, off.version, on.ref, on.at) == ("flag", "basket=on", "basket=off", "", NOW)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (bodies.gitlab_push(ref="refs/heads/topic"), "not to the default branch"),
        (bodies.gitlab_push(after="0" * 40), "deleted"),
        (bodies.gitlab_merge(action="open", state="opened"), "not just merged"),
        (bodies.gitlab_merge(target_branch="topic"), "not merged into the default branch"),
        (bodies.gitlab("release", action="delete", tag="v1"), "not just made"),
        (bodies.gitlab("note"), "'note'"),
        (bodies.gitlab(""), "no known kind"),
    ],
)
def test_what_changes_nothing_is_ignored_with_its_reason(message: bodies.Message, reason: str) -> None:
    parsed = parse(message)
    assert parsed.events == ()
    assert reason in parsed.ignored


def test_the_service_is_the_last_part_of_the_path_or_the_name() -> None:
    named = bodies.gitlab("push", project={**bodies.PROJECT, "path_with_namespace": "a/b/c"})
    assert (
        only(
            bodies.Message("gitlab", {**bodies.gitlab_push().body, "project": named.body["project"]})
        ).service
        == "c"
    )
    with pytest.raises(BodyError, match="missing"):
        parse(bodies.Message("gitlab", {**bodies.gitlab_push().body, "project": {"default_branch": "main"}}))


def test_a_delivery_has_an_id() -> None:
    assert parse(bodies.gitlab("note", delivery="f5e5f430")).delivery == "f5e5f430"
    assert gitlab.parse({"webhook-id": "w1"}, bodies.gitlab_push().payload, NOW).delivery == "w1"
