"""nginx: who was kept out and is let in, and old versions of TLS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Match, RiskRule
from core.risk.rules.touched import finder, is_lower, judged, line_at, place_of, rules_of, shown

_MAX_TEXT = 1_000_000
_NGINX = finder(
    r"(?:^|/)(?:[\w.-]{0,60}nginx[\w.-]{0,60}(?:/.{1,200})?\.(?:conf|vhost|template|j2)|sites-(?:available|enabled)/[^/]{1,200})$"
)
_TOKEN = re.compile(
    r"#[^\n]*|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[{};]|(?:[^\s{};\"'$]|\$\{\w{1,60}\}|\$)+", re.DOTALL
)
# Directives that keep people out, with what they say when they do.
_KEEPS_OUT = {
    "deny": re.compile(r"all"),
    "auth_basic": re.compile(r"(?!off$).+", re.DOTALL),
    "auth_request": re.compile(r"(?!off$).+", re.DOTALL),
    "ssl_verify_client": re.compile(r"on"),
}
# Directives that hold back who asks too often; what is around them holds for what is inside.
_HOLDS_BACK = ("limit_req", "limit_conn")
_OLD_TLS = re.compile(r"(?<![\w.])(?:SSLv[23]|TLSv1(?:\.1)?)(?![\w.])")


_Said = dict[tuple[str, str], tuple[int, str]]


def wanted(path: str) -> bool:
    return _NGINX(path[-300:]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, wanted, gone=False):
        if file.before is not None and file.after is not None and not is_lower(file.path):
            yield from _nginx(file, file.before, file.after)


def _nginx(file: TouchedFile, before: str, after: str) -> Iterator[Match]:
    was, now = directives(before), directives(after)
    places = {place for place, _ in now}
    for (place, name), (line, value) in was.items():
        keeps = _KEEPS_OUT.get(name)
        other = now.get((place, name), (0, ""))
        if keeps and keeps.fullmatch(value) and place in places and not keeps.fullmatch(other[1]):
            what = f"{place or 'The server'} no longer keeps anybody out by `{name} {value}`."
            clears = "Keep it, or show what proves who asks now."
            number, evidence = place_of(file, line), line_at(before, line)
            yield Match("nginx-opened", "high", shown(what), clears, file.path, number, evidence)
    yield from _unlimited(file, was, now)
    for (place, name), (line, value) in now.items():
        old = was.get((place, name), (0, ""))[1]
        if name == "ssl_protocols" and _OLD_TLS.search(value) and not _OLD_TLS.search(old):
            what = f"Old versions of TLS are spoken from now on ({value})."
            clears = "Speak TLSv1.2 and TLSv1.3; name the client that needs more, and serve it apart."
            yield Match("nginx-tls-old", "medium", shown(what), clears, file.path, line, line_at(after, line))


def _unlimited(file: TouchedFile, was: _Said, now: _Said) -> Iterator[Match]:
    places = {place for place, _ in now}
    for (place, name), (line, value) in was.items():
        if name not in _HOLDS_BACK or place not in places or (place, "include") in now.keys() - was.keys():
            continue
        if any(other == name and place.startswith(around) for around, other in now):
            continue
        what = f"{place or 'The server'} no longer holds back who asks too often (`{name} {value}`)."
        clears = "Keep a limit, with more room if it is too tight, or show what holds them back instead."
        number, evidence = place_of(file, line), line_at(file.before, line)
        yield Match("nginx-limit-removed", "medium", shown(what), clears, file.path, number, evidence)


def directives(text: str) -> _Said:
    """What a configuration says, by the blocks around it and the name: line and value; of `deny` and its
    like the strictest."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    stack: list[str] = []
    words: list[str] = []
    line, place = 1, 0
    for token in _TOKEN.finditer(text[:_MAX_TEXT]):
        line += text.count("\n", place, token.start())
        place = token.start()
        sign = token[0]
        if sign == "{":
            stack.append(" ".join(words)[:200])
        elif sign == "}" and stack:
            stack.pop()
        elif sign == ";" and words:
            key = (" ".join(stack[-3:]), words[0])
            if found.get(key, (0, ""))[1] != "all":
                found[key] = (line, " ".join(words[1:])[:400])
        elif sign not in "{};" and not sign.startswith("#"):
            words.append(sign)
            continue
        if sign in "{};":
            words = []
    return found


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "nginx-opened",
        "nginx lets in whom it kept out",
        "Pages for administrators and metrics are mostly guarded by this one line.",
        "nginx, Module ngx_http_access_module: https://nginx.org/en/docs/http/ngx_http_access_module.html",
    ),
    _rule(
        "nginx-limit-removed",
        "nginx no longer limits who asks too often",
        "Guesses of passwords and floods of requests then reach the program as fast as they are sent.",
        "nginx, Module ngx_http_limit_req_module: "
        "https://nginx.org/en/docs/http/ngx_http_limit_req_module.html",
    ),
    _rule(
        "nginx-tls-old",
        "nginx speaks old versions of TLS",
        "TLS 1.0 and 1.1 are withdrawn: their ciphers are broken.",
        "RFC 8996, Deprecating TLS 1.0 and TLS 1.1: https://www.rfc-editor.org/rfc/rfc8996",
    ),
)
