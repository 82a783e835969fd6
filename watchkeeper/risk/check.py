"""The check of a change in a checkout: read it, learn what is known, judge it by the base's policy.

Works without a server, a model or a policy. What is missing or was cut is said in the report.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.errors import InputError
from core.narrative.plain import one_line
from core.risk.assess import assess
from core.risk.change import ChangeSet
from core.risk.features import Features
from core.risk.known import Known
from core.risk.model import Model, score
from core.risk.model_file import from_json
from core.risk.policy import POLICY_FILES, Policy, read_policy
from core.risk.rules import Level, quoted
from watchkeeper.risk import knowing, squawk
from watchkeeper.risk.files import at_revision, on_disk
from watchkeeper.risk.git import Git
from watchkeeper.risk.judging import (
    Judge,
    counted,
    idle,
    judge_by,
    learned_from,
    left_alone_of,
    newly_run,
    the_policy,
    unjudged,
    wanted,
)
from watchkeeper.risk.reading import Range, read_change, resolve
from watchkeeper.risk.report import Report, files_of

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Asked(NamedTuple):
    """What to check. `policy` and `model` are files of the caller's own, which count more than those of the
    repository; `server` an address. `fail_on`: fail from this level on, whatever the policy says.
    `merged_as`: the whole id of the commit that the head became, which need not be in the checkout."""

    repo: Path
    base: str = ""
    head: str = "HEAD"
    exact: bool = False
    policy: Path | None = None
    model: Path | None = None
    server: str = ""
    fail_on: Level | None = None
    title: str = ""
    description: str = ""
    repository: str = ""
    url: str = ""
    merged_as: str = ""


def check(asked: Asked, now: int) -> Report:
    """Judge the change as of `now` (ms UTC). Raises InputError when it cannot be read, or when the policy
    cannot and asks (or may ask) to be obeyed."""
    _check_merged(asked.merged_as)
    with Git(asked.repo) as git:
        between = resolve(git, asked.base, asked.head, exact=asked.exact)
        judge = _judge(git, asked, between)
        anew = partial(_anew, judge.policy)
        change = read_change(
            git, between, wanted, title=asked.title, description=asked.description, anew=anew
        )
        model, model_fault = _model(git, asked, between, judge.policy)
        known, features, gap = _known(git, asked, between, change, judge.policy, now)
    assessment = assess(change, known, judge.policy)
    chance = score(model, features) if model is not None and features is not None else None
    return Report(
        between.base,
        between.head,
        between.start,
        change.title,
        counted(change, assessment),
        assessment,
        judge.policy.mode,
        asked.fail_on,
        tuple(one.name for one in known.services),
        chance,
        learned_from(model) if chance is not None else "",
        unjudged(change, assessment, gap),
        tuple(filter(None, (judge.fault, model_fault, _unreached(asked, known), *idle(judge.policy, now)))),
        asked.repository or asked.repo.resolve().name,
        asked.url,
        now,
        files_of(change),
        asked.merged_as.lower(),
        left_alone_of(assessment),
    )


def _check_merged(commit: str) -> None:
    if commit and not _COMMIT.fullmatch(commit.lower()):
        mend = "Give the whole id of the merge or squash commit, as `git rev-parse` prints it"
        raise InputError(f"no id of a commit: {quoted(commit)}", where="--merged-as", mend=mend)


def _anew(policy: Policy, old: str, new: str) -> bool:
    return newly_run(old, new) or (policy.ignores(old) and not policy.ignores(new))


def _judge(git: Git, asked: Asked, between: Range) -> Judge:
    """The caller's policy, or that of the base. A broken one of the base that does not ask to be obeyed stops
    nothing: the defaults hold, and the fault is said. Of one that is no text (a link, too long), or of two,
    nobody knows what it asks."""
    if asked.policy is not None:
        return Judge(read_policy(on_disk(asked.policy), str(asked.policy)))
    found = [(name, at_revision(git, between.base, name)) for name in POLICY_FILES]
    name, text = the_policy(found, between.base)
    return judge_by(text, f"{name} at {between.base[:12]}")


def _model(git: Git, asked: Asked, between: Range, policy: Policy) -> tuple[Model | None, str]:
    """The caller's model, or the one that the policy names, at the base; and why the latter is not used."""
    if asked.model is not None:
        return from_json(on_disk(asked.model), str(asked.model)), ""
    if not policy.model:
        return None, ""
    try:
        text = at_revision(git, between.base, policy.model)
        if text is None:
            return None, f"No probability: {one_line(policy.model)} is not in the base"
        return from_json(text, policy.model), ""
    except InputError as error:
        return None, f"No probability: {one_line(str(error))}"


def _known(
    git: Git, asked: Asked, between: Range, change: ChangeSet, policy: Policy, now: int
) -> tuple[Known, Features | None, str]:
    """What is known, the features of the change, and why the history says nothing."""
    names = knowing.services(change, policy)
    repository = asked.repository or asked.repo.resolve().name
    known = knowing.from_server(asked.server, names, now, repository, change)
    tools = {"squawk": squawk.ask(change)}
    known = msgspec.structs.replace(known, beside=knowing.neighbours(git, between, change), tools=tools)
    try:
        learned = knowing.history(git, between, change, now)
    except InputError as error:
        return known, None, f"The history says nothing of this change ({one_line(error.what)})"
    return msgspec.structs.replace(known, experience=learned.experience), learned.features, ""


def _unreached(asked: Asked, known: Known) -> str:
    if not asked.server or not known.server:
        return ""
    return f"Incidents, budgets and freezes are not known: {known.server}"
