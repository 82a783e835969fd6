"""Senders' words for how bad it is, as the five that rules know: critical, high, warning, info, low."""

from __future__ import annotations

_WORDS = {
    "critical": (
        "critical", "crit", "fatal", "emergency", "disaster", "blocker", "highest", "page",
        "p0", "p1", "s1", "sev0", "sev1", "sev-0", "sev-1",
    ),
    "high": ("high", "error", "err", "major", "severe", "p2", "s2", "sev2", "sev-2"),
    "warning": ("warning", "warn", "medium", "moderate", "average", "minor", "p3", "s3", "sev3", "sev-3"),
    "info": (
        "info", "information", "informational", "notice", "debug", "sample", "none", "ok",
        "p4", "s4", "sev4", "sev-4",
    ),
    "low": ("low", "lowest", "trivial", "p5", "s5", "sev5", "sev-5"),
}  # fmt: skip
_LEVELS = {word: level for level, words in _WORDS.items() for word in words}


def severity(word: str, default: str = "") -> str:
    """The level of a word, or of the first word of a phrase (`P1 - urgent`); `default` for an unknown one."""
    plain = word.strip().lower()
    first = plain.replace(":", " ").split(" ", 1)[0]
    return _LEVELS.get(plain) or _LEVELS.get(first) or default
