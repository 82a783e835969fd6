"""The prompt files: which version each agent uses, read from the package `prompts`.

A released prompt is never edited, as `prompts/lock.json` and a test hold; another wording is another version.
`python -m agents.prompts` prints the lock that fits the files.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from core.errors import InputError

CURRENT = {"narrator": 1, "retriever": 1, "risk-analyst": 1, "planner": 1}
_FENCE = "---\n"


class Prompt(NamedTuple):
    """`label` is what a note names it by: `narrator@1`."""

    id: str
    version: int
    text: str

    @property
    def label(self) -> str:
        return f"{self.id}@{self.version}"


def current(author: str) -> Prompt:
    return prompt(author, CURRENT[author])


@lru_cache
def prompt(author: str, version: int) -> Prompt:
    """Raises InputError for a file that is missing or says that it is another one."""
    name = f"{author}/{version}.md"
    file = files("prompts").joinpath(author, f"{version}.md")
    if not file.is_file():
        raise InputError("there is no such prompt", where=name, mend="Known are those in prompts/lock.json")
    return read_prompt(file.read_text("utf-8"), author, version)


def read_prompt(text: str, author: str, version: int) -> Prompt:
    """Front matter with `id` and `version`, then the words."""
    before, _, rest = text.partition(_FENCE)
    head, fence, body = rest.partition(_FENCE)
    said = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if before or not fence or said != {"id": author, "version": str(version)} or not body.strip():
        mend = "It begins with ---, id, version and --- on lines of their own; both say what the path says"
        raise InputError("not a prompt file", where=f"{author}/{version}.md", mend=mend)
    return Prompt(author, version, body.strip())


def lock() -> dict[str, str]:
    """`narrator/1.md` and so on, each with the SHA-256 of its bytes."""
    folders = sorted(
        (each for each in files("prompts").iterdir() if each.is_dir()), key=lambda each: each.name
    )
    found = [
        (folder.name, file) for folder in folders for file in folder.iterdir() if file.name.endswith(".md")
    ]
    digests = {f"{name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for name, file in found}
    return dict(sorted(digests.items()))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(lock(), indent=2) + "\n")
