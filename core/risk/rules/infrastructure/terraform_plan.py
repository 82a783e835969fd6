"""Terraform plans as JSON (`terraform show -json`), and rights that Terraform and other clouds' code widen.

A plan says what an apply does; one that cannot be read is told, not passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.infrastructure.cloud_code import is_code_of_cloud
from core.risk.rules.infrastructure.cloud_code import wanted as is_cloud
from core.risk.rules.infrastructure.terraform import wanted as is_terraform
from core.risk.rules.infrastructure.terraform_kinds import holds_data, serves
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import fresh, gone, is_comment, judged, line_at, once, shown

MAX_PLAN = 20_000_000
_NAME = re.compile(r"(?:.{0,200}[._-])?(?:tf)?plan(?:_output|-output)?\.json", re.IGNORECASE)
_KEY = r"""["']?\b(?:Action|actions|NotAction)\b["']?\s{0,9}[=:]\s{0,9}"""
_WIDE_ACTION = r"""["'](\*|\*:\*|iam:\*|sts:\*|kms:\*)["']"""
_WIDE_POLICY = re.compile(_KEY + r"\[?\s{0,9}" + _WIDE_ACTION)
# A list of actions that goes on over lines.
_LIST = re.compile(
    _KEY
    + r"""(?:\[([^\[\]]{0,4000})\]|((?:\n\s{0,60}-\s{1,9}["']?[\w:*-]{1,80}["']?[ \t]{0,9}(?=\n|$)){1,60}))"""
)
_IN_LIST = re.compile(_WIDE_ACTION)
_DENY = re.compile(
    r"""["']?\b[Ee]ffect["']?\s{0,9}[=:]\s{0,9}(?:["']?Deny\b|(?:\w{1,20}\.)?Effect[._]DENY\b)"""
)
_ALL = ("*", "*:*", "iam:*", "sts:*", "kms:*")
_WIDE_ROLE = re.compile(
    r"""AdministratorAccess|IAMFullAccess|PowerUserAccess"""
    r"""|["']roles/(?:owner|editor|iam\.securityAdmin)["']"""
    r"""|role_definition_name\s{0,40}=\s{0,40}["'](?:Owner|User Access Administrator)["']"""
)
# The key policy with which an account keeps the rights over its own keys.
_OWN_ACCOUNT = re.compile(r":root\b|AccountRootPrincipal|AccountPrincipal")


def is_plan(path: str) -> bool:
    return _NAME.fullmatch(path.rpartition("/")[2][:300]) is not None


def _wanted(path: str) -> bool:
    return is_plan(path) or is_terraform(path) or is_cloud(path)


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, _wanted, gone=False):
        if is_plan(file.path):
            yield from _of_plan(file)
        elif is_terraform(file.path) or is_code_of_cloud(file.path, file.after):
            yield from _rights(file)


def _of_plan(file: TouchedFile) -> Iterator[Match]:
    """Of a plan file. A file of that name that is no plan is left alone."""
    text = file.after
    if text is None and file.status == "added" and not file.cut:
        text = "\n".join(line.text for line in file.added)
    if text is None or len(text) > MAX_PLAN:
        yield _unread(file)
        return
    if '"resource_changes"' not in text or '"format_version"' not in text:
        return
    try:
        plan = json.loads(text)
    except (ValueError, RecursionError):
        yield _unread(file)
        return
    changes = plan.get("resource_changes") if isinstance(plan, dict) else None
    for row in changes if isinstance(changes, list) else ():
        if isinstance(row, dict):
            yield from _of_resource(file.path, row)


def _unread(file: TouchedFile) -> Match:
    what = "This plan is too large, or no whole JSON: it was not judged."
    return Match("tf-plan-unread", "low", what, "Add the plan of fewer resources at a time.", file.path)


def _of_resource(path: str, row: dict[str, Any]) -> Iterator[Match]:
    change = row.get("change")
    actions = change.get("actions") if isinstance(change, dict) else None
    if not isinstance(change, dict) or not isinstance(actions, list) or row.get("mode") == "data":
        return
    kind, address = str(row.get("type", ""))[:200], shown(str(row.get("address", "")))
    evidence = shown(f"{address}: {', '.join(str(one) for one in actions[:4])}{_because(change, actions)}")
    if "delete" in actions:
        yield from _deleted(path, kind, address, evidence, actions)
    if any(one in actions for one in ("create", "update")):
        yield from _wider(path, address, change)


def _because(change: Any, actions: list[Any]) -> str:
    """Which attributes force the replacement, where the plan says so."""
    paths = change.get("replace_paths")
    if "create" not in actions or not isinstance(paths, list):
        return ""
    names = [".".join(str(part) for part in one) for one in paths[:4] if isinstance(one, list)]
    return f" because of {', '.join(names)}" if names else ""


def _deleted(path: str, kind: str, address: str, evidence: str, actions: list[Any]) -> Iterator[Match]:
    again = "create" in actions
    verb = "replaces" if again else "destroys"
    if holds_data(kind):
        what = f"The plan {verb} {address}, which holds data."
        clears = (
            "Keep it (prevent_destroy, a moved block), or show the backup and the steps that keep its data."
        )
        yield Match("tf-plan-destroys-data", "critical", what, clears, path, 0, evidence)
    elif serves(kind):
        # Made before it is destroyed, it is away for a moment at most.
        level: Level = "medium" if again and actions[0] == "create" else "high"
        what = f"The plan {verb} {address}, on which requests depend."
        clears = "Make the new one first (create_before_destroy) and move the traffic, or change it in place."
        yield Match("tf-plan-replaces", level, what, clears, path, 0, evidence)


