"""Secrets in a change: tokens of known shapes, private keys, passwords in addresses, random values.

What is found is never shown: its first four characters and its length are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.settings.secrets_aside import secrets_aside
from core.risk.rules.tokens import token_in
from core.risk.rules.touched import fresh, judged, left_alone, once

_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
# A whole key in one line, its ends written as \\n.
_KEY_IN_LINE = re.compile(_KEY.pattern + r"(?:\\{1,2}n|\s){1,3}[A-Za-z0-9+/=]{24}")
_IN_URL = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"']{1,100}:([^\s@/\"']{6,200})@([A-Za-z0-9.-]{1,200})"
)
_NAMED = re.compile(
    r"""(?i)([a-z0-9_.-]{0,60}(?:passw(?:or)?d|secret|token|api_?key|access_?key|private_?key|credential)"""
    r"""[a-z0-9_-]{0,30})["']?\s{0,9}(?:=|:|=>|:=)\s{0,9}(["']?)([^\s"',;#]{12,500})"""
)
# Looked for first: most lines hold none of these.
_TELLING = ("passw", "secret", "token", "key", "credential")
# Files in which a value needs no quotes; in code what has none is a name.
_PLAIN = re.compile(
    r"(?i)(?:.*\.(?:ya?ml|env|properties|ini|cfg|conf|toml|sh|bash|tfvars|txt|cnf)|\.env.*|dockerfile.*)",
    re.DOTALL,
)
_DOTTED = re.compile(r"[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){1,12}")
_BASE64 = re.compile(r"[\s\"'+]{0,40}(?:[A-Za-z0-9+/=]{24,}|Proc-Type:)")
_PLACEHOLDER = re.compile(
    r"(?i)example|changeme|change[_-]me|placeholder|your[_-]|dummy|sample|redacted|xxxx|\*\*\*"
    r"|<[^>]{1,80}>|insert"
    r"|\.\.\.|todo|fake|123456|abcdef|replace|vault:|arn:|secretsmanager|ssm:|sops|enc\[|\$\{"
    r"|\$\(|\{\{|%\(|getenv"
    r"|environ|process\.env|secrets\.|config\.|settings\.|self\.|this\.|os\.|var\.|local\."
    r"|data\.|^[a-z_.]+\(|://"
    # What everybody's emulator of Azure is given.
    r"|Eby8vdM02xNOcqFlqUwJ|C2y6yDjf5/R\+ob0N8A7Cgv30"
)
_NOT_SECRET = re.compile(
    r"(?i)(?:name|path|file|ref|id|url|uri|arn|length|ttl|type|header|field|class|count|version|prefix|regex"
    r"|pattern|hash|public|sha\d*|digest|checksum|max_?tokens|tokens|tokenizer|expiry|key_?name|policy)$"
)
_NAMES = re.compile(
    r"(?i)(?:id_(?:rsa|dsa|ecdsa|ed25519)|.{0,200}\.(?:p12|pfx|jks|keystore|kdbx|ppk)|\.pgpass"
    r"|\.netrc|\.htpasswd"
    r"|service[_-]account.{0,60}\.json|\.aws/credentials)"
)
# Begins with the length of a key of RSA, as base64.
_SEALED = re.compile(r"Ag[A-Za-z0-9+/=]{38}")
_OF_SEALED = re.compile(r"^kind:[ \t]{0,9}[\"']?SealedSecret\b", re.MULTILINE)
# A password of fewer signs that are all letters stands for one: it is that of an example, in any language.
_WORD = 12
_JOINED = re.compile(r"[_.-]")
# Bits a sign of random text; words and identifiers stay below.
_RANDOM = 3.6
_REVOKE = (
    "Revoke it now (it stays in the history), and read the new one from the environment or a secret store."
)


class _Found(NamedTuple):
    rule: str
    level: Level
    kind: str
    secret: str
    name: str


def _find(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, lambda path: True, gone=False):
        plain, header = _PLAIN.fullmatch(file.name) is not None, None
        for line in fresh(file):
            if header and _BASE64.match(line.text):
                yield _match(file, header, _A_KEY)
            header = line if "PRIVATE KEY" in line.text and _KEY.search(line.text) else None
            found = _in_line(line.text, plain)
            if found and not _is_sealed(file, found):
                yield _match(file, line, found)
    for one in secrets_aside(change):
        if one.token is not None:
            token = _Found("secret-token", "critical", one.token.kind, one.token.text, "")
            yield _match(one.file, one.line, token)
        else:
            yield _match(one.file, one.line, _A_KEY if one.grave else _A_KEY._replace(level="medium"))
    yield from _files(change)


def _is_sealed(file: TouchedFile, found: _Found) -> bool:
    """Whether it is what `kubeseal` made of a secret: only the cluster can read it."""
    if found.rule != "secret-assigned" or not _SEALED.match(found.secret):
        return False
    text = file.after or "\n".join(line.text for line in file.added)
    return _OF_SEALED.search(text) is not None


