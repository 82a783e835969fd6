"""May this go out now: what was judged of a revision, a diff that was given, and what is known at present.

For tools that deploy. It reads and changes nothing. What could not be judged is said: an advisory answer lets
it pass with words, one by a policy holds it with words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from core.model.events import ChangeEvent
from core.model.risk import Assessed
from core.risk.assess import Assessment, assess
from core.risk.change import ChangeSet, TouchedFile
from core.risk.knowledge import known_of
from core.risk.known import Known
from core.risk.paths import is_aside
from core.risk.policy import Policy, Thresholds
from core.risk.rules import LEVELS, RULES, Level, Match
from core.risk.rules.change import state
from core.risk.rules.rule import quoted
from core.risk.unified import files_of
from core.times import format_rfc3339
from core.world import World
from watchkeeper.risk.judging import counted, in_part, left_alone_of, newly_run, unjudged
from watchkeeper.risk.moves import brought_unseen
from watchkeeper.risk.report import Report
from watchkeeper.risk.report import files_of as paths_of

_MOST_REASONS = 50
# What a repair need not wait for: it ends the one, and no freeze means it.
_WAIVED = frozenset({"open-incident", "freeze"})
# Rules that look at the moment alone are asked with every deployment, whatever it changes.
_NOW = state.rules
_CHANGE = tuple(rule for rule in RULES if rule not in _NOW)
_ANYTHING = ChangeSet(files=(TouchedFile("deployment"),))


class Question(NamedTuple):
    """`warn` and `hold` are levels from which on; `mode` policy means that `hold` is obeyed. `repair`: why it
    goes out during an incident or a freeze, which then hold nothing."""

    service: str
    environment: str = ""
    repository: str = ""
    revision: str = ""
    diff: str = ""
    title: str = ""
    url: str = ""
    domain: str = "default"
    mode: Literal["advisory", "policy"] = "advisory"
    warn: Level = "medium"
    hold: Level = "critical"
    repair: str = ""


class Told(NamedTuple):
    """What the engine says of it: read in one moment. `ran`: when the revision went out well here before, in
    ms UTC; 0 where it is not known to have."""

    known: Known
    assessed: Assessed | None
    listed: bool
    ran: int = 0


class Answer(NamedTuple):
    """`document` is what is answered; `report` what was found in the diff, None without one."""

    document: dict[str, Any]
    report: Report | None = None


def ask_engine(world: World, asked: Question, now: int, files: Sequence[str]) -> Told:
    """What is known, and how the revision was judged. Keep the engine still meanwhile."""
    known = known_of(world, [asked.service], files, now, repository=asked.repository, domain=asked.domain)
    event = ChangeEvent(
        "deploy", asked.service, now, version=asked.revision,
        ref=f"{asked.repository}@{asked.revision}" if asked.repository else "",
    )  # fmt: skip
    key = world.commits.key_of(asked.domain, event) if asked.revision else None
    assessed = world.state.assessments[key] if key is not None else None
    listed = world.config.catalogue.canonical_name(asked.service) is not None
    return Told(known, assessed, listed, _ran(world, asked, now))


def _ran(world: World, asked: Question, now: int) -> int:
    """The latest time that the service went out well in this version, where it goes now."""
    service = world.config.catalogue.canonical_name(asked.service) or asked.service
    place = world.config.environments.name(asked.environment)
    found = (
        one.event.at
        for one in world.state.changes.values()
        if asked.revision
        and one.domain == asked.domain
        and (one.event.kind, one.event.state) == ("deploy", "succeeded")
        and (one.event.service, one.event.version) == (service, asked.revision)
        and one.event.at <= now
        and (not place or one.event.environment in ("", place))
    )
    return max(found, default=0)


def decided(asked: Question, told: Told, change: ChangeSet | None, now: int) -> Answer:
    """The answer. `change` is what `change_of` made of the diff."""
    policy = _policy(asked)
    moment = assess(_ANYTHING, told.known, policy, _NOW)
    report = _report(asked, told, change, policy, now) if change is not None else None
    found = [*moment.matches, *(report.assessment.matches if report else ())]
    reasons = [_reason(match) for match in found] + _stored(told.assessed)
    reasons.sort(key=lambda row: -LEVELS.index(row["level"]))
    waived = _WAIVED if asked.repair else frozenset()
    levels = [LEVELS.index(row["level"]) for row in reasons if row["rule"] not in waived]
    verdict = policy.verdict(LEVELS[max(levels)] if levels else None)
    gaps = _gaps(asked, told, report, moment)
    seen = told.assessed is not None or bool(told.ran) or (change is not None and bool(change.files))
    missing = bool(asked.revision or asked.diff.strip()) and not seen
    if asked.mode == "policy":
        decision = "hold" if missing else verdict
    else:
        decision = "warn" if verdict == "hold" else verdict
    return Answer(
        {
            "decision": decision,
            "mode": asked.mode,
            "verdict": verdict,
            "reasons": reasons[:_MOST_REASONS],
            "more": max(0, len(reasons) - _MOST_REASONS),
            "probability": told.assessed.event.probability if told.assessed else None,
            "terms": [],
            "repair": asked.repair,
            "judged": _judged(asked, told, report, now),
            "not_judged": gaps,
        },
        report,
    )


def not_decided(asked: Question, why: str) -> dict[str, Any]:
    """The same form when there was no time, or no state, to judge anything."""
    return {
        "decision": "hold" if asked.mode == "policy" else "allow",
        "mode": asked.mode,
        "verdict": None,
        "reasons": [],
        "more": 0,
        "probability": None,
        "terms": [],
        "repair": asked.repair,
        "judged": [],
        "not_judged": [f"Nothing could be judged: {why}"],
    }


def change_of(asked: Question) -> ChangeSet | None:
    """Of the diff; None without one."""
    if not asked.diff.strip():
        return None
    files, left_out = files_of(asked.diff)
    read = tuple(one for file in files for one in (brought_unseen(file) if _arrives(file) else (file,)))
    return ChangeSet(head=asked.revision, title=asked.title, files=read, left_out=left_out)


def _arrives(file: TouchedFile) -> bool:
    """Whether a file that is taken from elsewhere brings in lines that nobody judged, as git's path has it:
    there a copy is a new file."""
    if file.instead:
        return False
    copied = file.status == "copied" and not is_aside(file.path)
    return copied or (file.status == "renamed" and not file.binary and newly_run(file.old_path, file.path))


def _policy(asked: Question) -> Policy:
    return Policy(mode=asked.mode, thresholds=Thresholds(warn=asked.warn, hold=asked.hold))


def _report(asked: Question, told: Told, change: ChangeSet, policy: Policy, now: int) -> Report:
    assessment = assess(change, told.known, policy, _CHANGE)
    return Report(
        base="",
        head=asked.revision,
        start="",
        title=asked.title,
        counts=counted(change, assessment),
        assessment=assessment,
        mode=asked.mode,
        services=(asked.service,),
        unjudged=unjudged(change, assessment, in_part(change)),
        repository=asked.repository,
        url=asked.url,
        at=now,
        files=paths_of(change),
        left_alone=left_alone_of(assessment),
    )


def _reason(match: Match) -> dict[str, Any]:
    row = msgspec.to_builtins(match)
    place = f"{match.path}:{match.line}" if match.path and match.line else match.path
    return {
        "rule": row["rule"], "level": row["level"], "what": row["what"], "clears": row["clears"],
        "place": place, "from": "diff" if match.path else "now",
    }  # fmt: skip


def _stored(assessed: Assessed | None) -> list[dict[str, Any]]:
    """What was found in the revision when it was judged."""
    if assessed is None:
        return []
    event = assessed.event
    clears = f"See the check of its pull request{f': {event.url}' if event.url else ''}"
    rows = [
        {
            "rule": one.rule, "level": one.level, "what": one.what,
            "clears": clears, "from": "assessment",
            "place": f"{one.path}:{one.line}" if one.path and one.line else one.path,
        }
        for one in event.matches
        if one.level in LEVELS
    ]  # fmt: skip
    if event.level in LEVELS and all(row["level"] != event.level for row in rows):
        what = f"It was judged {event.level} before; what was found is not kept."
        row = {"rule": "assessment", "level": event.level, "what": what, "clears": clears}
        rows.append({**row, "from": "assessment", "place": ""})
    return rows


def _judged(asked: Question, told: Told, report: Report | None, now: int) -> list[str]:
    found = [f"What is known now, {format_rfc3339(now)}: open incidents, error budgets, freezes"]
    if told.assessed is not None:
        event = told.assessed.event
        found.append(f"{quoted(event.repository)}@{event.head[:12]}, judged {format_rfc3339(event.at)}")
    if told.ran:
        found.append(f"{quoted(asked.revision)[:64]} ran here before, since {format_rfc3339(told.ran)}")
    if report is not None:
        found.append(f"The diff: {report.counts.files:,} files")
    return found


def _gaps(asked: Question, told: Told, report: Report | None, moment: Assessment) -> list[str]:
    found = []
    if not told.listed:
        found.append(
            f"The catalogue has no service {quoted(asked.service)[:120]!r}: who depends on it is not known"
        )
    if asked.revision and told.assessed is None and not told.ran:
        what = f"Nobody has told how revision {quoted(asked.revision)[:64]} was judged"
        found.append(f"{what}: let `watchkeeper risk --report` tell it where it is built")
    if report is not None and not report.counts.files:
        found.append("The diff names no files")
    found += report.unjudged if report is not None else ()
    return [*found, *(f"The rule {name} failed" for name in moment.broken)]
