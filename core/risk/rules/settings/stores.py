"""Redis, Kafka and whatever else has a retention: stores that keep less than before, or fewer copies.

Their own files, settings of others, and topics that Terraform makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.infrastructure.hcl import Block, blocks
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.settings.configuration import amount
from core.risk.rules.settings.settings_text import Change, changes, wanted
from core.risk.rules.touched import finder, is_lower, judged, line_at, rules_of, shown

_TOPICS = ("kafka_topic", "confluent_kafka_topic", "aiven_kafka_topic")
_REDIS = finder(r"(?:^|/)[\w.-]{0,60}(?:redis|valkey)[\w.-]{0,60}(?:/[^/]{1,100})?\.conf$")
_KEPT = finder(
    r"(?:^|[._-])(?:retention[._-]?(?:ms|hours|minutes|seconds|days|bytes|period|time|size)?"
    r"|log\.retention\.(?:ms|hours|minutes|bytes)|delete\.retention\.ms|retention_?in_?days)$"
)
_KEPT_CAMEL = re.compile(r"(?:^|\.)(?:\w{0,40}R|r)etention(?:Ms|Hours|Days|Bytes|Period|Time|Size)?$")
_LOWER_IS_WORSE = finder(
    r"(?:^|[._])(?:min\.insync\.replicas|default\.replication\.factor|replication[._]factor|minInsyncReplicas)$"
)
_LOST = "what was written since the last picture is lost at a restart"
_AGED = "the last value of each key is deleted with age"
_BEHIND = "a replica that missed messages may lead, and these are lost"
_THROWN = "keys without an end are thrown away when memory is full"
_UNHEARD = "a message that the broker lost is not seen, and not sent again"
_TAKEN = "a message counts as done before it is, and is lost when the worker dies"
_PASSED = "where no position is known, what was written before is passed over"
# The end of a name, what it was, what it is now, how grave that is, and why.
_WORSE: tuple[tuple[str, str, str, Level, str], ...] = (
    ("appendonly", "yes", "no", "high", _LOST),
    ("cleanup.policy", "compact", "delete", "high", _AGED),
    ("unclean.leader.election.enable", "false", "true", "high", _BEHIND),
    ("maxmemory-policy", "noeviction", "allkeys-", "medium", _THROWN),
    ("maxmemoryPolicy", "noeviction", "allkeys-", "medium", _THROWN),
)
# The same of clients, whose names are written with points, dashes, underscores or none.
_CLIENTS: tuple[tuple[Callable[[str], object], tuple[str, ...], tuple[str, ...], Level, str], ...] = (
    (
        finder(r"(?:^|[._-])(?:required[._-]?)?acks$"),
        ("all", "-1"),
        ("0", "1", "none", "leader"),
        "high",
        _UNHEARD,
    ),
    (finder(r"(?:^|[._-])enable[._-]?auto[._-]?commit$"), ("false",), ("true",), "high", _TAKEN),
    (
        finder(r"(?:^|[._-])auto[._-]?offset[._-]?reset$"),
        ("earliest", "smallest"),
        ("latest", "largest"),
        "medium",
        _PASSED,
    ),
    (
        finder(r"(?:^|[._-])enable[._-]?idempotence$"),
        ("true",),
        ("false",),
        "medium",
        "a message sent again is there twice",
    ),
    (finder(r"(?:^|[._-])acknowledge[._-]?mode$"), ("manual", "auto", "client"), ("none",), "high", _TAKEN),
    (finder(r"(?:^|[._-])auto[._-]?ack$"), ("false",), ("true",), "high", _TAKEN),
)
_GROUP = finder(r"(?:^|[._-])group[._-]?id$")
_READERS = finder(r"kafka|consumer|redpanda|stream")
_SHOW = "Show who reads how far back, and that nobody needs what is thrown away."


def _is_wanted(path: str) -> bool:
    return wanted(path) or path.endswith(".tf")


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, _is_wanted, gone=False):
        if is_lower(file.path) or file.before is None or file.after is None:
            continue
        for one in _topics(file) if file.path.endswith(".tf") else changes(file):
            yield from _kept(file, one)


def _topics(file: TouchedFile) -> Iterator[Change]:
    """What changes of topics of Kafka that stand on both sides."""
    was = {block.address: _settings(block) for block in blocks(file.before) if block.kind in _TOPICS}
    for block in blocks(file.after):
        for name, (value, line) in _settings(block).items() if block.address in was else ():
            old = was[block.address].get(name)
            yield Change(name, old[0] if old else None, value, line)


def _settings(block: Block) -> dict[str, tuple[str, int]]:
    """Of a topic, with what its `config` says."""
    found = {name: (one.plain, one.line) for name, one in block.attributes.items()}
    for inner in block.inner:
        if inner.words[0] == "config":
            found |= {name: (one.plain, one.line) for name, one in inner.attributes.items()}
    return found


def _kept(file: TouchedFile, one: Change) -> Iterator[Match]:
    """A store of which a value says that it keeps less."""
    if one.old is None or one.new is None:
        return
    name, old, new = one.name[-200:], one.old.strip().lower(), one.new.strip().lower()
    for end, safe, worse, level, effect in _WORSE:
        if f".{name}".endswith(f".{end}") and old.startswith(safe) and new.startswith(worse):
            yield _less(file, one, level, f"{one.name} goes from {old} to {new}: {effect}.")
    yield from _of_client(file, one, name, old, new)
    if _REDIS(file.path[-300:]) and name == "save" and old.strip("\"'") and not new.strip("\"'"):
        yield _less(file, one, "high", "Redis no longer writes what it holds to the disk (save).")
    was, now = amount(old), amount(new)
    if was is None or now is None or now >= was or was <= 0:
        return
    if _LOWER_IS_WORSE(name):
        what = f"{one.name} goes from {old} to {new}: fewer copies of what is written."
        yield _less(file, one, "high", what)
    elif (_KEPT(name) or _KEPT_CAMEL.search(name)) and 0 <= now * 2 <= was:
        level = "high" if now * 5 <= was else "medium"
        yield _less(file, one, level, f"{one.name} goes from {old} to {new}: what is older is deleted.")


def _of_client(file: TouchedFile, one: Change, name: str, old: str, new: str) -> Iterator[Match]:
    """What a client of a broker is told: that it need not ask, may take early, begins elsewhere."""
    for named, safe, worse, level, effect in _CLIENTS:
        if named(name) and old in safe and new in worse:
            yield _less(file, one, level, f"{one.name} goes from {old} to {new}: {effect}.")
    if _GROUP(name) and _READERS(f"{file.path[-200:]} {name}") and old and new and "$" not in old + new:
        what = f"{one.name} goes from {old} to {new}: it begins where the reset says, not where it left off."
        yield _less(file, one, "medium", what)


def _less(file: TouchedFile, one: Change, level: Level, what: str) -> Match:
    evidence = line_at(file.after, one.line)
    return Match("config-keeps-less", level, shown(what), _SHOW, file.path, one.line, evidence)


_rule = rules_of(_matches, _is_wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "config-keeps-less",
        "A store keeps less than before",
        "What is deleted by age or at a restart comes back by no roll-back.",
        "Apache Kafka, Topic configuration: https://kafka.apache.org/documentation/#topicconfigs",
    ),
)
