"""Finding silent-source: nothing comes from a source that was to be heard; what it would say is not known."""

from __future__ import annotations

from core.findings.case import Case, finding, shortened
from core.model.finding import Finding, Why
from core.model.incident import Episode
from core.rules.deciding import SilentSource
from core.times import format_rfc3339, spoken

kind = "silent-source"
# Of the alert that rules of ours raise, see core/silent_source.py. It has the label NEVER when the source was
# not heard at all since it is expected.
SOURCE = "watchkeeper"
ALERT = "SourceSilent"
NEVER = "heard"


def expected_patience(rule: SilentSource, key: str) -> int:
    """For how long `key` (`domain/source`), if it is always to be heard, may be silent, in ms; else 0."""
    return rule.expected.get(key) or rule.expected.get(key.partition("/")[2]) or 0


def find(case: Case) -> tuple[list[Finding], Why]:
    own = [one for one in case.members if one.name == ALERT and one.source.partition("/")[2] == SOURCE]
    if not own:
        return [], Why(kind, "No silent source", counted=False, hint="every source was heard as expected")
    nodes = [_why(case, episode) for episode in own]
    subjects = [episode.labels.get("source", "") for episode in own]
    findings = {
        subject: finding(case, kind, subject, 1000, why) for subject, why in zip(subjects, nodes, strict=True)
    }
    evidence = tuple(episode.id for episode in own)
    return list(findings.values()), Why(
        kind, nodes[-1].summary, evidence=evidence, children=shortened(nodes, kind)
    )


def _why(case: Case, episode: Episode) -> Why:
    source, domain = episode.labels.get("source", ""), episode.source.partition("/")[0]
    rule = case.rules.silent_source
    after = expected_patience(rule, f"{domain}/{source}") or rule.resends.get(source) or 0
    terms: dict[str, int | str] = {"source": source, "patience_ms": after}
    say = _never_heard if NEVER in episode.labels else _fell_silent
    return Why(kind, say(episode, source, after), terms=terms, evidence=(episode.id,))


def _fell_silent(episode: Episode, source: str, after: int) -> str:
    since = format_rfc3339(episode.starts_at - after)
    if episode.ends_at is None:
        return f"Nothing has come from {source} since {since}: what it would tell is not known"
    silence = spoken(episode.ends_at - episode.starts_at + after)
    return f"Nothing came from {source} for {silence} from {since}"


def _never_heard(episode: Episode, source: str, after: int) -> str:
    """It is not known when it was last heard, if ever: only since when it is expected."""
    if episode.ends_at is None:
        return (
            f"Nothing has come from {source} since the rule came into force: what it would tell is not known"
        )
    ended = format_rfc3339(episode.ends_at)
    return f"Nothing came from {source} from when the rule came into force until {ended}"
