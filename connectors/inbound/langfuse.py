"""Source langfuse: versions of prompts that get a label (Langfuse's prompt webhooks).

A prompt is configuration that runs where a label points to: each label but `latest` is an environment. When a
label moves two messages come; that of the version which lost it tells of no environment and is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.inbound.changes import in_each
from connectors.inbound.fields import document, first_text, ignored, needed, text
from connectors.inbound.moments import first_instant
from connectors.inbound.signing import verify_pairs
from connectors.inbound.source import Request
from core.errors import BodyError
from core.model.events import ChangeEvent, Parsed

name = "langfuse"
summary = "Langfuse's prompts"
kept: tuple[str, ...] = ()
proof = "HMAC-SHA256 over `timestamp.body` in x-langfuse-signature (t=…,v1=…)"
_MEND = "Send Langfuse's webhook of prompt versions"
_ACTIONS = ("created", "updated", "deleted")
_NO_PLACE = ("latest",)


def verify(request: Request, secrets: Sequence[str]) -> None:
    verify_pairs(request, secrets, "x-langfuse-signature")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    identifier, kind, prompt = text(content, "id"), text(content, "type"), content.get("prompt")
    if kind != "prompt-version":
        about = f"Langfuse's event {kind!r}" if kind else "an event of no known type"
        return ignored(f"{about}, which is no change of a prompt", identifier)
    action = text(content, "action")
    if action not in _ACTIONS:
        raise BodyError(f"{action!r} is no action", where="action", mend=_MEND)
    if not isinstance(prompt, dict):
        raise BodyError("there is no `prompt`", where="prompt", mend=_MEND)
    given = prompt.get("labels")
    places = [label for label in given if isinstance(label, str)] if isinstance(given, list) else []
    places = [label for label in places if label and label not in _NO_PLACE]
    if not places:
        return ignored("a version of a prompt to which no label points, except `latest`", identifier)
    at = first_instant(content.get("timestamp"), prompt.get("updatedAt")) or received_at
    change = ChangeEvent(
        kind="configuration",
        service=needed(text(prompt, "name"), "prompt.name", _MEND),
        at=at,
        version=first_text(text(prompt, "version"), action),
        author=text(content, "user", "name"),
        ref=identifier,
        state="succeeded",
        told_at=at,
    )
    return Parsed(in_each(change, places), delivery=identifier)
