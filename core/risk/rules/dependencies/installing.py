"""What an installation runs, and where it looks: scripts of npm that run everywhere, further indexes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.dependencies.asked import LONGEST_TEXT
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import finder, fresh, gone, is_comment, judged, rules_of, shown

_SCRIPTS = ("preinstall", "install", "postinstall")
# Tools whose work after an installation is known; they run nothing of one's own.
_KNOWN = re.compile(
    r"(?:npx\s+)?(?:husky(?:\s+install)?|patch-package|prisma\s+generate|ngcc|lefthook\s+install"
    r"|electron-builder\s+install-app-deps|nuxt\s+prepare|svelte-kit\s+sync|simple-git-hooks"
    r"|playwright\s+install|is-ci\s*\|\|\s*husky(?:\s+install)?)[\w\s.-]{0,80}"
)
_PACKAGE = finder(r"(?:^|/)package\.json$")
_INSTALLS = finder(
    r"(?:^|/)(?:[\w.-]{0,60}(?:requirements|constraints)[\w.-]{0,60}\.(?:txt|in)|requirements/[\w.-]{1,60}"
    r"|pip\.(?:conf|ini)|\.npmrc|pyproject\.toml|uv\.toml|(?:Docker|Container)file[\w.-]{0,60}|Makefile"
    r"|[\w.-]{1,80}\.(?:sh|bash|dockerfile|ya?ml))$"
)
_INDEX = re.compile(
    r"(?:--extra-index-url|--index-url|--find-links|extra-index-url|index-url|find-links"
    r"|(?:@[\w-]{1,60}:)?registry)[\s=]{1,5}[\"']?(https?)://(?:[^\s/@]{0,200}@)?([A-Za-z0-9.-]{1,200})"
)
# Indexes that everybody takes packages from, by the parts of their names.
_PUBLIC = frozenset(
    (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("download", "pytorch", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("npm", "pkg", "github", "com"),
        ("pypi", "nvidia", "com"),
    )
)


def wanted(path: str) -> bool:
    return _PACKAGE(path[-300:]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, lambda path: wanted(path) or _INSTALLS(path[-300:]) is not None, gone=False):
        if wanted(file.path):
            yield from _scripts(file)
        else:
            yield from _indexes(file)


def _scripts(file: TouchedFile) -> Iterator[Match]:
    """Of a package that was there; what a new one does is new with it."""
    before, after = _of_package(file.before), _of_package(file.after)
    for name in _SCRIPTS if file.before is not None else ():
        now = after.get(name)
        if isinstance(now, str) and now != before.get(name) and not _KNOWN.fullmatch(now.strip()[:400]):
            line = next((one for one in fresh(file) if f'"{name}"' in one.text), None)
            what = f"Every installation runs {name} from now on, on every machine that installs."
            clears = "Run it as a step of the build, where it is seen, or say why it must run everywhere."
            evidence = shown(line.text if line else f"{name}: {now}")
            number = line.number if line else 0
            yield Match("dep-install-script", "medium", what, clears, file.path, number, evidence)


def _of_package(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text) if text and len(text) <= LONGEST_TEXT else None
    except (ValueError, RecursionError):
        return {}
    scripts = found.get("scripts") if isinstance(found, dict) else None
    return scripts if isinstance(scripts, dict) else {}


def _indexes(file: TouchedFile) -> Iterator[Match]:
    known = {found[2].lower() for line in gone(file) for found in _INDEX.finditer(line.text)}
    for line in fresh(file):
        if is_comment(line.text):
            continue
        for found in _INDEX.finditer(line.text):
            host = found[2].lower()
            if host not in known and not host.startswith("localhost") and not _public(host, found[1]):
                known.add(host)
                level: Level = "high" if found[1] == "http" else "medium"
                what = f"Packages may come from {host} too: who offers a name there first, is installed."
                clears = "Name one index that holds all, or bind each package to where it comes from."
                evidence = shown(line.text)
                yield Match("dep-index-added", level, shown(what), clears, file.path, line.number, evidence)


def _public(host: str, scheme: str) -> bool:
    return scheme == "https" and tuple(host.split(".")) in _PUBLIC


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "dep-install-script",
        "A script runs at every installation",
        "It runs with the rights of whoever installs, on machines of developers and in pipelines.",
        "npm, Scripts: https://github.com/npm/cli/blob/latest/docs/lib/content/using-npm/scripts.md",
    ),
    _rule(
        "dep-index-added",
        "Packages may come from a further index",
        "Of two packages of one name pip takes the higher version, wherever it comes from.",
        "pip, --extra-index-url: https://pip.pypa.io/en/stable/cli/pip_install/#cmdoption-extra-index-url",
    ),
)
