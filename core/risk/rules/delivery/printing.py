"""Secrets that a workflow prints: as they are, which GitHub masks, or coded, turned round or cut, which it
cannot.

Commands are told apart by quotes and operators of a shell; nothing is run, and what a `$( )` catches is not
printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import TouchedFile
from core.risk.rules.delivery.expressions import Reference, references
from core.risk.rules.delivery.strangers import Variables
from core.risk.rules.delivery.workflow import Step, known_lines, match, script_lines, steps
from core.risk.rules.rule import Level, Match
from core.risk.rules.yamldocs import Map

_PRINTS = frozenset(("echo", "printf"))
# What comes out of them is another text than the one that is masked.
_RECODES = frozenset(
    (
        "base64", "base32", "basenc", "rev", "tac", "xxd", "od", "hexdump", "sed", "tr", "fold", "cut",
        "head", "tail", "awk", "jq", "yq", "uuencode",
    )
)  # fmt: skip
_PASSES = frozenset(("cat", "tee"))
_PART = re.compile(
    r"\$\{\{[^{}]{0,400}\}\}|\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|\|\||&&|<<<|[<>]+&?|&>+|[|;&]|[^\s|;<>&\"'$]+|\$"
)
_ENDS = frozenset(("||", "&&", ";", "&"))
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w{0,100})")
_MASKS = "::add-mask::"


class _Pipe(NamedTuple):
    """Commands of which each reads what the one before writes. `kept`: a file takes what the last writes."""

    commands: list[list[str]]
    kept: bool
    # Its first command reads a text that stands in the line (`<<<`).
    given: bool


def printed(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    """The matches of the rule `ci-secret-printed`, for one workflow."""
    known = known_lines(steps(before))
    variables = Variables(after, _is_secret)
    for step in steps(after):
        around = variables.around(step)
        for number, line in _whole_lines(step):
            if line.strip() in known or _MASKS in line:
                continue
            level = _level(line, around)
            if level == "high":
                what = "A secret is printed in another form here: the log shows it, nothing masks that form."
            elif level:
                what = "A secret is printed here: what masks it in the log knows it in this form alone."
            else:
                continue
            clears = "Hand it to the program that needs it, by its standard input or an environment variable."
            yield match(file, "ci-secret-printed", level, what, clears, number, line)


def _is_secret(one: Reference) -> bool:
    return one.path[0] == "secrets"


def _whole_lines(step: Step) -> Iterator[tuple[int, str]]:
    """Lines of its script; one that goes on in the next is joined with it."""
    start, parts = 0, ""
    for number, line in script_lines(step):
        start = start or number
        parts += line
        if parts.endswith("\\"):
            parts = parts[:-1]
        elif not parts.rstrip().endswith("|"):
            yield start, parts
            start, parts = 0, ""
        if len(parts) > 4_000:
            parts = parts[:4_000]
    if parts:
        yield start, parts


def _level(line: str, variables: list[set[str]]) -> Level | None:
    worst: Level | None = None
    for pipe in _pipes(line):
        if pipe.kept or not pipe.commands[0]:
            continue
        first = pipe.commands[0]
        programs = [_program(one) for one in pipe.commands if one and _program(one) not in _PASSES]
        starts = programs[:1] and (programs[0] in _PRINTS or (programs[0] in _RECODES and pipe.given))
        if not starts or not _holds(first[1:], variables):
            continue
        if programs[-1] in _RECODES:
            return "high"
        worst = "low" if len(programs) == 1 else worst
    return worst


def _program(command: list[str]) -> str:
    name = command[0].rpartition("/")[2]
    return "base64" if name == "openssl" and {"base64", "enc"} & set(command) else name


def _holds(words: list[str], variables: list[set[str]]) -> bool:
    """Whether a secret becomes part of the text: as an expression, or a variable outside of plain quotes."""
    if any(map(_is_secret, references(" ".join(words)))):
        return True
    text = " ".join(one for one in words if one[0] != "'")
    names = {found[1].lower() for found in _VARIABLE.finditer(text)}
    return any(names & one for one in variables)


def _pipes(line: str) -> Iterator[_Pipe]:
    commands: list[list[str]] = [[]]
    kept = given = False
    end = 0
    for found in _PART.finditer(line):
        part = found[0]
        if part in _ENDS:
            yield _Pipe(commands, kept, given)
            commands, kept, given = [[]], False, False
        elif part == "|":
            commands.append([])
        elif part[0] in "<>" or part.startswith("&>"):
            # `2>` and `>&2` leave what is written where people read it.
            kept = kept or (">" in part and not part.endswith("&") and commands[-1][-1:] != ["2"])
            given = given or part == "<<<"
        elif commands[-1] and end == found.start():
            commands[-1][-1] += part
        else:
            commands[-1].append(part)
        end = found.end()
    yield _Pipe(commands, kept, given)
