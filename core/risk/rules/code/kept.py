"""Messages that are taken for done before they are, queues that forget, and keys that a cache keeps for ever.

What was said and what is said now stand in one place of the change; a new queue or cache is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.beside import is_code
from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.code.hunks import Sides, hunks, mentions, says_nothing, sides, texts
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder, judged, rules_of, shown

_IS = r"[\"']?\s{0,3}(?:=>|=|:|,)\s{0,3}[\"']?"
_LOST = "A message counts as done before it is: what a worker held when it died is lost."
_FORGETS = "The queue, or what is in it, is gone when the broker starts again."
_UNHEARD = "The broker is not asked whether it has the message: one that is lost is not seen."
_PASSED = "Messages that nobody read are passed over where no position is known."


class _Turned(NamedTuple):
    """`safe` is gone and `worse` is new."""

    safe: re.Pattern[str]
    worse: re.Pattern[str]
    level: Level
    what: str


def _turned(name: str, safe: str, worse: str, level: Level, what: str) -> _Turned:
    def made(value: str) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{name}){_IS}(?:{value})", re.IGNORECASE)

    return _Turned(made(safe), made(worse), level, what)


_ROWS = (
    _turned("auto_?ack|no_?ack|autoAcknowledge", r"false\b", r"true\b", "medium", _LOST),
    _turned("(?:task_)?acks_?late", r"true\b", r"false\b", "medium", _LOST),
    _turned("enable[._]?auto[._]?commit|autoCommit", r"false\b", r"true\b", "medium", _LOST),
    _turned("durable", r"true\b", r"false\b", "medium", _FORGETS),
    _turned("persistent", r"true\b", r"false\b", "medium", _FORGETS),
    _turned("delivery_?mode", r"(?:2\b|.{0,30}persistent)", r"(?:1\b|.{0,30}transient)", "medium", _FORGETS),
    _turned(
        "(?:request\\.?_?required[._]?)?acks|ACKS_CONFIG",
        r"(?:all\b|-1\b|Acks\.All|kafka\.RequireAll|sarama\.WaitForAll)",
        r"(?:0\b|1\b|Acks\.(?:None|Leader)|kafka\.Require(?:None|One)|sarama\.(?:NoResponse|WaitForLocal))",
        "high",
        _UNHEARD,
    ),
    _turned(
        "RequiredAcks",
        r"(?:kafka\.RequireAll|sarama\.WaitForAll|-1\b)",
        r"(?:kafka\.Require(?:None|One)|sarama\.(?:NoResponse|WaitForLocal)|0\b|1\b)",
        "high",
        _UNHEARD,
    ),
    _turned(
        "auto[._]?offset[._]?reset(?:_CONFIG)?",
        r"(?:earliest|AutoOffsetReset\.Earliest|smallest)",
        r"(?:latest|AutoOffsetReset\.Latest|largest)",
        "medium",
        _PASSED,
    ),
    _turned("fromBeginning", r"true\b", r"false\b", "medium", _PASSED),
)
_OF_ONE = finder(r"exclusive\W{1,5}true|auto_?delete\W{1,5}true|reply|temporary")
_CONSUMES = re.compile(
    r"\b(?:basicConsume|Consume)\(\s{0,3}[^,()]{1,80},\s{0,3}(?:[^,()]{0,80},\s{0,3})?(true|false)\b"
)
_NACKED = finder(r"\.(?:basic_?ack|ack|nack|basicAck|basicNack|Ack|Nack|acknowledge)\(")
_WORDS = (
    "ack",
    "commit",
    "durable",
    "persistent",
    "delivery",
    "offset",
    "consume",
    "frombeginning",
    "set",
    "put",
    "write",
)
_ACKS = "Take a message off the queue when its work is done, and keep queues of work durable."

_STORE = re.compile(
    r"(?:\b|_)(\w{0,30}(?:redis|rdb|cache|store|valkey|opsForValue\(\)|client|kv|r))\)?\.(?:set_?ex|set"
    r"|put|psetex|write|SetNX|setnx)"
    r"\w{0,5}\s{0,3}\(",
    re.IGNORECASE,
)
_EXPIRES = finder(
    r"\b(?:ex|px|exat|pxat|ttl|timeout|expire\w{0,10}|expir\w{0,10})[\"']?\s{0,3}(?:=|:|=>"
    r"|,)\s{0,3}(?!None|null|nil|0\b)"
    r"|\bset_?ex\(|\bpsetex\(|[\"'](?:EX|PX)[\"']|\btime\.(?:Hour|Minute|Second)|\bDuration\b"
    r"|\bTimeUnit\b|\bTimeSpan\b|\bttl\b"
    r"|\b\w{0,20}ttl\w{0,10}\b|\.(?:hours?|minutes?|days?|weeks?)\b|\btimedelta\("
)
_SETS_END = finder(r"\bp?expire(?:at)?\w{0,4}\s{0,3}\(|\bttl\b|_ttl\b|DEFAULT_TIMEOUT|entryTtl")
_FOR_EVER = "Keys that are written here have no end any more: they stay until the memory is full."
_END = "Give each key an end (EX, ttl, a duration), or say what deletes it."


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, is_code, gone=False):
        if not file.removed or not mentions(file.added, _WORDS):
            continue
        both = sides(file)
        if both.new and both.old:
            yield from _forgets(file, both)
            yield from _for_ever(file, both)


def _forgets(file: TouchedFile, both: Sides) -> Iterator[Match]:
    for row in _ROWS:
        line = next((line for line in both.new if row.worse.search(line.text)), None)
        if line is None or _OF_ONE(line.text):
            continue
        was = any(row.safe.search(old.text) for old in both.old)
        # The place where messages were taken off by hand is gone too.
        by_hand = row.what == _LOST and both.said(_NACKED) and not both.says(_NACKED)
        if was or by_hand:
            yield Match(
                "code-message-lost", row.level, row.what, _ACKS, file.path, line.number, shown(line.text)
            )
            return
    old = {found[1] for line in both.old if (found := _CONSUMES.search(line.text))}
    for line in both.new:
        found = _CONSUMES.search(line.text)
        if found and found[1] == "true" and old == {"false"}:
            yield Match("code-message-lost", "medium", _LOST, _ACKS, file.path, line.number, shown(line.text))
            return


def _for_ever(file: TouchedFile, both: Sides) -> Iterator[Match]:
    if both.says(_SETS_END):
        return
    for hunk in hunks(file):
        ended = [text for text in texts(hunk.removed) if _STORE.search(text) and _EXPIRES(text)]
        for line in hunk.added if ended else ():
            if says_nothing(line.text) or not _STORE.search(line.text) or _EXPIRES(line.text):
                continue
            if _same_key(ended, line.text):
                yield Match(
                    "code-expiry-removed", "medium", _FOR_EVER, _END, file.path, line.number, shown(line.text)
                )
                return


def _same_key(ended: list[str], text: str) -> bool:
    """Whether the same is written as before: its first argument is one of those that had an end."""
    key = _first(text)
    return bool(key) and any(_first(one) == key for one in ended)


def _first(text: str) -> str:
    found = _STORE.search(text)
    if found is None:
        return ""
    parts = [part.strip() for part in text[found.end() :][:300].split(",")]
    of = (
        parts[1]
        if len(parts) > 1 and parts[0] in ("ctx", "c.Context()", "context.Background()")
        else parts[0]
    )
    return of.strip("()")


_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "code-message-lost",
        "Messages count as done before they are, or are not kept",
        "Nothing fails when it goes wrong: work is simply not done.",
        "RabbitMQ, Consumer acknowledgements and publisher confirms: https://www.rabbitmq.com/docs/confirms",
    ),
    _rule(
        "code-expiry-removed",
        "Keys without an end",
        "A store that only grows fills its memory, and then refuses writes or throws away what is needed.",
        "Redis, EXPIRE: https://redis.io/docs/latest/commands/expire/",
    ),
)
