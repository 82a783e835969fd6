"""Scripts that delete more than is meant, and owners who are no longer asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import finder, fresh, gone, is_comment, judged, place_of, rules_of, shown

_SCRIPT = finder(
    r"(?:^|/)(?:[\w.-]{1,100}\.(?:sh|bash|zsh|ksh|mk|dockerfile)|(?:GNU)?Makefile|Justfile|Jenkinsfile[\w.-]{0,40}"
    r"|(?:Docker|Container)file[\w.-]{0,60}|\.gitlab-ci[\w.-]{0,40}\.ya?ml"
    r"|\.(?:github|gitea|forgejo)/.{1,200}\.ya?ml|entrypoint|pre-commit|post-deploy|deploy)$"
)
_DELETES = re.compile(
    r"\brm\s+(?:-{1,2}[\w-]{1,40}\s+){0,6}-\w{0,8}[rR]\w{0,8}\s+(?:-{1,2}[\w-]{1,40}\s+){0,6}(?:--\s+)?"
    r"[\"']?\$(?:\{([A-Za-z_]\w{0,100})\}|\(?([A-Za-z_]\w{0,100})\)?)[\"']?/[\"']?(?:\*|\.\*|\s|$|[\"';&|]|\$)"
)
_STRICT = re.compile(r"^\s{0,40}set\s+(?:-\w{0,10}u|.{0,40}-o\s+nounset)|^#!.{0,60}\s-\w{0,6}u", re.MULTILINE)
# Where a script says that a variable without a value ends it.
_FIRST = 5_000
# A value that cannot be empty, or an end where there is none.
_SET = re.compile(
    r"(?:^|(?<=[\s;]))([A-Za-z_]\w{0,100})\s{0,5}[:?+]{0,3}=[ \t]{0,5}[\"']?(?![\"'\s;]|\$[\d@*{A-Za-z_])"
    r"|\$\{([A-Za-z_]\w{0,100}):\?|\[\s{1,5}-[nz]\s{1,5}[\"']?\$\{?([A-Za-z_]\w{0,100})",
    re.MULTILINE,
)
_OWNERS = finder(r"^(?:\.github/|docs/|\.gitlab/)?CODEOWNERS$")


def wanted(path: str) -> bool:
    return _SCRIPT(path[-300:]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, wanted, gone=False):
        yield from _deletes(file)
    for file in change.files:
        if _OWNERS(file.path[-60:]) and not file.binary:
            yield from _owners(file)


def _deletes(file: TouchedFile) -> Iterator[Match]:
    text = file.after or "\n".join(line.text for line in file.added)
    known: set[str] | None = None
    for line in fresh(file):
        found = _DELETES.search(line.text)
        if not found or is_comment(line.text):
            continue
        if known is None:
            known = {name for one in _SET.finditer(text) for name in one.groups() if name}
        name = found[1] or found[2]
        if name not in known and not _STRICT.search(text[:_FIRST]):
            what = f"Where {name} is empty, this deletes everything from the root on."
            clears = f"Write ${{{name}:?}}, so that the script ends where it is empty."
            evidence = shown(line.text)
            yield Match("script-deletes-all", "high", what, clears, file.path, line.number, evidence)


def _owners(file: TouchedFile) -> Iterator[Match]:
    """Paths that had owners and have none any more, or others than before."""
    was = {one[0]: (line.number, one[1:]) for line in gone(file) if (one := _owned(line.text))}
    now = {one[0]: (line.number, one[1:]) for line in fresh(file) if (one := _owned(line.text))}
    given = {owner for _, owners in now.values() for owner in owners}
    for pattern, (number, owners) in was.items():
        new = now.get(pattern)
        kept = new[1] if new else [owner for owner in owners if owner in given]
        if owners and not kept:
            level: Level = "medium"
            what = f"Nobody owns {pattern} any more: changes of it need nobody's approval."
        elif owners and new and not set(owners) & set(kept):
            level = "low"
            what = f"{pattern} is approved by {kept[0]} from now on, and no longer by {owners[0]}."
        else:
            continue
        clears = "Have those who owned it approve this change."
        place = place_of(file, number) if new is None else new[0]
        evidence = shown(f"{pattern} {' '.join(owners)}")
        yield Match("owners-loosened", level, shown(what), clears, file.path, place, evidence)


def _owned(text: str) -> list[str]:
    """The pattern of a line and its owners."""
    return [] if text.lstrip().startswith(("#", "[", "^[")) else text.partition(" #")[0].split()


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "script-deletes-all",
        "A script deletes everything where a variable is empty",
        "`rm -rf $DIR/*` is `rm -rf /*` when DIR has no value: Steam, 2015.",
        "ShellCheck, SC2115: https://www.shellcheck.net/wiki/SC2115",
    ),
    _rule(
        "owners-loosened",
        "Files lose those who had to approve them",
        "Who knows the code no longer sees its changes.",
        "GitHub, About code owners: "
        "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/"
        "customizing-your-repository/about-code-owners",
    ),
)
