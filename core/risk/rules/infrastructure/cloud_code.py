"""Clouds as code beside Terraform: CDK, Pulumi, CloudFormation, Bicep, ARM. What kept a resource and its data
is gone, what was closed is open, what holds data is made anew.

Resources before and after are compared by kind and name; one that is new loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.infrastructure import cloud_programs, cloud_templates
from core.risk.rules.infrastructure.cloud_things import Thing, compared, opened, other, removed, unlocked
from core.risk.rules.rule import Match, RiskRule
from core.risk.rules.touched import is_lower, judged, rules_of

_Key = tuple[str, str]


def wanted(path: str) -> bool:
    return (
        cloud_programs.is_program(path) or cloud_programs.is_bicep(path) or cloud_templates.is_template(path)
    )


def is_code_of_cloud(path: str, text: str | None) -> bool:
    """Whether a text of such a path is a program or a template for a cloud."""
    if cloud_programs.is_program(path):
        return cloud_programs.uses_cloud(text or "")
    return cloud_templates.is_template(path) and cloud_templates.is_of_cloud(text or "")


def _matches(change: ChangeSet) -> Iterator[Match]:
    before: dict[_Key, Thing] = {}
    after: dict[_Key, Thing] = {}
    for file in judged(change, wanted):
        if file.before != file.after:
            before |= {(one.kind, one.name): one for one in _things(file, file.before)}
            after |= {(one.kind, one.name): one for one in _things(file, file.after)}
    for key, new in after.items():
        if key in before:
            yield from compared(before[key], new)
        elif not is_lower(new.path):
            yield from opened(new)
    yield from _renamed(before, after)


def _things(file: TouchedFile, text: str | None) -> Iterator[Thing]:
    if cloud_templates.is_template(file.path):
        return cloud_templates.things_of(file.path, text)
    return cloud_programs.things_of(file.path, text)


def _renamed(before: dict[_Key, Thing], after: dict[_Key, Thing]) -> Iterator[Match]:
    """What is gone, as the one of its kind that is new, where there is one of each."""
    lost = [one for key, one in before.items() if key not in after and not is_lower(one.path)]
    fresh = [one for key, one in after.items() if key not in before]
    counts = Counter(one.kind for one in lost), Counter(one.kind for one in fresh)
    for old in lost:
        if old.kind.endswith("authorizationlocks") and old.path in {one.path for one in after.values()}:
            yield unlocked(old)
        new = next((one for one in fresh if one.kind == old.kind and one.path == old.path), None)
        if new is not None and counts[0][old.kind] == counts[1][old.kind] == 1:
            yield from compared(old, new)
            if old.holds_data and "aliases" not in new.settings:
                yield other(old, new)
        elif old.holds_data and new is None and cloud_templates.is_template(old.path):
            kept = (
                str(old.value("deletionpolicy")).startswith("retain") or old.value("retainondelete") == "true"
            )
            if not kept:
                yield removed(old)


_rule = rules_of(_matches, wanted)

rules: tuple[RiskRule, ...] = (
    _rule(
        "cloud-protection-removed",
        "What keeps a resource of the cloud from being deleted is taken away",
        "It is the last thing that stops a mistaken update from deleting a database or a bucket.",
        "AWS, DeletionPolicy attribute: "
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
    ),
    _rule(
        "cloud-data-replaced",
        "A resource of the cloud that holds data is gone or would be made anew",
        "What cannot be changed in place is created again, empty, and the old one is deleted.",
        "AWS, Update behaviors of stack resources: "
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html",
    ),
    _rule(
        "cloud-public-data",
        "Data of the cloud becomes reachable for everybody",
        "A public bucket or database is the most common cause of leaks from clouds.",
        "Microsoft, Prevent anonymous read access: "
        "https://learn.microsoft.com/en-us/azure/storage/blobs/anonymous-read-access-prevent",
    ),
)
