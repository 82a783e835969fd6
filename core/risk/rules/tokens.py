"""Tokens whose shape says whose they are, and text without them: nothing that is shown holds a secret.

Masked are tokens of known shapes, passwords in addresses, and what stands under a telling name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Tokens whose beginning says whose they are.
_SHAPES: tuple[tuple[str, str], ...] = (
    ("AWS access key", r"(?:AKIA|ASIA)[A-Z2-7]{16}"),
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,251}"),
    ("GitHub token", r"github_pat_[A-Za-z0-9_]{40,251}"),
    ("GitLab token", r"gl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{20,64}"),
    ("Slack token", r"xox[baprse]-[A-Za-z0-9-]{20,250}"),
    ("Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,32}"),
    ("Stripe key", r"[rs]k_live_[A-Za-z0-9]{20,250}"),
    ("Anthropic key", r"sk-ant-[A-Za-z0-9_-]{40,200}"),
    ("OpenAI key", r"sk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{40,200}"),
    ("Google API key", r"AIza[A-Za-z0-9_-]{35}"),
    ("Google OAuth secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    ("SendGrid key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
    ("PyPI token", r"pypi-AgE[A-Za-z0-9_-]{50,400}"),
    ("Hugging Face token", r"hf_[A-Za-z0-9]{34,40}"),
    ("DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}"),
    ("Vault token", r"hvs\.[A-Za-z0-9_-]{24,200}"),
    ("Databricks token", r"dapi[a-f0-9]{32}"),
    ("PagerDuty key", r"pdus\+_[A-Za-z0-9_+-]{20,64}"),
    ("age key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
)
_TOKENS = re.compile("|".join(f"(?<![A-Za-z0-9_-])(?P<t{i}>{shape})" for i, (_, shape) in enumerate(_SHAPES)))
_STARTS = (
    "AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glptt- xox "
    "hooks.slack.com k_live_ sk- "
    "AIza GOCSPX- SG. npm_ pypi- hf_ dop_v1_ doo_v1_ dor_v1_ hvs. dapi pdus+_ AGE-"
)
_MARKS = tuple(_STARTS.split())
_URL_PASSWORD = re.compile(r"(://[^\s:/@]{0,200}:)[^\s@/]{1,500}@")
_NAMED = re.compile(
    r"(?i)((?:passw(?:or)?d|secret|token|api_?key|credential|private_?key)[a-z0-9_.-]{0,40}[\"']?\s{0,9}"
    r"[=:]\s{0,9}[\"']?)(?!\d{1,9}\b)([^\s\"',]{4,})"
)
# What commands take beside a name: `Authorization: Bearer x`, `curl -u ann:x`, `--password x`, `-p x`.
_GIVEN = (
    re.compile(r"(?i)(\b(?:bearer|basic)\s{1,9})([A-Za-z0-9._~+/=-]{12,})"),
    re.compile(r"(\bcurl\b[^|;&]{0,300}\s(?:-u|--user)[ =]{0,3}[\"']?[^\s:\"']{1,100}:)([^\s\"';|&]{3,})"),
    re.compile(
        r"(?i)((?:\blogin\b[^|;&]{0,200}\s-p|(?<!\S)--(?:pass|password|passwd|token|secret|api-?key))"
        r"[ =]{1,3}[\"']?)([^\s\"';|&-][^\s\"';|&]{5,})"
    ),
    re.compile(
        r"(?i)(\b(?:password|passwd|identified\s{1,9}(?:with\s{1,9}\S{1,40}\s{1,9})?(?:by|as))\s{1,9}[\"'])"
        r"([^\"']{3,})"
    ),
    re.compile(
        r"(?i)(^\s{0,20}(?:ENV|ARG)\s{1,9}\w{0,40}(?:password|passwd|secret|token|key)\w{0,40}\s{1,9})(\S{4,})"
    ),
    re.compile(r"((?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8})([A-Za-z0-9_-]{8,}\.[A-Za-z0-9._-]{8,})"),
)


class Token(NamedTuple):
    """Whose it is, and the token itself."""

    kind: str
    text: str


def token_in(text: str) -> Token | None:
    """The first token of a text, None where there is none."""
    if not any(mark in text for mark in _MARKS):
        return None
    found = _TOKENS.search(text)
    if not found:
        return None
    kind = next(_SHAPES[int(name[1:])][0] for name, value in found.groupdict().items() if value)
    return Token(kind, found[0])


def masked(text: str) -> str:
    """The text with every secret that is known by its shape, place or name as `***`."""
    text = _NAMED.sub(r"\1***", _URL_PASSWORD.sub(r"\1***@", text))
    for pattern in _GIVEN:
        text = pattern.sub(r"\1***", text)
    return _TOKENS.sub("***", text) if any(mark in text for mark in _MARKS) else text
