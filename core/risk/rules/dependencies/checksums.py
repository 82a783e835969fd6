"""What was held to one text and is not any more: lock files that an installation passes by, checksums that
a download no longer has to meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.rule import Match, RiskRule
from core.risk.rules.touched import finder, fresh, gone, is_comment, judged, place_of, rules_of, shown

_IMAGES = finder(r"(?:^|/)(?:(?:Docker|Container)file(?:[.-][\w.-]{1,60})?|[\w.-]{1,60}\.dockerfile)$")
_RUNS = finder(
    r"(?:^|/)(?:[\w.-]{1,100}\.(?:sh|bash|zsh|mk)|(?:GNU)?Makefile|Justfile|Jenkinsfile[\w.-]{0,40}|Procfile|entrypoint"
    r"|\.gitlab-ci[\w.-]{0,40}\.ya?ml|\.circleci/.{1,100}\.ya?ml|(?:azure|bitbucket)-pipelines[\w.-]{0,40}\.ya?ml"
    r"|cloudbuild\.ya?ml|buildspec\.ya?ml|\.travis\.yml|\.drone\.ya?ml|\.buildkite/.{1,100}\.ya?ml|deploy"
    r"|\.(?:github|gitea|forgejo)/(?:workflows|actions)/.{1,200}\.ya?ml)$"
)
_BAZEL = finder(r"(?:^|/)(?:WORKSPACE(?:\.bazel|\.bzlmod)?|MODULE\.bazel|[\w.-]{1,100}\.(?:bzl|bazel))$")
_FLAGS = r"(?:[^&|;\n]{0,300}?)"


class _Tool(NamedTuple):
    """`strict` takes what the lock file says or fails, `loose` takes what is newest. `anywhere`: also where a
    pipeline runs, in which the tool is strict by itself."""

    name: str
    strict: re.Pattern[str]
    loose: re.Pattern[str]
    anywhere: bool = True


def _tool(name: str, strict: str, loose: str, anywhere: bool = True) -> _Tool:
    return _Tool(name, re.compile(strict), re.compile(loose), anywhere)


# The end of a command, or what says nothing of which packages.
_END = r"(?=\s*(?:$|[&|;]|--(?!frozen|immutable)))"
_OF_ITS_OWN = (
    r"(?![^&|;\n]{0,200}(?:\s(?:-g|--global|--package-lock-only)\b|\s[@\w][\w./-]{0,100}@"
    r"|\s[a-z][\w-]{1,100}\s*(?:$|[&|;])))"
)


def _without(flags: str) -> str:
    return rf"(?![^&|;\n]{{0,300}}--(?:{flags})\b)"


_TOOLS = (
    _tool("npm", r"\bnpm\s+(?:ci|clean-install)\b(?!-)", rf"\bnpm\s+(?:install|i|update)\b{_OF_ITS_OWN}"),
    _tool(
        "Yarn", rf"\byarn\b{_FLAGS}--(?:frozen-lockfile|immutable)\b", rf"\byarn(?:\s+install)?{_END}", False
    ),
    _tool("pnpm", rf"\bpnpm\b{_FLAGS}--frozen-lockfile\b", rf"\bpnpm\s+(?:install|i){_END}", False),
    _tool(
        "pnpm",
        rf"\bpnpm\b{_FLAGS}--frozen-lockfile\b",
        r"\bpnpm\s+(?:install|i)\b[^&|;\n]{0,200}--no-frozen-lockfile\b",
    ),
    _tool(
        "pip",
        rf"\bpip3?\b{_FLAGS}--require-hashes\b",
        rf"\bpip3?\s+install\b{_without('require-hashes')}[^&|;\n]{{0,300}}\s-r\s",
    ),
    _tool("uv", rf"\buv\s+sync\b{_FLAGS}--(?:frozen|locked)\b", rf"\buv\s+sync\b{_without('frozen|locked')}"),
    _tool(
        "Cargo",
        rf"\bcargo\s+(?:build|run|check|rustc)\b{_FLAGS}--(?:locked|frozen)\b",
        rf"\bcargo\s+(?:build|run)\b{_without('locked|frozen')}",
    ),
    _tool("Composer", r"\bcomposer\s+(?:install|i)\b", r"\bcomposer\s+(?:update|upgrade|u)\b"),
    _tool(
        "Bundler",
        rf"\bbundle\s+install\b{_FLAGS}--(?:frozen|deployment)\b|\bBUNDLE_(?:FROZEN|DEPLOYMENT)\b",
        r"\bbundle\s+update\b",
    ),
)
# Settings that make an installation strict whatever its command says.
_SET = re.compile(
    r"\b(?:UV_FROZEN|UV_LOCKED|PIP_REQUIRE_HASHES|BUNDLE_FROZEN|BUNDLE_DEPLOYMENT|YARN_ENABLE_IMMUTABLE_INSTALLS"
    r"|CARGO_NET_OFFLINE)\s{0,3}[=:]\s{0,3}[\"']?(?:1|true)|\brequire-hashes\b|\bfrozen[-_]lockfile\s{0,3}[=:]\s{0,3}true"
)
_CHECKS = re.compile(
    r"\b(?:sha(?:1|256|512)sum|shasum|b2sum|md5sum)\b[^\n]{0,200}\s(?:-c|--check|--status)\b|\bADD\s+--checksum="
    r"|\b(?:gpg2?|gpgv)\b[^\n]{0,100}--verify\b|\bgpgv\s|\bcosign\s+verify|\bminisign\s+-V|\bslsa-verifier\s+verify"
    r"|\bopenssl\s+dgst\b[^\n]{0,100}-verify\b"
)
_FETCHES = re.compile(r"\b(?:curl|wget|aria2c|Invoke-WebRequest)\b|\bADD\s+(?:--\S{1,100}\s+)*https?://")
# A call of Bazel that fetches something, and what holds it to one text.
_FETCHED = re.compile(
    r"^[ \t]{0,20}(?:\w{1,60}\.)?((?:http_archive|http_file|http_jar|git_repository|new_git_repository"
    r"|archive_override|git_override)\w{0,40})\s{0,9}\(",
    re.MULTILINE,
)
_NAME = re.compile(r"\b(?:name|module_name)\s{0,9}=\s{0,9}[\"']([\w.@-]{1,200})[\"']")
_HOLDS = re.compile(r"\b(sha256|integrity|commit)\s{0,9}=\s{0,9}(?![\"']{2})[\"'\w]")
_LONGEST_CALL = 20_000
_MOST_CALLS = 2_000
# New lines among which the loose form of a command is looked for.
_MOST_LINES = 1_000


def wanted(path: str) -> bool:
    """Bazel's files are compared call by call, and of scripts it counts what they still fetch."""
    return any(name(path[-300:]) is not None for name in (_BAZEL, _IMAGES, _RUNS))


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, wanted, gone=False):
        if _BAZEL(file.path[-300:]):
            yield from _unheld(file)
        else:
            yield from _loosened(file)
            yield from _unchecked(file)


