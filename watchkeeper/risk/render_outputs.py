"""The check as outputs of a step: `name=value` lines of fixed words and numbers, no text of anybody's."""

from __future__ import annotations

from watchkeeper.risk.report import Report


def render_outputs(report: Report) -> str:
    """`decision` is what a pipeline does: hold fails, warn tells, allow is silent. `probability` is 0 to 1,
    empty without a model."""
    found = report.assessment
    asked = "allow" if found.verdict == "allow" else "warn"
    chance = f"{report.chance.probability / 1_000:.3f}" if report.chance is not None else ""
    rows = {
        "verdict": found.verdict,
        "decision": "hold" if report.failed else asked,
        "level": found.level or "none",
        "probability": chance,
        "places": str(report.matched),
        "head": report.head,
        "unjudged": str(report.counts.unread),
        "left_alone": str(report.counts.left_alone),
    }
    return "".join(f"{name}={value}\n" for name, value in rows.items())
