"""The page of a backtest: whole, escaped, in need of nothing, and its picture says what moved."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from core.backtest import Comparison, compare
from core.backtest.model import GroupExample
from tests.unit.test_backtest import document, incident, link, page, row
from watchkeeper.cli.backtest_page import page as render
from watchkeeper.cli.backtest_picture import LABEL, RIGHT, picture
from watchkeeper.cli.backtest_report import Report

HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\u202e\x1b[2J"
CHROMIUM = Path("/usr/bin/chromium")
_VOID = {"meta", "br", "hr", "img"}


class Checked(HTMLParser):
    """Tags that open and close each other, attributes, and the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def merged(name: str = "Slow") -> Comparison:
    rows = [{**row(f"s{n}-1", 20 * n), "name": name, "service": name} for n in range(4)]
    new = {**link("dependency-edge", "s1-1", "s2-1"), "summary": name, "hint": name}
    before = document(
        [incident("INC-1", rows[:2], title=name), incident("INC-2", rows[2:], 40, title=name)],
        [page("INC-1", 0, receiver=name), page("INC-2", 40, reason=f"merged:{name}", receiver=name)],
    )
    after = document(
        [incident("INC-1", rows, links=[new], severity_reason=name, severity="P1", title=name)],
        [page("INC-1", 200, receiver=name)],
    )
    return compare(before, after)


def read(comparison: Comparison, note: str = "") -> Checked:
    parser = Checked()
    parser.feed(render(Report(comparison, {"rules after": note or "new"}, [note] if note else [])))
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    found = read(merged())
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "use", "image"}
    for _, attributes in found.tags:
        assert not {name for name in attributes if name.startswith("on")} | {"src", "srcset"} & set(
            attributes
        )
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in "".join(found.text)
    assert "@import" not in "".join(found.text)


def test_what_is_foreign_is_text() -> None:
    plain, hostile = read(merged()), read(merged(HOSTILE), HOSTILE)
    assert {tag for tag, _ in hostile.tags} == {tag for tag, _ in plain.tags}
    text = "".join(hostile.text)
    assert "<script>alert(1)</script>" in text
    assert "{{7*7}}" in text
    assert not {"\u202e", "\x1b"} & set(text)


def test_every_jump_has_a_place_and_every_id_is_one() -> None:
    found = read(merged())
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    jumps = {str(attributes["href"])[1:] for tag, attributes in found.tags if tag == "a"}
    assert jumps
    assert jumps <= set(ids)
    labelled = {attributes["aria-labelledby"] for tag, attributes in found.tags if tag == "svg"}
    assert labelled
    assert labelled <= set(ids)


def test_the_numbers_are_those_of_the_comparison() -> None:
    found = " ".join(" ".join(read(merged()).text).split())
    assert "Incidents 2 1 -1" in found
    assert "Alerts 4 4" in found
    assert "Incidents merged into one (1)" in found
    assert "Pages later (1)" in found
    assert "3 min later" in found


def test_nothing_different_is_said() -> None:
    one = document([incident("INC-1", [row("a-1")])])
    assert "nothing would have been different" in "".join(read(compare(one, one)).text)


def test_the_picture_has_a_lane_each_and_colours_by_where_alerts_were() -> None:
    [example] = merged().examples["merged"]
    drawn = picture(example)
    assert drawn is not None
    assert [lane.name for lane in drawn.lanes] == ["1  INC-1", "2  INC-2", "INC-1"]
    assert [[bar.colour for bar in lane.bars] for lane in drawn.lanes] == [[1, 1], [2, 2], [1, 1, 2, 2]]
    assert drawn.lanes[2].holds == "4 alerts, of 2 lanes"
    assert drawn.says.endswith("INC-1: 2 of lane 1, 2 of lane 2")
    for lane in drawn.lanes:
        for bar in lane.bars:
            assert LABEL <= bar.x <= bar.x + bar.width <= RIGHT + 3
            assert lane.y <= bar.y < bar.y + 5 <= lane.y + lane.height
    tops = [(lane.y, lane.y + lane.height) for lane in drawn.lanes]
    assert all(below[0] >= above[1] for above, below in pairwise(tops))


def test_a_picture_of_very_many_stays_small() -> None:
    rows = [row(f"s{n}-1", n) for n in range(500)]
    before = document([incident(f"INC-{n}", [one], n) for n, one in enumerate(rows)])
    [example] = compare(before, document([incident("INC-0", rows)])).examples["merged"]
    drawn = picture(example)
    assert drawn is not None
    assert drawn.height < 1_000
    assert any("and" in words and "more" in words for _, words in drawn.titles)
    assert len(read(compare(before, document([incident("INC-0", rows)]))).tags) < 2_000


def test_alerts_without_length_are_drawn_all_the_same() -> None:
    rows = [{**row(f"s{n}-1", 0), "ends_at": None} for n in range(2)]
    before = document([incident("INC-1", rows[:1]), incident("INC-2", rows[1:])])
    [example] = compare(before, document([incident("INC-1", rows)])).examples["merged"]
    drawn = picture(example)
    assert drawn is not None
    assert {bar.width for lane in drawn.lanes for bar in lane.bars} == {3}
    assert picture(GroupExample("merged", (), (), 0, ())) is None


@pytest.mark.integration
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs chromium")
def test_a_browser_shows_it_without_a_fault(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    file = tmp_path / "page.html"
    file.write_text(render(Report(merged(HOSTILE), {"rules after": HOSTILE}, [HOSTILE])), encoding="utf-8")
    said: list[str] = []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in (360, 1_200):
            view = browser.new_page(viewport={"width": width, "height": 800})
            view.on("console", lambda message: said.append(message.text))
            view.on("request", lambda request: said.append(request.url))
            view.goto(file.as_uri())
            assert view.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert [re.sub(r"^.*/", "", one) for one in said] == ["page.html", "page.html"]
