"""Resources of a cloud in programs (CDK and Pulumi in any of their languages) and in Bicep.

A reader of calls, not a parser: a constructor with a name in quotes is a resource, and its settings are what
stands in its brackets, or in the calls that are chained to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from core.risk.rules.infrastructure.cloud_things import NAMES, Setting, Thing, plain

_MOST_SIGNS = 400_000
_MOST_THINGS = 400
_LONGEST = 20_000
_ENDS = (".ts", ".js", ".mts", ".mjs", ".py", ".go", ".java", ".kt", ".cs", ".fs")
_FOLDERS = re.compile(
    r"(?i)(?:^|[/._-])(?:infra(?:structure)?|iac|cdk|pulumi|stacks?|constructs?|deploy(?:ment)?|cloud|lib|aws|gcp"
    r"|azure|resources|platform|storage|databases?|data|network|terraform|ops)(?:[/._-]|$)|(?i:stack)"
)
_NAMES = ("index.ts", "index.js", "__main__.py", "program.cs", "main.go", "app.java", "app.py", "main.ts")
_USES = re.compile(
    r"@?pulumi[/_\w-]{0,40}|\bPulumi\b|aws-cdk-lib|@aws-cdk/|\baws_cdk\b|awscdk|Amazon\.CDK|\bcdktf\b|constructs\.Construct"
)
_CALL = re.compile(
    r"\b((?:[A-Za-z_]\w{0,60}\.){0,5}[A-Z]\w{0,60}?)(?:\.Builder\.create|\.Create)?\s{0,5}\(\s{0,200}"
    r"(?:[\w.]{1,60}\s{0,5},\s{0,200})?(?:\w{1,20}\.String\(\s{0,5})?[\"'`]([^\"'`\n]{1,100})[\"'`]"
)
# Options that have a name of their own, and a policy that is set afterwards.
_OPTIONS = re.compile(
    r"\b(\w{1,60})\s{0,5}=\s{0,5}(?:(?:new\s{1,5})?(?:pulumi\.)?(?:\w{1,20})?ResourceOptions\s{0,5}(?=[({])|(?=\{))"
)
_APPLIED = re.compile(
    r"(?i)\b(\w{1,60})\.apply_?removal_?policy\(\s{0,9}(?:\w{1,40}\.)?RemovalPolicy[._](\w{1,40})"
)
_RESOURCE = re.compile(r"(?m)^[ \t]{0,40}resource\s{1,9}(\w{1,80})\s{1,9}'([\w./-]{1,120})@[\w.-]{1,40}'")
# Strings, comments and brackets, in the order in which they stand.
_STRINGS = r"\"(?:[^\"\\\n]|\\.){0,2000}\"|'(?:[^'\\\n]|\\.){0,2000}'"
_SIGNS = re.compile(_STRINGS + r"|//[^\n]{0,2000}|[()\[\]{}]")
_PYTHON = re.compile(_STRINGS + r"|\#[^\n]{0,2000}|[()\[\]{}]")
_CHAIN = re.compile(r"\s{0,200}\.\w{1,60}\s{0,5}(?=\()")
_PATTERN = "|".join("_?".join(name) for name in sorted(set(NAMES), key=len, reverse=True))
_SETTING = re.compile(
    rf"(?<![\w.\"'])[\"']?(?:pulumi\.)?\.?\b({_PATTERN})\b[\"']?\s{{0,5}}[:=(]\s{{0,5}}"
    r"(?:(?:jsii|pulumi|aws)\.\w{1,20}\(\s{0,5})?(?:\"([^\"\n]{0,200})\"|'([^'\n]{0,200})'|([\w.]{1,120}))"
    r"(\s{0,9}(?:\?|\|\||&&|\bif\b|==|!=))?",
    re.IGNORECASE,
)
# Settings that come from a value of another place.
_ELSEWHERE = re.compile(r"\.\.\.\s{0,3}\w|[(,]\s{0,20}\*\*\w|\bObject\.assign\b|\bmerge\(")
_KNOWN = re.compile(r"(?i)(?:true|false|(?:[\w.]{0,100}\.)?RemovalPolicy[._](\w{1,40}))")


def is_program(path: str) -> bool:
    """Whether a program that makes resources may stand there; its text says whether it does."""
    name = path.rpartition("/")[2].lower()
    return name.endswith(_ENDS) and (name in _NAMES or _FOLDERS.search(path[-400:]) is not None)


def is_bicep(path: str) -> bool:
    return path.lower().endswith(".bicep")


def uses_cloud(text: str) -> bool:
    """Whether a program uses a library that makes resources."""
    return _USES.search(text[:_MOST_SIGNS]) is not None


def things_of(path: str, text: str | None) -> Iterator[Thing]:
    """The resources of a program or of Bicep; none of a program that uses no such library."""
    if not text or len(text) > _MOST_SIGNS:
        return
    bicep = is_bicep(path)
    if not bicep and not uses_cloud(text):
        return
    signs = _PYTHON if path.endswith(".py") else _SIGNS
    text = signs.sub(lambda one: " " * len(one[0]) if one[0][0] in "/#" else one[0], text)
    ends = _closed(text, signs)
    for kind, name, settings, line in () if bicep else islice(_apart(text, ends), _MOST_THINGS):
        yield Thing(kind, name, settings, path, text, line)
    line, at = 1, 0
    for count, found in enumerate((_RESOURCE if bicep else _CALL).finditer(text)):
        if count >= _MOST_THINGS:
            return
        line += text.count("\n", at, found.start())
        at = found.start()
        end = _end(text, found, ends, "{" if bicep else "(")
        kind, name = (
            (found[2], found[1]) if bicep else (found[1].rpartition(".")[2].removeprefix("New"), found[2])
        )
        inside = text[found.start() : min(end, found.start() + _LONGEST)]
        settings = dict(_settings(inside, line))
        if "aliases" in inside or "overrideLogicalId" in text:
            settings["aliases"] = Setting("true", line)
        if _ELSEWHERE.search(inside):
            settings["elsewhere"] = Setting(None, line)
        yield Thing(plain(kind), name, settings, path, text, line)


def _apart(text: str, ends: dict[int, int]) -> Iterator[tuple[str, str, dict[str, Setting], int]]:
    """Settings that stand beside the resources: kind, name, settings, line."""
    for found in (*_APPLIED.finditer(text), *_OPTIONS.finditer(text)):
        line = text.count("\n", 0, found.start()) + 1
        if found.re is _APPLIED:
            policy = {"removalpolicy": Setting(found[2].lower(), line, "removalPolicy")}
            yield "applied", found[1], policy, line
        else:
            end = min(ends.get(found.end(), found.end()), found.end() + _LONGEST)
            yield "options", found[1], dict(_settings(text[found.start() : end], line)), line


def _closed(text: str, signs: re.Pattern[str]) -> dict[int, int]:
    """Where each bracket that opens is closed."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for found in signs.finditer(text):
        if found[0] in ("(", "[", "{"):
            opened.append(found.start())
        elif found[0] in (")", "]", "}") and opened:
            ends[opened.pop()] = found.end()
    return ends


def _end(text: str, found: re.Match[str], ends: dict[int, int], sign: str) -> int:
    """Where a resource ends, with the calls that are chained to it."""
    place = text.find(sign, found.start() if sign == "(" else found.end())
    end = ends.get(place, found.end())
    for _ in range(40):
        chained = _CHAIN.match(text, end)
        if sign != "(" or chained is None or chained.end() not in ends:
            break
        end = ends[chained.end()]
    return end


def _settings(text: str, line: int) -> Iterator[tuple[str, Setting]]:
    """The first of each name."""
    seen: set[str] = set()
    at = 0
    for found in _SETTING.finditer(text):
        name = plain(found[1])
        if name not in seen:
            seen.add(name)
            line += text.count("\n", at, found.start(1))
            at = found.start(1)
            yield name, Setting(_value(found), line, found[1])


def _value(found: re.Match[str]) -> str | None:
    quoted = found[2] if found[2] is not None else found[3]
    if found[5] or (quoted and ("$" in quoted or "{" in quoted)):
        return None
    if quoted is not None:
        return quoted.lower()
    known = _KNOWN.fullmatch(found[4])
    return (known[1] or found[4]).lower() if known else None
