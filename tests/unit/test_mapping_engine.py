"""What the engine ends up with from mapped bodies: the same, in whatever order and however often told."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.timeline import START as TOLD_START
from tests.told import Told
from tests.unit import test_mapping_clouds as clouds
from tests.unit.test_mapping_clouds import azure, ecs, endpoint, gcp, newrelic, opsgenie, read

# The bodies begin at `clouds.START`; they arrive a little later.
ARRIVES = (clouds.START - TOLD_START) / 1_000 + 60
STORIES: list[tuple[str, list[Any]]] = [
    (
        "newrelic",
        [newrelic("CREATED", "HIGH"), newrelic("ACTIVATED", "CRITICAL"), newrelic("CLOSED", "CRITICAL")],
    ),
    (
        "opsgenie",
        [opsgenie("Create"), opsgenie("Create"), opsgenie("Close", priority="P1", updatedAt=clouds.START)],
    ),
    ("gcp_monitoring", [gcp("open"), gcp("closed", ended_at=clouds.START // 1_000), gcp("open")]),
    ("azure_monitor", [azure("Fired"), azure("Resolved", resolvedDateTime=clouds.T), azure("Fired")]),
]


def told(name: str, bodies: Any) -> Told:
    fold = Told()
    for place, body in enumerate(bodies):
        fold.tell(ARRIVES + 10 * place, *read(name, body).events, source=name)
    return fold


@pytest.mark.parametrize(("name", "bodies"), STORIES, ids=[name for name, _ in STORIES])
def test_the_order_of_tellings_makes_no_difference(name: str, bodies: list[Any]) -> None:
    found = set()
    for order in permutations(bodies):
        [incident] = told(name, order).incidents()
        [row] = incident["alerts"]
        found.add((row["fingerprint"], row["status"], row["starts_at"], row["labels"].get("severity")))
    [(_, status, _, _)] = found
    assert status == "resolved"


def test_a_service_of_ecs_that_is_impaired_again_and_then_steady_was_one_firing() -> None:
    bad = [ecs("SERVICE_TASK_START_IMPAIRED", "WARN"), ecs("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR")]
    fold = told("eventbridge", [*bad, *bad])
    [incident] = fold.incidents()
    assert [(row["status"], row["labels"]["severity"]) for row in incident["alerts"]] == [("firing", "high")]
    fold.tell(
        ARRIVES + 100, *read("eventbridge", ecs("SERVICE_STEADY_STATE", "INFO")).events, source="eventbridge"
    )
    [incident] = fold.incidents()
    assert [row["status"] for row in incident["alerts"]] == ["resolved"]


def test_a_steady_service_that_never_was_impaired_is_no_incident() -> None:
    assert told("eventbridge", [ecs("SERVICE_STEADY_STATE", "INFO")]).incidents() == []


def test_a_deployment_told_in_parts_is_one_change() -> None:
    for order in permutations([endpoint("UPDATING"), endpoint("IN_SERVICE")]):
        fold = told("eventbridge", order)
        assert len(fold.fold.engine.world.state.changes) == 1
