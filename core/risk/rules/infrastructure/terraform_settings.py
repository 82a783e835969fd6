"""What Terraform runs less of, no longer keeps copies of, or looks for elsewhere: backups, capacity, names of
stores, modules, state.

Only what is written before and after is compared; what a variable holds is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import TouchedFile
from core.risk.rules.infrastructure.hcl import Attribute, Block, blocks
from core.risk.rules.infrastructure.scale import fewer, told
from core.risk.rules.infrastructure.terraform_doors import Side
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import is_lower, line_at, shown

_COUNT_WORDS = (
    "min_size max_size desired_capacity desired_size desired_count min_capacity max_capacity node_count "
    "min_node_count max_node_count min_count max_count min_instance_count max_instance_count min_replicas "
    "max_replicas minimum_instance_count num_cache_clusters instance_count target_size replicas"
)
COUNTS = frozenset(_COUNT_WORDS.split())
_KEPT_WORDS = (
    "backup_retention_period backup_retention_days snapshot_retention_limit retained_backups "
    "automated_snapshot_retention_period"
)
_KEPT = frozenset(_KEPT_WORDS.split())
# Blocks that say whether copies are kept, and the attribute with which they do.
_COPIES = {
    "point_in_time_recovery": ("enabled", "true"),
    "backup_configuration": ("enabled", "true"),
    "versioning": ("enabled", "true"),
    "versioning_configuration": ("status", "enabled"),
}
_RENAMED = {
    "aws_db_instance": ("identifier", "identifier_prefix"),
    "aws_rds_cluster_instance": ("identifier",),
    "aws_docdb_cluster_instance": ("identifier",),
}
_STATE_KEYS = (
    "key bucket prefix container_name storage_account_name path address organization workspace_key_prefix"
)
_MAJOR = re.compile(r"[\s~^>=v]{0,8}([0-9]{1,6})")


# The blocks down to an attribute, each by the words of its header.
_Path = tuple[tuple[str, ...], ...]


class _Was(NamedTuple):
    """An attribute on both sides; `holder` is the first word of its block."""

    holder: str
    name: str
    old: Attribute
    new: Attribute


def of_resource(old: Side, new: Side) -> Iterator[Match]:
    """The matches of the rules of this file for one resource."""
    for one in _both(old.block, new.block):
        yield from _copies(new, one)
        if one.name in COUNTS and not is_lower(new.path):
            was, now = _number(one.old), _number(one.new)
            level = fewer(was, now)
            if level and one.name not in new.block.value("lifecycle", "ignore_changes"):
                what = told(f"{new.block.address}: {one.name}", was, now)
                clears = "Show that the rest carries the peak load, or lower it in steps."
                yield _match("tf-capacity-down", level, what, clears, new.path, new.text, one.new.line)
        if one.name in _RENAMED.get(new.block.kind, ()) and one.old.plain != one.new.plain:
            what = f"{new.block.address} gets another name and so another address, or is made anew."
            clears = (
                "Show the plan, and who connects by the old address; keep the name where nothing needs it."
            )
            yield _match("tf-store-renamed", "high", what, clears, new.path, new.text, one.new.line)


def _both(old: Block, new: Block) -> Iterator[_Was]:
    """Attributes that are written on both sides, those of nested blocks by the names of these."""
    was = dict(_named(old, ()))
    for key, attribute in _named(new, ()):
        if key in was:
            path, name = key
            yield _Was(path[-1][0] if path else "", name, was[key], attribute)


def _named(block: Block, path: _Path) -> Iterator[tuple[tuple[_Path, str], Attribute]]:
    for name, attribute in block.attributes.items():
        yield (path, name), attribute
    for inner in block.inner:
        yield from _named(inner, (*path, inner.words))


def _number(value: Attribute) -> int | None:
    return int(value.plain) if value.plain.isdecimal() and len(value.plain) < 10 else None


def _copies(new: Side, one: _Was) -> Iterator[Match]:
    was, now = _number(one.old), _number(one.new)
    clears = "Keep it, or show which other copies there are and that they were restored once."
    if one.name in _KEPT and was and now is not None and now * 2 <= was:
        level: Level = "high" if now == 0 else "medium"
        what = (
            f"{new.block.address} is no longer backed up ({one.name} from {was} to 0)."
            if now == 0
            else f"{new.block.address} keeps its backups for less long ({one.name} from {was} to {now})."
        )
        yield _match("tf-backups-off", level, what, clears, new.path, new.text, one.new.line)
        return
    name, safe = _COPIES.get(one.holder, ("", ""))
    if name == one.name and one.old.plain == safe and one.new.plain in ("false", "suspended", "disabled"):
        what = f"{new.block.address} no longer keeps copies of what it holds ({one.holder})."
        yield _match("tf-backups-off", "high", what, clears, new.path, new.text, one.new.line)


def of_values(file: TouchedFile) -> Iterator[Match]:
    """The matches of the rules of this file for modules and for the place of the state."""
    before, after = blocks(file.before), blocks(file.after)
    was = {block.words: block for block in before if block.words[0] == "module"}
    for block in after:
        old = was.get(block.words)
        if old is not None and block.value("source") == old.value("source"):
            yield from _module(file, old, block)
    states = [next(_backends(side), None) for side in (before, after)]
    if states[0] is not None and states[1] is not None:
        yield from _state(file, states[0], states[1])


def _module(file: TouchedFile, old: Block, new: Block) -> Iterator[Match]:
    was, now = _MAJOR.match(old.value("version")), _MAJOR.match(new.value("version"))
    if was and now and int(now[1]) > int(was[1]):
        what = f"{new.address} goes from version {old.value('version')} to {new.value('version')}."
        clears = "Read its notes on upgrading, and show the plan: what it destroys or makes anew."
        line = new.attributes["version"].line
        yield _match("tf-module-major", "medium", what, clears, file.path, file.after, line)


def _backends(side: list[Block]) -> Iterator[Block]:
    for block in side:
        if block.words[0] == "terraform":
            yield from (inner for inner in block.inner if inner.words[0] in ("backend", "cloud"))


def _state(file: TouchedFile, old: Block, new: Block) -> Iterator[Match]:
    changed = next((name for name in _STATE_KEYS.split() if old.value(name) != new.value(name)), "")
    if old.words == new.words and not changed:
        return
    line = new.attributes[changed].line if changed in new.attributes else new.line
    what = "Terraform looks for its state elsewhere: where none is found, it makes everything a second time."
    clears = "Move the state first (`terraform init -migrate-state`), and show a plan without changes."
    yield _match("tf-state-moved", "high", what, clears, file.path, file.after, line)


def _match(rule: str, level: Level, what: str, clears: str, path: str, text: str | None, line: int) -> Match:
    return Match(rule, level, shown(what), clears, path, line, line_at(text, line))


_LANGUAGE = "https://developer.hashicorp.com/terraform/language"
# Of each rule: id, title, why it matters, where that is known from.
TOLD: tuple[tuple[str, str, str, str], ...] = (
    (
        "tf-backups-off",
        "Backups are switched off or kept for less long",
        "It is noticed on the day on which they are needed.",
        "AWS, Introduction to backups: "
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html",
    ),
    (
        "tf-capacity-down",
        "Terraform runs fewer than before",
        "Half the machines carry the same load, and a single one is an outage at every restart.",
        "Google SRE book, Addressing cascading failures: "
        "https://sre.google/sre-book/addressing-cascading-failures/",
    ),
    (
        "tf-store-renamed",
        "A database gets another name",
        "Its address changes with its name, and whoever connects by the old one finds nothing.",
        "AWS, Renaming a DB instance: "
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RenameInstance.html",
    ),
    (
        "tf-module-major",
        "A module or a provider jumps a major version",
        "By semantic versioning it breaks what used the one before; here that may destroy things.",
        f"Terraform documentation, Module versions: {_LANGUAGE}/block/module",
    ),
    (
        "tf-state-moved",
        "Terraform looks for its state elsewhere",
        "An empty state means that nothing is there yet: the next apply makes everything again.",
        f"Terraform documentation, Backend configuration: {_LANGUAGE}/backend",
    ),
)
