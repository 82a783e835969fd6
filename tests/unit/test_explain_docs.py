"""The worked example of docs/explain.md: the recorded case, under the page's routes, is explained as shown.

`python -m tests.unit.test_explain_docs` writes what is said now into the page.
"""

from __future__ import annotations

import re
from pathlib import Path

from connectors.inbound.registry import parse
from core.config import config_draft
from core.journal import Record
from core.replay import Fold, read_lines
from core.why_not import why_not
from tests.unit.test_receivers import WHERE
from watchkeeper.cli.explain import apart_lines, explanation_lines
from watchkeeper.files import rules_content
from watchkeeper.receivers import read_receivers
from watchkeeper.service import explained

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "explain.md"
CASE = ROOT / "evals" / "cases" / "two-troubles"
_SHOWN = re.compile(r"```text\n(.*?)```", re.DOTALL)


def folded(routes: str) -> Fold:
    fold, lines = Fold(parse, "docs"), list(read_lines((CASE / "events.jsonl").read_text().splitlines()))
    start = lines[0].record.received_at
    documents = (
        config_draft("rules", rules_content(None)),
        config_draft("catalogue", (CASE / "catalog.yaml").read_text()),
        config_draft("routes", read_receivers(routes, WHERE, {}).routes_text),
    )
    for draft in documents:
        fold.engine.state.seq = -1
        fold.apply(Record(0, start, draft.kind, draft.source, draft.payload))
    for line in lines:
        fold.apply(line.record)
    return fold


def said(page: str) -> list[str]:
    """What the two commands of the page print."""
    [routes] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    fold = folded(routes)
    documents = fold.incidents()
    first = max(documents, key=lambda one: (len(one["alerts"]), one["id"]))
    other = next(one for one in documents if one is not first)
    explanation = explained(fold, first["id"], lambda _, name: first)
    apart = why_not(fold.engine.world, first["id"], other["id"])
    return ["\n".join(explanation_lines(explanation)), "\n".join(apart_lines(apart))]


def test_the_example_is_true() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [text.strip() for text in _SHOWN.findall(page)] == said(page)


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = iter(said(page))
    PAGE.write_text(_SHOWN.sub(lambda _: f"```text\n{next(found)}\n```", page), encoding="utf-8")


if __name__ == "__main__":
    main()
