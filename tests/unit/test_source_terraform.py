"""Source terraform: applies are changes of infrastructure."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import terraform
from core.errors import BodyError
from core.model.events import ChangeEvent, Parsed
from tests.timeline import START
from tests.unit.sender_bodies import terraform as message


def parse(trigger: str, status: str, at: float = 5, **more: Any) -> Parsed:
    return terraform.parse({}, message(trigger, status, at, **more).payload, START + 90_000)


def only(trigger: str, status: str, at: float = 5) -> ChangeEvent:
    [found] = parse(trigger, status, at).events
    assert isinstance(found, ChangeEvent)
    return found


def test_an_apply_begins_and_ends() -> None:
    assert only("run:applying", "applying") == ChangeEvent(
        "infrastructure", "checkout", START + 5_000, version="run-FwnENkvDnrpyFC7M", author="ana",
        url="https://app.terraform.io/app/acme/checkout/runs/run-FwnENkvDnrpyFC7M",
        ref="run-FwnENkvDnrpyFC7M", state="started", told_at=START + 5_000,
    )  # fmt: skip
    assert only("run:completed", "applied").state == "succeeded"
    assert only("run:errored", "errored").state == "failed"
    assert only("run:applying", "").state == "started"


@pytest.mark.parametrize(
    ("trigger", "status"),
    [("run:created", "pending"), ("run:planning", "planning"), ("run:needs_attention", "planned"),
     ("run:completed", "planned_and_finished"), ("run:errored", "canceled"), ("assessment:drifted", "")],
)  # fmt: skip
def test_runs_that_change_nothing_are_ignored_by_name(trigger: str, status: str) -> None:
    assert trigger in parse(trigger, status).ignored


def test_the_verification_of_the_address_has_every_field_null() -> None:
    keys = ("run_url", "run_id", "run_message", "run_created_at", "workspace_name", "organization_name")
    notice = {
        "message": "Verification of test",
        "trigger": "verification",
        "run_status": None,
        "run_updated_at": None,
    }
    body = {"payload_version": 1, **dict.fromkeys(keys), "notifications": [notice]}
    assert terraform.parse({}, orjson.dumps(body), START).ignored == "the verification of this address"


@pytest.mark.parametrize("body", [{}, {"notifications": None}, {"notifications": "x"}])
def test_what_is_no_notification_is_refused(body: Any) -> None:
    with pytest.raises(BodyError):
        terraform.parse({}, orjson.dumps(body), START)


def test_a_run_of_no_workspace_is_refused() -> None:
    with pytest.raises(BodyError, match="missing"):
        parse("run:applying", "applying", workspace_name=None)
