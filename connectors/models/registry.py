"""All providers of chat models, by name. A provider's package is imported when a model is made, and not
before.

Retries and streaming inside a provider are off: whoever asks has one time limit and answers for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from connectors.models.bounded import bounded_client
from connectors.models.spec import ModelSpec, check_spec
from core.errors import InputError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

__all__ = ["PROVIDERS", "ModelSpec", "check_available", "make_model"]

_CLASS_PATH = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)/(.+)")
# For servers that take any key: without one a client would look for somebody's key in the environment.
_NO_KEY = "none"


class Provider(NamedTuple):
    """Where its class is, and what the class calls things. `extra` installs it: watchkeeper[extra]."""

    module: str
    name: str
    extra: str
    arguments: Callable[[ModelSpec], dict[str, Any]]
    needs_key: bool = True


def _usual(spec: ModelSpec) -> dict[str, Any]:
    return {
        **_common(spec),
        "api_key": spec.secret or _NO_KEY,
        "timeout": spec.timeout_s,
        "max_tokens": spec.max_tokens,
        "max_retries": 0,
    }


def _openai(spec: ModelSpec) -> dict[str, Any]:
    return {**_usual(spec), "http_async_client": bounded_client()}


def _google(spec: ModelSpec) -> dict[str, Any]:
    # One attempt in all: this class counts tries, not retries.
    return {**_usual(spec), "max_retries": 1}


def _mistral(spec: ModelSpec) -> dict[str, Any]:
    # Its time limit is a whole number.
    return {**_usual(spec), "timeout": max(1, round(spec.timeout_s))}


def _ollama(spec: ModelSpec) -> dict[str, Any]:
    headers = {"headers": {"authorization": f"Bearer {spec.secret}"}} if spec.secret else {}
    return {
        **_common(spec),
        "num_predict": spec.max_tokens,
        "client_kwargs": {"timeout": spec.timeout_s, **headers},
    }


def _common(spec: ModelSpec) -> dict[str, Any]:
    base = {"base_url": spec.base_url} if spec.base_url else {}
    return {"model": spec.name.partition(":")[2], "disable_streaming": True, **base}


PROVIDERS: dict[str, Provider] = {
    "openai": Provider("langchain_openai", "ChatOpenAI", "openai", _openai),
    "anthropic": Provider("langchain_anthropic", "ChatAnthropic", "anthropic", _usual),
    "google": Provider("langchain_google_genai", "ChatGoogleGenerativeAI", "google", _google),
    "mistral": Provider("langchain_mistralai", "ChatMistralAI", "mistral", _mistral),
    "ollama": Provider("langchain_ollama", "ChatOllama", "ollama", _ollama, needs_key=False),
}


def make_model(spec: ModelSpec) -> BaseChatModel:
    """Raises InputError that says what there is, or what to install. Nothing is asked of the model yet."""
    place = _place(spec)
    kind = _class(place, spec.name)
    if place.provider is not None:
        return _made(kind, spec, place.provider.arguments(spec))
    return _made(kind, spec, {"model": place.model, "disable_streaming": True, **_given(spec)})


def check_available(spec: ModelSpec) -> None:
    """What `make_model` would refuse, as far as it shows without importing a provider: that takes a second.
    Raises InputError."""
    place = _place(spec)
    package = place.module.partition(".")[0]
    try:
        found = importlib.util.find_spec(package)
    except ValueError:  # imported by a loader that leaves no trace, or shut on purpose
        found = None
    if found is None:
        _missing(package, spec.name, place.mend)


class _Place(NamedTuple):
    """Where the class of a model is, and what to do when it is not there."""

    module: str
    name: str
    model: str
    mend: str
    provider: Provider | None = None


def _place(spec: ModelSpec) -> _Place:
    check_spec(spec)
    name, _, model = spec.name.partition(":")
    provider = PROVIDERS.get(name)
    if provider is None:
        return _place_of_class(spec.name)
    if not model.strip():
        raise InputError("no model after the colon", where=spec.name, mend="Name it as provider:model")
    if provider.needs_key and not spec.secret and not spec.base_url:
        mend = "Give the key, or the base URL of a server that needs none"
        raise InputError("no key for this provider", where=spec.name, mend=mend)
    mend = f"Install it: pip install 'watchkeeper[{provider.extra}]', in a clone -e '.[{provider.extra}]'"
    return _Place(provider.module, provider.name, model, mend, provider)


def _place_of_class(name: str) -> _Place:
    path = _CLASS_PATH.fullmatch(name)
    if path is None:
        mend = f"Use provider:model with one of {', '.join(PROVIDERS)}, or package.module:Class/model"
        raise InputError("no such provider of models", where=name, mend=mend)
    mend = f"Install the package that holds {path[1]!r}, or name one of: {', '.join(PROVIDERS)}"
    return _Place(path[1], path[2], path[3], mend)


def _given(spec: ModelSpec) -> dict[str, Any]:
    """What a class that nobody here knows is told: what was set, under the usual names."""
    base = {"base_url": spec.base_url} if spec.base_url else {}
    return {**base, **({"api_key": spec.secret} if spec.secret else {})}


def _class(place: _Place, where: str) -> Any:
    try:
        found = getattr(importlib.import_module(place.module), place.name, None)
    except ImportError as error:
        _missing(error.name or place.module, where, place.mend)
    from langchain_core.language_models.chat_models import BaseChatModel

    if not (isinstance(found, type) and issubclass(found, BaseChatModel)):
        what = f"{place.module}:{place.name} is not a langchain-core chat model"
        raise InputError(what, where=where, mend="Name a class that extends BaseChatModel")
    return found


def _missing(package: str, where: str, mend: str) -> NoReturn:
    raise InputError(f"the package {package!r} cannot be imported", where=where, mend=mend) from None


def _made(kind: Any, spec: ModelSpec, arguments: dict[str, Any]) -> BaseChatModel:
    try:
        model: BaseChatModel = kind(**{**arguments, **spec.options})
    except Exception as error:  # noqa: BLE001 - any constructor; its message may repeat the key, so it is dropped
        mend = f"Check the options of {kind.__name__}{_fields(error)}"
        raise InputError(
            f"the model cannot be made ({type(error).__name__})", where=spec.name, mend=mend
        ) from None
    return model


def _fields(error: Exception) -> str:
    """The names of the arguments that pydantic refused, without their values."""
    errors = getattr(error, "errors", None)
    if not callable(errors):
        return ""
    names = [str(row["loc"][0]) for row in errors(include_input=False) if row.get("loc")]
    return f": {', '.join(dict.fromkeys(names))}" if names else ""
