"""Configuration files as names and values before and after: YAML, JSON, properties, INI, TOML, env, Python.

YAML and JSON are read whole; of the others, and where no whole text is at hand, lines of `name = value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from core.risk.change import Line, TouchedFile
from core.risk.rules.reading import differing
from core.risk.rules.settings import nginx
from core.risk.rules.touched import LONGEST_LINE, is_comment
from core.risk.rules.yamldocs import documents, walk

_ENDINGS = ".yaml .yml .json .properties .ini .toml .cfg .conf .cnf .env .tfvars .hcl"
_ENDS = tuple(_ENDINGS.split())
_NOT = re.compile(
    r"(?:package|tsconfig|composer|jsconfig|angular|renovate|biome|deno|turbo|nx|lerna|vercel|\.eslintrc"
    r"|\.prettierrc|openapi.*|swagger.*|.*\.schema|.*plan|pyproject|cargo|chart|mkdocs|dependabot|setup|tox"
    r"|\.pre-commit-config|\.golangci|codecov|\.codecov|cspell.*|\.editorconfig|pytest|mypy)"
    r"\.(?:json|ya?ml|toml|cfg|ini)",
    re.IGNORECASE,
)
_NOT_FOLDERS = (
    ".github/",
    ".gitlab/",
    ".circleci/",
    ".vscode/",
    ".idea/",
    "locales/",
    "i18n/",
    "translations/",
)
_SETTINGS_PY = re.compile(r"(?:settings|config|configuration|production|prod|base)\.py", re.IGNORECASE)
_PAIR = re.compile(
    r"""\s*(?:export\s+|ENV\s+|-\s+)?["']?([A-Za-z_][\w.\-]{0,120})["']?(?:\s*[=:]\s*|\s+)(\S.*)$"""
)
_SECTION = re.compile(r"\s*\[{1,2}([^\]\[]{1,100})\]{1,2}\s*$")


class Setting(NamedTuple):
    """`name` with the keys above it, joined by dots; `value` as text."""

    name: str
    value: str
    line: int


class Change(NamedTuple):
    """A value that changed; None: it was not there, or is not any more."""

    name: str
    old: str | None
    new: str | None
    line: int


def wanted(path: str) -> bool:
    low, name = path.lower(), path.rpartition("/")[2].lower()
    if any(folder in f"/{low}" for folder in (f"/{one}" for one in _NOT_FOLDERS)) or _NOT.fullmatch(name):
        return False
    return name.endswith(_ENDS) or name.startswith(".env") or is_settings_py(path)


def is_settings_py(path: str) -> bool:
    """Settings that are Python: `settings.py`, or a file of a folder of settings."""
    return _SETTINGS_PY.fullmatch(path.rpartition("/")[2]) is not None or (
        "/settings/" in f"/{path}" and path.endswith(".py")
    )


def changes(file: TouchedFile) -> Iterator[Change]:
    """The settings of a file that are not what they were, in the order of the new file, then those gone."""
    if (file.before is None) != (file.after is None) and file.status not in ("added", "deleted"):
        return
    before, after = ({one.name: one for one in side} for side in _both(file))
    for name, new in after.items():
        old = before.get(name)
        if old is None or old.value != new.value:
            yield Change(name, old.value if old else None, new.value, new.line)
    for name, old in before.items():
        if name not in after:
            yield Change(name, old.value, None, 0)


def _both(file: TouchedFile) -> tuple[Iterable[Setting], Iterable[Setting]]:
    """The settings before and after, both read in the same way."""
    texts = (file.before, file.after)
    if file.path.lower().endswith((".yaml", ".yml", ".json")):
        sides = [documents(text) for text in differing(file.before, file.after)]
        if any(sides) and all(
            side is not None or text is None for side, text in zip(sides, texts, strict=True)
        ):
            before, after = (_of_documents(side or []) for side in sides)
            return before, after
    if nginx.wanted(file.path) and None not in texts:
        return _of_nginx(file.before or ""), _of_nginx(file.after or "")
    if file.before is None and file.after is None:
        return _of_lines(file.removed), _of_lines(file.added)
    return _of_lines(_numbered(file.before)), _of_lines(_numbered(file.after))


def _numbered(text: str | None) -> Iterator[Line]:
    return (Line(number, line) for number, line in enumerate((text or "").split("\n"), 1))


def _of_documents(found: list[Any]) -> Iterator[Setting]:
    for number, document in enumerate(found):
        if document is None:
            continue
        above = () if len(found) == 1 else (_title(document, number),)
        for path, value, line in walk(document, above):
            # Rows of {name, value} are settings of that name.
            name = ".".join(path[:-1] if path and path[-1] == "value" else path)
            yield Setting(name, _text(value), line)


def _title(document: Any, number: int) -> str:
    if isinstance(document, dict) and isinstance(document.get("metadata"), dict):
        return f"{document.get('kind')}/{document['metadata'].get('name')}"
    return str(number)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)[:LONGEST_LINE]


def _of_nginx(text: str) -> Iterator[Setting]:
    """Directives with the blocks around them, which are no part of what a name says."""
    for (place, name), (line, value) in nginx.directives(text).items():
        yield Setting(f"{name} ({place})" if place else name, _bare(value), line)


def _of_lines(lines: Iterable[Line]) -> Iterator[Setting]:
    section = ""
    for line in _apart(lines):
        text = line.text
        if is_comment(text):
            continue
        header = _SECTION.match(text)
        found = None if header else _PAIR.match(text)
        if header:
            section = f"{header[1]}."
        elif found:
            yield Setting(f"{section}{found[1]}", _bare(found[2]), line.number)


def _apart(lines: Iterable[Line]) -> Iterator[Line]:
    """Lines, cut; several directives that stand on one (`read_timeout 5s; send_timeout 1s;`) each alone."""
    for line in lines:
        text = line.text[:LONGEST_LINE].rstrip()
        parts = text.rstrip(";").split(";") if text.endswith(";") and "=" not in text else [text]
        yield from (Line(line.number, part) for part in parts)


def _bare(text: str) -> str:
    """A value without what ends a line, a comment after it, and quotes."""
    return text.partition(" #")[0].rstrip(" ,;").strip("\"'")
