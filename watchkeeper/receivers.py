"""The operator's routing file: who can be paged, how to reach them, and which pages are theirs.

Addresses and secrets stay in memory. What goes into the journal is `routes_text`, the routes alone. Errors
name file, path and mend, and never repeat an address or a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import httpx
import structlog
import yaml
from pydantic import AfterValidator

from connectors.outbound.webhook import signing_key
from core.errors import RoutesError
from core.routing import Route, Routes
from core.rules.schema import Window
from core.times import HOUR, SECOND
from core.yamltext import Strict, checked, read_yaml
from watchkeeper.secret import SecretEntry, read_secret

log = structlog.get_logger("receivers")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("a name has up to 64 letters, digits, dots, dashes and underscores")
    return text


def _address(text: str) -> str:
    try:
        url = httpx.URL(text)
        usable = url.scheme in ("http", "https") and bool(url.host) and text.isprintable() and " " not in text
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise ValueError("not an address to send to; write https://host/path")
    return text


def _interval(ms: int) -> int:
    if not 5 * SECOND <= ms <= HOUR:
        raise ValueError("out of range; write 30s, from 5s to 1h")
    return ms


Address = Annotated[str, AfterValidator(_address)]


class WebhookEntry(SecretEntry):
    url: Address


class ReceiverEntry(Strict):
    name: Annotated[str, AfterValidator(_name)]
    webhook: WebhookEntry


class HeartbeatEntry(Strict):
    url: Address
    every: Annotated[Window, AfterValidator(_interval)] = 30 * SECOND


class RoutingFile(Strict):
    receivers: tuple[ReceiverEntry, ...] = ()
    routes: tuple[Route, ...] = ()
    heartbeat: HeartbeatEntry | None = None


@dataclass(frozen=True)
class Receiver:
    """An empty `secret` means that its pages are not signed."""

    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class HeartbeatTarget:
    url: str = field(repr=False)
    every_ms: int


@dataclass(frozen=True)
class Receivers:
    """`warnings` are for people: what works, but should be looked at."""

    receivers: tuple[Receiver, ...]
    heartbeat: HeartbeatTarget | None
    routes_text: str
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(receiver.name for receiver in self.receivers)


def no_receivers() -> Receivers:
    """Without a routing file incidents are still found and shown; nobody is paged."""
    return Receivers((), None, _routes_text(()))


def read_receivers(text: str, where: str, environment: Mapping[str, str]) -> Receivers:
    """The file's YAML `text`; `where` is its path. Raises RoutesError."""
    document = checked(RoutingFile, read_yaml(text, RoutesError, where), RoutesError, where)
    _refuse_contradictions(document, where)
    receivers = tuple(
        Receiver(
            entry.name,
            entry.webhook.url,
            _secret(entry.webhook, f"receivers.{place}.webhook", where, environment),
        )
        for place, entry in enumerate(document.receivers, 1)
    )
    beat = document.heartbeat
    target = HeartbeatTarget(beat.url, beat.every) if beat else None
    warnings = tuple(_warnings(receivers))
    for warning in warnings:
        log.warning("routing_file", where=where, warning=warning)
    return Receivers(receivers, target, _routes_text(document.routes), warnings)


def _refuse_contradictions(document: RoutingFile, where: str) -> None:
    names: set[str] = set()
    for place, entry in enumerate(document.receivers, 1):
        if entry.name in names:
            what = f"receivers.{place}.name: {entry.name!r} is there twice"
            raise RoutesError(what, where=where, mend="Rename one")
        names.add(entry.name)
    for place, route in enumerate(document.routes, 1):
        if route.receiver not in names:
            what = f"routes.{place}.receiver: no receiver is called {route.receiver!r}"
            known = ", ".join(sorted(names)) or "none"
            raise RoutesError(what, where=where, mend=f"Known receivers: {known}")


def _secret(entry: WebhookEntry, path: str, where: str, environment: Mapping[str, str]) -> str:
    secret, path = read_secret(entry, path, where, environment, RoutesError)
    try:
        usable = not secret or bool(signing_key(secret))
    except ValueError:
        usable = False
    if not usable:
        raise RoutesError(f"{path}: no base64 after whsec_", where=where, mend="Copy the secret again")
    return secret


def _routes_text(routes: tuple[Route, ...]) -> str:
    """The same routes give the same text, so that the journal gets a record only when they change."""
    data = Routes(routes=routes).model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump({"routes": data.get("routes", [])}, sort_keys=True, width=100)


def _warnings(receivers: tuple[Receiver, ...]) -> list[str]:
    said = []
    for receiver in receivers:
        url = httpx.URL(receiver.url)
        if not receiver.secret:
            said.append(f"{receiver.name}: its pages are not signed; give secret_file or secret_env")
        if url.scheme == "http" and url.host not in _LOCAL:
            said.append(f"{receiver.name}: http:// sends its pages unencrypted")
    return said
