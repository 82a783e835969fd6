"""How many run, and of which image: fewer than before, none any more, an image that names no version."""

from __future__ import annotations

import re

from core.risk.rules.rule import Level

_MOVING = re.compile(
    r"(?:latest|main|master|develop|dev|edge|nightly|canary|stable|head|snapshot)", re.IGNORECASE
)


def fewer(was: int | None, now: int | None) -> Level | None:
    """How grave it is to run fewer than before: none at all, only one, half or less."""
    if was is None or now is None or now >= was:
        return None
    if now <= 1:
        return "high"
    return "medium" if now * 2 <= was else None


def told(name: str, was: int | None, now: int | None, unit: str = "") -> str:
    """That in a sentence; to run none at all is to stop it."""
    if now == 0:
        return f"{name} goes from {was}{unit} to 0: nothing of it runs any more."
    return f"{name} goes from {was}{unit} to {now}."


def moves(image: str) -> bool:
    """Whether the name of an image says no version: no tag, or one that is moved."""
    if "@sha256:" in image or any(sign in image for sign in "${}") or not image.strip():
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return not tag or _MOVING.fullmatch(tag[:50]) is not None
