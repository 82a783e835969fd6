"""Finding silent-source: nothing comes from a source that was to be heard; what it would say is not known."""

from __future__ import annotations

from core.findings.case import Case, find_own
from core.model.finding import Finding, Why
from core.model.incident import Episode
from core.own_alerts import NEVER_HEARD, SOURCE_SILENT
from core.times import format_rfc3339, spoken

kind = "silent-source"


def find(case: Case) -> tuple[list[Finding], Why]:
    hint = "every source was heard as expected"
    return find_own(case, kind, SOURCE_SILENT, "No silent source", hint, _told)


def _told(case: Case, episode: Episode) -> tuple[str, Why]:
    source, domain = episode.labels.get("source", ""), episode.source.partition("/")[0]
    rule = case.rules.silent_source
    after = rule.patience_with(f"{domain}/{source}") or rule.resends.get(source) or 0
    terms: dict[str, int | str] = {"source": source, "patience_ms": after}
    say = _never_heard if NEVER_HEARD in episode.labels else _fell_silent
    return source, Why(kind, say(episode, source, after), terms=terms, evidence=(episode.id,))


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
