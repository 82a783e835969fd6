"""The console's pure parts: the timeline picture, times in words, and the contrast of its colours."""

from __future__ import annotations

import re
from importlib import resources
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.document import Document
from core.times import DAY, HOUR, MINUTE, SECOND, format_rfc3339, optional_rfc3339, parse_rfc3339
from watchkeeper.console.axis import Axis, axis_over
from watchkeeper.console.clocks import ago, stamp
from watchkeeper.console.lanes import lanes
from watchkeeper.console.moments import moment, table
from watchkeeper.console.timeline import MAX_LANES, timeline_svg
from watchkeeper.console.why import did_not_count, node

NOW = parse_rfc3339("2026-11-21T03:12:00Z")
SVG = "{http://www.w3.org/2000/svg}"


def one_alert(
    service: str, start: int | None, end: int | None = None, status: str = "firing", cluster: str = ""
) -> Document:
    return {
        "service": service,
        "environment": "production",
        "cluster": cluster,
        "name": "HighErrorRatio",
        "status": status,
        "starts_at": optional_rfc3339(start),
        "ends_at": optional_rfc3339(end),
        "unknown_since": None,
    }


def picture(
    alerts: list[Document],
    changes: list[Document] | None = None,
    history: list[Document] | None = None,
    origin: str = "",
) -> Document:
    place = {"service": origin, "environment": "production", "cluster": ""} if origin else None
    return {"alerts": alerts, "changes": changes or [], "history": history or [], "origin": place}


def turn(at: int, what: str, actor: str = "rule", detail: str = "") -> Document:
    return {"at": format_rfc3339(at), "what": what, "actor": actor, "reason": "person", "detail": detail}


def drawn(document: Document, now: int = NOW) -> ElementTree.Element:
    return ElementTree.fromstring(str(timeline_svg(document, now)))  # noqa: S314 - our own output


def texts(svg: ElementTree.Element) -> list[str]:
    return [str(element.text) for element in svg.iter(f"{SVG}text")]


def test_nothing_to_draw_is_no_picture() -> None:
    assert timeline_svg(picture([]), NOW) == ""
    assert timeline_svg(picture([one_alert("payments", None)]), NOW) == ""


def test_one_alert_that_fires_reaches_now() -> None:
    svg = drawn(picture([one_alert("payments", NOW - 12 * MINUTE)], origin="payments"))
    [bar] = [e for e in svg.iter(f"{SVG}rect") if e.get("class") == "tl-bar tl-firing"]
    edge = float(str(bar.get("x"))[:-1]) + float(str(bar.get("width"))[:-1])
    assert edge == pytest.approx(100, abs=0.02)
    assert {"payments (probable origin)", "1 firing", "now", "»"} <= set(texts(svg))
    assert [svg[0].tag, svg[1].tag] == [f"{SVG}title", f"{SVG}desc"]
    assert svg.get("role") == "img"
    assert "1 alert on 1 service, 1 firing" in str(svg[1].text)


def test_changes_and_turns_are_labelled_lines() -> None:
    started = NOW - 30 * MINUTE
    deploy = {
        "at": format_rfc3339(started - MINUTE), "kind": "deploy", "service": "payments", "version": "2.4.0",
    }  # fmt: skip
    history = [turn(started, "opened"), turn(started + MINUTE, "acknowledged", "lena"), turn(NOW, "paged")]
    svg = drawn(picture([one_alert("payments", started, NOW, "resolved")], [deploy], history))
    assert {"02:41:00 deploy payments 2.4.0", "02:42:00 opened", "02:43:00 acknowledged by lena"} <= set(
        texts(svg)
    )
    assert [e.get("class") for e in svg.iter(f"{SVG}line")].count("tl-mark") == 2
    assert "resolved" in texts(svg)


