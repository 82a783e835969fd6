"""What frameworks are told that protects people or data: schemas rebuilt at a start, forged requests, plain
HTTP.

Files of lower environments (dev, staging, test by their path) are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.code.hunks import mentions
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.settings.settings_text import changes, wanted
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

_SCHEMA = finder(
    r"(?:^|[._])(?:ddl-?auto|hbm2ddl\.auto|schema-generation\.database\.action|schema_generation\.database"
    r"\.action)$"
)
_REBUILDS = frozenset(("create", "create-drop", "drop-and-create", "drop"))
_IN_MEMORY = finder(r"jdbc:(?:h2:mem|hsqldb:mem|h2:~|derby:memory)|sqlite::memory:")
_CODE = finder(r"\.(?:rb|py|java|kt|ts|js|mjs|cjs|php|cs|scala|groovy|go|exs?)$")
_PRODUCTION_RB = finder(r"(?:^|/)config/environments/production\.rb$")


class _Guard(NamedTuple):
    """`lost`: a line that says this is new and stood in no removed line, or (`removed`) is gone."""

    pattern: re.Pattern[str]
    level: Level
    what: str
    clears: str
    removed: bool = False
    # Said in a new line, it makes this harmless.
    unless: re.Pattern[str] | None = None


_TOKENS = "Let the framework check the token, or name the one action that another proof protects."
_HTTPS = "Keep it, so that no password or cookie goes over plain HTTP."
_GUARDS = (
    _Guard(
        re.compile(
            r"\bskip_before_action\s*\(?\s*:verify_authenticity_token\b(?!.{0,200}\b(?:only|if)\b)"
            r"|\bskip_forgery_protection\b(?!.{0,200}\b(?:only|if)\b)"
        ),
        "medium",
        "Forms are accepted here without the token that shows where they come from.",
        _TOKENS,
    ),
    _Guard(
        re.compile(
            r"\bcsrf\b[^;]{0,60}\bdisable\b|\bcsrf\s{0,3}[({]\s{0,3}(?:it\.)?disable\(|@csrf_exempt\b"
            r"|\bIgnoreAntiforgeryToken\b|\bDisableAntiforgery\(\)|\bcsrf(?:_protection|Protection)?[\"']?\s{0,3}[:=]>?\s{0,3}false\b"
            r"|\bWTF_CSRF_ENABLED\s{0,3}=\s{0,3}False"
        ),
        "medium",
        "Forms are accepted from other sites: the check of their token is switched off.",
        _TOKENS,
        unless=re.compile(
            r"STATELESS|oauth2ResourceServer|\bjwt\b|[Bb]earer|httpBasic|webhook|callback", re.IGNORECASE
        ),
    ),
    _Guard(
        re.compile(
            r"\bapp\.use\(\s{0,3}(?:csurf|csrf\w{0,20}|lusca\.csrf)\(|\[ValidateAntiForgeryToken\]|\bCSRFProtect\("
            r"|\bcsrf\.Protect\(|\bplug\s{1,3}:protect_from_forgery|\bVerifyCsrfToken::class"
        ),
        "medium",
        "Forms are accepted from other sites: the check of their token is removed.",
        _TOKENS,
        removed=True,
    ),
    _Guard(
        re.compile(r"\bprotect_from_forgery\b|[\"']django\.middleware\.csrf\.CsrfViewMiddleware[\"']"),
        "high",
        "Forms are accepted from other sites: the check of their token is removed.",
        _TOKENS,
        removed=True,
    ),
    _Guard(
        re.compile(
            r"^\s{0,80}(?:SECURE_SSL_REDIRECT|SESSION_COOKIE_SECURE|CSRF_COOKIE_SECURE)\s*=\s*False\b"
        ),
        "high",
        "What is sent over plain HTTP is accepted from now on.",
        _HTTPS,
    ),
    _Guard(
        re.compile(r"^\s{0,80}ALLOWED_HOSTS\s*=\s*\[\s*[\"']\*[\"']"),
        "medium",
        "Requests for any host are answered.",
        "List the hosts that are served.",
    ),
    _Guard(
        re.compile(r"\.sync\(\s*\{[^}]{0,100}\bforce:\s*true|\bdropSchema:\s*true"),
        "high",
        "All tables are dropped and made anew when the program starts.",
        "Change the schema by migrations.",
    ),
)
# Looked for first.
_WORDS = (
    "csrf",
    "csurf",
    "forgery",
    "authenticity",
    "ssl",
    "cookie_secure",
    "allowed_hosts",
    "force",
    "dropschema",
)
_FORCE_SSL = re.compile(r"^\s{0,80}config\.force_ssl\s*=\s*(true|false)\b")


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, lambda path: wanted(path) or _CODE(path[-200:]) is not None, gone=False):
        if is_lower(file.path):
            continue
        if wanted(file.path):
            yield from _schema(file)
        if _CODE(file.path[-200:]) and (mentions(file.added, _WORDS) or mentions(file.removed, _WORDS)):
            for guard in _GUARDS:
                yield from _guarded(file, guard)
        if _PRODUCTION_RB(file.path[-200:]):
            yield from _https(file)


def _schema(file: TouchedFile) -> Iterator[Match]:
    text = file.after or "\n".join(line.text for line in file.added)
    for one in changes(file):
        value = (one.new or "").strip().lower()
        if value in _REBUILDS and _SCHEMA(one.name[-200:]) and not _IN_MEMORY(text):
            if (one.old or "").strip().lower() in _REBUILDS:
                continue
            level: Level = "high" if file.status == "added" else "critical"
            said = f"{one.name.rpartition('.')[2]} = {value}"
            what = f"Every start drops the tables and makes them anew, empty ({said})."
            clears = "Say `validate` or `none`, and change the schema by migrations."
            evidence = line_at(file.after, one.line) or shown(f"{one.name} = {one.new}")
            yield Match("config-schema-rebuilt", level, shown(what), clears, file.path, one.line, evidence)


def _guarded(file: TouchedFile, guard: _Guard) -> Iterator[Match]:
    new = [line for line in fresh(file) if guard.pattern.search(line.text) and not is_comment(line.text)]
    old = [line for line in gone(file) if guard.pattern.search(line.text) and not is_comment(line.text)]
    rule = "config-schema-rebuilt" if "tables" in guard.what else "config-guard-off"
    if guard.unless and any(guard.unless.search(line.text) for line in fresh(file)):
        return
    if guard.removed and old and not new:
        yield Match(rule, guard.level, guard.what, guard.clears, file.path, 0, shown(old[0].text))
    if not guard.removed and new and not old:
        number, evidence = new[0].number, shown(new[0].text)
        yield Match(rule, guard.level, guard.what, guard.clears, file.path, number, evidence)


def _https(file: TouchedFile) -> Iterator[Match]:
    """`force_ssl` of Rails, off or no longer said."""
    now = [(line, found[1]) for line in fresh(file) if (found := _FORCE_SSL.match(line.text))]
    was = any((found := _FORCE_SSL.match(line.text)) and found[1] == "true" for line in gone(file))
    off = next((line for line, value in now if value == "false"), None)
    if off is not None or (was and not now):
        what = "Production no longer insists on HTTPS."
        number, text = (off.number, off.text) if off else (0, "config.force_ssl = true")
        yield Match("config-guard-off", "high", what, _HTTPS, file.path, number, shown(text))


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "config-schema-rebuilt",
        "Tables are made anew at every start",
        "What was in them is gone with the first start in production.",
        "Spring Boot, Database initialization: "
        "https://docs.spring.io/spring-boot/how-to/data-initialization.html",
    ),
    _rule(
        "config-guard-off",
        "A protection of the framework is switched off",
        "It guards every page at once, and nothing else takes its place.",
        "Django, Deployment checklist: https://docs.djangoproject.com/en/stable/howto/deployment/checklist/",
    ),
)
