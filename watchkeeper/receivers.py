"""The operator's routing file: receivers with their addresses and secrets, routes, and the heartbeat.

Only the routes, which hold names, go into the journal; addresses and secrets never do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field

from core.errors import RoutesError
from core.routing import Route
from core.rules.schema import Window
from core.yamltext import Strict, checked, read_yaml


def _http(url: str) -> str:
    if not url.startswith(("http://", "https://")) or len(url.split("/", 3)[2]) == 0:
        raise ValueError("write an address that begins with http:// or https://")
    return url


Url = Annotated[str, AfterValidator(_http)]


class _Webhook(Strict):
    url: Url
    secret_env: str = ""
    secret_file: str = ""


class _Receiver(Strict):
    name: str = Field(min_length=1, max_length=100)
    webhook: _Webhook


class _Heartbeat(Strict):
    url: Url
    every: Window = 30_000


class _File(Strict):
    receivers: tuple[_Receiver, ...] = ()
    routes: tuple[Route, ...] = ()
    heartbeat: _Heartbeat | None = None


class Receiver(Strict):
    """`secret` is empty when the operator gave none: its messages go out unsigned."""

    name: str
    url: str
    secret: str = Field(repr=False)


class HeartbeatTarget(Strict):
    url: str
    every_ms: int


class Receivers(Strict):
    """What the file says. `routes_text` is YAML that `core.routing.parse_routes` reads."""

    receivers: tuple[Receiver, ...]
    routes_text: str
    heartbeat: HeartbeatTarget | None

    @property
    def names(self) -> set[str]:
        return {receiver.name for receiver in self.receivers}

    @property
    def unsigned(self) -> list[str]:
        return [receiver.name for receiver in self.receivers if not receiver.secret]


def no_receivers() -> Receivers:
    return Receivers(receivers=(), routes_text=_routes_text(()), heartbeat=None)


def read_receivers(text: str, where: str, environment: Mapping[str, str]) -> Receivers:
    """Raises RoutesError naming file, path and mend."""
    file = checked(_File, read_yaml(text, RoutesError, where), RoutesError, where)
    _refuse_contradictions(file, where)
    receivers = tuple(
        Receiver(name=r.name, url=r.webhook.url, secret=_secret(r, n, where, environment))
        for n, r in enumerate(file.receivers)
    )
    beat = file.heartbeat
    target = HeartbeatTarget(url=beat.url, every_ms=beat.every) if beat else None
    return Receivers(receivers=receivers, routes_text=_routes_text(file.routes), heartbeat=target)


def _refuse_contradictions(file: _File, where: str) -> None:
    names: set[str] = set()
    for number, receiver in enumerate(file.receivers):
        if receiver.name in names:
            raise RoutesError(
                f"receivers.{number}.name: {receiver.name!r} is there twice", where=where, mend="Rename one"
            )
        names.add(receiver.name)
    for number, route in enumerate(file.routes):
        if route.receiver not in names:
            known = ", ".join(sorted(names)) or "none"
            raise RoutesError(
                f"routes.{number}.receiver: there is no receiver {route.receiver!r}",
                where=where,
                mend=f"Add it, or name one of: {known}",
            )


def _secret(receiver: _Receiver, number: int, where: str, environment: Mapping[str, str]) -> str:
    hook, path = receiver.webhook, f"receivers.{number}.webhook"
    if hook.secret_env and hook.secret_file:
        raise RoutesError(
            f"{path}: two secrets", where=where, mend="Give secret_env or secret_file, not both"
        )
    if hook.secret_env:
        found = environment.get(hook.secret_env, "").strip()
        if not found:
            mend = f"Set {hook.secret_env} before the start"
            raise RoutesError(f"{path}.secret_env: {hook.secret_env} is not set", where=where, mend=mend)
        return found
    if hook.secret_file:
        try:
            found = Path(hook.secret_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RoutesError(
                f"{path}.secret_file: cannot be read ({error})",
                where=where,
                mend="Check path and permissions",
            ) from None
        if not found:
            raise RoutesError(f"{path}.secret_file: is empty", where=where, mend="Put the secret into it")
        return found
    return ""


def _routes_text(routes: tuple[Route, ...]) -> str:
    return yaml.safe_dump({"routes": [route.model_dump(mode="json") for route in routes]}, sort_keys=True)
