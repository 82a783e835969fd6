"""Finding watchdog: an alert that always fires is not told any more, so others may not arrive either."""

from __future__ import annotations

from core.findings.case import Case, find_own
from core.model.finding import Finding, Why
from core.model.incident import Episode
from core.own_alerts import TROUBLE, WATCHDOG_SILENT
from core.times import format_rfc3339, spoken

kind = "watchdog"


def find(case: Case) -> tuple[list[Finding], Why]:
    hint = "none of the alerts is one of ours"
    return find_own(case, kind, WATCHDOG_SILENT, "No silent watchdog", hint, _told)


def _told(case: Case, episode: Episode) -> tuple[str, Why]:
    name, source = episode.labels.get("watchdog", ""), episode.labels.get("source", "")
    after = case.rules.watchdog.patience_with(f"{episode.source.partition('/')[0]}/{source}")
    terms: dict[str, int | str] = {"watchdog": name, "source": source, "patience_ms": after}
    say = _resolved if episode.labels.get(TROUBLE) == "resolved" else _silent
    hint = (
        "" if say is _resolved else f"where it is told less often than every {spoken(after)}, tell the rule"
    )
    summary = say(episode, f"{name} from {source}", after)
    return episode.fingerprint, Why(kind, summary, hint=hint, terms=terms, evidence=(episode.id,))


def _silent(episode: Episode, what: str, after: int) -> str:
    since = format_rfc3339(episode.starts_at - after)
    if episode.ends_at is None:
        return f"The path of alerts is broken: {what} was last told at {since}; others may be lost"
    silence = spoken(episode.ends_at - episode.starts_at + after)
    return f"The path of alerts was broken: {what} was not told for {silence} from {since}"


def _resolved(episode: Episode, what: str, after: int) -> str:
    since = format_rfc3339(episode.starts_at)
    if episode.ends_at is None:
        return f"The path of alerts is broken: {what} always fires, and its sender resolved it at {since}"
    return f"The path of alerts was broken: {what}, which always fires, was resolved at {since}"
