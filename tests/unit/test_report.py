"""The incident report: complete, the same every time, short, and foreign text in it is text."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.model.document import Document
from core.narrative.report import report
from core.narrative.report.markdown import literal, own_link, paragraph
from tests.narrated import documents, whole
from tests.timeline import SHOP, Timeline, alert

BASE = "https://watch.example"
HOSTILE = (
    "# heading", "## two", "[click](https://evil.example)", "![x](https://evil.example/p.png)", "<b>bold</b>",
    "<img src=x onerror=alert(1)>", "<!-- hidden -->", "a | b | c", "|---|---|", "```sh", "`code`", "~~~",
    "***",
    "---", "===", "- item", "+ item", "* item", "1. item", "2) item", "> quote", "https://evil.example/x",
    "www.evil.example", "WWW.evil.example/x", "ops@evil.example", "@channel", "@team/ops", "#123",
    "owner/repo#7", "GH-7",
    "[ref]: https://evil.example", "[^1]", "<https://evil.example>", "<ops@evil.example>", "&lt;b&gt;",
    "&#60;b&#62;",
    "\\", "\\|", "\\[x](y)", "*emphasis* _too_ **strong** ~~gone~~", "$x$ $$y$$", "a\nb\n\n# c", "tab\tb",
    "line\u2028sep", "zero\u200bwidth", "right\u202eleft", "    indented", "[x][y]", "[x]", "!", "a\\",
    "{F1.value}",
    "mailto:ops@evil.example", "javascript:alert(1)", "[a](<b>)", "<a href='x'>", "<script>alert(1)</script>",
)  # fmt: skip


def tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


def kinds(text: str) -> list[str]:
    return [token.type for token in tokens(text) if token.type not in ("text", "softbreak")]


def hostile(text: str) -> Document:
    """A document in which every foreign text is `text`."""
    document: Document = copy.deepcopy(whole("bad-deploy"))
    document["title"] = document["acknowledged_by"] = text
    document["acknowledged_at"] = document["opened_at"]
    document["origin"]["service"] = document["services"][0]["service"] = text
    for row in document["alerts"]:
        row["name"], row["service"] = text, text
    for row in document["changes"]:
        row["version"] = row["author"] = row["service"] = row["url"] = text
    for row in document["findings"]:
        row["summary"] = text
    for node in document["why"]["children"]:
        node["summary"] = node["hint"] = text
        for child in node["children"]:
            child["summary"] = child["hint"] = text
    document["history"].append({"at": document["resolved_at"], "what": "resolved", "actor": text,
    "reason": "person",
                                "detail": text})  # fmt: skip
    document["deliveries"] = [{"at": document["opened_at"], "status": "failed", "receiver": text,
    "attempts": 3,
                               "detail": text, "decision": "dec-1"}]  # fmt: skip
    document["annotations"] = [comment(text), note("narrator", "narrative", text), note("planner", "plan",
    text),
                               {**note("retriever", "past-incidents", text),
                               "past": [old(text)]}]  # fmt: skip
    document["plans"] = [{"id": "pln-1", "runbook": text, "title": text, "level": 2,
    "reason": {"summary": text},
                          "questions": [text], "evidence": [text], "withheld": 1,
                          "checklist": [{"text": text, "action": "read", "done_when": text}]}]  # fmt: skip
    return document


def comment(text: str) -> Document:
    return {"at": "2026-11-21T04:30:00.000Z", "author": text, "kind": "comment", "text": text}


def note(author: str, kind: str, text: str, **more: Any) -> Document:
    found = {"at": "2026-11-21T04:30:00.000Z", "author": author, "kind": kind, "text": text,
    "made_by": "model",
             "lines": [{"text": text, "evidence": []}], "reason": text, "model": text, "prompt": text,
             "dropped": 2,
             "past": [], "choice": ""}  # fmt: skip
    return {**found, **more}


def old(text: str) -> Document:
    return {"id": text, "title": text, "at": text, "match": 700, "shared": [text], "ending": text}


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_stays_text(text: str) -> None:
    """Nothing but our own one link, headings, tables and lists comes out of it, the same as of harmless
    text."""
    made = report(hostile(text), base_url=BASE)
    links = [str(token.attrs["href"]) for token in tokens(made) if token.type == "link_open"]
    assert links == [f"{BASE}/incidents/INC-20261121-OQU2EI"]
    assert not {"html_block", "html_inline", "image", "fence", "code_block", "code_inline"} & set(kinds(made))
    assert kinds(made) == kinds(report(hostile("harmless"), base_url=BASE))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_renderers_find_by_themselves_is_taken_apart(text: str) -> None:
    made = report(hostile(text)).lower()
    assert "://" not in made
    assert "@" not in made
    assert "www." not in made
    assert "#123" not in made
    assert "#7" not in made
    assert "gh-7" not in made


@pytest.mark.parametrize("text", HOSTILE)
def test_text_begins_no_block_of_its_own(text: str) -> None:
    found = kinds(paragraph(literal(text)))
    assert set(found) <= {"paragraph_open", "inline", "paragraph_close", "text_special"}


def test_only_an_address_that_cannot_break_out_is_a_link() -> None:
    assert own_link("a", "https://x.example/a)b") == "[a](<https://x.example/a)b>)"
    for bad in ("javascript:alert(1)", "https://x.example/>x", "https://x.example/a b", ""):
        assert own_link("a", bad) == "a"


def test_the_same_document_gives_the_same_bytes() -> None:
    for document in documents():
        before = copy.deepcopy(document)
        assert report(document) == report(copy.deepcopy(document))
        assert document == before
        assert report(document).endswith("\n")


def test_it_says_what_a_review_needs() -> None:
    made = report(whole("bad-deploy"), base_url=BASE)
    for words in (
        "| Severity | P0 (critical on tier 1 and spreading) |", "| Duration | 7 min |",
        "| Probable origin | payments, score 874/1000 |", "deploy of payments 2.4.0 by lena",
        "probably ended it",
        "Severity set to P0", "## Why these alerts are one incident",
        "These were looked at and did not count:",
        "score 300, below 874", "*Written from the facts by a template.*", "- [ ] ",
    ):  # fmt: skip
        assert words in made, words


def test_what_is_not_known_is_said() -> None:
    timeline = Timeline()
    timeline.push(0, alert(""), alert("payments", "Oddness"))
    [incident, *_] = [row for row in timeline.incidents() if not row["alerts"][0]["service"]]
    made = report(incident)
    assert "no member stands out as the probable origin" in made
    assert "nobody has reported any change yet" in made
    assert "Who calls whom: no catalogue" in made
    assert "no label names a service" in made
    assert "it is not over" in made


def test_notes_say_how_they_were_written() -> None:
    document = {**whole("bad-deploy"), "annotations": [note("narrator", "narrative", "It began.",
    model="small",
                                                            prompt="narrator@1", reason="")]}  # fmt: skip
    made = report(document)
    assert "It began." in made
    assert (
        "*Written by the model small with the prompt narrator, version 1 and checked against the facts;"
        in made
    )
    assert "; 2 sentences dropped by the claim check.*" in made
    template = note(
        "narrator", "narrative", "It began.", made_by="template", reason="no model is configured", dropped=0
    )
    assert "by a template: no model is configured.*" in report({**document, "annotations": [template]})


def test_people_and_pages_are_in_it() -> None:
    document = hostile("harmless")
    made = report(document)
    assert "## Pages that were not delivered" in made
    assert "## Comments" in made
    assert "by harmless" in made
    assert "match 700/1000" in made
    assert "Done when: harmless" in made


def test_a_long_incident_makes_a_short_report() -> None:
    timeline = Timeline(SHOP)
    timeline.push(0, *(alert("payments", f"Alert{n}", starts=n) for n in range(400)))
    [incident] = timeline.incidents()
    incident["history"] = incident["history"] * 200
    incident["deliveries"] = [{"at": incident["opened_at"], "status": "failed", "receiver": "r",
    "attempts": 1,
                               "detail": "d" * 5_000}] * 300  # fmt: skip
    incident["annotations"] = [comment("c" * 9_000)] * 300
    made = report(incident)
    assert len(made) < 60_000
    assert "more lines left out" in made
    assert "more pages left out" in made
    assert "earlier ones left out" in made


def test_a_document_of_an_id_alone_makes_a_report() -> None:
    assert report({"id": "INC-1", "status": "triggered"}).startswith("# INC-1: ")