def test_three_hundred_services_are_fifteen_lanes_and_a_count() -> None:
    alerts = [one_alert(f"service-{n:03d}", NOW - HOUR + n * SECOND) for n in range(300)]
    svg = drawn(picture(alerts, origin="service-299"))
    names = [e for e in svg.iter(f"{SVG}text") if e.get("class") == "tl-name"]
    assert len(names) == MAX_LANES
    assert names[0].text == "service-299 (probable origin)"
    assert "and 285 more services, in the table below" in texts(svg)


def test_bars_that_touch_are_one_and_lanes_that_read_alike_say_where() -> None:
    alerts = [one_alert("api", NOW + n * SECOND, NOW + n * SECOND, "resolved", "eu") for n in range(50)]
    rows = lanes(picture([*alerts, one_alert("api", NOW, cluster="us")]), touching=2 * SECOND)
    assert [lane.label for lane in rows] == ["api (production, eu)", "api (production, us)"]
    assert [bar.alerts for bar in rows[0].bars] == [50]


instants = st.integers(NOW - 400 * DAY, NOW + 2 * DAY)
places = st.text(st.characters(), max_size=60) | st.sampled_from(["a", "b", '<&"\x00\ufffe\ud800]]>'])
alert_documents = st.builds(
    one_alert,
    places,
    st.none() | instants,
    st.none() | instants,
    st.sampled_from(["firing", "resolved", "unknown", "odd"]),
    places,
)
change_documents = st.fixed_dictionaries(
    {"at": instants.map(format_rfc3339), "kind": places, "service": places, "version": places}
)
turns = st.builds(turn, instants, st.sampled_from(["opened", "resolved", "reopened", "paged"]), places)


@given(
    st.builds(
        picture,
        st.lists(alert_documents, max_size=25),
        st.lists(change_documents, max_size=9),
        st.lists(turns, max_size=12),
        places,
    ),
    instants,
)
def test_every_picture_is_well_formed_and_stays_inside_its_frame(document: Document, now: int) -> None:
    text = str(timeline_svg(document, now))
    if not text:
        return
    svg = ElementTree.fromstring(text)  # noqa: S314 - our own output
    assert {e.tag.removeprefix(SVG) for e in svg.iter()} <= {"svg", "title", "desc", "text", "line", "rect"}
    height = int(str(svg.get("height")))
    for element in svg.iter():
        assert "style" not in element.attrib
        for name in ("x", "x1", "x2", "width"):
            value = element.get(name, "0")
            assert 0 <= float(value.removesuffix("%")) <= 100, (element.attrib, value)
        for name in ("y", "y1", "y2"):
            assert 0 <= int(element.get(name, "0")) <= height
    assert len([e for e in svg.iter(f"{SVG}text") if e.get("class") == "tl-name"]) <= MAX_LANES


@given(instants, st.integers(0, 4_000 * DAY))
def test_an_axis_has_few_round_ticks_inside_it(low: int, span: int) -> None:
    axis = axis_over([low, low + span])
    assert axis is not None
    assert axis.high - axis.low >= MINUTE
    ticks = axis.ticks()
    assert len(ticks) <= 4
    assert all(axis.low <= at <= axis.high for at, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("span", "first"),
    [(40 * SECOND, "03:12:00"), (90 * MINUTE, "03:30"), (30 * HOUR, "21 Nov 12:00"), (9 * DAY, "26 Nov")],
)
def test_ticks_say_the_day_only_when_it_matters(span: int, first: str) -> None:
    assert Axis(NOW, NOW + span).ticks()[0][1] == first


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (0, "just now"),
        (4 * SECOND, "just now"),
        (42 * SECOND, "42 s ago"),
        (12 * MINUTE, "12 min ago"),
        (3 * HOUR + 5 * MINUTE, "3 h 5 min ago"),
        (3 * DAY, "3 d ago"),
        (-10 * MINUTE, "in 10 min"),
    ],
)
def test_how_long_ago(before: int, said: str) -> None:
    assert ago(NOW - before, NOW) == said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-21T03:00:00.000Z", "03:00:00"),
        ("2026-11-20T23:59:59.000Z", "20 Nov 23:59:59"),
        ("2025-01-02T03:04:05.000Z", "2 Jan 2025 03:04:05"),
    ],
)
def test_the_date_is_shown_when_it_is_not_today(text: str, shown: str) -> None:
    found = stamp(text, NOW)
    assert found is not None
    assert (found.machine, found.shown) == (text, shown)
    assert stamp(None, NOW) is None
    assert stamp("yesterday", NOW) is None


