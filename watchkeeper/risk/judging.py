"""What every judge of a change says in the same way, wherever it was read: counts, gaps, policies, models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from core.errors import InputError
from core.narrative.plain import one_line
from core.risk.assess import Assessment
from core.risk.change import ChangeSet, TouchedFile
from core.risk.model import Model
from core.risk.paths import is_aside
from core.risk.places import runs_as
from core.risk.policy import Policy, read_policy
from core.risk.rules import RULES
from core.risk.rules.change.instead import is_pointer
from core.risk.rules.touched import left_alone
from core.risk.unified import known_whole
from watchkeeper.risk.report import MOST_FILES, Counts

# Files that are named among what could not be judged; of the rest the number is told.
_MOST_NAMED = 5
# Ends of names of what nothing runs.
_IDLE = ("txt", "bak", "old", "orig", "disabled", "off", "example", "sample", "dist", "tmpl", "template")
# What runs because of where it stands: it did not run in another place.
_BY_PLACE = ("pipeline", "migration")
# What ends when its file is gone.
_ENDS_WITH_IT = ("pipeline", "terraform", "values", "manifest")
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


# Many rules ask for the same files.
_WANTS = tuple(dict.fromkeys(rule.wants for rule in RULES))


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


def the_policy(found: Sequence[tuple[str, str | None]], commit: str) -> tuple[str, str | None]:
    """Name and text of the policy of a commit, of those that it may have; the first name where there is none.
    Raises InputError for two, of which nobody can say which is meant."""
    there = [(name, text) for name, text in found if text is not None]
    if len(there) > 1:
        names = " and ".join(name for name, _ in there)
        raise InputError("two policies", where=f"{names} at {commit[:12]}", mend="Keep one of them")
    return there[0] if there else found[0]


def obeyed(text: str) -> bool:
    """Whether a policy that cannot be read may say that it is to be obeyed: its mode is given, and is not
    `advisory`."""
    return any(_OBEYED.search(line.partition("#")[0]) for line in text.splitlines())


def wanted(path: str) -> bool:
    """Whether a rule needs the whole text of such a file."""
    return any(wants(path) for wants in _WANTS)


def in_part(change: ChangeSet) -> str:
    """Which rules could not look, and at what, since only changed lines of files are known that they read
    whole; "" where none is."""
    found = [
        one
        for one in change.files
        if not (one.binary or one.instead) and wanted(one.path) and not known_whole(one)
    ]
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
    Nobody brings in a line by laying it down where no rule looks, and moving it later. One that goes from
    where it ran to where no rule looks is gone there with all its lines."""
    if is_aside(new):
        return runs_as(old) in _ENDS_WITH_IT and not is_aside(old)
    if (kind := runs_as(new)) in _BY_PLACE and runs_as(old) != kind:
        return True
    idle = old.rpartition(".")[2].lower() in _IDLE and not new.endswith(old.rpartition(".")[2])
    return is_aside(old) or idle or any(rule.wants(new) and not rule.wants(old) for rule in RULES)


def counted(change: ChangeSet, assessment: Assessment) -> Counts:
    files, commits = len(change.files), len(change.commits)
    apart = set(assessment.left_alone)
    unread = {one.path for one in change.files if _is_unread(one) and one.path not in apart}
    unread.update(assessment.unread, unreadable(assessment))
    return Counts(
        files + change.left_out,
        change.insertions,
        change.deletions,
        commits,
        change.left_out,
        len(apart),
        len(unread) + change.left_out,
    )


def _is_unread(file: TouchedFile) -> bool:
    gone = file.status == "deleted"
    return not gone and bool(file.cut or file.binary or file.instead or is_pointer(file))


def unreadable(assessment: Assessment) -> list[str]:
    """Paths of YAML that no rule could read."""
    return [one.path for one in assessment.matches if one.rule == "risk-yaml-unread"]


def left_alone_of(assessment: Assessment) -> tuple[str, ...]:
    """The first paths of what was left alone, for people; how many there are is counted."""
    return assessment.left_alone[:MOST_FILES]


def paths_of(change: ChangeSet) -> list[str]:
    """Every path that the change names, each once."""
    return list(dict.fromkeys(path for file in change.files for path in (file.path, file.old_path) if path))


def learned_from(model: Model | None) -> str:
    if model is None:
        return ""
    about = model.provenance
    words = f"{about.commits:,} changes, {about.defects:,} of them mended later"
    return f"{words}; {one_line(about.note)}" if about.note else words


def unjudged(change: ChangeSet, assessment: Assessment, *gaps: str) -> tuple[str, ...]:
    """What nobody looked at, in sentences; `gaps` are further ones."""
    unseen = [one.path for one in change.files if one.arrived_unseen and not left_alone(one)]
    cut = [one.path for one in change.files if one.cut and not (one.arrived_unseen or left_alone(one))]
    binary = [one.path for one in change.files if one.binary and not left_alone(one)]
    found = []
    if change.left_out:
        found.append(f"{change.left_out:,} files beyond the first {len(change.files):,} were not looked at")
    if cut:
        found.append(f"Too long to be read whole: {_named(cut)}")
    if assessment.unread:
        named = _named(list(assessment.unread))
        found.append(f"More YAML than is read of one change; left out: {named}")
    if unseen:
        found.append(f"Came to where it is run, and its text is not at hand: {_named(unseen)}")
    if binary:
        found.append(f"Not text: {_named(binary)}")
    said = (
        ("Symbolic links, not followed", [one for one in change.files if one.instead == "link"]),
        ("Submodules, not entered", [one for one in change.files if one.status == "submodule"]),
        ("Pointers to files that are kept elsewhere (LFS)", [one for one in change.files if is_pointer(one)]),
    )
    for what, files in said:
        if paths := [one.path for one in files if one.status != "deleted" and not left_alone(one)]:
            found.append(f"{what}: {_named(paths)}")
    if paths := unreadable(assessment):
        found.append(f"YAML that cannot be read: {_named(paths)}")
    if change.history_gap:
        found.append("The clone is shallow: what the history says of this change may be incomplete")
    found += filter(None, gaps)
    found += (f"The rule {name} failed, which is a fault of Watchkeeper" for name in assessment.broken)
    return tuple(found)


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
