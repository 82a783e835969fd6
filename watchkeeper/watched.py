"""The operator's files that may change while the server runs, and what reads each of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from core.config import config_draft
from watchkeeper import files
from watchkeeper.receivers import Receivers, read_receivers
from watchkeeper.reloading import Loaded, Part
from watchkeeper.settings import Settings, environment


def parts(settings: Settings, take: Callable[[Receivers], None]) -> list[Part]:
    """Of every document that the server was given files for; `take` puts receivers in force. Mappings and
    senders are not among them: intake knows its sources from the start on."""
    plain: tuple[tuple[str, Path | None, Callable[[Path], Any]], ...] = (
        ("rules", settings.rules, files.rules_content),
        ("catalogue", settings.catalogue, files.catalogue_content),
        ("runbooks", settings.runbooks, files.runbooks_content),
        ("levels", settings.levels, files.levels_content),
    )
    found = [
        Part(name, path, partial(_loaded, name, path, content))
        for name, path, content in plain
        if path is not None
    ]
    if settings.routes is not None:
        found.append(Part("routes", settings.routes, partial(_routes, settings.routes, take)))
    return found


def receivers_in(path: Path) -> Receivers:
    """Of a routing file, with the secrets that it names. Raises InputError."""
    return read_receivers(files.read_text(path, "routing file"), str(path), environment())


def _loaded(name: str, path: Path, content: Callable[[Path], Any]) -> Loaded:
    return Loaded(config_draft(name, content(path)))


def _routes(path: Path, take: Callable[[Receivers], None]) -> Loaded:
    receivers = receivers_in(path)
    return Loaded(config_draft("routes", receivers.routes_text), partial(take, receivers))
