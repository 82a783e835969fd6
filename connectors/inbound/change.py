"""Source change: our own small change event, one object or a list of them.

    {"kind": "deploy", "service": "payments", "environment": "production", "version": "2.4.0",
     "author": "ana", "url": "https://…", "at": "2026-11-21T03:00:00Z"}

`kind` (deploy, configuration, flag, infrastructure) and `service` are needed. Without `at` it counts as of
its arrival; without `environment` or `cluster` it is about each of them. With a `ref` it can be told again,
as one change, with another `state` (started, succeeded, failed, rolled_back).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from connectors.inbound.source import as_object, decode, said
from connectors.inbound.tokens import PROOF, verify_token
from core.errors import BodyError
from core.model.events import CHANGE_KINDS, ChangeEvent, ChangeState, Parsed
from core.times import parse_rfc3339

name = "change"
summary = "Deploys, configuration, flags and infrastructure changes (our own format)"
kept: tuple[str, ...] = ()
proof = PROOF
verify = verify_token
_TEXTS = ("environment", "cluster", "version", "author", "url", "ref")
_KEYS = ("kind", "service", "at", "state", *_TEXTS)
_STATES: tuple[ChangeState, ...] = get_args(ChangeState)
_MEND = f"Known keys: {', '.join(_KEYS)}"


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    value = decode(body)
    items = value if isinstance(value, list) else [value]
    if not items:
        raise BodyError("the list is empty", where="body", mend="Send at least one change")
    return Parsed(tuple(_change(item, index, received_at) for index, item in enumerate(items)))


def _change(value: Any, index: int, received_at: int) -> ChangeEvent:
    where = f"[{index}]" if index else "body"
    item = as_object(value, where, _MEND)
    unknown = sorted(set(item) - set(_KEYS))
    if unknown:
        raise BodyError(f"unknown key {unknown[0]!r}", where=where, mend=_MEND)
    kind = item.get("kind")
    if kind not in CHANGE_KINDS:
        raise BodyError(f"{kind!r} is no kind", where=f"{where}.kind", mend=f"Use {', '.join(CHANGE_KINDS)}")
    service = said(item, "service", where)
    if not service:
        raise BodyError("no service", where=f"{where}.service", mend="Name the service that changed")
    state = item.get("state") or ""
    if state not in _STATES:
        mend = f"Use {', '.join(filter(None, _STATES))}"
        raise BodyError(f"{state!r} is no state", where=f"{where}.state", mend=mend)
    environment, cluster, version, author, url, ref = (said(item, key, where) for key in _TEXTS)
    at = _at(item, where, received_at)
    return ChangeEvent(kind, service, at, environment, cluster, version, author, url, index, ref, state)


def _at(item: dict[str, Any], where: str, received_at: int) -> int:
    if item.get("at") is None:
        return received_at
    try:
        return parse_rfc3339(said(item, "at", where))
    except ValueError:
        raise BodyError(
            f"{item['at']!r} is no RFC 3339 time", where=f"{where}.at", mend="Write 2026-11-21T03:00:00Z"
        ) from None
