"""Secrets and addresses of people taken out of text before it goes to a model.

A first, small set of well-known shapes; it cannot know a secret that looks like any other word. Every
pattern runs in time that grows with the text alone: matches begin only where a word begins, and repeats are
bounded or possessive.
"""

from __future__ import annotations

import re
from typing import Any

# Facts were made inert before: their signs that chat programs act on are spelled out.
_AT = r"(?:@|\(at\))"
_START = r"(?<![A-Za-z0-9_-])"
_NAMES = r"passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|private|secret)[_-]?key|credential"

# What is found is replaced by the words beside it; `\1` keeps what names the secret. In this order: what is
# long and certain first.
PATTERNS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "private key",
        re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)"),
        "(private key removed)",
    ),
    (
        "JSON Web Token",
        re.compile(_START + r"eyJ[A-Za-z0-9_-]{10,}+(?:\.[A-Za-z0-9_-]*+){0,2}"),
        "(token removed)",
    ),
    (
        "credentials in an address",
        re.compile(rf"(:\s?//)[^\s/@:]{{0,256}}:[^\s/@]{{1,256}}?({_AT})"),
        r"\1(credentials removed)\2",
    ),
    (
        "authorization",
        re.compile(r"(?i)" + _START + r"(bearer|basic)\s{1,4}[A-Za-z0-9._~+/=-]{8,}+"),
        r"\1 (token removed)",
    ),
    (
        "key of a known service",
        re.compile(
            _START + r"(?:(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])|gh[pousr]_[A-Za-z0-9]{20,}+"
            r"|github_pat_[A-Za-z0-9_]{20,}+|glpat-[A-Za-z0-9_-]{16,}+|xox[abeoprs]-[A-Za-z0-9-]{10,}+"
            r"|sk-[A-Za-z0-9_-]{16,}+|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}+|AIza[A-Za-z0-9_-]{30,}+"
            r"|hf_[A-Za-z0-9]{20,}+|npm_[A-Za-z0-9]{20,}+|whsec_[A-Za-z0-9+/=]{10,}+)"
        ),
        "(key removed)",
    ),
    (
        "named secret",
        re.compile(rf"(?i)((?:{_NAMES})s?[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?)(?!\()[^\s\"',;&}}]{{3,256}}"),
        r"\1(removed)",
    ),
    (
        "e-mail address",
        re.compile(rf"(?<![\w.%+-])[\w.%+-]++{_AT}[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++"),
        "(e-mail removed)",
    ),
)


def redacted(text: str) -> str:
    for _, pattern, words in PATTERNS:
        text = pattern.sub(words, text)
    return text


def redacted_json(value: Any) -> Any:
    """The same JSON value with every text in it redacted; keys are ours and stay."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: redacted_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_json(each) for each in value]
    return value
