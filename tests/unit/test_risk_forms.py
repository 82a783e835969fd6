"""The forms of a check: short, worst first; in none of them becomes foreign text markup or a command."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from markdown_it import MarkdownIt

from core.risk.assess import Assessment, Suppressed
from core.risk.model import Score, Term
from core.risk.rules import LEVELS, RULES, Level, Match
from watchkeeper.risk.annotations import workflow_commands
from watchkeeper.risk.render_json import render_json
from watchkeeper.risk.render_markdown import MARKER, render_markdown
from watchkeeper.risk.render_sarif import render_sarif
from watchkeeper.risk.render_text import render_text
from watchkeeper.risk.report import Counts, Report, percent
from watchkeeper.risk.rows import weight

HOSTILE = [
    "$(touch run) `id`", "; rm -rf /", "-flag", "new\nline\r::error::x", "\u202egpj.exe", "::warning::pwned",
    "<script>alert(1)</script>", "@everyone #1 GH-2", "[a](http://evil.example)", "![](https://evil.example/x)",
    "https://evil.example www.evil.example", "``` ` ````", "|x|y|", "</summary></details>",
    "\x1b[2J\x07", "a%0Ab",    "<!-- watchkeeper-risk -->", "&lt;b&gt;", "- [ ] x", "/close", "\\", "\ud800",
]  # fmt: skip


def place(level: Level = "high", path: str = "db/7.sql", text: str = "DROP TABLE x;", line: int = 3) -> Match:
    return Match(RULES[0].id, level, f"Takes {text} away.", f"Keep {text}", path, line, text)


def each(number: int) -> Match:
    return msgspec.structs.replace(place(), rule=RULES[number].id)


def report(*matches: Match, verdict: str = "warn", **more: object) -> Report:
    level = max((one.level for one in matches), key=LEVELS.index, default=None)
    found = Assessment(verdict, level, matches)  # type: ignore[arg-type]
    made = Report("b" * 40, "c" * 40, "a" * 40, "A title", Counts(3, 120, 4, 2), found)
    return msgspec.structs.replace(made, **more)


def test_nothing_found_is_said_in_a_line() -> None:
    told = render_text(report(verdict="allow"))
    assert told.startswith("No rule matched\naaaaaaaaaaaa..cccccccccccc  3 files, +120 -4")
    assert "Advisory" in told


def test_the_verdict_first_then_ten_rows_with_what_clears_them() -> None:
    told = render_text(report(*(each(number) for number in range(15))))
    assert told.startswith("Look before you merge: high risk (15 rules, 15 places)")
    assert "HIGH     db/7.sql:3  risk-policy-changed" in told
    assert "    > DROP TABLE x;\n    Clears: Keep DROP TABLE x;" in told
    assert told.count("Clears: ") == 10
    assert "and 5 more, 5 of them high or critical; --format json or markdown lists them" in told


def test_further_places_of_a_rule_stand_in_one_row() -> None:
    rows = [place(line=number) for number in range(1, 9)] + [place("medium")]
    made = report(*rows)
    told = render_text(made)
    assert told.count("Clears: ") == 2
    more = "db/7.sql:2, db/7.sql:3, db/7.sql:4, db/7.sql:5, db/7.sql:6 …"
    assert f"    and 7 more places: {more}\n" in told
    assert "more;" not in told
    text = render_markdown(made)
    assert "and 7 more places: `db/7.sql:2`, `db/7.sql:3`" in text
    assert text.count("Clears: ") == 2
    assert len(json.loads(render_json(made))["matches"]) == 9


def test_a_comment_says_how_grave_the_folded_ones_are() -> None:
    made = report(*(each(number) for number in range(9)), place("low"))
    assert "<summary>5 more, 4 of them high or critical</summary>" in render_markdown(made)


def test_code_spans_of_clears_and_no_full_stop() -> None:
    words = "Add a `removed` block for `<script>` @x, or `y."
    made = report(Match(RULES[0].id, "high", "What.", words, "a", 1, "x"))
    assert "Clears: Add a `removed` block for `<script>` (at)x, or \\`y\n" in render_markdown(made)
    assert f"Clears: {words[:-1]}\n" in render_text(made)


def test_low_ones_are_folded_away_in_a_comment() -> None:
    told = render_markdown(report(place("medium"), place("low"), place("low")))
    assert told.index("**medium**") < told.index("<summary>2 low</summary>") < told.index("**low**")
    only_low = report(place("low"), verdict="allow")
    assert "Below what warns: low risk (1 rule, 1 place)" in render_markdown(only_low)


def test_the_probability_with_its_terms_and_what_was_not_judged() -> None:
    chance = Score(123, (Term("la", "812 lines added", 700), Term("exp", "3 commits", -250)), 0)
    made = report(place(), chance=chance, learned_from="900 changes", unjudged=("Not text: x",), notes=("N",))
    told = render_text(made)
    assert "Estimated: 12 % of such changes are mended later (learned from 900 changes)" in told
    assert "    raises (odds x 2.0): 812 lines added\n    lowers (odds x 0.78): 3 commits" in told
    assert told.index("Clears") < told.index("raises") < told.index("Not text: x") < told.index("Note:")
    assert json.loads(render_json(made))["probability"]["terms"][0]["weight"] == 700
    assert "- raises (odds x 2.0): 812 lines added" in render_markdown(made)
    assert render_markdown(made).count("900 changes") == 1
    assert weight(Term("la", "", 10**9)) == "raises (odds x 8,100)"


def test_percent() -> None:
    assert [percent(one) for one in (1, 10, 45, 100, 456, 999)] == [
        "0.1 %",
        "1 %",
        "4.5 %",
        "10 %",
        "46 %",
        "100 %",
    ]


def test_what_fails_the_check() -> None:
    assert not report(place("critical"), verdict="hold").failed
    assert report(place("critical"), verdict="hold", mode="policy").failed
    assert not report(place("high"), verdict="warn", mode="policy").failed
    assert report(place("high"), fail_on="high").failed
    assert not report(place("medium"), fail_on="high").failed
    assert not report(fail_on="low", verdict="allow").failed


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_makes_no_markup(text: str) -> None:
    accepted = Suppressed(place(path=text, text=text), text, text, "2027-01-01")
    made = report(place(path=text, text=text), title=text, unjudged=(f"Not text: {text}",), notes=(text,))
    found = msgspec.structs.replace(made.assessment, suppressed=(accepted,))
    told = render_markdown(msgspec.structs.replace(made, assessment=found))
    assert told.startswith(MARKER)
    assert told.count("<!--") == 1
    html = MarkdownIt("gfm-like", {"linkify": False}).enable("table").render(told)
    outside = re.sub(r"(?s)<code>.*?</code>", "", html)
    ours = re.sub(
        r"<(?:/?(?:h3|ul|ol|li|p|strong|em|sub|details|summary|br ?/?|a)|a href=\"https://owasp[^>]*)>",
        "",
        outside,
    )
    assert "<" not in ours.replace(MARKER, "")
    for live in (
        "@everyone",
        "#1",
        "GH-2",
        "http://evil",
        "https://evil",
        "www.evil",
        "::error::x\n",
        "\x1b",
        "\u202e",
    ):
        assert live not in outside
    assert html.count("</details>") == html.count("<details>")


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_is_one_line_in_a_terminal(text: str) -> None:
    plain = render_text(report(place(), title="t", notes=("n",), unjudged=("u",)))
    told = render_text(report(place(path=text, text=text), title=text, notes=(text,), unjudged=(text,)))
    assert len(told.splitlines()) == len(plain.splitlines())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\u2028]", told)


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_is_no_workflow_command(text: str) -> None:
    (line,) = workflow_commands(report(place(path=text, text=text)))
    head, given, data = re.fullmatch(r"::(error) ([^\n\r]*?)::([^\n\r]*)", line).groups()  # type: ignore[union-attr]
    assert head == "error"
    assert [part.partition("=")[0] for part in given.split(",")] == ["file", "line", "title"]
    assert "\n" not in data


def test_ten_errors_and_ten_warnings_the_worst_first() -> None:
    rows = [place("critical")] * 3 + [place("high")] * 9 + [place("medium")] * 12 + [place("low")] * 5
    lines = workflow_commands(report(*rows))
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 10 + ["::warning"] * 10


def test_a_comment_stays_below_what_hosts_take() -> None:
    text = "|`*_<>@#" * 60
    rows = tuple(place("critical", text, text) for _ in range(400))
    accepted = tuple(Suppressed(one, text, text, "2027-01-01") for one in rows)
    made = report(*rows, notes=(text,) * 30, unjudged=(text,) * 30)
    told = render_markdown(
        msgspec.structs.replace(
            made, assessment=msgspec.structs.replace(made.assessment, suppressed=accepted)
        )
    )
    assert len(told) < 60_000
    assert "🛑" in told.splitlines()[2]


def test_sarif_names_rules_places_and_fingerprints() -> None:
    accepted = Suppressed(place(path="c d.sql"), "known", "ann", "2027-01-01")
    made = report(
        place("critical"), place("critical"), place("low", path=""), place("medium", "ü/#%.sql", line=0)
    )
    found = msgspec.structs.replace(made.assessment, suppressed=(accepted,))
    (run,) = json.loads(render_sarif(msgspec.structs.replace(made, assessment=found)))["runs"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert (rule["id"], rule["helpUri"][:8]) == (RULES[0].id, "https://")
    rows = run["results"]
    assert [row["level"] for row in rows] == ["error", "error", "note", "warning", "error"]
    prints = [row["partialFingerprints"]["watchkeeperRisk/v1"] for row in rows]
    assert len(set(prints)) == len(prints)
    assert prints[0].partition(":")[0] == prints[1].partition(":")[0]
    assert rows[2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == ".watchkeeper.yml"
    where = rows[3]["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "%C3%BC/%23%25.sql"
    assert where["region"]["startLine"] == 1
    assert rows[4]["suppressions"][0]["justification"] == "known (ann, until 2027-01-01)"


def test_json_says_everything() -> None:
    found = json.loads(render_json(report(place(), fail_on="low")))
    assert (found["verdict"], found["level"], found["failed"], found["mode"]) == (
        "warn",
        "high",
        True,
        "advisory",
    )
    (row,) = found["matches"]
    assert row["path"] == "db/7.sql"
    assert row["source"].startswith("OWASP")
    assert found["counts"] == {
        "files": 3, "insertions": 120, "deletions": 4, "commits": 2,
        "left_out": 0, "left_alone": 0, "unread": 0,
    }  # fmt: skip
