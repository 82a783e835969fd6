"""The verdict on a change: every rule is asked, the worst match that nobody accepted decides.

A rule that fails is a fault of ours: it is named as broken, and the others are asked all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Known
from core.risk.policy import POLICY_FILES, Policy, Verdict
from core.risk.rules import LEVELS, RULES, Level, Match, RiskRule
from core.risk.rules.change.unread import too_much
from core.risk.rules.reading import reading
from core.risk.rules.touched import left_alone
from core.risk.telling import lasting

# Matches of one rule that are kept; a reviewer reads no more, and of the rest the number is told.
MOST_OF_A_RULE = 50
_READ_BY_MACHINES = (".yaml", ".yml", ".sql", ".tf", ".json", ".toml", ".sh", ".py", ".rb", ".js", ".ts")


class Suppressed(msgspec.Struct, frozen=True):
    """A match that people accept for a while. `expires`: the last day, as 2027-01-31."""

    match: Match
    reason: str
    by: str
    expires: str


class Assessment(msgspec.Struct, frozen=True):
    """What the rules say of a change, in the order of `ordered`. `level` is that of the worst match, None
    without any.

    `more`: by rule, how many of its matches are not listed; none of them is worse than one that is listed.
    `broken`: rules that failed. `left_out`: files that nobody read. `unread`: paths of files that were more
    than all rules together read of one change. `left_alone`: paths of tests, documentation, generated and
    vendored files, what a machine reads first.
    """

    verdict: Verdict
    level: Level | None = None
    matches: tuple[Match, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    more: dict[str, int] = {}
    broken: tuple[str, ...] = ()
    left_out: int = 0
    unread: tuple[str, ...] = ()
    left_alone: tuple[str, ...] = ()


def assess(change: ChangeSet, known: Known, policy: Policy, rules: Sequence[RiskRule] = RULES) -> Assessment:
    """Judge the change at the time of `known`. Freezes of the policy hold beside those that are known.
    What a match shows of a removed line is marked so."""
    judged = _without_ignored(change, policy)
    now = _time_of(known)
    frozen = tuple(one for one in policy.frozen(now) if one not in known.freezes)
    known = msgspec.structs.replace(known, own_freezes=frozen)
    with reading() as read:
        found, broken = _ask((rule for rule in rules if not rule.late), judged, known)
    unread = tuple(one.path for one in judged.files if read.left_out(one.before, one.after))
    found += too_much(unread)
    worst_of = _worst_by_rule(found)
    told = msgspec.structs.replace(
        known,
        matched={rule: one.level for rule, one in worst_of.items()},
        places={rule: (one.path, one.line, one.evidence) for rule, one in worst_of.items()},
    )
    later, broken_later = _ask((rule for rule in rules if rule.late), judged, told)
    matches = list(_marked(judged, [*found, *later]))
    made = _verdict(matches, (*broken, *broken_later), policy, now, change.left_out)
    seen = {match.path for match in matches}
    return msgspec.structs.replace(made, unread=unread, left_alone=_left_alone(judged, seen))


def _time_of(known: Known) -> int:
    match known:
        case Known(now=now):
            return now


def worst(matches: Iterable[Match]) -> Level | None:
    """The highest level among them."""
    return max((match.level for match in matches), key=LEVELS.index, default=None)


def _worst_by_rule(found: Iterable[Match]) -> dict[str, Match]:
    rising = sorted(found, key=lambda match: (match.rule, LEVELS.index(match.level)))
    return {match.rule: match for match in rising}


def _left_alone(change: ChangeSet, seen: Collection[str]) -> tuple[str, ...]:
    """`seen`: files in which a rule found something; prompts are read among documents too."""
    paths = [one.path for one in change.files if left_alone(one) and one.path not in seen]
    return tuple(sorted(paths, key=lambda path: not path.lower().endswith(_READ_BY_MACHINES)))


def _without_ignored(change: ChangeSet, policy: Policy) -> ChangeSet:
    """Whoever ignores everything still hears that the policy itself is changed or gone. What the policy asks
    for is marked."""
    if not (policy.ignore or policy.judge):
        return change
    kept = (
        one
        for one in change.files
        if not policy.ignores(one.path) or not {one.path, one.old_path}.isdisjoint(POLICY_FILES)
    )
    files = tuple(
        msgspec.structs.replace(one, asked=True) if policy.asks_for(one.path) else one for one in kept
    )
    return msgspec.structs.replace(change, files=files)


def _ask(rules: Iterable[RiskRule], change: ChangeSet, known: Known) -> tuple[list[Match], tuple[str, ...]]:
    found: list[Match] = []
    broken = []
    for rule in rules:
        try:
            found.extend(rule.find(change, known))
        except Exception:  # noqa: BLE001 - the outermost loop: one broken rule must not silence the others
            broken.append(rule.id)
    return found, tuple(broken)


def _marked(change: ChangeSet, found: Sequence[Match]) -> Iterator[Match]:
    paths = {match.path for match in found}
    files = {file.path: _Gone(file) for file in change.files if file.path in paths}
    for match in found:
        if match.evidence and match.path in files and files[match.path].holds(match):
            yield msgspec.structs.replace(match, evidence=f"removed: {match.evidence}")
        else:
            yield match


class _Gone:
    """What a change takes out of a file."""

    def __init__(self, file: TouchedFile) -> None:
        added = {one.text.strip() for one in file.added}
        self.lines = {one.text.strip() for one in file.removed} - added
        self.deleted = file.status == "deleted"
        self.text = "\n".join(self.lines)
        self.left = file.after if file.after is not None else "\n".join(added)

    def holds(self, match: Match) -> bool:
        """Whether a match shows a line that is gone, or names, without a place, a thing that is."""
        if match.evidence in self.lines:
            return True
        if match.line or match.evidence.startswith("removed: ") or " -> " in match.evidence:
            return False
        word = match.evidence.rpartition(" ")[2]
        return self.deleted or (len(word) > 2 and word in self.text and word not in self.left)


def ordered(matches: Iterable[Match]) -> list[Match]:
    """By level, and within it first what a roll-back of the program leaves undone, then one place of each
    rule before the second of any, then by place."""
    seen: dict[tuple[str, str], int] = {}
    keys = []
    for match in sorted(matches, key=lambda one: (one.path, one.line, one.rule, one.what)):
        nth = seen[match.rule, match.level] = seen.get((match.rule, match.level), 0) + 1
        keys.append(((-LEVELS.index(match.level), not lasting(match.rule), nth), match))
    return [match for _, match in sorted(keys, key=lambda pair: pair[0])]


def _verdict(
    found: list[Match], broken: tuple[str, ...], policy: Policy, now: int, left_out: int
) -> Assessment:
    accepted, open_ones = [], []
    for match in ordered(found):
        by = policy.suppressed(match, now)
        if by is None:
            open_ones.append(match)
        else:
            accepted.append(Suppressed(match, by.reason, by.by, by.expires.isoformat()))
    more: dict[str, int] = {}
    kept = tuple(_first(ordered(open_ones), more))
    level = worst(kept)
    return Assessment(
        policy.verdict(level), level, kept, tuple(accepted[:MOST_OF_A_RULE]), more, broken, left_out
    )


def _first(matches: Iterable[Match], more: dict[str, int]) -> Iterator[Match]:
    """The first of each rule; `more` counts the others."""
    listed: dict[str, int] = {}
    for match in matches:
        listed[match.rule] = listed.get(match.rule, 0) + 1
        if listed[match.rule] <= MOST_OF_A_RULE:
            yield match
        else:
            more[match.rule] = listed[match.rule] - MOST_OF_A_RULE
