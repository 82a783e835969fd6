"""Work that is tried again without end: a loop that asks until it works and never waits, an unlimited job.

Narrow on purpose: a loop that waits, counts, reads what comes in or can be told to stop is none of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import is_code
from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.code.hunks import hunks, says_nothing, sides
from core.risk.rules.rule import Match
from core.risk.rules.touched import finder, fresh, judged, rules_of, shown

_LOOP = finder(
    r"^\s{0,80}(?:while\s{0,3}\(?\s{0,3}(?:True|1)\s{0,3}\)?\s{0,3}[:{]?"
    r"|for\s{0,3}(?:\(\s{0,3};\s{0,3};\s{0,3}\))?\s{0,3}\{"
    r"|loop\s{0,3}(?:do|\{)|do\s{0,3}\{)\s{0,5}(?:(?:#|//).{0,200})?$"
)
_CALLS = finder(
    r"\.(?:do|post|patch|send|request|fetch|connect|publish|invoke|charge|submit|upload|dial)\w{0,20}\("
    r"|\b(?:\w{0,20}(?:client|http|session|api|conn(?:ection)?|db|redis|service|gateway)|requests|axios"
    r"|c)\.\w{2,30}\(|\b(?:fetch|axios|urlopen|curl_exec|dial\w{0,10}|request)\("
)
_FAILS = finder(
    r"\bexcept\b|\bcatch\b|\brescue\b|\berr\s{0,3}[!=]=\s{0,3}nil|\.ok\b|\bstatus_?code\b|\.status\b"
    r"|\bis_(?:ok|err)\(|\bOk\("
)
_ENDS = finder(r"^\s{0,80}(?:.{0,100}[\s{(:])?(?:return|break)\b")
# What makes a loop wait, count or stop, or shows that it serves rather than tries again.
_HELD = finder(
    r"sleep|(?<!a)wait|delay|back_?-?off|after\(|tick|timeout|deadline|attempt|retries|\btries\b|max_?"
    r"|limit|\bselect\b|<-|done\("
    r"|ctx\.err|cancel|throttle|yield|recv|receive|accept|\bread|scan|\bnext\b|queue|poll|consume|cursor"
    r"|page|offset|chunk"
    r"|buffer|batch|stdin|EOF|stop|running|signal|interval|elapsed|\braise\b|\bthrow\b|\bpanic|count|\+\+"
    r"|[+-]=|\[\]string|rows"
    r"|lines?\b|token|input|prompt|event|message|subscribe|listen|stream"
)
# Of a loop that went away: it tried so many times, and slept in between.
_COUNTED = finder(
    r"\brepeat\(|\b(?:for|while|until|loop)\b.{0,100}(?:attempt|retr(?:y|ies)|\btr(?:y|ies)\b|max|range\(|<|\.\.)"
    r"|\.times\b"
)
_PAUSES = finder(r"sleep\w{0,10}[\s(]|\bdelay\(|back_?-?off|time\.After\(|setTimeout\(")
_LONGEST_BODY = 40
_MOST_LINES = 16
_JOB = re.compile(
    r"[\s$.@:(,](tries|maxTries|maxExceptions|max_retries|maxRetries|retry_limit|max_attempts|maxAttempts"
    r"|task_time_limit"
    r"|time_limit|timeout|attempts|max_tries)\s{0,3}(?:=>|=(?!=)"
    r"|:(?!:))\s{0,3}([\w.'\"-]{1,30}(?:\([\"']inf[\"']\))?)"
)
_OF_JOBS = finder(
    r"(?:^|/)(?:jobs?|workers?|tasks?|queues?|consumers?|celery\w{0,20})(?:/|\.\w{1,4}$)|(?:job|worker"
    r"|task)\.\w{1,4}$"
)
_NO_END = frozenset(("none", "null", "nil", "-1", "infinity", "math.inf", "float('inf')", 'float("inf")'))

_AGAIN = (
    "This asks again at once until it works: when the other side is down, every caller hammers it and "
    "none gives up."
)
_PAUSE = (
    "Wait between tries (twice as long each time, with jitter) and give up after a few, or at a deadline."
)
_COUNT = "Give it a number of tries and a time that a worker may spend."


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, is_code, gone=False):
        yield from _endless(file)
        if _OF_JOBS(file.path[-300:]):
            yield from _unlimited(file)


def _endless(file: TouchedFile) -> Iterator[Match]:
    added = {line.number: line.text[:500] for line in file.added}
    for line in fresh(file):
        if _LOOP(line.text) and not says_nothing(line.text):
            body = _body(line, added)
            if _tries_on(body):
                yield Match(
                    "code-retry-endless", "high", _AGAIN, _PAUSE, file.path, line.number, shown(line.text)
                )
                return
    yield from _unbounded(file)


def _unbounded(file: TouchedFile) -> Iterator[Match]:
    """A loop that counted and waited, in whose place one stands that does neither."""
    both = sides(file)
    waited = any(_PAUSES(line.text) for line in both.old)
    if not waited or any(_HELD(line.text) for line in both.new):
        return
    for hunk in hunks(file):
        counted = any(_COUNTED(line.text) for line in hunk.removed)
        line = next((one for one in hunk.added if _LOOP(one.text) and not says_nothing(one.text)), None)
        if counted and line is not None:
            text = shown(line.text)
            yield Match("code-retry-endless", "high", _AGAIN, _PAUSE, file.path, line.number, text)
            return


def _body(line: Line, added: dict[int, str]) -> list[str]:
    """The new lines that stand deeper than the loop, up to one that does not."""
    deep = _depth(line.text)
    found = []
    for number in range(line.number + 1, line.number + 1 + _LONGEST_BODY):
        text = added.get(number)
        if text is None or (text.strip() and _depth(text) <= deep):
            break
        if not says_nothing(text):
            found.append(text)
    return found


def _depth(text: str) -> int:
    return len(text) - len(text.lstrip())


def _tries_on(body: list[str]) -> bool:
    asks = all(any(map(pattern, body)) for pattern in (_CALLS, _FAILS, _ENDS))
    return asks and len(body) <= _MOST_LINES and not any(map(_HELD, body))


def _unlimited(file: TouchedFile) -> Iterator[Match]:
    """A limit of a job that is a number and says now that there is none."""
    both = sides(file)
    was = {found[1]: found[2] for line in both.old if (found := _JOB.search(line.text))}
    for line in both.new:
        found = _JOB.search(line.text)
        if found is None or not _is_number(was.get(found[1], "")):
            continue
        # Laravel takes 0 as none; elsewhere 0 is one try.
        none = found[2].lower() in _NO_END or (found[2] == "0" and file.path.endswith(".php"))
        if none:
            what = f"{found[1]} of this job goes from {was[found[1]]} to {found[2]}: no limit."
            yield Match(
                "code-retry-endless", "medium", shown(what), _COUNT, file.path, line.number, shown(line.text)
            )


def _is_number(text: str) -> bool:
    return text.isdigit() and int(text[:9]) > 0


_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "code-retry-endless",
        "Work is tried again without a pause or an end",
        "A dependency that is down gets more calls than before, and cannot come back.",
        "AWS Builders' Library, Timeouts, retries and backoff with jitter: "
        "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
    ),
)
