"""The judgement of a change read from GitHub: by the policy of its base, with what the engine knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from core.errors import InputError
from core.narrative.plain import one_line
from core.risk.assess import assess
from core.risk.change import ChangeSet
from core.risk.features import Features, entropy
from core.risk.fixes import is_fix
from core.risk.known import Known
from core.risk.model import Model, score
from core.risk.model_file import from_json
from core.risk.policy import POLICY_FILE, Policy
from watchkeeper.risk.github_change import Read, neighbours
from watchkeeper.risk.github_place import Place
from watchkeeper.risk.judging import (
    counted,
    idle,
    judge_by,
    learned_from,
    left_alone_of,
    obeyed,
    paths_of,
    unjudged,
)
from watchkeeper.risk.knowing import services
from watchkeeper.risk.report import Report, files_of


class Knowing(NamedTuple):
    """`known` is given services, files, ms UTC, the repository and the domain of the delivery. `ready`:
    whether it can answer. `tell` keeps a judgement of a pull request: a report and the domain. `merged`
    keeps which commit one became that was judged: repository, head, that commit, and the domain."""

    known: Callable[[Sequence[str], Sequence[str], int, str, str], Known]
    now: Callable[[], int]
    ready: Callable[[], bool] = lambda: True
    tell: Callable[[Report, str], None] = lambda report, domain: None
    merged: Callable[[str, str, str, str], None] = lambda repository, head, commit, domain: None


def is_obeyed(text: str | None) -> bool:
    """Whether the policy of that text asks to be obeyed, be it readable or not."""
    if not text:
        return False
    try:
        return judge_by(text, POLICY_FILE).policy.mode == "policy"
    except InputError:
        return obeyed(text)


async def judged(place: Place, read: Read, policy: str | None, knowing: Knowing, domain: str) -> Report:
    """Raises PolicyError for a policy that is to be obeyed and cannot be read, RemoteError, RemoteLater."""
    change, now = read.change, knowing.now()
    judge = judge_by(policy, f"{POLICY_FILE} at {change.base[:12]}")
    model, fault = await _model(place, judge.policy, change.base)
    names = services(change, judge.policy)
    known = knowing.known(names, paths_of(change), now, place.repository, domain)
    known = msgspec.structs.replace(known, beside=await neighbours(place, change, read.start))
    assessment = assess(change, known, judge.policy)
    chance = score(model, features_of(change)) if model is not None else None
    return Report(
        base=change.base,
        head=change.head,
        start=read.start,
        title=change.title,
        counts=counted(change, assessment),
        assessment=assessment,
        mode=judge.policy.mode,
        services=tuple(one.name for one in known.services),
        chance=chance,
        learned_from=learned_from(model) if chance is not None else "",
        unjudged=unjudged(change, assessment, *read.gaps),
        notes=tuple(filter(None, (judge.fault, fault, *idle(judge.policy, now)))),
        repository=place.repository,
        at=now,
        files=files_of(change),
        left_alone=left_alone_of(assessment),
    )


def features_of(change: ChangeSet) -> Features:
    """What the change itself says. What only a history knows is not known, and weighs nothing."""
    paths = [one.path for one in change.files]
    return Features(
        la=float(change.insertions),
        ld=float(change.deletions),
        nf=float(len(paths)),
        nd=float(len({path.rpartition("/")[0] for path in paths})),
        ns=float(len({path.partition("/")[0] if "/" in path else "" for path in paths})),
        entropy=entropy([one.insertions + one.deletions for one in change.files]),
        fix=float(is_fix(change.title)),
    )


async def _model(place: Place, policy: Policy, base: str) -> tuple[Model | None, str]:
    """The model that the policy names, at the base; and why it is not used."""
    if not policy.model:
        return None, ""
    text = await place.text(policy.model, base)
    if text is None:
        return None, f"No probability: {one_line(policy.model)} is not in the base"
    try:
        return from_json(text, policy.model), ""
    except InputError as error:
        return None, f"No probability: {error}"
