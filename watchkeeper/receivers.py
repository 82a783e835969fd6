"""The operator's routing file: who can be paged, how to reach them, and which pages are theirs.

Addresses and secrets stay in memory. What goes into the journal is `routes_text`: the routes, their times of
day and the receivers' names. Errors name file, path and mend, and never repeat an address or a secret.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import structlog
import yaml

from connectors.outbound.email import Mailbox
from connectors.outbound.webhook import signing_key
from core.environments import Environments
from core.errors import RoutesError
from core.journal import DEFAULT_DOMAIN
from core.routing import About, Routes, parse_routes
from core.rules.loader import parse_rules
from core.times import format_rfc3339
from core.yamltext import Strict, checked, read_yaml
from watchkeeper.files import builtin_rules
from watchkeeper.receiver_entries import (
    LOCAL,
    EmailEntry,
    PagerdutyEntry,
    ReceiverEntry,
    RoutingFile,
    WebhookEntry,
)
from watchkeeper.secret import read_kept, read_secret

log = structlog.get_logger("receivers")
_USUAL_KEY = 32


@dataclass(frozen=True)
class Receiver:
    """A webhook. An empty `secret` means that its pages are not signed."""

    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    kind: str = "webhook"


@dataclass(frozen=True)
class PagerdutyReceiver:
    name: str
    url: str = field(repr=False)
    routing_key: str = field(repr=False)
    kind: str = "pagerduty"


@dataclass(frozen=True)
class EmailReceiver:
    name: str
    mailbox: Mailbox = field(repr=False)
    kind: str = "email"


AnyReceiver = Receiver | PagerdutyReceiver | EmailReceiver


@dataclass(frozen=True)
class HeartbeatTarget:
    url: str = field(repr=False)
    every_ms: int


@dataclass(frozen=True)
class Receivers:
    """`warnings` are for people: what works, but should be looked at."""

    receivers: tuple[AnyReceiver, ...]
    heartbeat: HeartbeatTarget | None
    routes_text: str
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(receiver.name for receiver in self.receivers)


def no_receivers() -> Receivers:
    """Without a routing file incidents are still found and shown; nobody is paged."""
    return Receivers((), None, _routes_text(RoutingFile()))


def read_receivers(
    text: str, where: str, environment: Mapping[str, str], now: int | None = None
) -> Receivers:
    """The file's YAML `text`; `where` is its path, `now` (ms UTC) from when on times of day are looked at.
    Raises RoutesError."""
    document = checked(RoutingFile, read_yaml(text, RoutesError, where), RoutesError, where)
    _refuse_contradictions(document, where)
    # The same checks that whoever reads the journal makes.
    checked(Routes, _routes(document), RoutesError, where)
    read = _Reading(where, environment)
    receivers = tuple(read.receiver(entry, place) for place, entry in enumerate(document.receivers, 1))
    beat = document.heartbeat
    target = HeartbeatTarget(beat.url, beat.every) if beat else None
    routes_text = _routes_text(document)
    untaken = _untaken(parse_routes(routes_text), now) if receivers else []
    warnings = (*(warning for receiver in receivers for warning in _warnings(receiver)), *untaken)
    for warning in warnings:
        log.warning("routing_file", where=where, warning=warning)
    return Receivers(receivers, target, routes_text, warnings)


def _untaken(routes: Routes, now: int | None) -> list[str]:
    """Pages that nobody would get, though they wake somebody elsewhere. By the shipped rules: which
    environments are production is known here only of those."""
    rules = parse_rules(builtin_rules())
    name = Environments(rules.identity.environment_names, ()).name
    routes = routes.with_environments(name, rules.severity.in_production)
    start = int(time.time() * 1_000) if now is None else now
    at = routes.untaken(About(severity="P1", domain=DEFAULT_DOMAIN), start)
    if at is None:
        return []
    when = "" if not routes.routes or at == start else f" at times, such as {format_rfc3339(at)}"
    return [
        f"no route takes a P1 that names no team, service, cluster and environment{when}, as a silent "
        "watchdog's is: nobody would be paged. Add a last route without `match`"
    ]


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
        for number, step in enumerate(route.escalation, 1):
            if step.receiver not in names:
                at = f"routes.{place}.escalation.{number}.receiver"
                what = f"{at}: no receiver is called {step.receiver!r}"
                raise RoutesError(what, where=where, mend=f"Known receivers: {', '.join(sorted(names))}")


class _Reading:
    """Receivers with their secrets, of the file `where`."""

    def __init__(self, where: str, environment: Mapping[str, str]) -> None:
        self._where, self._environment = where, environment

    def receiver(self, entry: ReceiverEntry, place: int) -> AnyReceiver:
        if entry.webhook is not None:
            return self._webhook(entry.name, entry.webhook, f"receivers.{place}.webhook")
        if entry.pagerduty is not None:
            return self._pagerduty(entry.name, entry.pagerduty, f"receivers.{place}.pagerduty")
        assert entry.email is not None  # noqa: S101 - the entry holds one of the three
        return self._email(entry.name, entry.email, f"receivers.{place}.email")

    def _webhook(self, name: str, entry: WebhookEntry, path: str) -> Receiver:
        secret, path = read_secret(entry, path, self._where, self._environment, RoutesError)
        try:
            usable = not secret or bool(signing_key(secret))
        except ValueError:
            usable = False
        if not usable:
            raise self._fault(f"{path}: no base64 after whsec_", "Copy the secret again")
        return Receiver(name, entry.url, secret)

    def _pagerduty(self, name: str, entry: PagerdutyEntry, path: str) -> PagerdutyReceiver:
        key, where = self._kept(entry.routing_key_file, entry.routing_key_env, f"{path}.routing_key")
        if not key:
            mend = "Give routing_key_file or routing_key_env"
            raise self._fault(f"{path}: no routing key", mend)
        if not (key.isascii() and key.isalnum()):
            raise self._fault(
                f"{where}: no routing key in it", "Copy the integration's key, letters and digits"
            )
        return PagerdutyReceiver(name, entry.url, key)

    def _email(self, name: str, entry: EmailEntry, path: str) -> EmailReceiver:
        password, where = self._kept(entry.password_file, entry.password_env, f"{path}.password")
        # The library that logs in takes nothing else.
        if not (password.isascii() and password.isprintable()):
            mend = "Keep the password in it, alone, of ASCII letters, digits and signs"
            raise self._fault(f"{where}: no password that can be sent", mend)
        if entry.ca_file and not Path(entry.ca_file).is_file():
            raise self._fault(f"{path}.ca_file: {entry.ca_file} is no file", "Check the path")
        box = Mailbox(
            entry.host, entry.usual_port, entry.security, entry.sender, entry.to, entry.username, password,
            entry.ca_file,
        )  # fmt: skip
        return EmailReceiver(name, box)

    def _kept(self, file: str, variable: str, path: str) -> tuple[str, str]:
        return read_kept(file, variable, path, self._where, self._environment, RoutesError)

    def _fault(self, what: str, mend: str) -> RoutesError:
        return RoutesError(what, where=self._where, mend=mend)


def _routes_text(document: RoutingFile) -> str:
    """The same routes give the same text, so that the journal gets a record only when they change."""
    return yaml.safe_dump(_routes(document), sort_keys=True, width=100)


def _routes(document: RoutingFile) -> dict[str, Any]:
    """What core reads of the file."""
    content: dict[str, Any] = {
        "routes": [_plain(route) for route in document.routes],
        "time_intervals": [_plain(calendar) for calendar in document.time_intervals],
        "receivers": [entry.name for entry in document.receivers],
        "acknowledged": [one.name for one in document.receivers if one.acknowledged or one.pagerduty],
    }
    return {key: value for key, value in content.items() if value or key == "routes"}


def _plain(part: Strict) -> dict[str, Any]:
    return part.model_dump(mode="json", exclude_defaults=True, by_alias=True)


def _warnings(receiver: AnyReceiver) -> Iterator[str]:
    name = receiver.name
    if isinstance(receiver, EmailReceiver):
        if receiver.mailbox.security == "none" and receiver.mailbox.host not in LOCAL:
            yield f"{name}: security: none sends its pages unencrypted"
        return
    if isinstance(receiver, PagerdutyReceiver) and len(receiver.routing_key) != _USUAL_KEY:
        yield f"{name}: a routing key of PagerDuty has {_USUAL_KEY} characters, this one has not"
    if isinstance(receiver, Receiver) and not receiver.secret:
        yield f"{name}: its pages are not signed; give secret_file or secret_env"
    url = httpx.URL(receiver.url)
    if url.scheme == "http" and url.host not in LOCAL:
        yield f"{name}: http:// sends its pages unencrypted"
