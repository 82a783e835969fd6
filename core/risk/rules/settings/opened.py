"""Stores that anybody on the network may reach from now on, or that refuse writes: Redis, MongoDB and others.

Their own files, read as names and values before and after.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Level, Match
from core.risk.rules.settings.settings_text import Change, changes, wanted
from core.risk.rules.touched import finder, is_lower, judged, line_at, rules_of, shown

_FILES = finder(
    r"(?:redis|valkey|keydb)[^/]{0,60}(?:/[^/]{1,100})?\.conf$|(?:^|/)(?:mongod|mongo"
    r"|mongodb)[^/]{0,40}\.(?:conf|ya?ml)$"
    r"|(?:^|/)(?:elasticsearch|opensearch|cassandra)[^/]{0,40}\.ya?ml$|(?:^|/)postgresql[^/]{0,40}\.conf$"
    r"|(?:^|/)(?:my|mysqld|mariadb)[^/]{0,40}\.(?:cnf|ini)$"
)
_PASSWORD = finder(r"(?:^|\.)(?:requirepass|masterauth|aclfile)$")
_BINDS = finder(
    r"(?:^|\.)(?:bind|bind[_-]?ip|bindIpAll|bind[_-]address|listen_addresses|network\.host|http\.host"
    r"|rpc_address)$"
)
_EVERYWHERE = ("0.0.0.0", "*", "::", "[::]", "true")  # noqa: S104 - what is looked for
# The end of a name, what it was, what it is now.
_OFF: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("protected-mode", ("yes", "", "true"), ("no", "false")),
    ("authorization", ("enabled",), ("disabled", "")),
    ("xpack.security.enabled", ("true",), ("false", "")),
    ("plugins.security.disabled", ("false", ""), ("true",)),
    ("authenticator", ("passwordauthenticator",), ("allowallauthenticator",)),
    ("skip-grant-tables", ("", "0", "off"), ("1", "on", "true")),
)
_CLEARS = "Keep a password and listen on an inner address only, or say which network rule stands before it."


def _is_wanted(path: str) -> bool:
    return wanted(path) and _FILES(path[-300:]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, _is_wanted, gone=False):
        if is_lower(file.path) or file.status == "added":
            continue
        found = list(changes(file))
        for one in found:
            yield from _opened(file, one)
        yield from _full(file, found)


def _opened(file: TouchedFile, one: Change) -> Iterator[Match]:
    name, old, new = one.name[-200:], _plain(one.old), _plain(one.new)
    if _PASSWORD(name) and old and not new:
        yield _match(file, one, "high", f"The store no longer asks for a password ({one.name} is gone).")
    elif _BINDS(name) and old and not _everywhere(old) and _everywhere(new):
        yield _match(file, one, "medium", f"The store listens on all addresses ({one.name} {new}).")
    for end, was, now in _OFF:
        if f".{name}".endswith(f".{end}") and old in was and new in now and (old or new):
            said = f"{one.name} {new}" if new else f"{one.name} is gone"
            yield _match(file, one, "high", f"The store lets in whoever reaches it ({said}).")


def _plain(value: str | None) -> str:
    return (value or "").strip().strip("\"'").lower()


def _everywhere(value: str) -> bool:
    return any(part in _EVERYWHERE for part in value.replace(",", " ").split())


def _full(file: TouchedFile, found: list[Change]) -> Iterator[Match]:
    """A cache that refuses writes when it is full, where it threw away the oldest; a store that keeps what it
    has on the disk is told so with reason."""
    text = (file.after or "").lower()
    for one in found:
        turned = _plain(one.old).startswith(("allkeys-", "volatile-")) and _plain(one.new) == "noeviction"
        if turned and one.name.endswith("maxmemory-policy") and "appendonly yes" not in text:
            what = "Writes fail once the memory is full: nothing is thrown away any more (noeviction)."
            yield _match(file, one, "medium", what)


def _match(file: TouchedFile, one: Change, level: Level, what: str) -> Match:
    evidence = line_at(file.after, one.line) or shown(f"{one.name} {one.old or ''}")
    return Match("config-store-opened", level, shown(what), _CLEARS, file.path, one.line, evidence)


_rule = rules_of(_matches, _is_wanted)

rules = (
    _rule(
        "config-store-opened",
        "A store that anybody may reach, or that refuses writes",
        "Stores without a password that face a network are found within hours, read and emptied.",
        "Redis, Security: https://redis.io/docs/latest/operate/oss_and_stack/management/security/",
    ),
)
