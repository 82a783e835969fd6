"""What stands at the paths of a commit by GitHub's trees: files, links, submodules, the policy.

Lists of changed files say nothing of that, and GitHub gives for a link the text of what it points to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.outbound.github_app import rows_of
from core.errors import InputError, RemoteError, RemoteLater
from core.risk.change import TouchedFile
from core.risk.policy import POLICY_FILES
from core.risk.unified import standing_for
from watchkeeper.risk.github_place import Place
from watchkeeper.risk.judging import the_policy
from watchkeeper.risk.texts import LONGEST_TEXT

_PLAIN = "100"
_NO_TREE = "GitHub did not list all files of the commit: a link may stand where a file is read"


class Kinds(NamedTuple):
    """Modes by path; `whole`: nothing was left out."""

    modes: Mapping[str, str]
    whole: bool = True


async def kinds_of(place: Place, commit: str, *, top: bool = False) -> Kinds:
    """Modes of the files of a commit, or of its top folder. Raises RemoteLater."""
    try:
        told = await place.get(f"/git/trees/{commit}{'' if top else '?recursive=1'}")
    except RemoteLater:
        raise
    except RemoteError:
        return Kinds({}, whole=False)
    modes = {str(row.get("path", "")): str(row.get("mode", "")) for row in rows_of(told.get("tree"))}
    return Kinds(modes, whole=told.get("truncated") is not True)


def as_they_stand(files: Sequence[TouchedFile], kinds: Kinds) -> tuple[tuple[TouchedFile, ...], str]:
    """The files, of which links and submodules are told, and what cannot be said; "" where all can."""
    found = tuple(
        one if one.status == "deleted" else standing_for(one, kinds.modes.get(one.path, "")) for one in files
    )
    there = (one.path in kinds.modes for one in files if one.status != "deleted")
    return found, "" if kinds.whole or all(there) else _NO_TREE


async def policy_text(place: Place, base: str) -> str | None:
    """The text of the policy of a commit; None where it has none. Raises InputError for two, and for one
    that is no text: a link, a folder, too long. Nobody knows what these ask."""
    kinds = await kinds_of(place, base, top=True)
    found = [(name, await _read(place, base, name, kinds)) for name in POLICY_FILES]
    return the_policy(found, base)[1]


async def _read(place: Place, base: str, name: str, kinds: Kinds) -> str | None:
    mode = kinds.modes.get(name)
    if mode is None and kinds.whole:
        return None
    text = await place.text(name, base) if mode is None or mode.startswith(_PLAIN) else None
    if text is None and mode is not None:
        mend = f"Make it a text file of less than {LONGEST_TEXT:,} bytes"
        raise InputError("no text file, or too long", where=f"{name} at {base[:12]}", mend=mend)
    return text
