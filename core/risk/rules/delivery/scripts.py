"""Scripts that delete or empty more than is meant, and owners who are no longer asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import (
    finder,
    fresh,
    gone,
    is_comment,
    is_lower,
    judged,
    place_of,
    rules_of,
    shown,
)

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
# What people run, or a machine runs for them, when something is deployed.
_TASKS = finder(
    r"(?:^|/)(?:[\w.-]{1,100}\.(?:rake|sh|bash|zsh|ksh|ps1|mk)|Rakefile|(?:GNU)?Makefile|Justfile|Taskfile\.ya?ml|Procfile"
    r"|package\.json|entrypoint|deploy|post-deploy|fabfile\.py|tasks\.py"
    r"|(?:bin|scripts?|tasks?|deploy(?:ment)?|hooks?|jobs?|ops|migrations?|migrate|commands)/[^/]{1,100}"
    r"\.(?:py|rb|js|ts|mjs|php|go|exs?|pl))$"
    r"|(?:^|/)(?:k8s|kubernetes|helm|charts?|deploy(?:ment)?|manifests?|playbooks?|roles|ansible)/.{1,200}\.ya?ml$"
)
_EMPTIES = re.compile(
    r"\bredis-cli\b[^|;&\n]{0,300}?\bflush(?:all|db)\b|\bflush(?:all|db)\b[^|\n]{0,60}\|[^|\n]{0,20}\bredis-cli\b"
    r"|\.(?:flush_?(?:all|db)|flush_all)!?\b(?:\s{0,3}\(|\s{0,3}$|\s{0,3}[;#}])"
    r"|[\"'](?:flushall|flushdb|flush_all)[\"']|\becho\s{1,5}[\"']?flush_all\b",
    re.IGNORECASE,
)
# Lines that forbid it or only speak of it, and stores that hold nothing that lasts.
_SPOKEN = re.compile(
    r"rename-command|\bacl\b|-@dangerous|\bdef\s|\bfunc\s|\bfunction\s|\blocalhost\b|127\.0\.0\.1"
    r"|docker[ -]compose|docker\s+exec"
    r"|\b(?:disable|forbid|deny|block|refuse|raise|throw|assert|mock|fake)",
    re.IGNORECASE,
)
_STORE = finder(
    r"redis|cache|valkey|keydb|dalli|\br(?:db|c)?\.|\bmc\.|\bconn\w{0,10}\.|\bclient\.|\bstore\.|_cli\b|-cli\b"
)
# Where people keep short ways for their own machine: only what names another one counts.
_OWN_MACHINE = finder(r"(?:^|/)(?:(?:GNU)?Makefile|Justfile|Taskfile\.ya?ml|package\.json|[\w.-]{1,60}\.mk)$")
_ELSEWHERE = re.compile(r"\s(?:-h|-u|--uri|--host)[\s=]")
_OWNERS = finder(r"^(?:\.github/|docs/|\.gitlab/)?CODEOWNERS$")


def wanted(path: str) -> bool:
    return _SCRIPT(path[-300:]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, _is_task, gone=False):
        yield from _empties(file)
    for file in judged(change, wanted, gone=False):
        yield from _deletes(file)
    for file in change.files:
        if _OWNERS(file.path[-60:]) and not file.binary:
            yield from _owners(file)


def _is_task(path: str) -> bool:
    return _TASKS(path[-300:]) is not None and not is_lower(path)


def _empties(file: TouchedFile) -> Iterator[Match]:
    own = _OWN_MACHINE(file.path[-300:]) is not None
    for line in fresh(file):
        found = _EMPTIES.search(line.text)
        if not found or _SPOKEN.search(line.text) or is_comment(line.text) or not _STORE(line.text):
            continue
        if not own or _ELSEWHERE.search(line.text):
            what = "This empties a whole store: sessions, queues and locks that others keep there go too."
            clears = "Delete by prefix, or raise a version in the keys, so that only what is stale goes."
            evidence = shown(line.text)
            yield Match("script-empties-store", "high", what, clears, file.path, line.number, evidence)


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
        "script-empties-store",
        "A script empties a whole store",
        "What one program calls a cache holds the sessions and queues of another.",
        "Redis, FLUSHALL: https://redis.io/docs/latest/commands/flushall/",
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