def _loosened(file: TouchedFile) -> Iterator[Match]:
    old = [line for line in gone(file) if not is_comment(line.text)]
    new = [line for line in fresh(file) if not is_comment(line.text)] if old else []
    after = file.after if file.after is not None else "\n".join(line.text for line in file.added)
    if not old or _SET.search(after):
        return
    image = _IMAGES(file.path[-300:]) is not None
    told: set[str] = set()
    for tool in _TOOLS:
        if tool.name in told or not (tool.anywhere or image):
            continue
        was = any(tool.strict.search(line.text) for line in old)
        if not was or any(tool.strict.search(line.text) for line in new):
            continue
        line = next((one for one in new[:_MOST_LINES] if tool.loose.search(one.text)), None)
        if line is not None:
            told.add(tool.name)
            what = f"{tool.name} no longer installs what the lock file says: two builds may differ."
            clears = "Keep the form that fails where the lock file does not fit, and update that apart"
            evidence = shown(line.text)
            yield Match("build-lock-ignored", "medium", what, clears, file.path, line.number, evidence)


def _unchecked(file: TouchedFile) -> Iterator[Match]:
    """A download that stays, and whose check is gone."""
    lost = [line for line in gone(file) if _CHECKS.search(line.text) and not is_comment(line.text)]
    after = file.after if file.after is not None else "\n".join(line.text for line in file.added)
    if not lost or any(_CHECKS.search(line.text) for line in fresh(file)):
        return
    fetched = _addresses(file.before) & _addresses(after) if file.before else _addresses(after)
    if fetched:
        yield _lost(file, lost[0], "A download is used without its check: whatever comes is run.")


def _addresses(text: str | None) -> set[str]:
    """Hosts and first folders of what lines fetch; `$` where a variable says it."""
    found: set[str] = set()
    for line in (text or "").split("\n"):
        if _FETCHES.search(line[:2_000]) and not is_comment(line[:200]):
            found.update(
                re.findall(r"https?://([^\s\"'/]{1,200}(?:/[^\s\"'/$]{1,100})?)", line[:2_000]) or ["$"]
            )
    return found


def _unheld(file: TouchedFile) -> Iterator[Match]:
    was, now = _calls(file.before), _calls(file.after)
    for name, held in was.items():
        if held and name in now and not now[name]:
            line = next((one for one in gone(file) if _HOLDS.search(one.text)), None)
            if line is not None:
                what = f"{name} is fetched without a hash: whatever is there then is built in."
                yield _lost(file, line, what)


def _calls(text: str | None) -> dict[str, bool]:
    """What is fetched by its name, and whether it is held to one text."""
    found: dict[str, bool] = {}
    starts = [one for _, one in zip(range(_MOST_CALLS), _FETCHED.finditer(text or ""), strict=False)]
    for at, one in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(text or "")
        body = _inside((text or "")[one.end() : min(end, one.end() + _LONGEST_CALL)])
        if name := _NAME.search(body):
            found[name[1]] = found.get(name[1], False) or _HOLDS.search(body) is not None
    return found


def _inside(text: str) -> str:
    """Up to the parenthesis that ends the call, without comments."""
    depth, lines = 1, []
    for line in text.split("\n"):
        plain = line.partition("#")[0] if line.lstrip().startswith("#") else line
        depth += plain.count("(") - plain.count(")")
        lines.append(plain)
        if depth <= 0:
            break
    return "\n".join(lines)


def _lost(file: TouchedFile, line: Line, what: str) -> Match:
    clears = "Keep the hash, and change it with the version"
    place = place_of(file, line.number)
    return Match("dep-hash-removed", "medium", shown(what), clears, file.path, place, shown(line.text))


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "dep-hash-removed",
        "A download loses its hash",
        "Nothing notices when somebody puts another file there.",
        "Bazel, Bzlmod and WORKSPACE, http_archive: sha256: https://bazel.build/rules/lib/repo/http#http_archive-sha256",
    ),
    _rule(
        "build-lock-ignored",
        "An installation passes the lock file by",
        "What was tested is not what is installed: every build may take what was published since.",
        "npm, npm ci: https://github.com/npm/cli/blob/latest/docs/lib/content/commands/npm-ci.md",
    ),
)
