"""Two doors that stay shut in tests: connections beyond loopback, and calls of real language models."""

from __future__ import annotations

import importlib.util
import ipaddress
import socket
from typing import Any, NoReturn

import pytest


class NetworkRefused(RuntimeError):
    pass


class ModelCallRefused(RuntimeError):
    pass


def is_loopback(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_network(patch: pytest.MonkeyPatch) -> None:
    """Connecting anywhere but to this machine raises NetworkRefused."""
    for name in ("connect", "connect_ex"):
        real = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, *, _real: Any = real) -> Any:
            if not is_loopback(address):
                raise NetworkRefused(f"a test tried to reach {address!r}")
            return _real(self, address)

        patch.setattr(socket.socket, name, guarded)


def refuse_model_calls(patch: pytest.MonkeyPatch) -> None:
    """Every langchain-core chat model raises ModelCallRefused, whichever way it is called."""
    if importlib.util.find_spec("langchain_core") is None:
        return
    from langchain_core.language_models.chat_models import BaseChatModel

    def refused(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise ModelCallRefused(f"a test called {type(self).__name__}")

    for name in ("generate", "agenerate", "stream", "astream", "invoke", "ainvoke"):
        patch.setattr(BaseChatModel, name, refused)
