"""What stands where a file is read and is none: a symbolic link, a submodule, a pointer to a large file.

No rule follows them: nothing is known of what stands behind the link that a manifest became, nor of the other
repository that a submodule now comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Known
from core.risk.places import DEPLOYS, runs_as
from core.risk.rules.change.unread import is_text
from core.risk.rules.rule import Level, Match, RiskRule, quoted
from core.risk.rules.touched import left_alone

# Beginning of a file that git LFS keeps elsewhere.
POINTER = "version https://git-lfs.github.com/spec/v1"
# A link of such a name stands for a whole folder that a tool runs.
_FOLDERS = DEPLOYS | {"migrations", "migration", "migrate", "workflows", ".github", "actions", "templates"}
_URL = re.compile(r"\s{0,20}url\s{0,9}=\s{0,9}(.{1,500})")
_ITSELF = "Put the file itself there, or have a person read what it stands for"


def _links(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file in change.files:
        if file.status == "deleted" or left_alone(file):
            continue
        if file.instead == "link" and _is_read(file.path):
            what = "A symbolic link stands where rules read a file; what it stands for is not judged."
            yield Match("risk-not-a-file", "medium", what, _ITSELF, file.path, 0, quoted(file.target))
        elif is_pointer(file) and is_text(file.path):
            what = "A pointer to a file that is kept elsewhere (LFS) stands where rules read text."
            clears = "Keep this file in git itself (`git lfs untrack`), or have a person read it"
            yield Match("risk-not-a-file", "medium", what, clears, file.path, 1, quoted(POINTER))
        elif file.status == "submodule" and not file.removed:
            level: Level = "medium" if _is_read(file.path) else "low"
            what = "A submodule comes in; nothing of the other repository is judged."
            shown = quoted(file.target)
            yield Match("risk-not-a-file", level, what, _REVIEW, file.path, 0, shown)
        elif file.path == ".gitmodules":
            yield from _moved(file)


_REVIEW = "Have an owner approve where it comes from, and read what it brings"


def _moved(file: TouchedFile) -> Iterator[Match]:
    """The addresses of submodules that were there: one of a new submodule is said with it."""
    was = [found[1].strip() for line in file.removed if (found := _URL.match(line.text[:600]))]
    now = [(line, found[1].strip()) for line in file.added if (found := _URL.match(line.text[:600]))]
    new = [(line, url) for line, url in now if url not in was]
    if was and new:
        line, _ = new[0]
        what = "A submodule comes from another address; nothing of what is there is judged."
        yield Match("risk-not-a-file", "medium", what, _REVIEW, file.path, line.number, quoted(line.text))


def is_pointer(file: TouchedFile) -> bool:
    """Whether its text is a pointer of git LFS."""
    first = next((line.text for line in file.added if line.number == 1), "")
    return first.startswith(POINTER) or (file.after or "").startswith(POINTER)


def _is_read(path: str) -> bool:
    """Whether a rule reads a file there, or a tool the folder."""
    return is_text(path) or bool(runs_as(path)) or not _FOLDERS.isdisjoint(path.lower().split("/"))


rules = (
    RiskRule(
        "risk-not-a-file",
        "A link, submodule or pointer where a file is read",
        "Whoever lays down the harmless half of a link can change the other half where nobody looks.",
        "CWE-59, Improper Link Resolution Before File Access: https://cwe.mitre.org/data/definitions/59.html",
        _links,
    ),
)
