"""A resource of a cloud as programs and templates write it, and what its settings lose between two sides.

Names of settings count without signs and capitals, so that those of all languages are one:
`deletionProtection`, `deletion_protection`. A value that is worked out is not known, and says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import is_lower, line_at, shown

# What keeps a resource while it is `true`.
_KEEPS_WORDS = (
    "protect retainondelete deletionprotection deletionprotectionenabled enabledeletionprotection "
    "terminationprotection enablepurgeprotection enablesoftdelete preventdestroy"
)
_KEEPS = frozenset(_KEEPS_WORDS.split())
# What deletes with it what it holds, once it is `true`.
_WIPES = frozenset(("forcedestroy", "autodeleteobjects", "skipfinalsnapshot", "forcedelete", "emptyondelete"))
# What says whether the resource stays when its code goes, and the values with which it does.
_POLICIES = frozenset(("removalpolicy", "deletionpolicy", "updatereplacepolicy"))
_STAYS = ("retain", "snapshot", "retain_on_update_or_delete", "retainexceptoncreate")
_GOES = ("destroy", "delete")
# The value that opens it, and those before that were closed ("" is that nothing was written).
_OPENS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "publicreadaccess": (("true",), ("", "false")),
    "publiclyaccessible": (("true",), ("", "false")),
    "allowblobpublicaccess": (("true",), ("", "false")),
    "publicnetworkaccess": (("enabled",), ("disabled", "securedbyperimeter")),
    "publicnetworkaccessenabled": (("true",), ("false",)),
    "defaultaction": (("allow",), ("deny",)),
    "acl": (("public-read", "public-read-write"), ("", "private")),
    "accesscontrol": (("publicread", "publicreadwrite"), ("", "private")),
    "blockpublicacls": (("false", ""), ("true",)),
    "blockpublicpolicy": (("false", ""), ("true",)),
    "restrictpublicbuckets": (("false", ""), ("true",)),
    "endpointpublicaccess": (("true",), ("false",)),
}
# What a resource cannot change in place, of kinds that hold data.
_FIXED_WORDS = (
    "bucketname tablename clusteridentifier instanceidentifier dbinstanceidentifier dbclusteridentifier "
    "dbname databasename defaultdatabasename keyschema queuename streamname domainname filesystemname "
    "replicationgroupid storageencrypted"
)
_FIXED = frozenset(_FIXED_WORDS.split())
# All addresses, as a rule of a firewall writes them.
_ALL = ("0.0.0.0", "255.255.255.255")  # noqa: S104 - a range that is looked for, none that is bound
_DATA = re.compile(
    r"bucket|table(?!policy)|database|dbcluster|dbinstance|globalcluster|volume(?!attach)|filesystem|userpool(?!client)"
    r"|kms.{0,20}key|^key$|secret(?!policy|rotation|target)|storageaccount|^account$|queue(?!policy)|kinesis|stream(?!ing)"
    r"|disk|redis|replicationgroup|cachecluster|repository|vault|cosmos|sql|postgres|mysql|mongo|opensearch|elasticsearch"
    r"|^domain$|docdb|neptune|redshift|spanner|bigquery|firestore|bigtable|hostedzone|servers?$"
)
_HOLDS_NONE = re.compile(
    r"(?:policy|subnetgroup|parametergroup|attachment|association|firewallrules?|routetable|alias|acl|object"
    r"|notification|accessblock|alarm|mapping|role|user|grant)$"
)


class Setting(NamedTuple):
    """`value` in small letters, without quotes; None where it is worked out. `word`: its name as written."""

    value: str | None
    line: int
    word: str = ""


class Thing(NamedTuple):
    """A resource: its kind without signs, its name in the code, its settings by name."""

    kind: str
    name: str
    settings: dict[str, Setting]
    path: str
    text: str
    line: int

    @property
    def holds_data(self) -> bool:
        return _DATA.search(self.kind) is not None and _HOLDS_NONE.search(self.kind) is None

    def value(self, name: str) -> str | None:
        """ "" where nothing is written, None where it is not known."""
        if name in self.settings:
            return self.settings[name].value
        return None if "elsewhere" in self.settings else ""

    def said(self, name: str) -> str:
        return line_at(self.text, self.settings[name].line) if name in self.settings else ""


def plain(name: str) -> str:
    """A name without signs and capitals."""
    return re.sub(r"[^a-z0-9]", "", name[:200].lower())


NAMES = (*_KEEPS, *_WIPES, *_POLICIES, *_OPENS, *_FIXED, "startipaddress", "endipaddress")


def compared(old: Thing, new: Thing) -> Iterator[Match]:
    """What the resource loses, but in environments below production."""
    if is_lower(new.path):
        return
    lost = next(_unkept(old, new), None)
    if lost:
        level: Level = "high" if new.holds_data else "medium"
        what = f"{new.name} may be deleted with what it holds from now on ({_word(lost, old, new)})."
        clears = "Keep it; if the resource is meant to go, say so and how its data is kept."
        yield _match("cloud-protection-removed", level, what, clears, old, new, lost)
    for name, (bad, closed) in _OPENS.items():
        if new.value(name) in bad and old.value(name) in closed:
            what = f"{new.name} becomes reachable for everybody ({_word(name, old, new)})."
            clears = "Keep it private, and give access to the few who need it."
            yield _match("cloud-public-data", "high", what, clears, old, new, name)
            break
    changed = next((name for name in sorted(_FIXED) if _differs(old.value(name), new.value(name))), None)
    if changed and new.holds_data:
        what = f"{new.name} is made anew when {_word(changed, old, new)} changes: the new one is empty."
        clears = (
            "Keep the value, or plan the move of the data: show the plan, the backup and the order of steps."
        )
        yield _match("cloud-data-replaced", "high", what, clears, old, new, changed)


def _unkept(old: Thing, new: Thing) -> Iterator[str]:
    for name in old.settings:
        if name in _KEEPS and old.value(name) == "true" and new.value(name) in ("", "false"):
            yield name
        if name in _POLICIES and old.value(name) in _STAYS and _may_go(name, old, new):
            yield name
    for name in new.settings:
        wipes = name in _WIPES and new.value(name) == "true" and old.value(name) in ("", "false")
        if wipes or (name == "removalpolicy" and new.value(name) == "destroy" and old.value(name) == ""):
            yield name


def _may_go(name: str, old: Thing, new: Thing) -> bool:
    """Where a template says nothing it is deleted, but a database of RDS; programs know better."""
    if new.value(name) in _GOES:
        return True
    return (
        new.value(name) == ""
        and name != "removalpolicy"
        and not (new.kind.startswith("awsrdsdb") and old.value(name) == "snapshot")
    )


def _word(name: str, old: Thing, new: Thing) -> str:
    return next((one.settings[name].word for one in (new, old) if name in one.settings), "") or name


def _differs(was: str | None, now: str | None) -> bool:
    return bool(was) and bool(now) and was != now


def _match(rule: str, level: Level, what: str, clears: str, old: Thing, new: Thing, name: str) -> Match:
    line = new.settings[name].line if name in new.settings else new.line
    evidence = new.said(name) or old.said(name)
    return Match(rule, level, shown(what), clears, new.path, line, evidence)


def opened(new: Thing) -> Iterator[Match]:
    """A new rule of a firewall that lets every address in."""
    ends = new.value("startipaddress"), new.value("endipaddress")
    if new.kind.endswith("firewallrules") and ends == _ALL:
        what = f"{new.name} lets the whole internet in."
        clears = "Name the networks that need it."
        yield _match("cloud-public-data", "high", what, clears, new, new, "endipaddress")


def other(old: Thing, new: Thing) -> Match:
    """That a resource which holds data gets another name in the code and so is another one."""
    what = f"{old.name} is {new.name} from now on: another resource, which begins empty; the old one goes."
    clears = "Keep the name in the code, or say that it is the same (`aliases`, `overrideLogicalId`)."
    evidence = line_at(new.text, new.line)
    return Match("cloud-data-replaced", "high", shown(what), clears, new.path, new.line, evidence)


def removed(old: Thing) -> Match:
    """That a resource which holds data is gone from a template."""
    what = f"{old.name}, which holds data, is gone from the code: the next update deletes it."
    clears = (
        "Let it stay (`DeletionPolicy: Retain`) in a change before this one, and show where its data went."
    )
    return Match("cloud-data-replaced", "high", shown(what), clears, old.path, 0, line_at(old.text, old.line))


def unlocked(old: Thing) -> Match:
    """That a lock of Azure is gone, and what it may have kept is not."""
    what = f"The lock {old.name} is gone: what it kept may be deleted from now on."
    clears = "Keep it, or say what is meant to go and how its data is kept."
    evidence = line_at(old.text, old.line)
    return Match("cloud-protection-removed", "medium", shown(what), clears, old.path, 0, evidence)
