"""Source launchdarkly: flags of LaunchDarkly that were changed (webhooks carry entries of its audit log).

The service is named by a flag's tag `service.NAME`, else by the project. Changes of anything but a flag are
ignored. The order of delivery does not count: an entry has its own time and id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from connectors.inbound.changes import in_each
from connectors.inbound.fields import Object, dig, document, first_text, ignored, link, objects, text
from connectors.inbound.moments import instant
from connectors.inbound.signing import verify_hex
from connectors.inbound.source import Request
from core.model.events import ChangeEvent, Parsed

name = "launchdarkly"
summary = "LaunchDarkly's flags"
kept: tuple[str, ...] = ()
proof = "HMAC-SHA256 of the body in X-LD-Signature"
_MEND = "Send LaunchDarkly's webhook, with a policy for flags"
_TAG = re.compile(r"service[.:](.+)")


def verify(request: Request, secrets: Sequence[str]) -> None:
    verify_hex(request, secrets, "x-ld-signature")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    kind, identifier = text(content, "kind"), text(content, "_id")
    accesses = list(_flags(content))
    if kind != "flag" or not accesses:
        return ignored(f"a change of {kind!r}, which is no flag", identifier)
    project, flag = accesses[0]["proj"], accesses[0]["flag"]
    verb = first_text(text(content, "titleVerb"), accesses[0]["action"], "changed")
    at = instant(content.get("date")) or received_at
    change = ChangeEvent(
        kind="flag", service=_service(content, project), at=at, version=f"{flag}: {verb}",
        author=first_text(text(content, "member", "email"), text(content, "token", "name")),
        url=link(dig(content, "_links", "site", "href")), ref=identifier, state="succeeded", told_at=at,
    )  # fmt: skip
    places = [access["env"] for access in accesses]
    return Parsed(in_each(change, [] if "*" in places else filter(None, places)), delivery=identifier)


def _flags(content: Object) -> Iterator[dict[str, str]]:
    """Of each access to a flag: `proj`, `env`, `flag` (`proj/shop:env/production:flag/new-basket;tag`)."""
    for access in objects(content.get("accesses")):
        parts = (part.partition("/") for part in text(access, "resource").split(":"))
        found = {key: value.partition(";")[0] for key, _, value in parts}
        if found.get("proj") and found.get("flag"):
            yield {"env": "", "action": text(access, "action"), **found}


def _service(content: Object, project: str) -> str:
    tags = dig(content, "currentVersion", "tags")
    named = sorted(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else []
    found = (match[1].strip() for tag in named if (match := _TAG.fullmatch(tag)))
    return first_text(*found, project)