@pytest.mark.parametrize(
    ("entry", "how", "who", "words"),
    [
        (("paged", "severity_raised:P0", "rule", "shop-oncall"), "shop-oncall, severity rose to P0", "", ""),
        (("service_joined", "linked", "rule", "cart"), "cart, linked by the rules", "", ""),
        (("acknowledged", "person", "lena", "on it"), "", "lena", "on it"),
        (("new_thing", "some_reason:x", "rule", ""), "some reason x", "", ""),
    ],
)
def test_history_in_words(entry: tuple[str, str, str, str], how: str, who: str, words: str) -> None:
    what, reason, actor, detail = entry
    said = moment(
        {"at": format_rfc3339(NOW), "what": what, "reason": reason, "actor": actor, "detail": detail}, NOW
    )
    assert (said.how, said.who, said.words) == (how, who, words)


def test_the_table_has_the_first_instants_and_counts_the_rest() -> None:
    alerts = [one_alert("api", NOW + n * SECOND, NOW + n * SECOND, "resolved") for n in range(300)]
    rows, more = table(picture(alerts, history=[turn(NOW - SECOND, "opened")]), NOW, 200)
    assert (len(rows), more) == (200, 401)
    assert rows[0].what == "Opened"


def test_a_tree_is_cut_with_a_count_and_keeps_what_did_not_count() -> None:
    def why(summary: str, counted: bool, *children: Document) -> Document:
        return {
            "rule": "dependency-edge", "summary": summary, "counted": counted,
            "hint": "" if counted else "far", "terms": {"gap_ms": 2_000, "confidence": 997},
            "evidence": [f"e{n}" for n in range(9)], "children": list(children),
        }  # fmt: skip

    deep = why("bottom", True)
    for _ in range(30):
        deep = why("level", True, deep)
    tree = node(why("top", True, deep, *[why(f"n{n}", False) for n in range(60)]), {})
    assert (len(tree.children), tree.more_children, tree.more_evidence) == (40, 21, 3)
    assert tree.terms == [("gap", "2 s"), ("confidence", "997/1000")]
    assert {found.hint for found in did_not_count(tree)} == {"far"}
    depth = 0
    while tree.children:
        tree, depth = tree.children[0], depth + 1
    assert (depth, tree.more_children) == (8, 1)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


TEXT_ON = [
    *((text, ground) for text in ("text", "muted", "link", "urgent") for ground in ("ground", "surface")),
    *(("text", f"{name}-ground") for name in ("loud", "quiet", "demo")),
    *((f"p{n}-text", f"p{n}") for n in range(4)),
    ("link", "loud-ground"), ("urgent", "loud-ground"), ("ok", "ok-ground"), ("ok", "surface"),
    ("button-text", "button"), ("text", "sunken"), ("change", "surface"), ("mark", "surface"),
]  # fmt: skip
SHAPES_ON = [(name, "surface") for name in ("firing", "resolved", "unknown", "link", "muted")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_keep_their_contrast(scheme: str) -> None:
    css = (resources.files("watchkeeper.console") / "static" / "console.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", blocks[0 if scheme == "light" else 1]))
    for text, ground in TEXT_ON:
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for shape, ground in SHAPES_ON:
        assert contrast(colours[shape], colours[ground]) >= 3, (shape, ground)
