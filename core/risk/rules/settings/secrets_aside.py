"""Secrets in tests, documentation, lock files and vendored text: those alone whose shape is sure.

A token that is as good as random is one wherever it stands; those that examples and tests make up are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.paths import is_test
from core.risk.rules.tokens import Token, token_in
from core.risk.rules.touched import fresh, left_alone

_MADE_UP = re.compile(
    r"(?i)example|dummy|sample|fake|redact|placeholder|changeme|your|test|mock|invalid|foobar|secret|token|valid"
    r"|xxxx|not[_-]?real|\.\.\.|0123|1234|abcd|qwert|deadbeef|Eby8vdM02x|C2y6yDjf5/|(.)\1{4}|(.{2,8})\2\2"
)
_RUN = 5
_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(r"(?:\\{1,2}n|[\s\"'+>]){0,40}([A-Za-z0-9+/=]{40,})")
_LIVE = re.compile(r"(?:^|[/_.-])(?:prod|production|live)(?:[/_.-]|$)", re.IGNORECASE)


class Aside(NamedTuple):
    """`token` is None of a private key, which is `grave` unless it is a test's own."""

    file: TouchedFile
    line: Line
    token: Token | None
    grave: bool = True


def secrets_aside(change: ChangeSet) -> Iterator[Aside]:
    for file in change.files:
        if file.binary or file.instead or file.status == "deleted" or not left_alone(file):
            continue
        header: Line | None = None
        for line in fresh(file):
            if header is not None and _is_key(line.text):
                yield Aside(file, header, None, not is_test(file.path) or bool(_LIVE.search(file.path)))
            found = _KEY.search(line.text) if "PRIVATE KEY" in line.text else None
            header = line if found and not line.text[found.end() :].strip(" \"'\\n+,") else None
            if found and header is None and _is_key(line.text[found.end() :]):
                yield Aside(file, line, None, not is_test(file.path) or bool(_LIVE.search(file.path)))
            token = token_in(line.text)
            if token is not None and _is_sure(token.text):
                yield Aside(file, line, token)


def _is_key(text: str) -> bool:
    """Whether the first line of a key stands there: of one that is made up the same signs come again."""
    found = _BODY.match(text)
    return found is not None and len(set(found[1])) >= 16 and not _MADE_UP.search(found[1])


def _is_sure(text: str) -> bool:
    """Whether a token looks drawn by lot: digits and letters in no order, many different signs."""
    body = text[4:]
    if _MADE_UP.search(text) or not (any(map(str.isdigit, body)) and any(map(str.isalpha, body))):
        return False
    if len(set(body)) < min(10, len(body) // 2) or sum(map(str.isdigit, body)) * 20 < len(body):
        return False
    return not any(_rises(body[at : at + _RUN]) for at in range(len(body) - _RUN + 1))


def _rises(text: str) -> bool:
    steps = {ord(second) - ord(first) for first, second in pairwise(text)}
    return steps in ({1}, {-1})
