"""Who may call what: guards that leave a route, a handler or a page that stays, and doors that are opened.

A guard that has another name now, or stands for all routes at once, is none that left. Read line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from core.risk.beside import is_code
from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.code.guards_text import (
    HELPER,
    REFUSAL,
    ROUTE,
    WORDS,
    excepts,
    guards,
    guards_all,
    is_public,
    opens,
    permits_all,
)
from core.risk.rules.code.hunks import (
    Hunk,
    Sides,
    begun,
    declared,
    hunks,
    lost,
    mentions,
    says_nothing,
    sides,
    texts,
)
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder, judged, rules_of, shown

_BASE = finder(r"(?:^|/)(?:application_controller\.rb|base_?controller\.\w{1,4})$")
_MINE = (
    r"(?:self\.|this\.)?(?:req(?:uest)?|ctx|c|current|session|g|principal|auth\w{0,15}|locals|claims|user)"
    r"(?:[.?!]{1,2}|_|\[[\"'])\w{0,20}[\w.?!\[\]\"']{0,60}(?:\(\))?"
)
_OWNED_BY = (
    r"[\"']?(?:user|owner|account|tenant|customer|author|member|org(?:anisation|anization)?)(?:_?id)?[\"']?"
)
_OWNER = re.compile(
    rf",?\s{{0,5}}\b(?:\w{{1,30}}\.)?{_OWNED_BY}\s{{0,3}}(?:===?|=>|=|:)\s{{0,3}}{_MINE}"
    rf"|\s{{1,3}}AND\s{{1,3}}(?:\w{{1,30}}\.)?{_OWNED_BY}\s{{0,3}}=\s{{0,3}}(?:[$:@]\w{{1,30}}|\?|%s)",
    re.IGNORECASE,
)
_OF_MINE = re.compile(
    r"\b(?:self\.)?current_(?:user|account|tenant"
    r"|customer)[!?]?\.\w{1,60}\.(find\w{0,20}[!?]?\s{0,3}\(.{0,200})"
)
_FINDS = finder(r"find|get|first|one|where|select|filter|query|load|delete|update")
# Another error, of which the name does not tell.
_OTHER = finder(r"\b40[134]\b|\b(?:throw|raise)\b")
# An error that is worded, not a door.
_CAUGHT = finder(r"^\s{0,80}\}?\s{0,3}(?:except|rescue|catch)\b|[Hh]andler\(")
_SPACE = re.compile(r"[\s,;&]+")
_ATTRIBUTE = re.compile(r"\s{0,80}(?:@|#?\[)\s{0,3}(?:\w{1,40}\.){0,3}(\w{1,60})")
_BASES = re.compile(
    r"\bclass\s{1,5}(\w{1,100})(?:<[^>]{0,60}>)?\s{0,5}(?:\([^()]{0,200}\)\s{0,5}:\s{0,5}(?=[A-Z])|[(:<]"
    r"|extends\b)([^{]{1,200})"
)
_NAME = re.compile(r"[A-Z]\w{2,80}")
# Bases that let in anybody, as the frameworks give them.
_PLAIN = finder(
    r"^(?:(?:API|Generic\w{0,4}|Template|List|Detail|Create|Update|Delete|Form|Redirect)?View(?:Set)?"
    r"|(?:Model|ReadOnlyModel|Generic)ViewSet|(?:Abstract|Action)?Controller(?:Base)?"
    r"|ActionController(?:Base|API)?|PageModel|Hub|Resource|Base|API|Object|IController|I[A-Z]\w{1,60})$"
)

_LEFT = "The check of who calls is removed here, and none takes its place: anybody may call this."
_NARROWED = "The check of who calls no longer holds for all of this: some of it is named as an exception."
_OPENED = "Anybody may call this from now on, without saying who they are."
_ALL = "Anybody is let in here, to everything or to what only those who run it should see."
_BY_ID = "It is read by its id alone: that it belongs to who asks is no longer part of the question."
_REFUSED = "What refused who may not (401, 403) is removed, and nothing refuses in its place."
_ABOVE = (
    "The check of who calls left this class: what it builds on, or a class that gains one, is to hold it."
)
_KEEP = "Keep the check, or say what else lets in only who may (and test that a stranger is refused)."


def _matches(change: ChangeSet) -> Iterator[Match]:
    files = [
        (file, sides(file))
        for file in judged(change, is_code, gone=False)
        if mentions(file.added, WORDS) or mentions(file.removed, WORDS)
    ]
    elsewhere = {
        file.path for file, both in files if both.says(guards_all) or (_BASE(file.path) and both.says(guards))
    }
    gains = {file.path: _attributes(line for line in both.new if guards(line.text)) for file, both in files}
    for file, both in files:
        if file.status == "added":
            yield from _all_in(file, both)
            continue
        found = list(_loosened(file, both, bool(elsewhere - {file.path}) or file.path in elsewhere))
        gained = frozenset[str]().union(*(names for path, names in gains.items() if path != file.path))
        above = _base_is_new(file) or bool(gained & _attributes(both.said(guards)))
        yield from (_as_above(one) if above and one.what == _LEFT else one for one in found[:1])
        yield from _all_in(file, both)
        yield from _by_id(file, both)


def _attributes(lines: Iterable[Line]) -> frozenset[str]:
    """Names of the guards that stand above what they guard, and that those who build on it have as well."""
    return frozenset(found[1] for line in lines if (found := _ATTRIBUTE.match(line.text)))


def _base_is_new(file: TouchedFile) -> bool:
    """Whether a class builds on another one from now on, of which nothing is known here."""
    for hunk in hunks(file):
        was = {found[1]: found[2] for line in hunk.removed if (found := _BASES.search(line.text))}
        for line in hunk.added:
            found = _BASES.search(line.text)
            if found and found[1] in was:
                names = set(_NAME.findall(found[2])) - set(_NAME.findall(was[found[1]]))
                if any(not _PLAIN(name) for name in names):
                    return True
    return False


def _as_above(match: Match) -> Match:
    return msgspec.structs.replace(match, level="low", what=_ABOVE)


def _match(file: TouchedFile, level: Level, what: str, line: Line, new: bool) -> Match:
    number = line.number if new else 0
    return Match("code-access-opened", level, what, _KEEP, file.path, number, shown(line.text))


def _loosened(file: TouchedFile, both: Sides, elsewhere: bool) -> Iterator[Match]:
    """The gravest first."""
    if is_public(file.path.rpartition("/")[2]):
        return
    was = both.said(guards)
    now = [line for hunk in hunks(file) for line in hunk.added if guards(line.text)]
    narrower = [line for line in now if excepts(line.text) and not is_public(line.text)]
    if narrower and was and not any(excepts(line.text) for line in was):
        yield _match(file, "high", _NARROWED, narrower[0], True)
    names = begun(file)
    for hunk in hunks(file):
        yield from _opened(file, hunk, names, bool(was))
        if not now and not elsewhere:
            yield from _unguarded(file, hunk, names)
    if not now and not elsewhere:
        yield from _unrefused(file, both, names)


def _opened(file: TouchedFile, hunk: Hunk, names: frozenset[str], replaces: bool) -> Iterator[Match]:
    """A door that is new on what was there before."""
    for at, line in enumerate(hunk.added):
        if not opens(line.text) or says_nothing(line.text) or any(opens(old.text) for old in hunk.removed):
            continue
        around = " ".join(one.text for one in hunk.added[max(0, at - 4) : at + 6])
        known = {declared(old.text) for old in hunk.removed}
        brings = any((name := declared(one.text)) and name not in known for one in hunk.added)
        if (replaces or not brings) and not is_public(around):
            yield _match(file, "high", _OPENED, line, True)


def _is_attribute(text: str) -> bool:
    return says_nothing(text) or text.lstrip().startswith(("@", "[", "#["))


def _unguarded(file: TouchedFile, hunk: Hunk, names: frozenset[str]) -> Iterator[Match]:
    """A guard that left what stays."""
    added = texts(hunk.added)
    for at, line in enumerate(hunk.removed):
        if says_nothing(line.text) or not guards(line.text) or _is_open_route(line.text):
            continue
        below = [one.text for one in hunk.removed[at + 1 :] if not _is_attribute(one.text)]
        # A function that left may be shown with the guard of the next one, which is the same line.
        slid = not below and lost(Hunk(hunk.removed[:at], ()), names)
        if not slid and _stays(line.text, below, added, names):
            yield _match(file, "high", _LEFT, line, False)


def _is_open_route(text: str) -> bool:
    route = ROUTE.search(text)
    return route is not None and is_public(route[1] or "")


def _stays(text: str, below: list[str], added: list[str], names: frozenset[str]) -> bool:
    """Whether what a guard stood on, the line itself or the next one, is there after the change."""
    route = ROUTE.search(text)
    if route and route[1]:
        return any(route[1] in one for one in added)
    if name := declared(text):
        return name in names
    if not below:
        return True
    name = declared(below[0])
    if is_public(below[0]):
        return False
    return name in names if name else _SPACE.sub("", below[0]) in {_SPACE.sub("", one) for one in added}


def _unrefused(file: TouchedFile, both: Sides, names: frozenset[str]) -> Iterator[Match]:
    if any(both.says(pattern) for pattern in (REFUSAL, HELPER, _OTHER)):
        return
    for hunk in hunks(file):
        if lost(hunk, names) or any(map(_CAUGHT, texts(hunk.removed))):
            continue
        for line in hunk.removed:
            if REFUSAL(line.text) and not says_nothing(line.text):
                yield _match(file, "medium", _REFUSED, line, False)
                return


def _all_in(file: TouchedFile, both: Sides) -> Iterator[Match]:
    line = next((line for line in both.new if permits_all(line.text)), None)
    if line is not None and not any(permits_all(old.text) for old in both.old):
        yield _match(file, "high", _ALL, line, True)


def _by_id(file: TouchedFile, both: Sides) -> Iterator[Match]:
    """The same question as before, without the condition that it belongs to who asks."""
    plain = {_SPACE.sub("", line.text) for line in both.new}
    for line in both.old:
        mine = _OF_MINE.search(line.text)
        if mine and any(mine[1] in one.text and not _OF_MINE.search(one.text) for one in both.new):
            yield _match(file, "high", _BY_ID, line, False)
            return
        left = _SPACE.sub("", _OWNER.sub("", line.text))
        if left != _SPACE.sub("", line.text) and _FINDS(left) and left in plain:
            yield _match(file, "high", _BY_ID, line, False)
            return


_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "code-access-opened",
        "Anybody may call what only some might",
        "A route without its check answers all who find it, and nothing shows it until somebody does.",
        "OWASP Top 10, A01 Broken Access Control: https://owasp.org/Top10/A01_2021-Broken_Access_Control/",
    ),
)
