"""What every judge of a change says in the same way, wherever it was read: counts, gaps, policies, models."""

from __future__ import annotations

import re
from typing import NamedTuple

from core.errors import InputError
from core.narrative.plain import one_line
from core.risk.change import ChangeSet
from core.risk.model import Model
from core.risk.paths import is_aside
from core.risk.policy import Policy, read_policy
from core.risk.rules import RULES
from core.risk.unified import known_whole
from watchkeeper.risk.report import Counts

# Files that are named among what could not be judged; of the rest the number is told.
_MOST_NAMED = 5
# Ends of names of what nothing runs.
_IDLE = ("txt", "bak", "old", "orig", "disabled", "off", "example", "sample", "dist", "tmpl", "template")
# A mode that is given and is not `advisory`, be it misspelt.
_OBEYED = re.compile(
    r"""(?:^|[{,])[ \t]{0,99}["']?mode["']?[ \t]{0,99}:(?=[ \t\r]|$)"""
    r"""(?![ \t]{1,99}["']?advisory["']?[ \t\r]{0,99}(?:[,}]|$))"""
)


# Kinds of files, by the first part of the ids of the rules that read them.
_KINDS = {
    "dep": "dependencies", "api": "OpenAPI", "proto": "Protobuf", "sql": "migrations", "tf": "Terraform",
    "k8s": "Kubernetes manifests", "helm": "Helm", "config": "settings", "flag": "flags", "ci": "CI",
    "build": "builds", "prompt": "prompts",
}  # fmt: skip


class Judge(NamedTuple):
    """The policy in force, and why it is not the one of the repository."""

    policy: Policy
    fault: str = ""


def judge_by(text: str | None, where: str) -> Judge:
    """The policy of `text`, None where there is none. One that cannot be read and does not ask to be obeyed
    stops nothing: the defaults hold, and the fault is said. Raises PolicyError for one that does."""
    try:
        return Judge(read_policy(text, where) if text else Policy())
    except InputError as error:
        if obeyed(text or ""):
            raise
        return Judge(Policy(), f"The policy is not in force: {error}")


def obeyed(text: str) -> bool:
    """Whether a policy that cannot be read may say that it is to be obeyed: its mode is given, and is not
    `advisory`."""
    return any(_OBEYED.search(line.partition("#")[0]) for line in text.splitlines())


def wanted(path: str) -> bool:
    """Whether a rule needs the whole text of such a file."""
    return any(rule.wants(path) for rule in RULES)


def in_part(change: ChangeSet) -> str:
    """Which rules could not look, and at what, since only changed lines of files are known that they read
    whole; "" where none is."""
    found = [one for one in change.files if not one.binary and wanted(one.path) and not known_whole(one)]
    if not found:
        return ""
    ids = {rule.id for rule in RULES if any(rule.wants(one.path) for one in found)}
    kinds = [words for kind, words in _KINDS.items() if any(one.startswith(f"{kind}-") for one in ids)]
    about = f" on {', '.join(kinds)}" if kinds else ""
    many = f"{len(found):,} file{'' if len(found) == 1 else 's'}"
    named = _named([one.path for one in found])
    return f"Rules{about} need whole files, and a diff does not hold them: {many} ({named})"


def newly_run(old: str, new: str) -> bool:
    """Whether a file that moves comes to be judged there, and was not before: all its lines are new then.
    Nobody brings in a line by laying it down where no rule looks, and moving it later."""
    if is_aside(new):
        return False
    idle = old.rpartition(".")[2].lower() in _IDLE and not new.endswith(old.rpartition(".")[2])
    return is_aside(old) or idle or any(rule.wants(new) and not rule.wants(old) for rule in RULES)


def counted(change: ChangeSet) -> Counts:
    files, commits = len(change.files), len(change.commits)
    return Counts(files + change.left_out, change.insertions, change.deletions, commits, change.left_out)


def paths_of(change: ChangeSet) -> list[str]:
    """Every path that the change names, each once."""
    return list(dict.fromkeys(path for file in change.files for path in (file.path, file.old_path) if path))


def learned_from(model: Model | None) -> str:
    if model is None:
        return ""
    about = model.provenance
    words = f"{about.commits:,} changes, {about.defects:,} of them mended later"
    return f"{words}; {one_line(about.note)}" if about.note else words


def unjudged(change: ChangeSet, broken: tuple[str, ...], *gaps: str) -> tuple[str, ...]:
    """What nobody looked at, in sentences; `gaps` are further ones."""
    cut = [one.path for one in change.files if one.cut and not is_aside(one.path)]
    binary = [one.path for one in change.files if one.binary and not is_aside(one.path)]
    found = []
    if change.left_out:
        found.append(f"{change.left_out:,} files beyond the first {len(change.files):,} were not looked at")
    if cut:
        found.append(f"Too long to be read whole: {_named(cut)}")
    if binary:
        found.append(f"Not text: {_named(binary)}")
    if change.history_gap:
        found.append("The clone is shallow: what the history says of this change may be incomplete")
    found += filter(None, gaps)
    return (*found, *(f"The rule {name} failed, which is a fault of Watchkeeper" for name in broken))


def idle(policy: Policy, now: int) -> list[str]:
    """Suppressions that do nothing, in sentences: of rules that do not exist, and that hold no more."""
    unknown = policy.unknown_rules([rule.id for rule in RULES])
    wrong = [
        f"The policy accepts matches of a rule that does not exist: no such rule {one_line(name)}"
        f"{f'; did you mean {guess}?' if guess else ''}"
        for name, guess in unknown.items()
    ]
    ended = [
        f"{one_line(one.rule)} in {one_line(one.path)} is no longer accepted: that ended on {one.expires}"
        for one in policy.expired(now)
        if one.rule not in unknown
    ]
    return [*wrong[:10], *ended[:10]]


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - _MOST_NAMED:,} more" if len(paths) > _MOST_NAMED else ""
    return ", ".join(one_line(path) for path in paths[:_MOST_NAMED]) + more
