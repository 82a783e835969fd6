"""What sources of changes share: which names deploy, how several places make several changes."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from core.model.events import ChangeEvent

_DEPLOYS = re.compile(r"(?<![a-z])(deploy|deploys|deployment|release|rollout|ship)(?![a-z])")
NO_COMMIT = "0" * 40


def deploys(*names: str) -> bool:
    """Whether a workflow, job or stage of such a name deploys: it has a word for it (`deploy-prod`)."""
    return any(_DEPLOYS.search(name.lower()) for name in names)


def in_each(change: ChangeEvent, environments: Iterable[str]) -> tuple[ChangeEvent, ...]:
    """The change in each environment; none named: one change, in all of them."""
    places = list(dict.fromkeys(environments))
    if len(places) < 2:
        return tuple(msgspec.structs.replace(change, environment=place) for place in places) or (change,)
    return tuple(
        msgspec.structs.replace(change, environment=place, index=index, ref=f"{change.ref}/{place}")
        for index, place in enumerate(places)
    )


def branch(ref: str) -> str:
    """`main` of `refs/heads/main`; empty for a tag."""
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


def tag(ref: str) -> str:
    return ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else ""


def commit_ref(repository: str, sha: str) -> str:
    """A push and the merge that made it are one change."""
    return f"{repository}@{sha}" if sha else ""
