"""Descriptions that say of themselves that nobody relies on them yet: drafts by their path or version."""

from __future__ import annotations

import re
from typing import Any

from core.risk.rules.touched import finder

_PATH = finder(
    r"(?:^|[/._-])(?:drafts?|proposals?|rfcs?|wip|experimental|sketch(?:es)?|alpha|unstable|mock-?ups?)(?:[/._-]|$)"
)
_VERSION = re.compile(
    r"(?:(?<=\d)|[._+-])(?:draft|alpha|a|rc|pre|preview|snapshot|dev|wip|experimental)(?:[._+-]?\d{1,6})*\s*$",
    re.IGNORECASE,
)
_FIRST = re.compile(r"v?0(?:\.\d{1,6}){0,3}\s*$")


def is_draft(path: str, version: str = "") -> bool:
    """By a folder or a name of the path, or by what the version ends with (`2.0.0-draft`)."""
    return _PATH(path[-400:]) is not None or (
        version[:1].isalnum() and _VERSION.search(version[:100]) is not None
    )


def is_unsettled(version: str) -> bool:
    """Whether the version is below 1.0, where anything may change: many never leave it, and are used."""
    return _FIRST.fullmatch(version[:100]) is not None


def version_of(document: dict[str, Any]) -> str:
    info = document.get("info")
    return str(info.get("version", "")) if isinstance(info, dict) else ""
