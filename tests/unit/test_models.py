"""Models by name: what is made, what is refused and in which words, and that a key is never shown."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.models.registry import PROVIDERS, ModelSpec, check_available, make_model
from core.errors import InputError

KEY = "sk-test-0123456789abcdefghij"
LOOPBACK = "http://127.0.0.1:9/v1"


def spec(name: str, **more: Any) -> ModelSpec:
    return ModelSpec(name, **more)


def test_an_openai_model_is_made_as_it_is_told() -> None:
    pytest.importorskip("langchain_openai")
    model: Any = make_model(
        spec("openai:some-model", base_url=LOOPBACK, key=SecretStr(KEY), timeout_s=7, max_tokens=99)
    )
    assert (model.model_name, model.openai_api_base) == ("some-model", LOOPBACK)
    assert (model.request_timeout, model.max_tokens) == (7, 99)
    assert (model.max_retries, model.disable_streaming, model.streaming) == (0, True, False)
    assert model.openai_api_key.get_secret_value() == KEY


def test_options_are_handed_on_and_have_the_last_word() -> None:
    pytest.importorskip("langchain_openai")
    model: Any = make_model(
        spec("openai:m", base_url=LOOPBACK, options={"temperature": 0.0, "max_tokens": 5})
    )
    assert (model.temperature, model.max_tokens) == (0.0, 5)


def test_a_server_of_ones_own_needs_no_key_and_gets_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model: Any = make_model(spec("openai:m", base_url=LOOPBACK))
    assert model.openai_api_key.get_secret_value() == "none"


def test_a_model_name_may_hold_colons_and_slashes() -> None:
    pytest.importorskip("langchain_openai")
    model: Any = make_model(spec("openai:org/model:8b", base_url=LOOPBACK))
    assert model.model_name == "org/model:8b"


def test_any_other_chat_model_is_named_by_its_class() -> None:
    name = "tests.unit.chat_models:Parrot/grey"
    model: Any = make_model(spec(name, base_url=LOOPBACK, key=SecretStr(KEY), options={"mood": "calm"}))
    assert (model.model, model.mood, model.base_url) == ("grey", "calm", LOOPBACK)
    assert KEY not in repr(model)


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("", {}, "no model is named"),
        ("  ", {"base_url": LOOPBACK}, "a base URL is given, but no model"),
        ("openai", {}, "no model after the colon"),
        ("openai:", {}, "no model after the colon"),
        ("openai:m", {}, "no key for this provider"),
        ("nobody:m", {}, "no such provider of models"),
        ("nobody:m", {}, "openai, anthropic, google, mistral, ollama"),
        ("gpt-something", {}, "no such provider of models"),
        ("no.such.module:Class/m", {}, "the package 'no' cannot be imported"),
        ("json:JSONDecoder/m", {}, "json:JSONDecoder is not a langchain-core chat model"),
        ("json:Nothing/m", {}, "is not a langchain-core chat model"),
        ("openai:m", {"base_url": "127.0.0.1:80"}, "the base URL is not an HTTP address"),
        ("openai:m", {"base_url": "ftp://h/v1"}, "the base URL is not an HTTP address"),
        ("openai:m", {"base_url": "http://"}, "the base URL is not an HTTP address"),
        ("openai:m", {"base_url": "http://h:99999/"}, "the base URL cannot be read"),
        ("openai:m", {"base_url": f"http://me:{KEY}@h/v1"}, "the base URL holds more than an address"),
        ("openai:m", {"base_url": f"http://h/v1?key={KEY}"}, "the base URL holds more than an address"),
        ("openai:m", {"base_url": LOOPBACK, "timeout_s": 0}, "must be above 0"),
        ("openai:m", {"base_url": LOOPBACK, "max_tokens": 0}, "must be above 0"),
        ("openai:m", {"base_url": LOOPBACK, "options": {"temperature": "hot"}}, "ChatOpenAI: temperature"),
    ],
)
def test_what_is_wrong_is_said(name: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        make_model(spec(name, **{"key": None, **more}))
    assert words in str(refused.value)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name != "openai"])
def test_a_missing_package_is_named_with_what_installs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PROVIDERS[name].module, None)
    with pytest.raises(InputError, match=rf"pip install 'watchkeeper\[{PROVIDERS[name].extra}\]'"):
        make_model(spec(f"{name}:m", key=SecretStr(KEY)))


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("", {"base_url": LOOPBACK}, "a base URL is given, but no model"),
        ("openai:", {}, "no model after the colon"),
        ("openai:m", {}, "no key for this provider"),
        ("nobody:m", {}, "no such provider of models"),
        ("no_such_package.module:Class/m", {}, "the package 'no_such_package' cannot be imported"),
        ("mistral:m", {"base_url": LOOPBACK}, r"pip install 'watchkeeper[mistral]'"),
    ],
)
def test_much_is_seen_to_be_wrong_without_an_import(name: str, more: dict[str, Any], words: str) -> None:
    if name == "mistral:m" and importlib.util.find_spec("langchain_mistralai"):
        pytest.skip("langchain_mistralai is installed")
    with pytest.raises(InputError) as refused:
        check_available(spec(name, **more))
    assert words in str(refused.value)


def test_a_check_imports_no_provider() -> None:
    code = (
        "import sys; from connectors.models.registry import *;"
        f"check_available(ModelSpec('openai:m', {LOOPBACK!r}));"
        "print([m for m in sys.modules if m.startswith(('langchain', 'openai', 'langsmith'))])"
    )
    pytest.importorskip("langchain_openai")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_is_told_the_model_the_limit_and_not_to_stream(name: str) -> None:
    pytest.importorskip("langchain_openai")
    given = PROVIDERS[name].arguments(
        spec(f"{name}:m", base_url=LOOPBACK, key=SecretStr(KEY), timeout_s=9.0, max_tokens=77)
    )
    assert (given["model"], given["base_url"], given["disable_streaming"]) == ("m", LOOPBACK, True)
    assert 77 in (given.get("max_tokens"), given.get("num_predict"))
    assert 9 in (given.get("timeout"), given.get("client_kwargs", {}).get("timeout"))
    assert given.get("max_retries", 0) in (0, 1)


def test_a_key_is_in_no_text_of_the_spec_nor_of_a_failure() -> None:
    secret = spec("tests.unit.chat_models:Picky/m", key=SecretStr(KEY))
    assert KEY not in f"{secret!r} {secret}"
    with pytest.raises(InputError) as refused:
        make_model(secret)
    assert KEY not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_registry_imports_no_provider() -> None:
    code = (
        "import sys, connectors.models.registry;"
        "print([m for m in sys.modules if m.startswith(('langchain', 'openai', 'langsmith'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
