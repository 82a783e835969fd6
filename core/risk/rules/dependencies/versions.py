"""Versions as manifests write them, and what kind of step lies between two.

Only what can be read as numbers is compared; of the rest nothing is said.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Step = Literal["", "major", "zero-minor", "down"]
_LONGEST = 200
_NUMBERS = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,3}")
_BOUND = re.compile(r"(===|==|=|~=|~>|\^|~|>=|<=|<|>|!=)?\s*v?(\d{1,9}(?:\.(?:\d{1,9}|[x*]))*)")
_OPEN = frozenset(("", "*", "x", "latest", "any", "+", "latest.release", "latest.integration", "next"))
_EXACT = frozenset(("==", "===", "="))

Version = tuple[int, ...]


class Constraint(NamedTuple):
    """What a manifest allows. `line`: the newest line of versions it takes, None where it takes any or none
    can be read; `pinned`: exactly one version; `free`: any version at all."""

    line: Version | None = None
    pinned: bool = False
    free: bool = False
    # Of a range, the oldest version that it takes.
    least: Version | None = None


def version(text: str) -> Version | None:
    """The numbers of a version such as `v1.2.3-rc1`, four at most."""
    found = _NUMBERS.search(text[:_LONGEST])
    return tuple(map(int, found.group().split("."))) if found else None


def constraint(text: str, bare_pins: bool) -> Constraint:
    """`bare_pins`: whether `1.2.3` alone means this version and no other (pip, Maven), or a range (Cargo)."""
    said = text[:_LONGEST].strip().strip("\"'").lower()
    if said in _OPEN:
        return Constraint(free=True)
    parts = [(sign, _whole(numbers)) for sign, numbers in _BOUND.findall(said)]
    if not parts:
        return Constraint()
    upper = [numbers for sign, numbers in parts if sign in ("<", "<=")]
    if upper:
        lower = [numbers for sign, numbers in parts if sign in (">", ">=")]
        return Constraint(_below(upper[0]), least=lower[0] if lower else (0,))
    sign, numbers = parts[0]
    if sign in (">=", ">", "!="):
        return Constraint()
    exact = sign in _EXACT or (not sign and bare_pins)
    return Constraint(numbers, exact and "*" not in said)


def step(old: Version, new: Version) -> Step:
    """Of versions in the sense of semver; `zero-minor` is 0.4 to 0.5, which may break as a major does. Only
    the parts that both have are compared: 3 is no step back from 3.2."""
    both = min(len(old), len(new))
    if new[:both] < old[:both]:
        return "down"
    if new[0] > old[0]:
        return "major"
    both_zero = new[0] == old[0] == 0 and len(new) > 1 and len(old) > 1
    return "zero-minor" if both_zero and new[1] > old[1] else ""


def _whole(numbers: str) -> Version:
    return tuple(int(part) for part in numbers.split(".") if part.isdecimal())


def _below(bound: Version) -> Version | None:
    """The newest line of versions under an upper bound: 2 means 1, 2.5 means 2.5."""
    if len(bound) > 1 and any(bound[1:]):
        return bound
    return (bound[0] - 1,) if bound[0] else None
