"""Texts without secrets: the one place through which everything passes that a check shows of a change.

Masked is what is known by its shape (tokens, keys, passwords in addresses), by the name or the command before
it, and whatever looks random after a word that tells of a secret, in code, settings and comments alike.
"""

from __future__ import annotations

import re

from core.risk.rules.tokens import SHAPES

_LEAST = re.compile(r"\{(\d{1,3}),\d{1,3}\}")
# A beginning that nothing else has; of these a piece is masked too, and what stands before does not matter.
_SURE = re.compile(r"gh\[|github_pat_|gl\(|xox|xapp|\(\?:AKIA|glpat|eyJ")
# Shapes that are masked and not looked for: nobody is told that such a token is there.
_MORE = (
    r"gl(?:oas|soat|cbt|imt|ft|ffct|agent|rtr)-[A-Za-z0-9_-]{20,64}",
    r"xox[a-z]\.xox[a-z]-[A-Za-z0-9-]{20,250}",
    r"xapp-\d-[A-Za-z0-9-]{20,250}",
    r"eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{4,4000}(?:\.[A-Za-z0-9_-]{1,4000})?",
)


def _shape(shape: str) -> str:
    if _SURE.match(shape):
        return _LEAST.sub("{8,}", shape).replace("{16}", "{8,}")
    return f"(?<![A-Za-z0-9_-]){_LEAST.sub(lambda found: f'{{{found[1]},}}', shape)}"


_SHAPED = re.compile("|".join(_shape(shape) for shape in (*_MORE, *(one for _, one in SHAPES))))
_STARTS = (
    "AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ gl xox xapp- eyJ hooks.slack.com k_live_ sk- AIza "
    "GOCSPX- SG. npm_ pypi- hf_ dop_v1_ doo_v1_ dor_v1_ hvs. dapi pdus+_ AGE- AccountKey= "
    "SharedAccessKey="
)
_MARKS = tuple(_STARTS.split())
_ADDRESSES = (
    (re.compile(r"(://[^\s:/@]{0,200}:)[^\s/\"'<>]{1,500}@"), r"\1***@"),
    # A token in place of a name and a password.
    (re.compile(r"(://)[A-Za-z0-9_~.-]{16,500}@"), r"\1***@"),
)
_PEM = re.compile(
    r"(-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|MESSAGE)[A-Z ]{0,10}-----)(?:(?!-----END).){1,8000}",
    re.DOTALL,
)
# A line that is nothing but base64, as keys are written.
_BASE64_LINE = re.compile(r"[\s\"'+>|#*/-]{0,20}[A-Za-z0-9+/]{48,}={0,2}(?:\\n)?[\s\"',;+\\]{0,9}")
_TELLING = r"passw(?:or)?d|passphrase|pwd|secret|token|api_?key|credential|private_?key|access_?key|_auth"
_VALUE = r"(\"[^\"]{4,}\"|'[^']{4,}'|[^\s\"',]{4,})"
_NAMED = re.compile(
    rf"(?i)((?:{_TELLING})[a-z0-9_.-]{{0,40}}[\"']?\s{{0,9}}[=:]>?\s{{0,9}})(?![\"']?\d{{1,9}}\b){_VALUE}"
)
_NUMBER = re.compile(r"(?i)((?:passw(?:or)?d|passphrase|pwd)[\"']?\s{0,9}[=:]\s{0,9}[\"']?)\d{4,}")
# `the password is x7!`, `token: was x7!`: what has neither a digit nor a sign is a word of the sentence.
_SAID = re.compile(
    rf"(?i)(\b(?:{_TELLING})s?\s{{1,9}}(?:is|was|are|were|of|now|still|->|=)\s{{1,9}}[\"'`]?)"
    r"((?=[^\s\"'`]{0,99}[0-9!@#$%^&*])[^\s\"'`]{4,})"
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
)
_WORD = re.compile(
    r"(?i)passw(?:or)?d|passphrase|\bpwd\b|secret|token|credential|bearer|\bauth|api[-_ ]?key"
    r"|(?:access|private|signing|encryption|account|storage|master|service|shared|deploy)[-_ ]?key"
)
_RUN = re.compile(r"[A-Za-z0-9+/_~.-]{20,}={0,2}")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PARTS = re.compile(r"[^A-Za-z0-9]+")
_CHANGES = re.compile(
    r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])"
)
_VOWELS = frozenset("aeiouyAEIOUY")


def masked(text: str) -> str:
    """A piece of a change as it may be shown: every secret that is known by its shape, place or name, and
    what looks like one, is `***`."""
    text = unshaped(text)
    text = _NAMED.sub(_kept, _NUMBER.sub(r"\1***", text))
    for pattern in (_SAID, *_GIVEN):
        text = pattern.sub(r"\1***", text)
    if _BASE64_LINE.fullmatch(text):
        return "***"
    told = _WORD.search(text)
    return text if told is None else text[: told.end()] + _RUN.sub(_unless_plain, text[told.end() :])


def unshaped(text: str) -> str:
    """A path, or words about a change, without what is a secret by its shape alone: tokens, private keys and
    passwords in addresses."""
    if "://" in text:
        for pattern, instead in _ADDRESSES:
            text = pattern.sub(instead, text)
    if "-----BEGIN" in text:
        text = _PEM.sub(r"\1***", text)
    return _SHAPED.sub("***", text) if any(mark in text for mark in _MARKS) else text


def _kept(found: re.Match[str]) -> str:
    """Quotes stay, so that a line reads as it did."""
    quote = found[2][0] if found[2][0] in "\"'" else ""
    return f"{found[1]}{quote}***{quote}"


def _unless_plain(found: re.Match[str]) -> str:
    return "***" if looks_random(found[0]) else found[0]


def looks_random(text: str) -> bool:
    """Whether a run of signs is no name, path, version or word: most of it changes between small letters,
    large ones and digits, or cannot be spoken."""
    if _UUID.search(text):
        return True
    parts = [part for part in _PARTS.split(text) if part]
    wordy = any(part.isalpha() and len(part) >= 4 and not _mixed(part) for part in parts)
    mixed = sum(len(part) for part in parts if len(part) >= 4 and _mixed(part))
    joined = "".join(parts)
    return mixed >= 16 or (not wordy and _mixed(joined)) or (len(parts) == 1 and _unspoken(joined))


def _mixed(part: str) -> bool:
    """Letters alone change far less often, also in a NameOfManyWords."""
    changes = len(_CHANGES.findall(part))
    digits = sum(sign.isdigit() for sign in part)
    if digits < 2:
        return changes >= 5 and changes * 5 >= len(part) * 2
    return digits < len(part) and changes >= 2 and changes * 7 >= len(part)


def _unspoken(part: str) -> bool:
    return part.isalpha() and sum(sign in _VOWELS for sign in part) * 7 < len(part)
