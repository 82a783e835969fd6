"""One task of the App, from what it names to what is published: done again it ends in the same.

A pull request is judged as it is now; one that was closed is left alone, but of a merged one the commit that
it became is kept. A deployment is compared with the last one of its environment that went well.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from connectors.outbound.github_app import GitHubApp
from core.errors import InputError, RemoteError, RemoteLater
from core.narrative.plain import one_line
from core.narrative.report.markdown import literal
from watchkeeper.risk.github_change import Pull, Read, encoded, is_commit, pull_of, read_between, read_pull
from watchkeeper.risk.github_judge import Knowing, is_obeyed, judged
from watchkeeper.risk.github_place import Place
from watchkeeper.risk.github_publish import (
    Said,
    answer_deployment,
    could_not,
    publish_check,
    publish_comment,
    reasons,
    said_of,
)
from watchkeeper.risk.github_tasks import Task
from watchkeeper.risk.github_trees import policy_text

_MOST_DEPLOYMENTS = 20


class _Before(NamedTuple):
    """What is deployed now, as far as GitHub knows; `gap` says why something else is compared with."""

    commit: str
    gap: str = ""


async def do(api: GitHubApp, task: Task, knowing: Knowing) -> None:
    """Raises RemoteLater for what may go another time, RemoteError for what may not."""
    place = Place(api, task.installation, task.repository)
    if task.kind == "pull":
        await _pull(place, task, knowing)
    else:
        await _deployment(place, task, knowing)


async def give_up(api: GitHubApp, task: Task, why: str) -> None:
    """Say that it could not be judged, where that is still possible. Raises as `do`."""
    place = Place(api, task.installation, task.repository)
    if task.kind == "deployment":
        before = await _deployed(place, task)
        obeyed = await _obeyed(place, before.commit)
        await answer_deployment(place, task.run, task.environment, _unknown(why, obeyed=obeyed))
        return
    pull = await pull_of(place, task.number)
    if pull.open:
        said = could_not(why, obeyed=await _obeyed(place, pull.base))
        await publish_check(place, pull.head, pull.number, said, task.again)


async def _obeyed(place: Place, base: str) -> bool:
    """Of one that is no text, or of two, nobody knows: then it may be."""
    try:
        return is_obeyed(await policy_text(place, base))
    except InputError:
        return True


async def _pull(place: Place, task: Task, knowing: Knowing) -> None:
    pull = await pull_of(place, task.number)
    if pull.merged_as:
        knowing.merged(task.repository, pull.head, pull.merged_as, task.domain)
    if not pull.open:
        return
    said = await _judged_pull(place, pull, knowing, task.domain)
    await publish_check(place, pull.head, pull.number, said, task.again)
    await publish_comment(place, pull.number, said)


async def _judged_pull(place: Place, pull: Pull, knowing: Knowing, domain: str) -> Said:
    try:
        policy = await policy_text(place, pull.base)
    except InputError as error:
        return could_not(str(error), obeyed=True)
    try:
        report = await judged(place, await read_pull(place, pull), policy, knowing, domain)
    except RemoteLater:
        raise
    except (RemoteError, InputError) as error:
        return could_not(str(error), obeyed=is_obeyed(policy))
    knowing.tell(msgspec.structs.replace(report, url=pull.url), domain)
    return said_of(report)


async def _deployment(place: Place, task: Task, knowing: Knowing) -> None:
    policy: str | None = None
    try:
        before = await _deployed(place, task)
        policy = await policy_text(place, before.commit)
        title = f"Deployment to {one_line(task.environment, 80)}"
        read = await read_between(place, before.commit, task.head, title)
        gaps = (*read.gaps, before.gap) if before.gap else read.gaps
        report = await judged(place, Read(read.change, read.start, gaps), policy, knowing, task.domain)
        said = said_of(report)._replace(title=reasons(report))
    except RemoteLater:
        raise
    except InputError as error:
        said = _unknown(str(error), obeyed=True)
    except RemoteError as error:
        said = _unknown(str(error), obeyed=is_obeyed(policy))
    await answer_deployment(place, task.run, task.environment, said)


def _unknown(why: str, *, obeyed: bool) -> Said:
    """Of a deployment: it has one line for words."""
    title = f"Could not be judged{'' if obeyed else ' (advisory)'}: {literal(why, 500)}"
    return could_not(why, obeyed=obeyed)._replace(title=title)


async def _deployed(place: Place, task: Task) -> _Before:
    """The last deployment of the environment that went well, else the commit before."""
    path = f"/deployments?environment={encoded(task.environment)}"
    for row in await place.rows(path, _MOST_DEPLOYMENTS):
        commit, name = row.get("sha"), row.get("id")
        if isinstance(commit, str) and is_commit(commit) and commit != task.head and isinstance(name, int):
            statuses = await place.rows(f"/deployments/{name:d}/statuses", _MOST_DEPLOYMENTS)
            if any(one.get("state") == "success" for one in statuses):
                return _Before(commit)
    told = await place.get(f"/commits/{task.head}")
    parents = [one.get("sha") for one in told.get("parents") or [] if isinstance(one, dict)]
    gap = "GitHub knows of no earlier deployment to this environment: only the newest commit was judged"
    if parents and is_commit(parents[0]):
        return _Before(str(parents[0]), gap)
    raise RemoteError("there is nothing to compare it with", where=task.head[:12], mend="Deploy it once")
