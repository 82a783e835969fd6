"""Source flux: events of Flux about what it reconciles (Kustomization, HelmRelease).

A success with a revision is a deploy, and the end of the alert. An error is an alert, and, with a revision, a
deploy that failed. The service is the name of the object; Flux's own sources are not services.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.inbound.fields import Object, dig, document, first_text, ignored, labels, needed, text
from connectors.inbound.moments import instant
from connectors.inbound.signing import verify_signed_or_token
from connectors.inbound.source import Request
from core.errors import BodyError
from core.model.events import AlertEvent, ChangeEvent, ChangeState, Event, Parsed

name = "flux"
summary = "Flux's events: deploys, and reconciliations that fail"
kept: tuple[str, ...] = ()
proof = "HMAC-SHA256 of the body in X-Signature (provider generic-hmac); provider generic: a token"
_MEND = "Send the events of a provider of type generic-hmac or generic"
_DEPLOYED: dict[str, ChangeState] = {
    "ReconciliationSucceeded": "succeeded", "InstallSucceeded": "succeeded", "UpgradeSucceeded": "succeeded",
    "HealthCheckSucceeded": "succeeded", "TestSucceeded": "succeeded", "RollbackSucceeded": "rolled_back",
}  # fmt: skip
_KINDS = ("Kustomization", "HelmRelease", "ResourceSet", "Terraform")


def verify(request: Request, secrets: Sequence[str]) -> None:
    verify_signed_or_token(request, secrets, "x-signature", "sha256=")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    thing, level, reason = dig(content, "involvedObject"), text(content, "severity"), text(content, "reason")
    service = needed(text(thing, "name"), "involvedObject.name", _MEND)
    if level not in ("info", "error"):
        raise BodyError(f"{level!r} is no severity of an event", where="severity", mend=_MEND)
    state: ChangeState = "failed" if level == "error" else _DEPLOYED.get(reason, "")
    if not state:
        return ignored(f"Flux's event {reason!r}, which is no outcome")
    at = instant(content.get("timestamp")) or received_at
    change = _change(content, thing, service, state, at)
    alerts = _alerts(content, thing, service, at)
    events: list[Event] = [*alerts, *([change] if change else [])]
    return Parsed(tuple(events))


def _revision(content: Object) -> str:
    """Its key has the controller's name before it, or not: `helm.toolkit.fluxcd.io/revision`."""
    metadata = dig(content, "metadata")
    if not isinstance(metadata, dict):
        return ""
    keys = sorted(key for key in metadata if key.rpartition("/")[2] == "revision")
    return first_text(*(text(metadata, key) for key in keys))


def _place(content: Object) -> dict[str, str]:
    """What the Alert object adds by `eventMetadata`."""
    metadata = dig(content, "metadata")
    return labels(
        environment=first_text(text(metadata, "environment"), text(metadata, "env")),
        cluster=text(metadata, "cluster"),
    )


def _change(content: Object, thing: Any, service: str, state: ChangeState, at: int) -> ChangeEvent | None:
    revision = _revision(content)
    if not revision or text(thing, "kind") not in _KINDS:
        return None
    return ChangeEvent(
        kind="deploy", service=service, at=at, version=revision, state=state, told_at=at, index=2,
        ref=f"{_identifier(thing)}@{revision}", **_place(content),
    )  # fmt: skip


def _alerts(content: Object, thing: Any, service: str, at: int) -> tuple[AlertEvent, ...]:
    error = text(content, "severity") == "error"
    kind = first_text(text(thing, "kind"), "object")
    named = labels(
        alertname=f"Flux {kind} failed", service=service, namespace=text(thing, "namespace"),
        severity="high", **_place(content),
    )  # fmt: skip
    occurrence = f"{_identifier(thing)}@{_revision(content)}"
    words = labels(summary=text(content, "message"), reason=text(content, "reason"))
    if error:
        return (AlertEvent(named, "firing", 0, at, annotations=words, occurrence=occurrence),)
    # It ends the failure of its own revision, in whatever order the two come, and one of an earlier revision.
    return (
        AlertEvent(named, "resolved", 0, ends_at=at, annotations=words, occurrence=occurrence),
        AlertEvent(named, "resolved", 1, ends_at=at),
    )


def _identifier(thing: Any) -> str:
    return first_text(text(thing, "uid"), f"{text(thing, 'namespace')}/{text(thing, 'name')}")
