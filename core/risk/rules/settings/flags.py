"""Feature flags: opened to everybody at once, another default, removed while read, a kill switch gone.

Flags are known from files of flags by their path, and from calls of the usual libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.code.hunks import begun, hunks, lost
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.settings.configuration import amount
from core.risk.rules.settings.settings_text import Change, changes
from core.risk.rules.touched import (
    finder,
    fresh,
    gone,
    is_comment,
    is_lower,
    judged,
    line_at,
    rules_of,
    shown,
)

_FILE = finder(
    r"(?:^|/)(?:[\w.-]{0,60}(?:feature[_-]?flags?|feature[_-]?toggles?|flags|toggles|features)[\w.-]{0,40}"
    r"\.(?:ya?ml|json|toml|properties)|(?:feature[_-]?flags?|flags|toggles|flagd|unleash|launchdarkly|flipt)/"
    r"[\w./-]{0,200}\.(?:ya?ml|json|toml))$"
)
_SHARE = finder(r"percent|rollout|weight|traffic|fraction|\b100\b|variations?\.")
_ENABLED = finder(r"(?:^|[._-])(?:enabled|enable|on|active|state|default|defaultvariant|default_?value)$")
_KILL = finder(r"kill[_-]?switch|circuit[_-]?breaker|emergency[_-]?(?:off|stop|disable)|disable[_-]?all")
# What is asked whether it is off is there to be switched off; what is asked whether it is on may be done.
_ASKED_OFF = re.compile(
    r"\b(?:flags?|features?|toggles?|switch(?:es)?|killswitch\w{0,5}|unleash|flipper|flipt|settings|config|ld\w{0,8})"
    r"\w{0,20}(?:\(\))?(?:\.|::|->)(?:is_?off|is_?disabled|is_?stopped|is_?paused|disabled\?|off\?|kill(?:ed)?)\??\s{0,3}"
    r"[( ]\s{0,3}[\"':]([\w.:/-]{1,100})",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:variation|isEnabled|is_enabled|isFeatureEnabled|is_feature_enabled|feature_enabled|getBooleanValue"
    r"|get_boolean_value|boolVariation|BoolVariation|BooleanValue|getFlag|get_flag|flag_enabled|checkGate"
    r"|getTreatment|isOn|is_active"
    r"|flag_is_active)\s{0,3}\(\s{0,3}(?:ctx\s{0,3},\s{0,3})?[\"']([\w.:/-]{1,100})[\"']"
)
_DEFAULT = re.compile(r",\s{0,3}(?:default\w{0,10}\s{0,3}[=:]\s{0,3})?(true|false)\s{0,3}[,)]", re.IGNORECASE)
_TRUE = ("true", "on", "enabled", "yes", "1")
_FALSE = ("false", "off", "disabled", "no", "0")


def wanted(path: str) -> bool:
    return _FILE(path[-400:]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    read = _read_by_code(change)
    for file in judged(change, lambda path: True):
        if is_lower(file.path):
            continue
        if wanted(file.path):
            found = list(changes(file))
            for one in found:
                yield from _opened(file, one)
            yield from _removed(file, found, read)
        else:
            yield from _defaults(file)
        yield from _kill_switch(file)


def _opened(file: TouchedFile, one: Change) -> Iterator[Match]:
    what, level = "", "medium"
    was, now = (one.old or "").lower(), (one.new or "").lower()
    before, after = amount(was.removesuffix("%")), amount(now.removesuffix("%"))
    if one.old is not None and _SHARE(one.name) and after == 100 and before is not None and before < 50:
        level = "high" if before <= 5 else "medium"
        what = f"{_flag(one.name)} goes from {one.old} to everybody in one step."
    elif _ENABLED(one.name) and was in _FALSE and now in _TRUE:
        what = f"{_flag(one.name)} is switched on for everybody ({one.name.rpartition('.')[2]})."
    if what:
        clears = "Open it in steps (1 %, 10 %, 50 %), and say which measure stops it."
        grave: Level = "high" if level == "high" else "medium"
        evidence = line_at(file.after, one.line) or shown(f"{one.name}: {one.new}")
        yield Match("flag-opened-at-once", grave, shown(what), clears, file.path, one.line, evidence)


def _flag(name: str) -> str:
    """The flag among the keys of a setting: the one above its fields."""
    parts = [
        part for part in name.split(".") if part not in ("flags", "features", "toggles", "feature_flags")
    ]
    return parts[0] if parts else name


def _removed(file: TouchedFile, found: list[Change], read: dict[str, str]) -> Iterator[Match]:
    """Flags of which nothing is left in the file, that code of this change still asks for."""
    lost = {_flag(one.name) for one in found if one.new is None}
    left = file.after or "\n".join(line.text for line in file.added)
    for name in sorted(lost):
        if name in read and not re.search(rf"(?<![\w.-]){re.escape(name[:100])}(?![\w-])", left):
            what = f"The flag {name} is removed, but {read[name]} still asks for it and gets the default."
            clears = "Remove the code that asks first, deploy it, then remove the flag."
            yield Match("flag-removed-in-use", "high", shown(what), clears, file.path, 0, shown(name))


def _read_by_code(change: ChangeSet) -> dict[str, str]:
    """Flags that the changed files still ask for after the change, and where."""
    found: dict[str, str] = {}
    for file in judged(change, lambda path: not wanted(path), gone=False):
        lines = file.after.split("\n") if file.after is not None else [line.text for line in file.added]
        for line in lines:
            for name in _CALL.findall(line[:2_000]):
                found.setdefault(name, file.path)
    return found


def _defaults(file: TouchedFile) -> Iterator[Match]:
    was = {name: (default, line) for name, default, line, _ in _calls(file, True)}
    for name, default, line, text in _calls(file, False):
        if name in was and was[name][0] != default:
            what = (
                f"The flag {name} falls back to {default} instead of {was[name][0]} when it cannot be asked."
            )
            clears = "Keep the default that was safe, or show that the new path works while flags are away."
            yield Match("flag-default-changed", "medium", shown(what), clears, file.path, line, shown(text))


def _calls(file: TouchedFile, removed: bool) -> Iterator[tuple[str, str, int, str]]:
    """Flag, default, line and text of calls that ask for a flag, in lines that are gone or new."""
    for line in gone(file) if removed else fresh(file):
        call = _CALL.search(line.text)
        default = _DEFAULT.search(line.text, call.end()) if call else None
        if call and default and not is_comment(line.text):
            yield call[1], default[1].lower(), line.number, line.text


def _kill_switch(file: TouchedFile) -> Iterator[Match]:
    left = "\n".join(line.text for line in file.added) if file.after is None else file.after
    for line in gone(file):
        found = None if is_comment(line.text) else _KILL(line.text) or _asked_off(file, line)
        if found and found[0].lower() not in left.lower():
            what = f"The switch that stops this in an emergency is removed ({found[0]})."
            clears = (
                "Keep it until the feature ran a few weeks, or say how else it can be stopped "
                "without a deploy."
            )
            yield Match(
                "flag-kill-switch-removed", "medium", shown(what), clears, file.path, 0, shown(line.text)
            )
            return


def _asked_off(file: TouchedFile, line: Line) -> re.Match[str] | None:
    """A question whether it is switched off, that is gone from what stays."""
    found = _ASKED_OFF.search(line.text)
    if found is None or file.status == "deleted" or any(_ASKED_OFF.search(one.text) for one in fresh(file)):
        return None
    names = begun(file)
    for hunk in hunks(file):
        if any(one.number == line.number for one in hunk.removed):
            return None if lost(hunk, names) else found
    return None


_STEPS = "Google SRE workbook, Canarying releases: https://sre.google/workbook/canarying-releases/"
_rule = rules_of(_matches, wanted, _STEPS)

rules: tuple[RiskRule, ...] = (
    _rule(
        "flag-opened-at-once",
        "A feature is opened to everybody in one step",
        "A fault that one user in a hundred would have shown meets all of them.",
    ),
    _rule(
        "flag-default-changed",
        "The default of a flag changes",
        "The default is what everybody gets when flags cannot be asked.",
        "OpenFeature, Evaluation: https://openfeature.dev/specification/sections/flag-evaluation",
    ),
    _rule(
        "flag-removed-in-use",
        "A flag is removed that code still asks for",
        "What asks for a flag that is not there gets its default, everywhere and at once.",
        "Feature Toggles, Pete Hodgson: https://martinfowler.com/articles/feature-toggles.html",
    ),
    _rule(
        "flag-kill-switch-removed",
        "A switch for emergencies is removed",
        "Without it the next trouble needs a deploy to stop.",
        "Feature Toggles, Ops toggles: https://martinfowler.com/articles/feature-toggles.html#OpsToggles",
    ),
)
