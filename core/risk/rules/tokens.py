"""Tokens whose shape says whose they are."""

from __future__ import annotations

import re
from typing import NamedTuple

# Tokens whose beginning says whose they are.
SHAPES: tuple[tuple[str, str], ...] = (
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
    ("Azure storage key", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    ("Azure access key", r"SharedAccessKey=[A-Za-z0-9+/]{43}="),
    ("age key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
)
_TOKENS = re.compile("|".join(f"(?<![A-Za-z0-9_-])(?P<t{i}>{shape})" for i, (_, shape) in enumerate(SHAPES)))
_STARTS = (
    "AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glptt- xox "
    "hooks.slack.com k_live_ sk- "
    "AIza GOCSPX- SG. npm_ pypi- hf_ dop_v1_ doo_v1_ dor_v1_ hvs. dapi pdus+_ AGE- AccountKey= "
    "SharedAccessKey="
)
_MARKS = tuple(_STARTS.split())


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
    kind = next(SHAPES[int(name[1:])][0] for name, value in found.groupdict().items() if value)
    return Token(kind, found[0])
