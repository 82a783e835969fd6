"""Finding watchdog: an alert that always fires is not told any more, so others may not arrive either."""

from __future__ import annotations

from core.findings.case import Case, finding, shortened
from core.model.finding import Finding, Why
from core.model.incident import Episode
from core.rules.watching import WatchdogRule
from core.times import format_rfc3339, spoken

kind = "watchdog"
# Of the alert that rules of ours raise, see core/watchdog.py. It has the label TROUBLE when it was resolved.
SOURCE = "watchkeeper"
ALERT = "WatchdogSilent"
TROUBLE = "trouble"


def patience_of(rule: WatchdogRule, key: str) -> int:
    """For how long a watchdog of `key` (`domain/source`) may go untold, in ms."""
    return rule.sources.get(key) or rule.sources.get(key.partition("/")[2]) or rule.patience


def find(case: Case) -> tuple[list[Finding], Why]:
    own = [one for one in case.members if one.name == ALERT and one.source.partition("/")[2] == SOURCE]
    if not own:
        return [], Why(kind, "No silent watchdog", counted=False, hint="none of the alerts is one of ours")
    nodes = [_why(case, episode) for episode in own]
    subjects = [episode.fingerprint for episode in own]
    findings = {
        subject: finding(case, kind, subject, 1000, why) for subject, why in zip(subjects, nodes, strict=True)
    }
    evidence = tuple(episode.id for episode in own)
    return list(findings.values()), Why(
        kind, nodes[-1].summary, evidence=evidence, children=shortened(nodes, kind)
    )


def _why(case: Case, episode: Episode) -> Why:
    name, source = episode.labels.get("watchdog", ""), episode.labels.get("source", "")
    after = patience_of(case.rules.watchdog, f"{episode.source.partition('/')[0]}/{source}")
    terms: dict[str, int | str] = {"watchdog": name, "source": source, "patience_ms": after}
    say = _resolved if episode.labels.get(TROUBLE) == "resolved" else _silent
    hint = (
        "" if say is _resolved else f"where it is told less often than every {spoken(after)}, tell the rule"
    )
    summary = say(episode, f"{name} from {source}", after)
    return Why(kind, summary, hint=hint, terms=terms, evidence=(episode.id,))


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
