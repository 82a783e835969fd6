"""Every setting, in one place: the only reader of the environment.

A variable's name is WATCHKEEPER_ and the field's name. Command line options win over the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from core.errors import InputError


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="WATCHKEEPER_", extra="ignore", frozen=True)

    data: Path = Field(
        Path("watchkeeper-data"), description="Directory of the journal and what is made from it"
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    catalogue: Path | None = Field(None, description="Service catalogue (YAML)")
    rules: Path | None = Field(None, description="Directory of rule files that replace built-in ones")
    sources: Path | None = Field(
        None, description="Directory of mapping files: sources beside the built-in ones"
    )
    senders: Path | None = Field(None, description="Secrets and limits of senders (YAML)")
    routes: Path | None = Field(None, description="Receivers and routes of pages (YAML)")
    runbooks: Path | None = Field(None, description="Directory of runbooks beside the built-in ones")
    levels: Path | None = Field(None, description="What may be proposed where: levels of maturity (YAML)")
    watch_seconds: float = Field(
        2.0, ge=0, le=3_600, description="Seconds between looks at whether these files changed; 0 for never"
    )
    model: str = Field("", description="Language model that words explanations, as provider:name")
    model_url: str = Field("", description="Address of the model's API, where it is not the provider's own")
    model_key: SecretStr = Field(SecretStr(""), description="Key of the model's API")
    model_timeout: float = Field(20.0, gt=0, le=300, description="Seconds that a model may take to answer")
    model_calls_per_hour: int = Field(240, ge=0, description="Calls of the model in an hour, at most")
    model_options: dict[str, Any] = Field({}, description="Further options of the model's client (JSON)")
    github_app_id: int = Field(0, ge=0, description="GitHub App that judges pull requests; 0 for none")
    github_app_key_file: Path | None = Field(None, description="File of the App's private key (PEM)")
    github_app_url: str = Field(
        "https://api.github.com", description="Address of GitHub's API; https://HOST/api/v3 of an own server"
    )
    public_url: str = Field("", description="Address of the console in pages that are sent out")
    demo: bool = Field(False, description="Play a recorded incident into a directory of its own")
    max_body_bytes: int = Field(25 * 1024 * 1024, gt=0, description="Largest request body taken in")
    max_queue_bytes: int = Field(
        64 * 1024 * 1024, gt=0, description="Bytes that may wait for the disk before intake answers 503"
    )
    retain_days: int = Field(0, ge=0, description="Days that records are kept for; 0 keeps all of them")
    segment_bytes: int = Field(
        256 * 1024 * 1024, ge=65_536, description="Size at which the journal goes on in a new file"
    )
    log_format: str = Field("console", pattern="^(console|json)$", description="console or json")
    server_url: str = Field("http://127.0.0.1:8080", description="Server that the command line asks")
    eval_data: Path | None = Field(None, description="Directory of evaluation data, for tests and benchmarks")


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, then `overrides` that are not None. Raises InputError."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except SettingsError as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = f"WATCHKEEPER_{found.group(1).upper()}" if found else "settings"
        raise InputError("not JSON", where=name, mend='Write JSON, such as {"temperature": 0}') from None
    except ValueError as error:
        first = error.errors()[0] if hasattr(error, "errors") else {"loc": ("?",), "msg": str(error)}
        name = f"WATCHKEEPER_{str(first['loc'][0]).upper()}"
        raise InputError(str(first["msg"]), where=name, mend="Correct the setting or the option") from None


def environment() -> Mapping[str, str]:
    """For secrets that the operator keeps in variables of their own naming."""
    return os.environ
