"""What may be written in the routing file: receivers of each kind, routes, calendars and the heartbeat.

Each kind of receiver says where its secret is kept and never holds it.
"""

from __future__ import annotations

import re
from typing import Annotated

import httpx
from pydantic import AfterValidator, Field, model_validator

from connectors.outbound.email import Security
from connectors.outbound.pagerduty import DEFAULT_URL
from core.calendars import Intervals
from core.routing import Route
from core.rules.schema import Window
from core.times import HOUR, SECOND
from core.yamltext import Strict
from watchkeeper.secret import SecretEntry

KINDS = ("webhook", "pagerduty", "email")
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}", re.ASCII)
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}


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


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("no name of a host; write smtp.example.com")
    return text


def _mail(text: str) -> str:
    if not _MAIL.fullmatch(text):
        raise ValueError("no e-mail address; write name@example.com, alone")
    return text


def _login(text: str) -> str:
    if not (text.isascii() and text.isprintable() and len(text) <= 256):
        raise ValueError("no name to log in with; write up to 256 ASCII characters")
    return text


def _interval(ms: int) -> int:
    if not 5 * SECOND <= ms <= HOUR:
        raise ValueError("out of range; write 30s, from 5s to 1h")
    return ms


Address = Annotated[str, AfterValidator(_address)]
MailAddress = Annotated[str, AfterValidator(_mail)]


class WebhookEntry(SecretEntry):
    url: Address


class PagerdutyEntry(Strict):
    routing_key_file: str = ""
    routing_key_env: str = ""
    url: Address = DEFAULT_URL


class EmailEntry(Strict):
    """`port`: that of `security` when left out. `ca_file`: who signed the server's certificate."""

    host: Annotated[str, AfterValidator(_host)]
    port: int | None = Field(default=None, ge=1, le=65_535)
    security: Security = "starttls"
    sender: MailAddress = Field(alias="from")
    to: tuple[MailAddress, ...] = Field(min_length=1, max_length=100)
    username: Annotated[str, AfterValidator(_login)] = ""
    password_file: str = ""
    password_env: str = ""
    ca_file: str = ""

    @property
    def usual_port(self) -> int:
        return self.port or _PORTS[self.security]

    @model_validator(mode="after")
    def _keeps_the_password(self) -> EmailEntry:
        has_password = bool(self.password_file or self.password_env)
        if bool(self.username) != has_password:
            raise ValueError("a login needs username and one of password_file and password_env")
        if has_password and self.security == "none" and self.host not in LOCAL:
            raise ValueError("security: none would send the password unencrypted; use starttls or tls")
        return self


class ReceiverEntry(Strict):
    """One of the kinds. `acknowledged`: it is told when somebody acknowledged; PagerDuty always is."""

    name: Annotated[str, AfterValidator(_name)]
    webhook: WebhookEntry | None = None
    pagerduty: PagerdutyEntry | None = None
    email: EmailEntry | None = None
    acknowledged: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> ReceiverEntry:
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            raise ValueError(f"give one of {', '.join(KINDS)}")
        return self


class HeartbeatEntry(Strict):
    url: Address
    every: Annotated[Window, AfterValidator(_interval)] = 30 * SECOND


class RoutingFile(Strict):
    receivers: tuple[ReceiverEntry, ...] = ()
    routes: tuple[Route, ...] = ()
    time_intervals: tuple[Intervals, ...] = ()
    heartbeat: HeartbeatEntry | None = None