def _wider(path: str, address: str, change: dict[str, Any]) -> Iterator[Match]:
    before, after = _policies(change.get("before")), _policies(change.get("after"))
    for text in sorted(after - before):
        what = f"{address} is given rights over everything."
        yield Match("tf-iam-wider", "high", what, _NARROW, path, 0, text)


def _policies(values: Any) -> set[str]:
    """The wide grants among the values of a resource."""
    if not isinstance(values, dict):
        return set()
    found = {_document(str(values.get(name))) for name in ("policy", "inline_policy", "assume_role_policy")}
    for name in ("policy_arn", "role", "role_definition_name"):
        hit = _WIDE_ROLE.search(f'{name} = "{str(values.get(name))[:1_000]}"')
        found.add(shown(hit[0]) if hit else "")
    return found - {""}


def _document(text: str) -> str:
    """The first statement of a policy document that allows everything, as text; "" where none does."""
    try:
        policy = json.loads(text[:100_000])
    except (ValueError, RecursionError):
        return ""
    rows = policy.get("Statement") if isinstance(policy, dict) else None
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, dict) or row.get("Effect") != "Allow":
            continue
        actions = row.get("Action")
        wide = [one for one in (actions if isinstance(actions, list) else [actions]) if one in _ALL]
        if wide:
            return shown(f"Allow {wide[0]} on {json.dumps(row.get('Resource'))[:100]}")
    return ""


_NARROW = "List the actions and resources that are needed."


def _rights(file: TouchedFile) -> Iterator[Match]:
    earlier = {_wide(line.text) for line in gone(file)}
    left = {line.number for line in gone(file)}
    earlier |= {hit for opened, number, hit in _listed(file.before) if {opened, number} & left}
    for number, hit, text in _granted(file):
        if hit not in earlier and not is_comment(text) and not _is_meant(file, number, hit):
            what = f"This gives rights over everything ({shown(hit)})."
            yield Match("tf-iam-wider", "high", what, _NARROW, file.path, number, shown(text))


def _granted(file: TouchedFile) -> Iterator[tuple[int, str, str]]:
    """New wide grants: line, what is granted, the line's text. Of lists over lines the line of the entry."""
    lines = {line.number: line.text for line in fresh(file)}
    for number, text in lines.items():
        if hit := _wide(text):
            yield number, hit, text
    for opened, number, hit in _listed(file.after):
        if {opened, number} & lines.keys() and not _wide(lines.get(number, "")):
            yield number, hit, lines.get(number) or line_at(file.after, number)


def _listed(text: str | None) -> Iterator[tuple[int, int, str]]:
    """Wide actions in lists: the line in which the list begins, that of the entry, the entry."""
    line, at = 1, 0
    for found in _LIST.finditer(text or ""):
        group = 1 if found[1] is not None else 2
        line += (text or "").count("\n", at, found.start(group))
        at = found.start(group)
        entries = re.sub(r"(?:#|//)[^\n]{0,500}", lambda one: " " * len(one[0]), found[group])
        hit = _IN_LIST.search(entries)
        if hit:
            yield line, line + entries.count("\n", 0, hit.start()), hit[1]


def _is_meant(file: TouchedFile, number: int, hit: str) -> bool:
    """Whether the statement around a line refuses, or is how an account keeps its own keys."""
    lines = [line[:500] for line in (file.after or "").split("\n")[max(0, number - 6) : number + 9]]
    if any(_DENY.search(line) for line in lines[:11]):
        return True
    return hit == "kms:*" and any(_OWN_ACCOUNT.search(line) for line in lines)


def _wide(text: str) -> str:
    if hit := _WIDE_POLICY.search(text):
        return hit[1]
    role = _WIDE_ROLE.search(text)
    return role[0] if role else ""


_of = once(_matches)
_JSON = "https://developer.hashicorp.com/terraform/internals/json-format#change-representation"

rules: tuple[RiskRule, ...] = (
    RiskRule(
        "tf-plan-destroys-data",
        "The plan destroys or replaces a resource that holds data",
        "What a plan deletes is gone when it is applied; a replacement begins empty.",
        f"Terraform documentation, JSON output format: {_JSON}",
        _of("tf-plan-destroys-data"),
        _wanted,
    ),
    RiskRule(
        "tf-plan-replaces",
        "The plan destroys or replaces what serves requests",
        "Between the old one and the new one nothing answers, and addresses change.",
        "Terraform documentation, create_before_destroy: "
        "https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#create_before_destroy",
        _of("tf-plan-replaces"),
        _wanted,
    ),
    RiskRule(
        "tf-iam-wider",
        "Rights are widened to everything",
        "A role with all rights turns any mistake or leak into one of the whole account.",
        "AWS, Security best practices in IAM: "
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
        _of("tf-iam-wider"),
        _wanted,
    ),
    RiskRule(
        "tf-plan-unread",
        "A plan could not be read",
        "What is not read is not judged.",
        f"Terraform documentation, JSON output format: {_JSON}",
        _of("tf-plan-unread"),
        _wanted,
    ),
)
