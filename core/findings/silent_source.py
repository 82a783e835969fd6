"""Finding silent-source: nothing comes from a source that was to be heard; what it would say is not known."""

from __future__ import annotations

from core.findings.case import Case, finding, shortened
from core.model.finding import Finding, Why
from core.model.incident import Episode
from core.times import format_rfc3339, spoken

kind = "silent-source"
# Of the alert that rules of ours raise, see core/silent_source.py.
SOURCE = "watchkeeper"
ALERT = "SourceSilent"


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
    source = episode.labels.get("source", "")
    rule = case.rules.silent_source
    after = rule.expected.get(source) or rule.resends.get(source) or 0
    since = format_rfc3339(episode.starts_at - after)
    if episode.ends_at is None:
        summary = f"Nothing has come from {source} since {since}: what it would tell is not known"
    else:
        silence = spoken(episode.ends_at - episode.starts_at + after)
        summary = f"Nothing came from {source} for {silence} from {since}"
    terms: dict[str, int | str] = {"source": source, "patience_ms": after}
    return Why(kind, summary, terms=terms, evidence=(episode.id,))
