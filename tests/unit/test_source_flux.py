"""Source flux: deploys, and reconciliations that fail."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import flux
from core.errors import BodyError
from core.journal import Draft
from core.model.events import AlertEvent, ChangeEvent
from tests.timeline import START, Timeline
from tests.unit.sender_bodies import flux as message


def parse(severity: str, reason: str, at: float = 5, **more: Any) -> Any:
    return flux.parse({}, message(severity, reason, at, **more).payload, START + 90_000)


def test_an_error_is_an_alert_and_a_deploy_that_failed() -> None:
    alert, change = parse("error", "HealthCheckFailed").events
    assert alert == AlertEvent(
        {
            "alertname": "Flux Kustomization failed", "service": "checkout", "namespace": "apps",
            "severity": "high",
        },
        "firing", 0, START + 5_000, annotations={"summary": "told", "reason": "HealthCheckFailed"},
        occurrence="7d0cdc51-ddcf@main@sha1:731f7ea",
    )  # fmt: skip
    assert change == ChangeEvent(
        "deploy", "checkout", START + 5_000, version="main@sha1:731f7ea", state="failed", index=2,
        ref="7d0cdc51-ddcf@main@sha1:731f7ea", told_at=START + 5_000,
    )  # fmt: skip


def test_a_success_is_a_deploy_and_the_end_of_the_alert() -> None:
    own, other, change = parse("info", "ReconciliationSucceeded").events
    assert (own.status, own.occurrence) == ("resolved", "7d0cdc51-ddcf@main@sha1:731f7ea")
    assert (other.status, other.occurrence, other.labels) == ("resolved", "", own.labels)
    assert (change.state, change.version) == ("succeeded", "main@sha1:731f7ea")


def test_a_later_revision_that_succeeds_ends_the_failure_of_an_earlier_one() -> None:
    t = Timeline()
    for at, (severity, reason, revision) in enumerate(
        [
            ("error", "BuildFailed", "a"),
            ("error", "BuildFailed", "a"),
            ("info", "ReconciliationSucceeded", "b"),
        ]
    ):
        t._append(at, Draft("ingest", "flux", message(severity, reason, at, revision).payload))
    assert [row["status"] for one in t.incidents() for row in one["alerts"]] == ["resolved"]


def test_the_revision_may_have_the_controllers_name_before_it() -> None:
    for metadata in ({"revision": "1.2.3"}, {"helm.toolkit.fluxcd.io/revision": "1.2.3"}):
        assert parse("info", "UpgradeSucceeded", metadata=metadata).events[-1].version == "1.2.3"


def test_a_rollback_is_told_as_one() -> None:
    assert parse("info", "RollbackSucceeded").events[-1].state == "rolled_back"


def test_without_a_revision_or_of_a_source_there_is_no_change() -> None:
    assert len(parse("info", "ReconciliationSucceeded", metadata=None).events) == 2
    source = {"kind": "GitRepository", "name": "shop", "namespace": "flux-system", "uid": "1"}
    [alert] = parse("error", "GitOperationFailed", involvedObject=source).events
    assert alert.labels["alertname"] == "Flux GitRepository failed"


def test_metadata_of_the_alert_object_says_where() -> None:
    metadata = {"revision": "1", "cluster": "blue", "env": "staging"}
    own, _, change = parse("info", "UpgradeSucceeded", metadata=metadata).events
    assert (own.labels["cluster"], own.labels["environment"]) == ("blue", "staging")
    assert (change.cluster, change.environment) == ("blue", "staging")


@pytest.mark.parametrize(
    "reason", ["Progressing", "ArtifactUpToDate", "NewArtifact", "DependencyNotReady", ""]
)
def test_news_that_are_no_outcome_are_ignored(reason: str) -> None:
    assert repr(reason) in parse("info", reason).ignored


@pytest.mark.parametrize(
    "more", [{"severity": "trace"}, {"severity": None}, {"involvedObject": {}}, {"involvedObject": None}]
)
def test_what_is_no_event_is_refused(more: Any) -> None:
    body = {**message("info", "ReconciliationSucceeded", 5).body, **more}
    with pytest.raises(BodyError):
        flux.parse({}, orjson.dumps(body), START)
