"""The language model that the settings name. Checked when the server starts, made at its first use.

Importing a provider takes a second; a start does not wait for it.
"""

from __future__ import annotations

import asyncio
import time

import structlog

from connectors.models.spec import ModelSpec
from core.errors import InputError
from watchkeeper.enricher import Model
from watchkeeper.settings import Settings

log = structlog.get_logger("model")


def model_spec(settings: Settings) -> ModelSpec | None:
    """None when no model is configured."""
    key = settings.model_key if settings.model_key.get_secret_value() else None
    if not settings.model and not settings.model_url and key is None:
        return None
    return ModelSpec(
        settings.model,
        base_url=settings.model_url,
        key=key,
        timeout_s=settings.model_timeout,
        options=settings.model_options,
    )


def check_model(settings: Settings) -> str:
    """The model's name, or nothing. Raises InputError for what can be seen to be wrong without asking it."""
    spec = model_spec(settings)
    if spec is None:
        return ""
    from connectors.models.registry import check_available

    check_available(spec)
    return spec.name


def made_model(settings: Settings) -> Model:
    """Without a model when none is configured. Raises InputError when it cannot be made."""
    spec = model_spec(settings)
    if spec is None:
        return Model()
    from connectors.models.registry import make_model

    return Model(make_model(spec), spec.name, settings.model_timeout, settings.model_calls_per_hour)


def chosen_model(settings: Settings) -> Model:
    """Never raises: a model that cannot be made is one that says nothing, and the log says why."""
    try:
        return made_model(settings)
    except InputError as error:
        log.error("no_model", error=str(error))
        return Model()


def ask_once(settings: Settings) -> float:
    """Seconds that the model took for a one-word answer. Raises InputError saying how it failed."""
    from agents.failures import in_words
    from agents.waiting import in_time

    model, began = made_model(settings), time.monotonic()
    try:
        asyncio.run(in_time(model.model.ainvoke("Answer with the word ready."), model.timeout_s))
    except Exception as error:  # noqa: BLE001 - whatever a provider raises
        words = in_words(error, model.timeout_s)
        mend = "Check address, key and name; incidents are explained by templates meanwhile"
        raise InputError(words, where=model.name, mend=mend) from None
    return time.monotonic() - began
