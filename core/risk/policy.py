"""A repository's policy, `.watchkeeper.yml`: what warns, what holds, what is left alone, and until when.

Nobody's own change may excuse itself: callers read the file at the base of a change, never at its head.
Without a file the defaults below hold.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from core.errors import PolicyError
from core.patterns import compile_pattern
from core.risk.freezes import FreezeWindow, Words
from core.risk.known import Freeze
from core.risk.paths import glob_pattern
from core.risk.rules.rule import LEVELS, Level, Match
from core.times import EPOCH
from core.yamltext import Strict, checked, read_yaml

POLICY_FILE = ".watchkeeper.yml"
# Where it may stand; the first that is there counts.
POLICY_FILES = (POLICY_FILE, ".watchkeeper.yaml")
MAX_CHARACTERS = 1_000_000
# Of each list: every match is held against every suppression.
_MOST = 500
Verdict = Literal["allow", "warn", "hold"]
VERDICTS: tuple[Verdict, ...] = ("allow", "warn", "hold")


# Above every level: nothing reaches it.
_HEIGHTS = {level: height for height, level in enumerate((*LEVELS, "never"))}


def _glob(text: str) -> str:
    compile_pattern(glob_pattern(text), "", PolicyError)
    return text


Glob = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_glob)]


Threshold = Literal["low", "medium", "high", "critical", "never"]


class Thresholds(Strict):
    """From which level on a verdict is `warn`, and from which `hold`."""

    warn: Threshold = Field(default="medium", description="low, medium, high, critical, never")
    hold: Threshold = Field(default="critical", description="low, medium, high, critical, never")

    @model_validator(mode="after")
    def _rising(self) -> Thresholds:
        if _HEIGHTS[self.warn] > _HEIGHTS[self.hold]:
            raise ValueError(f"warn ({self.warn}) is above hold ({self.hold})")
        return self


class Suppression(Strict):
    """Matches of one rule that people accept for a while, in some paths."""

    rule: Words = Field(description="The rule's id, as the check says it")
    path: Glob = Field(default="**", description="Path glob; every path without it")
    reason: Words = Field(description="Why it is accepted")
    expires: date = Field(description="The last day on which it holds (UTC), such as 2027-01-31")
    by: Words = Field(description="Who accepts it")

    def holds(self, now: int) -> bool:
        return _moment(now).date() <= self.expires

    def covers(self, match: Match) -> bool:
        return match.rule == self.rule and _fits(self.path, match.path)


class Policy(Strict):
    mode: Literal["advisory", "policy"] = Field(
        default="advisory", description="advisory: the check says and never fails; policy: `hold` fails it"
    )
    thresholds: Thresholds = Field(default=Thresholds(), description="Levels from which it warns and holds")
    services: dict[str, tuple[Glob, ...]] = Field(default={}, description="Path globs of each service")
    ignore: tuple[Glob, ...] = Field(
        default=(), max_length=_MOST, description="Path globs of files that no rule looks at"
    )
    judge: tuple[Glob, ...] = Field(
        default=(), max_length=_MOST, description="Path globs of files that are judged, be they tests by name"
    )
    suppressions: tuple[Suppression, ...] = Field(
        default=(), max_length=_MOST, description="What is accepted for a while"
    )
    freezes: tuple[FreezeWindow, ...] = Field(default=(), description="When nothing is to be deployed")
    model: Glob = Field(default="", description="A fitted model, a path in the repository [the built-in one]")

    def verdict(self, level: Level | None) -> Verdict:
        """Of the worst level that matched; None: nothing did."""
        if level is None or _HEIGHTS[level] < _HEIGHTS[self.thresholds.warn]:
            return "allow"
        return "warn" if _HEIGHTS[level] < _HEIGHTS[self.thresholds.hold] else "hold"

    def ignores(self, path: str) -> bool:
        return any(_fits(glob, path) for glob in self.ignore)

    def asks_for(self, path: str) -> bool:
        """Whether a file is judged that is a test, documentation or vendored by its name."""
        return any(_fits(glob, path) for glob in self.judge)

    def suppressed(self, match: Match, now: int) -> Suppression | None:
        """The first suppression in force at `now` that covers the match. A freeze that operators told is not
        the repository's to lift: only those of this policy have its path."""
        if match.rule == "freeze" and match.path != POLICY_FILE:
            return None
        fitting = (one for one in self.suppressions if one.holds(now) and one.covers(match))
        return next(fitting, None)

    def expired(self, now: int) -> tuple[Suppression, ...]:
        return tuple(one for one in self.suppressions if not one.holds(now))

    def unknown_rules(self, rules: Collection[str]) -> dict[str, str]:
        """Names in suppressions that are none of `rules`, each with the one that may be meant, else ""."""
        names = dict.fromkeys(one.rule for one in self.suppressions if one.rule not in rules)
        return {name: next(iter(get_close_matches(name[:100], rules, n=1)), "") for name in names}

    def services_of(self, path: str) -> tuple[str, ...]:
        """The services that a file belongs to, in the order of the policy."""
        return tuple(name for name, globs in self.services.items() if any(_fits(one, path) for one in globs))

    def frozen(self, now: int) -> tuple[Freeze, ...]:
        """The freezes that hold at `now`."""
        return tuple(freeze for one in self.freezes if (freeze := one.at(now)) is not None)


def read_policy(text: str, where: str = POLICY_FILE) -> Policy:
    """The policy. Raises PolicyError with file and line, what is wrong, and how to mend it."""
    if len(text) > MAX_CHARACTERS:
        raise PolicyError("longer than a million characters", where=where, mend="Shorten it")
    data = read_yaml(text, PolicyError, where)
    return Policy() if data is None else checked(Policy, data, PolicyError, where)


def _fits(glob: str, path: str) -> bool:
    return compile_pattern(glob_pattern(glob), "", PolicyError).fullmatch(path)


def _moment(now: int) -> datetime:
    return EPOCH + timedelta(milliseconds=now)
