"""Code that waits without end, tries once, or says nothing of an error, where it did not before.

Read line by line: a call counts as the same one when nothing but its timeout or its retries left it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import is_code
from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.rules.code.deadlines import is_deadline, undue
from core.risk.rules.code.dropped import dropped
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import finder, fresh, gone, is_comment, judged, shown

_NAMES = r"(?:[A-Za-z]{1,20}_)?(?:timeouts?|retries)|(?:[A-Za-z]{1,20})?Timeout|max_?retries|maxRetries"
_VALUE = r"[^,(){}\[\]]{0,100}(?:\([^()]{0,100}\))?[^,(){}\[\]]{0,100}"
_GUARD = re.compile(
    rf",?\s{{0,5}}(?:\b(?:{_NAMES})\s{{0,5}}(?:=(?!=)|:(?!=))\s{{0,5}}{_VALUE}"
    r"|\bsignal\s{0,5}:\s{0,5}AbortSignal\.timeout\([^()]{0,100}\))"
)
_NONE = re.compile(
    rf",?\s{{0,5}}\b(?:{_NAMES})\s{{0,5}}[=:]\s{{0,5}}(?:None|null|undefined|nil|0|-1|Infinity|math\.inf"
    r"|(?:httpx\.|aiohttp\.Client)?Timeout\(\s{0,3}(?:total\s{0,3}=\s{0,3})?None\s{0,3}\)"
    r"|(?:System\.Threading\.)?Timeout\.Infinite(?:TimeSpan)?|Duration\.ZERO)"
    r"(?=\s{0,5}[,;)}]|\s{0,5}$)"
)
# These wait for ever unless they are told how long.
_NO_DEFAULT = finder(
    r"\brequests\.(?:get|post|put|patch|delete|head|request)\(|\bhttp\.Client\{|\bfetch\(|\baxios\b"
    r"|\burlopen\("
    r"|\bsocket\.create_connection\(|\bRestTemplate\b|\bsmtplib\."
)
# Looked for first: most lines name none of these.
_NAMED = finder(r"timeout|retr|on_exception|on_predicate")
_DECORATOR = re.compile(r"\s{0,80}@(?:[A-Za-z_]{1,30}\.)?(?:retry|retrying|on_exception|on_predicate)\b")
_DECLARES = finder(r"^\s{0,80}(?:[a-z]{1,12}\s){0,4}(?:def|func|fn|fun|function|class|interface|type)\b")
# A variable, or a field of a type: nothing waits there.
_NO_CALL = finder(
    r"\w\s{1,5}=\s(?!.{0,300},\s{0,5}$)|[:?]\s{0,5}(?:number|string|int|float|bool|str|Optional|Duration)\b"
)
# One that calls inherit, set where they are made.
_DEFAULT = finder(
    r"(?:(?:client|session|create|default|transport|adapter|retry|config|extend)[A-Za-z_]{0,30}\s{0,3}[({]"
    r"|defaults?\.).{0,300}(?:timeout|retries|total)"
)
_SPACE = re.compile(r"\s+")
_EMPTIES = re.compile(r",?\{\}|,(?=[)\]}])|(?<=[(\[{]),|[,;]$")

_EXCEPT = re.compile(
    r"\s{0,200}except(?:\s{0,5}\(?\s{0,5}(?:Base)?Exception\)?(?:\s{1,5}as\s{1,5}\w{1,60})?)?"
    r"\s{0,5}:\s{0,5}(.{0,300})"
)
_NOTHING = re.compile(r"\s{0,200}(?:pass|\.\.\.)\s{0,5}(?:#.{0,300})?")
_CATCH = finder(
    r"\bcatch\s{0,5}(?:\((?![^()]{0,200}\b(?:ignored?|expected|_)\s{0,5}\))[^()]{0,200}\))?\s{0,5}\{\s{0,5}"
    r"(\}?)[\s;]{0,5}$"
    r"|\.catch\(\s{0,5}(?:\(\w{0,60}\)|\w{1,60})\s{0,5}=>\s{0,5}\{\s{0,5}(\})\s{0,5}\)"
)
_SUPPRESS = finder(r"\bsuppress\(\s{0,5}(?:Base)?Exception\s{0,5}\)|\brescue\s{1,5}nil\b")

_LONGEST_REMARK = 6
_SILENT = "Any error here passes in silence: what goes wrong is seen late, and elsewhere."
_END = "waits as long as the other side does, and a slow one takes all workers with it"
_KEEP = "Keep a limit of time (and, where it may be done twice, a retry), or set one where the client is made"
_SAY = "Catch the one error that is expected, and log or count the others"


def _guards_removed(change: ChangeSet, known: Known) -> Iterator[Match]:
    files = list(judged(change, is_code, gone=False))
    found = [(file, line) for file in files for line in (*_unguarded(file), *undue(file))]
    for file, line in found:
        waits = re.search("timeout", line.text, re.IGNORECASE) is not None
        waits = waits or is_deadline(line.text)
        endless = waits and (
            is_deadline(line.text) or _NO_DEFAULT(line.text) or any(_endless(one.text) for one in fresh(file))
        )
        level: Level = "medium" if endless or len(found) >= 2 else "low"
        what = f"A call loses its timeout: it {_END}." if waits else "A call is no longer tried again."
        yield Match("code-timeout-removed", level, what, _KEEP, file.path, 0, shown(line.text))


def _unguarded(file: TouchedFile) -> Iterator[Line]:
    suspects = [line for line in gone(file) if _NAMED(line.text)]
    added = list(fresh(file)) if suspects else []
    if any(_DEFAULT(_NONE.sub("", line.text)) for line in added if not is_comment(line.text)):
        return
    plain = {_bare(_NONE.sub("", line.text)) for line in added} - {""}
    removed = {line.number for line in file.removed}
    for line in suspects:
        if is_comment(line.text) or _DECLARES(line.text) or _NONE.search(line.text):
            continue
        left = _bare(_GUARD.sub("", line.text))
        same = left != _bare(line.text) and left in plain
        by_itself = not {line.number - 1, line.number + 1} & removed
        if same or (by_itself and _alone(line.text) and not _again(added)):
            yield line


def _endless(text: str) -> bool:
    """Whether a line says that it waits for ever."""
    return not is_comment(text) and _NAMED(text) is not None and _NONE.search(text) is not None


def _alone(text: str) -> bool:
    """Whether a line is a timeout or a retry and nothing else."""
    if _DECORATOR.match(text):
        return True
    return not _NO_CALL(text) and bool(_bare(text)) and not _bare(_GUARD.sub("", text))


def _again(added: list[Line]) -> bool:
    return any(_GUARD.search(_NONE.sub("", line.text)) or _DECORATOR.match(line.text) for line in added)


def _bare(text: str) -> str:
    """Without spaces and what stays empty, so that two forms of one call are alike."""
    return _EMPTIES.sub("", _EMPTIES.sub("", _SPACE.sub("", text)))


def _swallowed(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file in judged(change, is_code, gone=False):
        added = {line.number: line.text for line in file.added}
        for line in fresh(file):
            if not is_comment(line.text) and _silent(line.text, _next(added, line.number)):
                yield Match(
                    "code-error-swallowed", "low", _SILENT, _SAY, file.path, line.number, shown(line.text)
                )
        yield from dropped(file)


def _next(added: dict[int, str], number: int) -> str:
    """The next new line that says something."""
    below = (added.get(number + further, "") for further in range(1, _LONGEST_REMARK + 1))
    return next((text for text in below if text.strip() and not is_comment(text)), "")


def _silent(text: str, after: str) -> bool:
    if _SUPPRESS(text):
        return True
    caught = _EXCEPT.fullmatch(text)
    if caught is not None:
        return _NOTHING.fullmatch(caught[1] if caught[1] and caught[1][0] != "#" else after) is not None
    block = _CATCH(text)
    return block is not None and (bool(block[1] or block[2]) or after.strip() in ("}", "});", "};"))


rules = (
    RiskRule(
        "code-timeout-removed",
        "A call without its timeout or its retries",
        "One slow dependency then holds every request that waits for it, and the failure spreads to callers.",
        "Google SRE Book, Addressing Cascading Failures: Deadlines, "
        "https://sre.google/sre-book/addressing-cascading-failures/",
        _guards_removed,
    ),
    RiskRule(
        "code-error-swallowed",
        "An error passes in silence",
        "Most catastrophic failures of the study came of errors that were signalled, and handled wrongly.",
        "Yuan et al., Simple Testing Can Prevent Most Critical Failures, OSDI 2014, "
        "https://www.usenix.org/conference/osdi14/technical-sessions/presentation/yuan",
        _swallowed,
    ),
)
