"""Source terraform: notifications of HCP Terraform and Terraform Enterprise about the runs of a workspace.

An apply is a change of infrastructure to the service that the workspace is named after. The message with
which an address is verified has every field null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.inbound.fields import Object, dig, document, ignored, link, needed, objects, text
from connectors.inbound.moments import instant
from connectors.inbound.signing import verify_hex
from connectors.inbound.source import Request
from core.errors import BodyError
from core.model.events import ChangeEvent, ChangeState, Parsed

name = "terraform"
summary = "HCP Terraform's runs"
kept: tuple[str, ...] = ()
proof = "HMAC-SHA512 of the body in X-TFE-Notification-Signature"
_MEND = "Send the notifications of a workspace, of type webhook"
_STATES: dict[str, ChangeState] = {
    "run:applying": "started", "run:completed": "succeeded", "run:errored": "failed",
}  # fmt: skip
_STATUSES: dict[str, ChangeState] = {"applying": "started", "applied": "succeeded", "errored": "failed"}


def verify(request: Request, secrets: Sequence[str]) -> None:
    verify_hex(request, secrets, "x-tfe-notification-signature", algorithm="sha512")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    told = content.get("notifications")
    if not isinstance(told, list):
        raise BodyError("there are no `notifications`", where="notifications", mend=_MEND)
    workspace, run = text(content, "workspace_name"), text(content, "run_id")
    notices = objects(told)
    if any(text(notice, "trigger") == "verification" for notice in notices) or not (workspace or run):
        return ignored("the verification of this address")
    notice = next((notice for notice in notices if _state(notice)), None)
    if notice is None:
        triggers = ", ".join(text(notice, "trigger") for notice in notices) or "nothing"
        return ignored(f"notifications of {triggers}, which changes nothing yet")
    return Parsed((_change(content, notice, received_at),))


def _state(notice: Any) -> ChangeState:
    """By the run's status: a run completes without an apply when its plan holds no changes."""
    status = text(notice, "run_status")
    return _STATUSES.get(status, "") if status else _STATES.get(text(notice, "trigger"), "")


def _change(content: Object, notice: Object, received_at: int) -> ChangeEvent:
    run = needed(text(content, "run_id"), "run_id", _MEND)
    told = instant(dig(notice, "run_updated_at"))
    return ChangeEvent(
        kind="infrastructure",
        service=needed(text(content, "workspace_name"), "workspace_name", _MEND),
        at=told or instant(content.get("run_created_at")) or received_at,
        version=run,
        author=text(notice, "run_updated_by") or text(content, "run_created_by"),
        url=link(content.get("run_url")),
        ref=run,
        state=_state(notice),
        told_at=told or 0,
    )
