"""Terraform files: data that an apply would destroy, protections taken away, doors opened to the world.

Blocks before and after are compared by their address within a folder; `moved`, `removed` and a block that
only went to another file of the folder are understood.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.change import ChangeSet
from core.risk.rules.infrastructure.hcl import Block, blocks
from core.risk.rules.infrastructure.terraform_doors import Side, opened, opened_by_variable
from core.risk.rules.infrastructure.terraform_kinds import forces_new, holds_data
from core.risk.rules.infrastructure.terraform_settings import TOLD, of_resource, of_values
from core.risk.rules.infrastructure.terraform_versions import TOLD as RUNNING
from core.risk.rules.infrastructure.terraform_versions import of_providers, of_running, record_gone
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import ending, judged, line_at, rules_of

wanted = ending(".tf", ".tofu", ".tfvars")
# Attributes that keep a resource from being destroyed, and the value with which they do.
_GUARDS = {
    "prevent_destroy": "true",
    "deletion_protection": "true",
    "deletion_protection_enabled": "true",
    "enable_deletion_protection": "true",
    "termination_protection": "true",
    "disable_api_termination": "true",
    "purge_protection_enabled": "true",
    "force_destroy": "false",
    "force_delete": "false",
    "skip_final_snapshot": "false",
    "delete_protection_state": "delete_protection_enabled",
}


def _matches(change: ChangeSet) -> Iterator[Match]:
    before, after, notes = _sides(change)
    for key, old in before.items():
        if key not in after:
            yield from _gone(key, old, notes)
            folder, _, address = key.partition(":")
            if address not in notes.get(folder, ()):
                yield from record_gone(old, after)
    for key, new in after.items():
        earlier = before.get(key)
        if earlier:
            yield from _unguarded(earlier, new)
            yield from _made_anew(earlier, new)
            yield from of_resource(earlier, new)
            yield from of_running(earlier, new, notes.get(key.partition(":")[0], ()))
        yield from opened(earlier, new)
    for file in judged(change, wanted, gone=False):
        yield from opened_by_variable(file)
        yield from of_values(file)
        yield from of_providers(file)


def _sides(change: ChangeSet) -> tuple[dict[str, Side], dict[str, Side], dict[str, set[str]]]:
    """Resources before and after by folder and address, and the addresses that `moved` and `removed` name."""
    before: dict[str, Side] = {}
    after: dict[str, Side] = {}
    notes: dict[str, set[str]] = {}
    for file in judged(change, wanted):
        for text, path, side in (
            (file.before, file.old_path or file.path, before),
            (file.after, file.path, after),
        ):
            folder = path.rpartition("/")[0]
            for block in blocks(text):
                if block.kind:
                    side[f"{folder}:{block.address}"] = Side(path, text, block)
                elif side is after and block.words[0] in ("moved", "removed") and _keeps(block):
                    address = (
                        block.attributes["from"].text.split("[", 1)[0] if "from" in block.attributes else ""
                    )
                    notes.setdefault(folder, set()).add(address.strip())
    return before, after, notes


def _keeps(block: Block) -> bool:
    return block.words[0] == "moved" or block.value("lifecycle", "destroy") == "false"


def _gone(key: str, old: Side, notes: dict[str, set[str]]) -> Iterator[Match]:
    folder, _, address = key.partition(":")
    if not holds_data(old.block.kind) or address in notes.get(folder, ()):
        return
    yield Match(
        "tf-data-removed",
        "critical",
        f"The next apply destroys {address}, which holds data: its block is gone and nothing "
        "says where it went.",
        f"If it was renamed, add a `moved` block from {address}; to leave it in place, a "
        "`removed` block with "
        "`destroy = false`; to destroy it, show the backup and put it in a change of its own.",
        old.path,
        0,
        line_at(old.text, old.block.line),
    )


def _unguarded(old: Side, new: Side) -> Iterator[Match]:
    was = {name: one for block in old.block.below() for name, one in block.attributes.items()}
    now = {name: one for block in new.block.below() for name, one in block.attributes.items()}
    for name, safe in _GUARDS.items():
        # The safe value of the last three is what holds where nothing is written.
        before = was[name].plain if name in was else ("false" if safe == "false" else "")
        after = now[name].plain if name in now else ("false" if safe == "false" else "")
        if before == safe and after != safe and not after.startswith(("var.", "local.")):
            line = now[name].line if name in now else 0
            level: Level = "high" if holds_data(new.block.kind) else "medium"
            yield Match(
                "tf-protection-removed",
                level,
                f"{new.block.address} loses its protection against being destroyed ({name}).",
                f"Keep `{name} = {safe}`; if the resource is meant to go, say so and how its data is kept.",
                new.path,
                line,
                line_at(new.text, line) or line_at(old.text, was[name].line if name in was else 0),
            )


def _made_anew(old: Side, new: Side) -> Iterator[Match]:
    if not holds_data(new.block.kind):
        return
    ignored = new.block.value("lifecycle", "ignore_changes")
    names = [*sorted(forces_new(new.block.kind)), "for_each", "count"]
    for name in names:
        was, now = old.block.attributes.get(name), new.block.attributes.get(name)
        if name == "for_each":
            # Terraform moves x to x[0] by itself, but not to x["key"].
            changed = (was is None) != (now is None)
        elif name == "count":
            changed = now is not None and now.plain == "0" and (was is None or was.plain != "0")
        else:
            changed = was is not None and now is not None and was.plain != now.plain and name not in ignored
        if changed:
            line = now.line if now else 0
            yield Match(
                "tf-data-replaced",
                "critical",
                f"Changing `{name}` makes Terraform destroy {new.block.address} and its data.",
                "Keep the value, or plan the move of the data: show the plan, the backup and "
                "the order of steps.",
                new.path,
                line,
                line_at(new.text, line) or (line_at(old.text, was.line) if was else ""),
            )


_DESTROY = (
    ""
    ""
    ""
    "https://developer.hashicorp.com/terraform/language/resources/syntax#how-terraform-applies-a-configuration"
)


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "tf-data-removed",
        "A Terraform resource that holds data is gone from the code",
        "Terraform destroys what is in its state and no longer in the configuration.",
        "Terraform documentation, Refactoring: https://developer.hashicorp.com/terraform/language/moved",
    ),
    _rule(
        "tf-data-replaced",
        "A Terraform resource that holds data would be made anew",
        "What a provider cannot change in place is destroyed and created again, empty.",
        f"Terraform documentation, How Terraform applies a configuration: {_DESTROY}",
    ),
    _rule(
        "tf-protection-removed",
        "A protection against destruction is taken away",
        "It is the last thing that stops a mistaken plan from deleting a database or a bucket.",
        "Terraform documentation, prevent_destroy: "
        "https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle",
    ),
    _rule(
        "tf-open-to-world",
        "A firewall lets the whole internet in",
        "Open management and database ports are found by scanners within minutes.",
        "CIS AWS Foundations Benchmark 5.2: https://www.cisecurity.org/benchmark/amazon_web_services",
    ),
    _rule(
        "tf-public-data",
        "Data becomes reachable for everybody",
        "A public bucket or database is the most common cause of leaks from clouds.",
        "AWS, Blocking public access: "
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    ),
    *(_rule(*one) for one in (*TOLD, *RUNNING)),
)
