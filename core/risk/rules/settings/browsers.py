"""What browsers and caches between are told: which origins may read answers with cookies, what may be kept.

Code and settings alike, line by line; a public answer that no cookie goes with is none of these.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.code.hunks import Sides, hunks, mentions, says_nothing, sides, texts
from core.risk.rules.rule import Level, Match
from core.risk.rules.settings.settings_text import wanted
from core.risk.rules.touched import finder, is_lower, judged, rules_of, shown

_PATHS = finder(
    r"\.(?:py|rb|js|jsx|ts|tsx|mjs|cjs|java|kt|kts|go|cs|php|scala|groovy|ex|exs|rs|conf|ya?ml|properties"
    r"|json|toml)$"
)
# Any origin is let in, and told by name, so that cookies may go with it.
_ANY = finder(
    r"\borigins?[\"']?\s{0,3}[:=]\s{0,3}(?:true\b"
    r"|(?:async\s)?(?:function\s{0,3})?\(?[\w,\s:]{0,60}\)?\s{0,3}(?:=>)?\s{0,3}\{?\s{0,3}"
    r"(?:return\s)?\w{1,20}\(\s{0,3}null\s{0,3},\s{0,3}(?:true|\w{0,3}origin)\s{0,3}\)|/\.[*+]/)"
    r"|\bCORS_(?:ALLOW_ALL_ORIGINS|ORIGIN_ALLOW_ALL)\s{0,3}=\s{0,3}True\b"
    r"|\ballow_origins\s{0,3}=\s{0,3}[(\[]\s{0,3}[\"']\*"
    r"|\ballow_origin_regex\s{0,3}=\s{0,3}r?[\"']\^?(?:https?://)?\.[*+]"
    r"|\b(?:setA|a)llowedOriginPatterns?\(.{0,30}\"\*\"|\ballowed-origin-patterns\s{0,3}[:=]\s{0,3}[\"']?\*"
    r"|\bSetIsOriginAllowed\(\s{0,3}\(?\w{1,20}\)?\s{0,3}=>\s{0,3}true\b"
    r"|\bAllowOrigin(?:Vary\w{0,15})?Func\s{0,3}[:=].{0,80}\breturn\s{1,3}true\b"
    r"|\bAllowAllOrigins\s{0,3}:\s{0,3}true\b"
    r"|Access-Control-Allow-Origin[\"']?\s{0,3}[,:=]?\s{0,3}(?:\$http_origin"
    r"|.{0,30}\bheaders?\b.{0,20}\borigin\b)"
    r"|[\"']?\b(?:allowed_origins|allowedOrigins|origins?)[\"']?\s{0,3}(?:=>"
    r"|[:=])?\s{0,3}[\[(]?\s{0,3}[\"']\*[\"']"
)
_NAMED = finder(
    r"origin.{0,200}(?:https?://|[\"'][\w.-]{1,60}\.\w{2,10}[\"']|allow|list|env|config|includes|settings)"
)
_WITH_COOKIES = finder(
    r"\b(?:allow_?-?credentials|supports_?credentials|credentials|CORS_ALLOW_CREDENTIALS"
    r"|Access-Control-Allow-Credentials)"
    r"[\"']?\s{0,3}(?:=>|[:=,(]|always|\s)\s{0,3}[\"']?true|\bAllowCredentials\(\)"
)
_NO_COOKIES = finder(
    r"\b(?:allow_?-?credentials|supports_?credentials|credentials|CORS_ALLOW_CREDENTIALS)\W{1,6}false"
)
# Names none, and browsers send no cookies to it.
_STAR = finder(r"[\"']\*[\"']")
_REFLECTS = finder(r"CORS_|allow_origins|OriginPatterns|origin-patterns")

_HEADER = finder(
    r"cache[-_]?control|\bexpires_in\b|\bCacheControl\b|\bcache_page\b|\bnever_cache\b|ResponseCache"
)
_PRIVATE = finder(
    r"\bprivate\b(?!\s{1,3}(?:static|final|void|readonly|async|\w{1,40}\s{1,3}\w))|\bno-?_?store\b"
    r"|\bnever_cache\b|\.noStore\("
    r"|\.cachePrivate\(|NoStore\s{0,3}=\s{0,3}true"
)
_PUBLIC = finder(
    r"[\"'\s,(:]public(?:\s{0,3}[,\"';]|\s{0,3}$|\s{0,3}[:=]\s{0,3}(?:true|True))|\bs-?maxage\b"
    r"|\.cachePublic\(|@cache_page\("
    r"|\bpublic\s{0,3}=\s{0,3}True|ResponseCacheLocation\.Any"
)
_WORDS = ("origin", "cache", "expires_in")
_ANYBODY = "Any site may read answers here with the cookies of whoever visits it: every origin is let in."
_ORIGINS = "List the origins that may, or send no cookies with it."
_SHARED = "Caches between may keep this answer and give it to others: it was private, and is public now."
_OWN = "Keep `private` or `no-store` on what is made for one person; let only files be public."


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, lambda path: _PATHS(path[-200:]) is not None, gone=False):
        if not is_lower(file.path) and mentions(file.added, _WORDS):
            both = sides(file)
            yield from _any_origin(file, both)
            yield from _shared(file)


def _any_origin(file: TouchedFile, both: Sides) -> Iterator[Match]:
    if any(_ANY(line.text) for line in both.old) or both.says(_NO_COOKIES):
        return
    line = next((line for line in both.new if _ANY(line.text)), None)
    if line is None:
        return
    seen = any(_WITH_COOKIES(text) for text in [*_all(file), *(one.text for one in both.new)])
    narrower = any(_NAMED(old.text) for old in both.old)
    told = not _STAR(line.text) or _REFLECTS(line.text) is not None
    if seen or (narrower and told):
        level: Level = "high" if seen else "medium"
        yield Match("config-cors-any", level, _ANYBODY, _ORIGINS, file.path, line.number, shown(line.text))


def _all(file: TouchedFile) -> list[str]:
    """The lines of the whole text, where it is at hand."""
    return [text[:300] for text in (file.after or "").split("\n")] if wanted(file.path) else []


def _shared(file: TouchedFile) -> Iterator[Match]:
    """An answer that was made for one and may be kept for all."""
    for hunk in hunks(file):
        was = [text for text in texts(hunk.removed) if _HEADER(text)]
        if not any(map(_PRIVATE, was)) or any(map(_PUBLIC, was)):
            continue
        for line in hunk.added:
            if not says_nothing(line.text) and _HEADER(line.text) and _PUBLIC(line.text):
                yield Match(
                    "config-cache-public", "medium", _SHARED, _OWN, file.path, line.number, shown(line.text)
                )
                return


_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "config-cors-any",
        "Any origin may read answers with cookies",
        "A page of a stranger can then do and read what its visitor can.",
        "MDN, Cross-Origin Resource Sharing: https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS",
    ),
    _rule(
        "config-cache-public",
        "A private answer may be kept by shared caches",
        "A cache gives the page of one person to the next.",
        "RFC 9111, HTTP Caching, 5.2.2.7 private: "
        "https://www.rfc-editor.org/rfc/rfc9111.html#section-5.2.2.7",
    ),
)
