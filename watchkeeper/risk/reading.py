"""What a pull request changes, read from a git checkout: all is bounded, and what was left out is said.

By default as a pull request shows it: from the last commit that base and head have in common. Files are read
from git's objects, never from the working tree, so that no filter runs and what is not committed is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from core.errors import InputError
from core.risk.change import ChangeSet, Commit, TouchedFile
from core.risk.rules.rule import quoted
from watchkeeper.risk.entries import MOST_FILES, Entry, listed
from watchkeeper.risk.git import DEEPEN, Git, text_of
from watchkeeper.risk.moves import brought
from watchkeeper.risk.patch import Limits, Part, parts_of
from watchkeeper.risk.texts import texts

# Commits that are told of at most, the newest.
MOST_COMMITS = 1_000
_MOST_WORDS = 100_000
# Bytes of all that they say.
_MOST_SAID = 32_000_000
_FIELDS = 5
_FORM = "--format=%H%x00%ae%x00%ct%x00%s%x00%b"
# Where a branch usually comes from, when nobody says it.
_BASES = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master")
_PATCH = ("diff-tree", "-r", "-p", "--unified=0", "--no-ext-diff", "--no-textconv", "--full-index")
_SHAPE = (
    "--no-color",
    "--no-prefix",
    "-M",
    "-l1000",
    "--submodule=short",
    "--ignore-cr-at-eol",
    "--no-indent-heuristic",
)


class Range(NamedTuple):
    """Commits by id; `start` is what the head is compared with: a commit, or the empty tree."""

    base: str
    head: str
    start: str


def resolve(git: Git, base: str, head: str, *, exact: bool = False) -> Range:
    """What is compared with what. An empty `base` is where the branch comes from: what `origin` calls its
    main branch, or else the parent of the head. Raises InputError with what is missing, and how to get it."""
    to = git.commit(head)
    if not base:
        return _guessed(git, to)
    start = git.commit(base)
    return Range(start, to, start if exact else _common(git, start, to, base, head))


def _guessed(git: Git, head: str) -> Range:
    for name in _BASES:
        if (base := git.found(name)) is not None:
            start = _first_common(git, base, head)
            if start and start != head:
                return Range(base, head, start)
    parents = git.run("rev-list", "--parents", "--max-count=1", head).decode("ascii").split()[1:]
    if parents:
        return Range(parents[0], head, parents[0])
    if git.shallow:
        raise InputError("the clone is shallow: the commit before is not in it", where=head[:12], mend=DEEPEN)
    return Range("", head, git.empty_tree)


def _common(git: Git, base: str, head: str, base_name: str, head_name: str) -> str:
    if start := _first_common(git, base, head):
        return start
    where = f"{quoted(base_name)}...{quoted(head_name)}"
    if git.shallow:
        raise InputError(
            "the clone is shallow: no commit that both have in common is in it", where=where, mend=DEEPEN
        )
    raise InputError(
        "they have no commit in common", where=where, mend="Compare them as they are with --exact"
    )


def _first_common(git: Git, base: str, head: str) -> str:
    with git.streamed("merge-base", "--all", base, head, fine=(0, 1)) as out:
        return out.readline().decode("ascii").strip()


def read_change(
    git: Git,
    asked: Range,
    wants: Callable[[str], bool],
    *,
    title: str = "",
    description: str = "",
    limits: Limits = Limits(),  # noqa: B008 - a tuple of numbers
    most_files: int = MOST_FILES,
    anew: Callable[[str, str], bool] = lambda old, new: False,
) -> ChangeSet:
    """The change. `wants`: of which paths whole texts are read. `anew`: of which moves, from and to, all
    lines are new. Raises InputError where git fails."""
    found = listed(git, asked.start, asked.head, most_files)
    with git.streamed(*_PATCH, *_SHAPE, asked.start, asked.head, early=True) as out:
        parts = parts_of(out, found.entries, limits)
    pairs = tuple(zip(found.entries, parts, strict=True))
    moved = {entry.path for entry, part in pairs if _moved(entry, part, anew)}
    whole = texts(git, _wanted(pairs, wants, moved))
    files: list[TouchedFile] = []
    for entry, part in pairs:
        if entry.path in moved:
            files += brought(entry, part, whole, limits)
        else:
            files.append(_touched(entry, part, whole, wants))
    commits = _commits(git, asked)
    newest = commits[0] if commits else Commit("", "", 0)
    return ChangeSet(
        asked.base,
        asked.head,
        title or newest.subject,
        (description or ("" if title else newest.body))[:_MOST_WORDS],
        commits,
        tuple(files),
        found.left_out,
        "shallow clone" if git.shallow else "",
    )


def _commits(git: Git, asked: Range) -> tuple[Commit, ...]:
    """The commits of the change, the newest first; merges bring nothing of their own."""
    command = [
        "log",
        "-z",
        "--no-merges",
        "--no-show-signature",
        _FORM,
        f"--max-count={MOST_COMMITS}",
        asked.head,
    ]
    if asked.base:
        command += [f"^{asked.base}"]
    with git.streamed(*command, "--", early=True) as out:
        fields = out.read(_MOST_SAID).split(b"\0")
    rows = (fields[at : at + _FIELDS] for at in range(0, len(fields) - _FIELDS + 1, _FIELDS))
    return tuple(
        Commit(
            text_of(name),
            text_of(author).lower(),
            _seconds(at) * 1_000,
            text_of(subject[:_MOST_WORDS]),
            text_of(body[:_MOST_WORDS]).strip(),
        )
        for name, author, at, subject, body in rows
    )


def _seconds(raw: bytes) -> int:
    """Since 1970, as far as a calendar goes; commits say what they like."""
    digits = raw.strip()
    return min(int(digits), 253_402_300_799) if digits.isdigit() and len(digits) < 20 else 0


def _moved(entry: Entry, part: Part, anew: Callable[[str, str], bool]) -> bool:
    plain = entry.status == "renamed" and not (part.binary or entry.link or entry.was_link)
    return plain and anew(entry.old_path, entry.path)


def _wanted(
    pairs: Sequence[tuple[Entry, Part]], wants: Callable[[str], bool], moved: Collection[str]
) -> list[bytes]:
    return [
        name
        for entry, part in pairs
        if entry.path in moved or _reads(entry, part, wants)
        for name in (entry.old, entry.new)
        if name.strip(b"0")
    ]


def _reads(entry: Entry, part: Part, wants: Callable[[str], bool]) -> bool:
    """A link's text is a path, and a submodule's a commit: neither is a file."""
    if part.binary or entry.link or entry.status == "submodule":
        return False
    return wants(entry.path) or bool(entry.old_path and wants(entry.old_path))


def _touched(entry: Entry, part: Part, whole: dict[bytes, str], wants: Callable[[str], bool]) -> TouchedFile:
    reads = _reads(entry, part, wants)
    if entry.link or entry.status == "submodule":
        return _instead(entry, part)
    # A text that a rule needs and that is too long, or holds what no text does.
    unread = reads and bool(entry.new.strip(b"0")) and entry.new not in whole
    return TouchedFile(
        entry.path,
        entry.status,
        entry.old_path,
        part.binary,
        tuple(part.added),
        tuple(part.removed),
        part.insertions,
        part.deletions,
        part.cut or unread,
        whole.get(entry.old) if reads and not entry.was_link and entry.status != "added" else None,
        whole.get(entry.new) if reads else None,
    )


def _instead(entry: Entry, part: Part) -> TouchedFile:
    """A link or a submodule: what it points to is no line of a file, nor are the lines of what was there. Of
    a submodule that only moves `removed` says so."""
    target = part.added[0].text if part.added else ""
    status = "modified" if entry.link and entry.status == "added" and entry.turned else entry.status
    moves = entry.status == "submodule" and not entry.turned
    return TouchedFile(
        entry.path,
        status,
        entry.old_path,
        removed=tuple(part.removed[:1]) if moves else (),
        instead="link" if entry.link else "submodule",
        target=target,
    )
