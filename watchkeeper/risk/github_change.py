"""What a pull request or a deployment changes, read from GitHub's API alone: nothing is cloned, nothing run.

All is bounded: files as many as GitHub lists, whole texts of those that a rule wants, the rest is said. What
counts is the change as it is now, not as the delivery told it, so that late and repeated ones end alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from connectors.outbound.github_app import rows_of
from core.errors import RemoteError, RemoteLater
from core.risk.beside import beside
from core.risk.change import ChangeSet, Commit, Line, Status, TouchedFile
from core.risk.paths import is_aside
from core.risk.unified import LONGEST_LINE, MOST_LINES, patched, standing_for, whole
from core.times import parse_rfc3339
from watchkeeper.risk.github_place import Place
from watchkeeper.risk.github_trees import as_they_stand, kinds_of
from watchkeeper.risk.judging import newly_run, wanted

# What GitHub lists at most, of a pull request and of a comparison.
MOST_FILES, MOST_COMPARED, MOST_COMMITS = 3_000, 300, 250
# Files whose texts are read, two requests each.
MOST_TEXTS = 200
_MOST_WORDS = 100_000
_EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
_STATUS: dict[str, Status] = {
    "added": "added", "removed": "deleted", "renamed": "renamed", "copied": "copied",
}  # fmt: skip


class Pull(NamedTuple):
    """A pull request as it is now. `base` is where its target branch stands; `merged_as` the commit that it
    became, "" where it is not merged."""

    number: int
    base: str
    head: str
    title: str
    body: str
    files: int
    open: bool
    url: str
    merged_as: str = ""


class Read(NamedTuple):
    """A change; what it is compared with; and what was not read of it, in sentences."""

    change: ChangeSet
    start: str
    gaps: tuple[str, ...] = ()


async def pull_of(place: Place, number: int) -> Pull:
    """Raises RemoteError."""
    told = await place.get(f"/pulls/{number:d}")
    base, head = _dig(told, "base", "sha"), _dig(told, "head", "sha")
    if not (is_commit(base) and is_commit(head)):
        raise RemoteError("GitHub names no commits", where=f"pull request {number}", mend="Try again later")
    title, body = str(told.get("title") or ""), str(told.get("body") or "")
    files, url = told.get("changed_files"), str(told.get("html_url") or "")
    many = files if isinstance(files, int) else 0
    opened = told.get("state") == "open"
    became = str(told.get("merge_commit_sha") or "") if told.get("merged") is True else ""
    merged = became if is_commit(became) else ""
    return Pull(number, base, head, title[:1_000], body[:_MOST_WORDS], many, opened, url, merged)


async def read_pull(place: Place, pull: Pull) -> Read:
    """Raises RemoteError, RemoteLater."""
    compared = await place.get(f"/compare/{pull.base}...{pull.head}?per_page=1")
    start = _dig(compared, "merge_base_commit", "sha")
    start = start if is_commit(start) else pull.base
    rows = await place.rows(f"/pulls/{pull.number:d}/files", MOST_FILES)
    commits = await place.rows(f"/pulls/{pull.number:d}/commits", MOST_COMMITS)
    change = ChangeSet(
        pull.base,
        pull.head,
        pull.title,
        pull.body,
        tuple(map(_commit, reversed(commits))),
        _files(rows),
        max(0, pull.files - len(rows)),
    )
    return await _with_texts(place, change, start)


async def read_between(place: Place, base: str, head: str, title: str) -> Read:
    """What lies between two commits. GitHub lists 300 files of it at most."""
    told = await place.get(f"/compare/{base}...{head}?per_page=100")
    start = _dig(told, "merge_base_commit", "sha")
    rows, commits = rows_of(told.get("files")), rows_of(told.get("commits"))
    newest = tuple(map(_commit, reversed(commits)))
    head_line = title or (newest[0].subject if newest else "")
    files = _files(rows)
    read = await _with_texts(
        place, ChangeSet(base, head, head_line, "", newest, files), start if is_commit(start) else base
    )
    gap = f"GitHub lists the first {MOST_COMPARED} files of such a comparison; there may be more"
    return read._replace(gaps=(*read.gaps, gap)) if len(rows) >= MOST_COMPARED else read


def is_commit(text: Any) -> bool:
    return (
        isinstance(text, str) and len(text) in (40, 64) and all(sign in "0123456789abcdef" for sign in text)
    )


async def neighbours(place: Place, change: ChangeSet, start: str) -> tuple[str, ...]:
    """Paths at the base that conventions join to what the change touches; empty where nobody can say."""
    try:
        tree = await place.get(f"/git/trees/{start}?recursive=1")
    except RemoteLater:
        raise
    except RemoteError:
        return ()
    touched = [path for file in change.files for path in (file.path, file.old_path) if path]
    paths = (str(row.get("path", "")) for row in rows_of(tree.get("tree")) if row.get("type") == "blob")
    return beside(touched, paths)


async def _with_texts(place: Place, change: ChangeSet, start: str) -> Read:
    """Whole texts of files that a rule wants: those that people deploy first. Links are not followed."""
    kinds = await kinds_of(place, change.head)
    stand, unknown = as_they_stand(change.files, kinds)
    change = msgspec.structs.replace(change, files=stand)
    asked = [number for number, file in enumerate(change.files) if _reads(file) and not file.instead]
    asked.sort(key=lambda number: (is_aside(change.files[number].path), number))
    chosen = asked[:MOST_TEXTS]
    found = await asyncio.gather(*(_whole(place, change.files[one], start, change.head) for one in chosen))
    files = list(change.files)
    for number, file in zip(chosen, found, strict=True):
        files[number] = file
    gap = f"The whole texts of {len(asked) - MOST_TEXTS:,} files were not read: their changed lines alone"
    gaps = (gap if len(asked) > MOST_TEXTS else "", unknown)
    change = msgspec.structs.replace(change, files=tuple(files))
    return Read(change, start, tuple(filter(None, gaps)))


def _reads(file: TouchedFile) -> bool:
    if file.binary:
        return False
    brought = file.status == "added" and file.cut and not file.added
    return brought or wanted(file.path) or bool(file.old_path and wanted(file.old_path))


async def _whole(place: Place, file: TouchedFile, start: str, head: str) -> TouchedFile:
    known = whole(file)
    if known is not file:
        return known
    before = after = None
    if file.status != "added":
        before = await place.text(file.old_path or file.path, start)
    if file.status != "deleted":
        after = await place.text(file.path, head)
    file = msgspec.structs.replace(file, before=before, after=after)
    if file.status == "deleted" and before and not file.removed:
        rows = before.removesuffix("\n").split("\n")
        gone = tuple(Line(number, text[:LONGEST_LINE]) for number, text in enumerate(rows[:MOST_LINES], 1))
        return msgspec.structs.replace(file, removed=gone, deletions=len(rows))
    if file.cut and not file.added and file.status == "added" and after is not None:
        lines = after.split("\n")[:MOST_LINES]
        added = tuple(Line(number, text[:LONGEST_LINE]) for number, text in enumerate(lines, 1))
        short = after.count("\n") < MOST_LINES and all(len(text) <= LONGEST_LINE for text in lines)
        return msgspec.structs.replace(file, added=added, insertions=len(lines), cut=not short)
    return file


def _files(rows: Iterable[Mapping[str, Any]]) -> tuple[TouchedFile, ...]:
    found: list[TouchedFile] = []
    for row in rows:
        file = _file(row)
        if file.arrived_unseen and row.get("status") == "renamed" and not is_aside(file.old_path):
            found.append(TouchedFile(file.old_path, "deleted"))
        found.append(file)
    return tuple(found)


def _file(row: Mapping[str, Any]) -> TouchedFile:
    """Of a row of GitHub's. Without a patch it is binary, too large, or was only moved."""
    insertions, deletions = _count(row, "additions"), _count(row, "deletions")
    status = _STATUS.get(str(row.get("status")), "modified")
    old = str(row.get("previous_filename") or "") if status in ("renamed", "copied") else ""
    path = str(row.get("filename") or "")
    if old and newly_run(old, path):
        # Nobody looked at it where it was: all of its lines come in, and GitHub shows none of them.
        return TouchedFile(path, "added", old, insertions=insertions, cut=True)
    plain = TouchedFile(path, status, old, False, (), (), insertions, deletions)
    patch = row.get("patch")
    if isinstance(patch, str) and patch:
        return standing_for(patched(patch, plain), "")
    if insertions or deletions:
        return msgspec.structs.replace(plain, cut=True)
    moved = status in ("renamed", "copied") or row.get("sha") == _EMPTY
    return plain if moved else msgspec.structs.replace(plain, binary=True)


def _commit(row: Mapping[str, Any]) -> Commit:
    told = row.get("commit")
    author = _dig(told, "author", "email") or _dig(told, "author", "name") or ""
    subject, _, body = str((told or {}).get("message") or "" if isinstance(told, dict) else "").partition(
        "\n"
    )
    try:
        at = parse_rfc3339(str(_dig(told, "committer", "date") or ""))
    except (ValueError, OverflowError):
        at = 0
    return Commit(
        str(row.get("sha") or ""), str(author).lower(), at, subject[:1_000], body.strip()[:_MOST_WORDS]
    )


def _count(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) and value >= 0 else 0


def _dig(told: Any, *names: str) -> Any:
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def encoded(text: str) -> str:
    """For one part of an address."""
    return quote(text, safe="")
