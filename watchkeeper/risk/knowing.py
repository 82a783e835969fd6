"""What is known beside the change: from the repository at its base, and from a running Watchkeeper.

What cannot be had (no server answers, the history is too long) is said, and the check goes on without.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from core.errors import RemoteError, Unreachable
from core.narrative.plain import one_line
from core.risk.beside import beside
from core.risk.change import ChangeSet
from core.risk.features import Features
from core.risk.known import Experience, Known, ServiceKnown
from core.risk.past import Past, Touch
from core.risk.paths import is_generated
from core.risk.policy import Policy
from watchkeeper.risk.entries import MOST_FILES, Entry, listed
from watchkeeper.risk.git import Git, text_of
from watchkeeper.risk.log import changes
from watchkeeper.risk.reading import Range
from watchkeeper.risk.texts import texts

# Changes of the past that are looked at, the newest; and paths of the repository.
MOST_PAST = 10_000
_MOST_PATHS = 300_000
# An answer of the server is read so far, and waited for so long.
_LONGEST_ANSWER = 8_000_000
_MOST_SERVICES, _LONGEST_NAME, _LONGEST_PATH = 200, 200, 1_000
SECONDS = 3.0


class Learned(NamedTuple):
    """What the history says of a change; None where it does not."""

    features: Features | None
    experience: Experience | None


def history(git: Git, asked: Range, change: ChangeSet, now: int) -> Learned:
    """From the newest changes before this one; where nothing was before, features that need no history."""
    past = Past()
    if asked.base:
        for one in changes(git, asked.start, most=MOST_PAST, lines=False):
            past.add(one.id, one.author, one.at, [Touch(file.path, file.old_path) for file in one.files])
    touches = _touches(git, asked, change)
    author = change.commits[0].author if change.commits else ""
    at = max((commit.at for commit in change.commits), default=now)
    if not touches:
        return Learned(None, None)
    features = past.features(touches, author, at, change.title)
    known = past.experience(touches, author, at) if author and past.commits else None
    return Learned(features, known)


def _touches(git: Git, asked: Range, change: ChangeSet) -> list[Touch]:
    """With the lines that files had before, as a history that was learned from counts them."""
    entries = {one.path: one for one in listed(git, asked.start, asked.head).entries}
    found = []
    lengths = _lengths(git, list(entries.values()))
    for file in change.files:
        entry = entries.get(file.path)
        lines = lengths.get(entry.old) if entry and not is_generated(file.old_path or file.path) else None
        if file.status == "added":
            lines = 0
        found.append(Touch(file.path, file.old_path, file.insertions, file.deletions, lines))
    return found


def _lengths(git: Git, entries: Sequence[Entry]) -> dict[bytes, int]:
    old = [one.old for one in entries if one.old.strip(b"0") and one.status != "submodule"]
    return {name: text.count("\n") for name, text in texts(git, old).items()}


def neighbours(git: Git, asked: Range, change: ChangeSet) -> tuple[str, ...]:
    """The paths at the base that conventions join to what the change touches."""
    if not asked.base:
        return ()
    touched = [path for file in change.files for path in (file.path, file.old_path) if path]
    raw = git.run("ls-tree", "-r", "-z", "--name-only", asked.start)
    return beside(touched, map(text_of, raw.split(b"\0", _MOST_PATHS)[:_MOST_PATHS]))


def services(change: ChangeSet, policy: Policy) -> tuple[str, ...]:
    """The services of the policy that the change touches, each once."""
    paths = {path for file in change.files for path in (file.path, file.old_path) if path}
    touched = {name for path in paths for name in policy.services_of(path)}
    return tuple(name for name in policy.services if name in touched)


def from_server(
    url: str, names: Sequence[str], now: int, repository: str = "", change: ChangeSet | None = None
) -> Known:
    """What a running Watchkeeper knows of these services, and of the files' past: the JSON form of `Known`,
    by `POST /v1/risk/known`. Never raises: why there is no answer is in `server`."""
    plain = Known(now=now, services=tuple(ServiceKnown(name) for name in names))
    if not url:
        return plain
    try:
        answer = msgspec.json.decode(_asked(url, names, repository, change or ChangeSet()), type=Known)
    except (RemoteError, Unreachable) as error:
        return msgspec.structs.replace(plain, server=one_line(error.what))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return msgspec.structs.replace(plain, server=one_line(f"its answer is not understood ({error})"))
    told = {one.name: one for one in answer.services}
    listed_services = tuple(told.get(name, ServiceKnown(name)) for name in names)
    return msgspec.structs.replace(answer, now=now, services=listed_services, server="", matched=(), tools={})


def _asked(url: str, names: Sequence[str], repository: str, change: ChangeSet) -> bytes:
    """The answer's bytes. Raises Unreachable or RemoteError that says why there is none."""
    import httpx

    here = url.partition("://")[2].startswith(("127.", "localhost", "[::1]"))
    files = [path for file in change.files for path in (file.path, file.old_path) if path]
    body = {
        "services": list(names[:_MOST_SERVICES]),
        "files": [path for path in files if len(path) <= _LONGEST_PATH][:MOST_FILES],
        "repository": repository[:_LONGEST_NAME],
    }
    try:
        with (
            httpx.Client(timeout=SECONDS, trust_env=not here) as client,
            client.stream("POST", f"{url.rstrip('/')}/v1/risk/known", json=body) as answer,
        ):
            if answer.status_code != 200:
                mend = "Look at the server's log, and whether it is a Watchkeeper at all"
                raise RemoteError(f"it answers {answer.status_code}", where=url, mend=mend)
            return _bounded(url, answer.iter_bytes())
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
        mend = "Start it, or give its address"
        raise Unreachable(f"no Watchkeeper answers ({error})", where=url, mend=mend) from None


def _bounded(url: str, chunks: Iterator[bytes]) -> bytes:
    found, mend = bytearray(), "Ask again, or give another server's address"
    ends = time.monotonic() + SECONDS
    for chunk in chunks:
        found += chunk
        if len(found) > _LONGEST_ANSWER:
            raise RemoteError("its answer is too long", where=url, mend=mend)
        if time.monotonic() > ends:
            raise RemoteError(f"its answer takes longer than {SECONDS:g} s", where=url, mend=mend)
    return bytes(found)
