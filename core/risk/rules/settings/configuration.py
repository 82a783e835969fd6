"""Configuration: limits that change by much, debug switched on, certificates unproven, other addresses.

Files of lower environments (dev, staging, test by their path) are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.settings.settings_text import Change, changes, wanted
from core.risk.rules.touched import (
    finder,
    fresh,
    gone,
    is_comment,
    is_lower,
    judged,
    line_at,
    rules_of,
    shown,
)

# A limit that changes by this factor or more is another one.
FACTOR = 5
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_LIMIT_WORDS = (
    "timeout timeouts retry retries attempts pool connections conn conns workers threads concurrency limit "
    "limits quota ttl expiry expiration backoff deadline keepalive heartbeat maxsize ratelimit rps qps burst "
    "backlog"
)
_LIMITS = frozenset(_LIMIT_WORDS.split())
_SIZES = frozenset(("batch", "buffer", "cache", "pool", "queue"))
_OF_PODS = (".limits.", ".requests.", "spec.replicas")
_WAITS = frozenset(("timeout", "timeouts", "deadline", "pool", "connections", "conns", "workers", "threads"))
# What JSON Schema says of a value is no value.
_SCHEMA = re.compile(
    r"(?:^|\.)properties\..{1,300}\.(?:maximum|minimum|default|examples?|maxLength|minLength)\b"
)
_NUMBER = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s?([A-Za-z%]{0,12})")
_OFF = frozenset(("off", "false", "none", "null", "disabled", "infinity", "unlimited", "-1"))
_UNITS = {
    **dict.fromkeys(("ms", "milliseconds", "millis"), 0.001),
    **dict.fromkeys(("", "s", "sec", "secs", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minutes"), 60.0),
    **dict.fromkeys(("h", "hours"), 3_600.0),
    **dict.fromkeys(("d", "days"), 86_400.0),
    **dict.fromkeys(("k", "kb"), 1e3),
    **dict.fromkeys(("ki", "kib"), 2.0**10),
    "mb": 1e6,
    **dict.fromkeys(("mi", "mib"), 2.0**20),
    "gb": 1e9,
    **dict.fromkeys(("gi", "gib"), 2.0**30),
}
_DEBUG = finder(
    r"(?:^|[._-])(?:debug|debug_mode|debugmode|app_debug|flask_debug|display_errors|debug_toolbar)$"
)
_DEBUG_ENV = finder(
    r"(?:^|[._-])(?:flask_env|node_env|rails_env|app_env|aspnetcore_environment|environment)$"
)
# How much is written to the log by all parts, not by one.
_LOG_ROOT = finder(
    r"(?:^|[._-])(?:logging\.level\.root|logging\.level|log[._-]?level|root(?:[._-]?logger)?[._-]?(?:log[._-]?)?level)$"
)
_LOUD, _QUIET = ("debug", "trace", "all", "silly"), ("info", "warn", "warning", "error", "notice")
_ADDRESS_WORDS = (
    "url uri host hostname hosts endpoint endpoints dsn broker brokers bootstrap server servers address addr "
    "upstream datasource"
)
_ADDRESS = frozenset(_ADDRESS_WORDS.split())
# What people look at or read; no program depends on it.
_ORNAMENT_WORDS = "logo icon image picture avatar badge thumbnail documentation docs doc homepage readme help"
_ORNAMENT = frozenset(_ORNAMENT_WORDS.split())
_HOST = re.compile(
    r"(?:(?:[a-z][a-z0-9+.:-]{0,30}):)?//(?:[^\s/@]{0,300}@)?([A-Za-z0-9._-]{1,253})"
    r"|^([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})(?::[0-9]{1,5})?$"
)
_STORES = finder(r"database|\bdb\b|dsn|postgres|mysql|mongo|redis|kafka|jdbc|datasource|broker|amqp|elastic")
_HERE = finder(
    r"^(?:localhost|127\.|0\.0\.0\.0|host\.docker\.internal)"
    r"|(?:^|[.-])(?:dev|test|staging|stage|sandbox|qa|uat)(?:[.-]|$)"
)
_IS = r"[\"']?\]?\s{0,5}[:=]\s{0,5}[\"']?"
_TLS_OFF = finder(
    r"(?:requests|httpx|session|client|aiohttp|urllib3|https?:).{0,300}\bverify\s{0,5}=\s{0,5}False\b"
    rf"|^\s{{0,80}}verify\s{{0,5}}=\s{{0,5}}False,?\s{{0,5}}\)?$|rejectUnauthorized{_IS}false"
    rf"|InsecureSkipVerify{_IS}true"
    rf"|NODE_TLS_REJECT_UNAUTHORIZED{_IS}0|PYTHONHTTPSVERIFY{_IS}0|sslmode{_IS}disable"
    rf"|ssl_?verify(?:_?peer)?{_IS}(?:false|off|0|no)\b|VERIFY_NONE\b|CERT_NONE\b|_create_unverified_context"
    r"|CURLOPT_SSL_VERIFYPEER\s{0,5}(?:=>|,)\s{0,5}(?:false|0)|strict-ssl\s{0,5}=?\s{0,5}false"
    rf"|http\.sslVerify\s{{0,5}}=?\s{{0,5}}false|tls_?insecure(?:_?skip_?verify)?{_IS}true"
    rf"|insecure_?skip_?(?:tls_?)?verify{_IS}true|danger_accept_invalid_certs\(true\)|trustAllCerts"
    r"|NoopHostnameVerifier|ALLOW_ALL_HOSTNAME_VERIFIER"
)
# An option that somebody has to ask for, a few lines above.
_NEAR_ABOVE = 4
_ASKED = finder(
    r"^\s{0,80}(?:\}\s?)?(?:el(?:se\s)?)?if\b.{0,200}(?:verif|validat|insecure|ignore|skip|self.?signed|cert)"
)
_NO_LONGER = "Certificates are no longer checked here: anybody between can read and change what is sent."
_WHERE_ASKED = "Certificates are not checked here once an option asks for it."
# A pattern of addresses, shown or filled in elsewhere; not one that is made here.
_TEMPLATE = finder(r"^(?!.{0,400}\bf[\"']).{0,400}://.{0,200}(?:\{host(?:name)?\}|<host(?:name)?>)")
_LOCAL = finder(r"localhost|127\.0\.0\.1|\[::1\]")
_TEXT = re.compile(r".*\.(?:md|rst|txt|lock|sum|svg|csv|html?|css)", re.IGNORECASE | re.DOTALL)


# Looked for first: most lines hold none of these.
_TELLING = ("verif", "reject", "sslmode", "cert", "insecure", "strict-ssl", "httpsv")


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, lambda path: not _TEXT.fullmatch(path), gone=False):
        if is_lower(file.path):
            continue
        if wanted(file.path):
            for one in changes(file):
                yield from _of_setting(file, one)
        yield from _unproven(file)


def _match(file: TouchedFile, rule: str, level: Level, what: str, clears: str, one: Change) -> Match:
    evidence = line_at(file.after, one.line) or shown(f"{one.name} = {one.new}")
    return Match(rule, level, shown(what), clears, file.path, one.line, evidence)


def _of_setting(file: TouchedFile, one: Change) -> Iterator[Match]:
    words = _words(one.name)
    if (
        one.old is not None
        and one.new is not None
        and _is_limit(words)
        and not any(part in one.name for part in _OF_PODS)
        and not _SCHEMA.search(one.name[-400:])
    ):
        yield from _limit(file, one, words)
    if one.new is not None and one.old != one.new and _debug(one):
        what = f"Debug mode is switched on ({one.name})."
        yield _match(file, "config-debug-on", "medium", what, "Leave it off outside development.", one)
    if _LOG_ROOT(one.name[-200:]) and _is(one.old, _QUIET) and _is(one.new, _LOUD):
        what = f"Everything is logged ({one.name} {one.new}): more to keep, and secrets among it."
        yield _match(file, "config-debug-on", "medium", what, "Raise it for one part, and for a while.", one)
    if one.old is not None and one.new is not None and words & _ADDRESS and not words & _ORNAMENT:
        yield from _address(file, one)


def _is(value: str | None, words: tuple[str, ...]) -> bool:
    return (value or "").strip().lower() in words


def _words(name: str) -> frozenset[str]:
    """The words of the last two keys, without the place that is told in parentheses."""
    tail = ".".join(name.partition(" (")[0].split(".")[-2:])[-200:]
    return frozenset(word.lower() for word in _WORDS.findall(tail))


def _is_limit(words: frozenset[str]) -> bool:
    return bool(words & _LIMITS) or ("size" in words and bool(words & _SIZES))


def _limit(file: TouchedFile, one: Change, words: frozenset[str]) -> Iterator[Match]:
    was, now = amount(one.old or ""), amount(one.new or "")
    if not was or (one.new or "").lower() == (one.old or "").lower():
        return
    clears = "Say what was measured that asks for it, and change it in steps."
    if now == 0 or (now is None and (one.new or "").strip().lower() in _OFF):
        level: Level = "high" if words & _WAITS else "medium"
        what = f"{one.name} goes from {one.old} to {one.new}: no limit, or nothing at all."
        yield _match(file, "config-limit-changed", level, what, clears, one)
    elif now and (now >= was * FACTOR or now * FACTOR <= was):
        factor = now / was if now > was else was / now
        way = "larger" if now > was else "smaller"
        what = f"{one.name} goes from {one.old} to {one.new}: {factor:.0f} times {way}."
        yield _match(file, "config-limit-changed", "medium", what, clears, one)


def amount(text: str) -> float | None:
    """A number with its unit (s, ms, MB), in seconds or bytes or pieces; None where it is none."""
    found = _NUMBER.fullmatch(text.strip().strip("\"'").replace("_", ""))
    if not found or found[2].lower() not in _UNITS:
        return None
    return float(found[1]) * _UNITS[found[2].lower()]


def _debug(one: Change) -> bool:
    value = (one.new or "").strip().lower()
    if _DEBUG(one.name):
        return value in ("true", "1", "on", "yes") and (one.old or "").strip().lower() != value
    return bool(_DEBUG_ENV(one.name)) and value in ("development", "debug") and one.old is not None


def _address(file: TouchedFile, one: Change) -> Iterator[Match]:
    was, now = _host(one.old or ""), _host(one.new or "")
    if not was or not now or was == now or _HERE(was):
        return
    store = bool(_STORES(one.name)) or bool(_STORES((one.new or "").partition("//")[0]))
    lower = bool(_HERE(now))
    level: Level = "high" if lower or store else "medium"
    told = " That is no address of production." if lower else ""
    what = f"{one.name} goes from {was} to {now}.{told}"
    clears = "Show that the new address answers and holds the same data before it is switched."
    yield _match(file, "config-address-changed", level, what, clears, one)


def _host(value: str) -> str:
    if any(sign in value for sign in "${}<> "):
        return ""
    found = _HOST.search(value[:1_000])
    return (found[1] or found[2]).lower() if found else ("localhost" if value.startswith("localhost") else "")


def _unproven(file: TouchedFile) -> Iterator[Match]:
    """Lines that take the place of such ones say nothing new."""
    before = sum(map(_is_off, (line.text for line in gone(file))))
    added: dict[int, str] = {}
    for line in fresh(file):
        added[line.number] = line.text
        if not _is_off(line.text):
            continue
        if before:
            before -= 1
            continue
        above = (added.get(line.number - back, "") for back in range(1, _NEAR_ABOVE + 1))
        asked = any(map(_ASKED, above))
        level: Level = "low" if asked else "high"
        what = _WHERE_ASKED if asked else _NO_LONGER
        clears = "Give the right certificate authority instead of switching the check off."
        yield Match("config-tls-unverified", level, what, clears, file.path, line.number, shown(line.text))


def _is_off(text: str) -> bool:
    low = text.lower()
    return (
        any(word in low for word in _TELLING)
        and _TLS_OFF(text) is not None
        and not is_comment(text)
        and "``" not in text
        and not _LOCAL(text)
        and not _TEMPLATE(text)
    )


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "config-limit-changed",
        "A timeout, pool, retry or limit changes by much",
        "Limits hold a system together under load; many outages began with one that was changed alone.",
        "Google SRE book, Addressing cascading failures: "
        "https://sre.google/sre-book/addressing-cascading-failures/",
    ),
    _rule(
        "config-debug-on",
        "Debug mode is switched on",
        "Debug mode shows settings and stack traces to everybody, and keeps everything in memory.",
        "Django, Deployment checklist: "
        "https://docs.djangoproject.com/en/stable/howto/deployment/checklist/#debug",
    ),
    _rule(
        "config-address-changed",
        "An address of a database or service changes",
        "A configuration push takes effect everywhere at once: it was the trigger of 31 % of "
        "Google's outages.",
        "Google SRE workbook, Postmortem analysis: https://sre.google/workbook/postmortem-analysis/",
    ),
    _rule(
        "config-tls-unverified",
        "Certificates are not checked",
        "Without the check encryption proves nothing about who is at the other end.",
        "CWE-295, Improper certificate validation: https://cwe.mitre.org/data/definitions/295.html",
    ),
)