def _in_line(text: str, plain: bool) -> _Found | None:
    """The first secret of a line, the surest first."""
    token = token_in(text)
    if token and not _PLACEHOLDER.search(token.text) and _entropy(token.text) > 2.5:
        return _Found("secret-token", "critical", token.kind, token.text, "")
    if "PRIVATE KEY" in text and _KEY_IN_LINE.search(text):
        return _A_KEY
    url = _IN_URL.search(text) if "://" in text else None
    if (
        url
        and not _PLACEHOLDER.search(url[1])
        and not any(word in url[1].lower() for word in _DULL)
        and not (url[1].isalpha() and len(url[1]) < _WORD)
        and not _near(url[2])
    ):
        return _Found("secret-in-address", "high", "password", url[1], "")
    low = text.lower()
    named = _NAMED.search(text) if any(word in low for word in _TELLING) else None
    if named and (plain or named[2]) and _is_random(named[1], named[3]):
        return _Found("secret-assigned", "high", "secret", named[3], named[1])
    return None


_A_KEY = _Found("secret-private-key", "critical", "private key", "", "")
_DULL = ("password", "postgres", "secret", "admin", "guest", "passwd", "root", "user")


def _near(host: str) -> bool:
    """A host on one's own machine, or one that stands in an example."""
    return host.lower() in (
        "localhost",
        "127.0.0.1",
        "db",
        "postgres",
        "redis",
        "mysql",
        "host",
        "hostname",
    ) or (host.lower().endswith((".example", ".example.com", ".test", ".local")))


def _is_random(name: str, value: str) -> bool:
    if (
        _DOTTED.fullmatch(value)
        or _NOT_SECRET.search(name)
        or _PLACEHOLDER.search(value)
        or "(" in value
        or "/" in value[:2]
        or _is_words(value)
    ):
        return False
    kinds = sum(any(test(sign) for sign in value) for test in (str.isdigit, str.islower, str.isupper))
    return len(value) >= 16 and kinds >= 2 and any(map(str.isdigit, value)) and _entropy(value) >= _RANDOM


def _is_words(value: str) -> bool:
    """Whether it is a name of several words (`cost_above_1hr_in_usd`): all small or all large letters, and
    most of its parts without a digit."""
    parts = _JOINED.split(value)
    wordy = [part for part in parts if part.isalpha() and len(part) > 1]
    return len(parts) >= 4 and len(wordy) >= len(parts) - 1 and (value.islower() or value.isupper())


def _entropy(text: str) -> float:
    """Bits a sign, from how often each occurs."""
    counts = [text.count(sign) / len(text) for sign in sorted(set(text))]
    return -sum(share * math.log2(share) for share in counts)


def _match(file: TouchedFile, line: Line, found: _Found) -> Match:
    masked = (
        f"{found.secret[:4]}… ({len(found.secret)} characters)" if found.secret else "-----BEGIN PRIVATE KEY"
    )
    where = f" under the name {found.name[-60:]}" if found.name else ""
    what = f"This adds a {found.kind}{where} to the repository."
    evidence = f"{found.name[-60:]} = {masked}" if found.name else masked
    return Match(found.rule, found.level, what, _REVOKE, file.path, line.number, evidence)


def _files(change: ChangeSet) -> Iterator[Match]:
    """Files that are secrets by their name; binary ones too."""
    for file in change.files:
        held = _NAMES.fullmatch(file.name[-250:]) or _NAMES.fullmatch(
            "/".join(file.path.split("/")[-2:])[-250:]
        )
        came = file.status in ("added", "renamed", "copied") and not file.instead
        if held and came and not left_alone(file):
            what = "This file holds keys or passwords by its name."
            yield Match("secret-file", "high", what, _REVOKE, file.path, 0, file.name[-100:])


_of = once(_find)
_CWE = "CWE-798, Use of hard-coded credentials: https://cwe.mitre.org/data/definitions/798.html"
_LEAKED = "Whoever can read the repository, now or later, has it; bots find a public one within minutes."

rules: tuple[RiskRule, ...] = (
    RiskRule("secret-token", "A token of a known service is committed", _LEAKED, _CWE, _of("secret-token")),
    RiskRule("secret-private-key", "A private key is committed", _LEAKED, _CWE, _of("secret-private-key")),
    RiskRule("secret-in-address", "A password in an address", _LEAKED, _CWE, _of("secret-in-address")),
    RiskRule(
        "secret-assigned", "A random value under the name of a secret", _LEAKED, _CWE, _of("secret-assigned")
    ),
    RiskRule("secret-file", "A file of keys or passwords is committed", _LEAKED, _CWE, _of("secret-file")),
)
