"""What agents say, and the plans, on an incident's page: with evidence, marked by how it was made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agents.nodes import alone
from agents.roles import NARRATOR
from agents.task import Tools
from core.model.document import Document
from core.model.note import note_json, reach_of
from tests.timeline import SHOP, Timeline, alert, time
from tests.unit.test_console import Browser, FakeWatch, check_page, outage, path_of
from watchkeeper.console.evidence import evidence_names
from watchkeeper.console.incident_view import said
from watchkeeper.console.notes_view import how_made, past_view

MODEL = {"made_by": "model", "model": "gpt-x", "prompt": "narrator@1", "dropped": 1}


def note(author: str, kind: str, *lines: tuple[str, list[str]], **more: Any) -> Document:
    """As the engine gives it, with tuples; from history they come back as lists."""
    told = tuple({"text": text, "evidence": tuple(evidence)} for text, evidence in lines)
    made = {
        "made_by": "template",
        "reason": "no model is configured",
        "model": "",
        "prompt": "",
        "dropped": 0,
    }
    text = " ".join(text for text, _ in lines)
    found = {"author": author, "kind": kind, "lines": told, "past": [], "choice": "", "text": text}
    return {"at": time(90), **made, **found, **more}


def plan(number: int, **more: Any) -> Document:
    reason = {
        "rule": "runbook", "summary": "it fits payments", "counted": True, "hint": "",
        "terms": {"score": 999}, "evidence": [], "children": [],
    }  # fmt: skip
    return {
        "id": f"pln-{number}",
        "runbook": "roll-back-deploy",
        "title": f"Roll back {number}",
        "service": "payments",
        "environment": "production",
        "cluster": "",
        "level": 1,
        "reason": reason,
        "questions": ["Can it go back?"],
        "evidence": ["The first error message."],
        "checklist": [],
        "withheld": 6,
        **more,
    }


def step(action: str) -> Document:
    return {"number": 1, "text": f"Do it: {action}", "action": action, "done_when": "It is done."}


def explained(document: Document) -> Document:
    """With a note of every agent, a comment of a person and two plans."""
    alert, change = document["alerts"][0]["episode"], document["changes"][0]["id"]
    stands_on = [document["id"], alert, "ep-gone"]
    past: Document = {
        "id": "INC-20260101-AAAAAA",
        "title": "payments: HighErrorRatio",
        "at": time(-86_400),
        "match": 812,
        "shared": ["errors where it began", "payments"],
        "ending": "roll-back of payments 2.3.0",
    }
    roles = [{**one, "role": "suspect"} for one in document["changes"]]
    repair = {**document["changes"][0], "id": "chg-repair", "version": "2.3.9", "role": "repair"}
    return document | {
        "explained": "done",
        "changes": [*roles, repair],
        "plans": [plan(1), plan(2, level=2, withheld=1, checklist=[step("read"), step("irreversible")])],
        "annotations": [
            {"at": time(60), "author": "ana", "kind": "comment", "text": "Looking."},
            note("narrator", "narrative", ("Payments began to fail at 08:00.", stands_on), **MODEL),
            note("retriever", "past-incidents", ("Once before.", [past["id"]]), past=[past]),
            note("risk-analyst", "deploy-risk", ("The deploy came first.", [change])),
            note("planner", "plan", ("Begin with the second plan.", ["pln-2"]), choice="pln-2", **MODEL),
        ],
    }


@pytest.fixture
def html() -> str:
    watch = FakeWatch(outage(), explained)
    found = Browser(watch).get(path_of(watch)).text
    check_page(found)
    return found


def section(html: str, name: str) -> str:
    return html.partition(f'data-live="{name}"')[2].partition("</section>")[0]


def test_sections_come_in_the_order_of_need(html: str) -> None:
    order = ["head", "act", "short", "answers", "past", "plans", "changes", "timeline", "notes"]
    places = [html.find(f'data-live="{name}"') for name in order]
    assert -1 not in places
    assert places == sorted(places)


def test_in_short_has_evidence_and_says_how_it_was_made(html: str) -> None:
    short = section(html, "short")
    assert "Payments began to fail at 08:00." in short
    assert '<a href="#alert-' in short
    assert '<span title="ep-gone">2<span class="hidden">: ep-gone</span></span>' in short
    made = "Written by gpt-x with prompt narrator@1; each sentence was checked against the facts; 1 dropped."
    assert made in short


@pytest.mark.parametrize(("made_at", "said"), [(90, True), (500, False), (None, False)])
def test_in_short_says_as_of_when_it_is_once_the_severity_is_another(made_at: int | None, said: bool) -> None:
    """Of what was made before; a stand-in is made when it is read."""

    def written(document: Document) -> Document:
        worse = {"at": time(400), "what": "severity", "actor": "rule", "reason": "critical", "detail": "P0"}
        at = None if made_at is None else time(made_at)
        told = note("narrator", "narrative", ("It is P1.", []), **MODEL, at=at)
        return document | {"annotations": [told], "history": [*document["history"], worse]}

    watch = FakeWatch(outage(), written)
    html = Browser(watch).get(path_of(watch)).text
    check_page(html)
    short = section(html, "short")
    assert "It is P1." in short
    assert ("the severity has changed since then; it is P0 now." in short) is said
    assert ("As of" in short) is said


@pytest.mark.parametrize(("made_at", "said"), [(90, True), (500, False)])
def test_in_short_says_as_of_when_it_is_once_somebody_has_it(made_at: int, said: bool) -> None:
    def written(document: Document) -> Document:
        line: tuple[str, list[str]] = ("Nobody has acknowledged it yet.", [])
        told = note("narrator", "narrative", line, **MODEL, at=time(made_at))
        return document | {"annotations": [told]}

    t = outage()
    t.move(400, t.incidents()[0]["id"], "acknowledged")
    watch = FakeWatch(t, written)
    short = section(Browser(watch).get(path_of(watch)).text, "short")
    assert ("it is acknowledged by now." in short) is said
    assert "the severity has changed" not in short


def narrated(made_by: str) -> tuple[Timeline, Browser, str]:
    """An incident of four alerts of which three have ended since the narrator spoke, on the real page."""
    t = Timeline(SHOP)
    t.push(0, *(alert("payments", name) for name in ("A", "B", "C", "D")))
    t.wait(60)
    then = t.incidents()[0]
    said = alone(NARRATOR, Tools(then), "no model is configured").note
    if made_by == "model":
        said = msgspec.structs.replace(said, made_by="model", model="gpt-x", reason="", reach=reach_of(then))
    recorded = {"at": time(60), **note_json(said)}
    t.push(100, *(alert("payments", name, ends=95) for name in ("A", "B", "C")))
    watch = FakeWatch(t, lambda document: document | {"annotations": [recorded]})
    return t, Browser(watch), path_of(watch)


def test_what_a_template_says_in_short_never_contradicts_the_head() -> None:
    t, browser, path = narrated("template")
    html = browser.get(path).text
    check_page(html)
    assert "4 alerts (1 firing)" in section(html, "head")
    short = section(html, "short")
    assert "Of these, 1 alert still fires." in short
    assert "Of these, 4 alerts still fire" not in short
    assert "Written from the facts by a template: no model is configured." in short
    assert "As of" not in short
    t.push(200, alert("payments", "D", ends=195))
    html = browser.get(path).text
    assert "(all resolved)" in section(html, "head")
    assert "None of its alerts is firing at the moment" in section(html, "short")


def test_what_a_model_said_before_alerts_ended_says_so_first() -> None:
    t, browser, path = narrated("model")
    html = browser.get(path).text
    check_page(html)
    short = section(html, "short")
    news = "3 alerts have ended since then; of 4 alerts 1 fires now."
    assert 0 < short.index("As of") < short.index(news) < short.index("Of these, 4 alerts still fire")
    t.push(200, alert("payments", "D", ends=195), alert("payments", "E", starts=190))
    t.push(210, alert("payments", "E", starts=190, ends=205))
    short = section(browser.get(path).text, "short")
    assert "1 alert has joined, 5 alerts have ended since then; of 5 alerts none fires now." in short


def test_what_a_model_said_of_alerts_as_they_are_needs_no_time() -> None:
    t = outage()
    told = note(
        "narrator", "narrative", ("So.", []), **MODEL, reach=msgspec.to_builtins(reach_of(t.incidents()[0]))
    )
    watch = FakeWatch(t, lambda document: document | {"annotations": [told]})
    assert "As of" not in section(Browser(watch).get(path_of(watch)).text, "short")


def test_in_short_says_nothing_of_when_while_the_severity_is_the_same(html: str) -> None:
    assert "As of" not in section(html, "short")


@pytest.mark.parametrize(
    ("more", "made"),
    [
        ({}, "Written from the facts by a template: no model is configured."),
        ({"reason": ""}, "Written from the facts by a template."),
        (
            {"reason": "the model did not answer within 20 s", "model": "gpt-x", "prompt": "planner@1"},
            "Written from the facts by a template: the model did not answer within 20 s"
            " (gpt-x with prompt planner@1 was asked).",
        ),
        (
            {**MODEL, "dropped": 0},
            "Written by gpt-x with prompt narrator@1; each sentence was checked against the facts.",
        ),
    ],
)
def test_how_a_note_was_made(more: Document, made: str) -> None:
    assert how_made(note("narrator", "narrative", ("So.", []), **more)) == made


def test_what_was_seen_before_says_what_is_alike_and_what_ended_it(html: str) -> None:
    seen = section(html, "past")
    assert 'href="/incidents/INC-20260101-AAAAAA"' in seen
    assert "<strong>812/1000</strong>, in common: errors where it began, payments" in seen
    assert "What ended it: roll-back of payments 2.3.0" in seen


def test_what_a_template_says_of_the_cards_is_not_said_twice(html: str) -> None:
    assert "Once before." not in section(html, "past")
    assert "Written from the facts by a template" in section(html, "past")
    watch = FakeWatch(outage(), lambda document: _without_past(explained(document)))
    assert "Once before." in section(Browser(watch).get(path_of(watch)).text, "past")


def _without_past(document: Document) -> Document:
    notes = [{**one, "past": []} if "past" in one else one for one in document["annotations"]]
    return document | {"annotations": notes}


def test_a_recurrence_is_seen_before_unless_the_retriever_has_it() -> None:
    past = {"id": "INC-1", "title": "t", "at": time(0), "match": 1, "shared": [], "ending": ""}
    found = note("retriever", "past-incidents", past=[past])
    assert [row.id for row in past_view(found, "INC-1", 0)] == ["INC-1"]
    assert [(row.id, row.match) for row in past_view(found, "INC-2", 0)] == [
        ("INC-2", ""),
        ("INC-1", "1/1000"),
    ]


def test_plans_are_shown_and_never_executed(html: str) -> None:
    plans = section(html, "plans")
    assert "Nothing is executed; you do it." in plans
    assert "Begin with the second plan." in plans
    first, _, second = plans.partition('id="pln-2"')
    assert "Level 1: questions to ask and evidence to look at" in first
    assert "6 steps are not shown at this level" in first
    assert "Level 2: with a checklist" in second
    assert "the planner puts it first" not in first
    assert "the planner puts it first" in second
    assert "1 step is not shown at this level" in second
    assert '<span class="action">(only looks)</span>' in second
    assert '<span class="action grave">(cannot be undone)</span>' in second
    assert "Done when: It is done." in second
    assert "<form" not in plans
    assert "<button" not in plans


def test_changes_have_their_role_and_their_risk(html: str) -> None:
    changes = section(html, "changes")
    assert "The change and its risk" in changes
    assert "The deploy came first." in changes
    assert changes.index("Suspect") < changes.index("Probable repair")
    assert "</strong>: the alerts ended after it" in changes


def test_people_are_told_apart_from_agents(html: str) -> None:
    notes = section(html, "notes")
    assert "Looking." in notes
    assert "narrator" not in notes
    watch = FakeWatch(outage(), lambda d: d | {"annotations": [_posing("narrator"), _posing("oracle")]})
    notes = section(Browser(watch).get(path_of(watch)).text, "notes")
    assert "I pose as narrator" in notes
    assert "I pose as oracle" in notes


def _posing(author: str) -> Document:
    return {"at": time(60), "author": author, "kind": "narrative", "text": f"I pose as {author}"}


@pytest.mark.parametrize(("state", "shown"), [("pending", True), ("none", False), ("done", False)])
def test_what_is_not_written_yet_is_said_so(state: str, shown: bool) -> None:
    watch = FakeWatch(outage(), lambda document: document | {"explained": state, "annotations": []})
    assert ("Being written…" in Browser(watch).get(path_of(watch)).text) is shown


def test_a_document_of_before_is_shown_as_ever() -> None:
    def old(document: Document) -> Document:
        gone = ("plans", "explained", "annotations")
        kept = {key: value for key, value in document.items() if key not in gone}
        rows = [{k: v for k, v in one.items() if k != "symptom"} for one in kept["alerts"]]
        changes = [{k: v for k, v in one.items() if k != "role"} for one in kept["changes"]]
        return kept | {"alerts": rows, "changes": changes}

    watch = FakeWatch(outage(), old)
    text = check_page(Browser(watch).get(path_of(watch)).text).text
    assert "What changed" in text
    assert "What to do" not in text
    assert "In short" not in text


def test_the_sentence_that_is_read_out() -> None:
    watch = FakeWatch(outage(), explained)
    document = watch.incident(watch.only)
    assert said(document) == "3 alerts, 3 firing; P0; triggered; explained"
    watch.timeline.move(400, watch.only, "acknowledged", "ana")
    watch.change = lambda document: document
    assert said(watch.incident(watch.only)) == "3 alerts, 3 firing; P0; acknowledged by ana"


def test_evidence_of_what_the_page_cuts_leads_nowhere() -> None:
    watch = FakeWatch(outage())
    document = watch.incident(watch.only)
    names = evidence_names(document, [])
    assert {names[alert["episode"]].anchor for alert in document["alerts"]} == {""}
    finding = document["findings"][0]
    assert names[finding["id"]].anchor == finding["id"]
    assert names[finding["id"]].label.startswith("finding: ")


def test_the_report_is_a_file_with_a_safe_name() -> None:
    watch = FakeWatch(outage())
    answer = Browser(watch).get(f"{path_of(watch)}/report.md")
    assert answer.headers["content-disposition"] == f'attachment; filename="{watch.only}.md"'
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text == f"# {watch.only}: é\n"
    assert Browser(watch).get("/incidents/INC-none/report.md").status_code == 404


def test_an_open_page_knows_what_it_needs_to_follow() -> None:
    watch = FakeWatch(outage())
    browser = Browser(watch)
    for path, page in (("/?status=all", "list"), (f"{path_of(watch)}?refresh=off", watch.only)):
        found = check_page(browser.get(path).text)
        body = next(attributes for tag, attributes in found.attributes if tag == "body")
        assert (body["data-page"], body["data-url"], body["data-version"]) == (page, path, "9.9.9")
        assert body["data-said"]
        assert found.count("script") == 1
        assert {"live-state", "live-pause", "live-said", "live-lost"} <= set(found.values("id"))
    first = watch.incident(watch.only)["alerts"][0]
    for path in (f"{path_of(watch)}/alerts/{first['line']}/{first['index']}", "/incidents/INC-none"):
        assert check_page(browser.get(path).text).count("script") == 0


def test_the_script_is_served_and_writes_no_markup() -> None:
    answer = Browser(FakeWatch(outage())).get("/static/console.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.text.count("\n") <= 300
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "http:", "https:"):
        assert word not in answer.text
