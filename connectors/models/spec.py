"""What is needed to make a chat model: one frozen value whose text never shows the key."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from pydantic import SecretStr

from core.errors import InputError


class ModelSpec(msgspec.Struct, frozen=True):
    """`name` is `provider:model`, or `package.module:Class/model` for any other langchain-core chat model.

    `key` is sent to the provider and shown to nobody. `timeout_s` is the provider's own limit in seconds;
    `options` go to the model's constructor as they are.
    """

    name: str
    base_url: str = ""
    key: SecretStr | None = None
    timeout_s: float = 20.0
    max_tokens: int = 800
    options: dict[str, Any] = {}

    @property
    def secret(self) -> str:
        return self.key.get_secret_value() if self.key else ""


def check_spec(spec: ModelSpec) -> None:
    """Raises InputError; no message repeats the key or an address."""
    if not spec.name.strip():
        what = "a base URL is given, but no model" if spec.base_url else "no model is named"
        raise InputError(what, where="model", mend="Name it as provider:model, for example openai:NAME")
    if spec.base_url:
        _check_url(spec.base_url)
    if not spec.timeout_s > 0 or spec.max_tokens < 1:
        raise InputError(
            "the time limit and the most tokens must be above 0", where="model", mend="Give both as numbers"
        )


def _check_url(url: str) -> None:
    mend = "Give http:// or https:// and a host, for example http://127.0.0.1:11434/v1"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise InputError("the base URL cannot be read", where="model", mend=mend) from None
    if not usable:
        raise InputError("the base URL is not an HTTP address", where="model", mend=mend)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(
            "the base URL holds more than an address", where="model", mend="Give the key by its own setting"
        )
