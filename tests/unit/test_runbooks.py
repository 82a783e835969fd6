"""Runbooks: the built-in ones, what the loader takes and refuses, and how an operator's join them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from core.errors import InputError
from core.remediation.levels import ACTIONS, Setting, parse_levels
from core.remediation.matching import CHECKS, POINTS
from core.remediation.runbook import BUILTIN, SLOTS, Runbook, Sign, Step, When, overlay, parse_runbooks
from core.rules.schema import Symptom
from watchkeeper.files import builtin_runbooks, runbooks_content

PAGE = (Path(__file__).parent.parent.parent / "docs" / "runbooks.md").read_text()
STEP = {"text": "Look.", "action": "read", "done_when": "You saw it."}
SOUND: dict[str, Any] = {
    "runbook": "mine",
    "title": "Mend {service}",
    "summary": "Mine.",
    "when": {"no_change": True},
    "questions": ["Why?"],
    "evidence": ["The graph since {since}."],
    "steps": [STEP],
}


def text(**changed: Any) -> str:
    return yaml.safe_dump({key: value for key, value in {**SOUND, **changed}.items() if value is not ...})


def of(**changed: Any) -> Runbook:
    [runbook] = parse_runbooks({"mine.yaml": text(**changed)}).runbooks
    return runbook


@pytest.fixture(scope="module")
def builtin() -> tuple[Runbook, ...]:
    return parse_runbooks(builtin_runbooks(), bundle=BUILTIN).runbooks


def test_the_built_in_ones_are_the_six_commonest(builtin: tuple[Runbook, ...]) -> None:
    names = ["dependency-down", "due-soon", "roll-back-deploy", "slow-or-failing", "undo-change", "used-up"]
    assert [runbook.runbook for runbook in builtin] == names


def test_the_built_in_ones_have_enough_in_them_and_not_too_much(builtin: tuple[Runbook, ...]) -> None:
    for runbook in builtin:
        assert 3 <= len(runbook.questions) <= 5, runbook.runbook
        assert 3 <= len(runbook.evidence) <= 6, runbook.runbook
        assert 4 <= len(runbook.steps) <= 7, runbook.runbook
        assert all(question.endswith("?") or "? " in question for question in runbook.questions)


def test_the_built_in_ones_look_first_tell_somebody_and_can_be_undone(builtin: tuple[Runbook, ...]) -> None:
    for runbook in builtin:
        classes = [step.action for step in runbook.steps]
        acts = [n for n, name in enumerate(classes) if name not in ("read", "notify")]
        assert classes[0] == "read", runbook.runbook
        assert "notify" in classes[: acts[0]], f"{runbook.runbook} tells nobody before it acts"
        undoable = [step.text for step in runbook.steps if step.action.startswith("reversible")]
        assert any("To undo it" in step or "To take that back" in step for step in undoable), runbook.runbook


def test_every_symptom_and_kind_of_change_has_a_built_in_runbook(builtin: tuple[Runbook, ...]) -> None:
    signs = {sign for runbook in builtin for sign in runbook.when.symptoms or ()}
    assert signs == {*get_args(Symptom), "unknown"}
    kinds = [kind for runbook in builtin for kind in runbook.when.change or ()]
    assert sorted(kinds) == ["configuration", "deploy", "flag", "infrastructure"]


def test_the_hash_is_of_what_it_says_not_of_how_the_file_is_written() -> None:
    spaced = text().replace("Mine.", "  Mine.\n") + "# a comment\n"
    [other] = parse_runbooks({"b.yaml": spaced}).runbooks
    assert other.digest() == of().digest()
    assert of(summary="Yours.").digest() != of().digest()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"title": "Mend {servcie}"}, "title: unknown slot {servcie}; the slots are {service}"),
        ({"title": "Mend {service"}, "title: a brace that belongs to no slot"),
        ({"title": "Mend {{service}}"}, "title: a brace that belongs to no slot"),
        ({"questions": ["Why {}?"]}, "questions.1: a brace"),
        ({"questions": ["Why {service.__class__}?"]}, "questions.1: a brace"),
        ({"evidence": ["Ok.", "{Service}"]}, "evidence.2: a brace"),
        ({"evidence": ["bell \a"]}, "evidence.1: it holds a character"),
        ({"steps": [{**STEP, "done_when": "{x} is up"}]}, "steps.1.done_when: unknown slot {x}"),
        ({"steps": [{**STEP, "action": "reversable"}]}, "steps.1.action"),
        ({"steps": [{"text": "Look.", "action": "read"}]}, "steps.1.done_when: it is missing"),
        ({"steps": [{**STEP, "command": "rm"}]}, "steps.1.command"),
        ({"steps": []}, "steps: "),
        ({"steps": ...}, "steps: it is missing"),
        ({"questions": "Why?"}, "questions: "),
        ({"questions": []}, "questions: "),
        ({"summary": " \n "}, "summary: empty"),
        ({"summary": "long " * 200}, "summary: 999 characters, more than 600"),
        ({"title": 7}, "title: "),
        ({"runbook": "Mine!"}, "runbook: an id has small letters"),
        ({"runbook": ""}, "runbook: an id has small letters"),
        ({"runbook": "a" * 65}, "runbook: an id has small letters"),
        ({"runbok": "x"}, "runbok: "),
        ({"when": ...}, "when: it is missing"),
        ({"when": {"chnage": ["deploy"]}}, "when.chnage"),
        ({"when": {"change": ["release"]}}, "when.change.1"),
        ({"when": {"change": []}}, "when.change: "),
        ({"when": {"change": "deploy"}}, "when.change: "),
        ({"when": {"symptoms": ["sadness"]}}, "when.symptoms.1"),
        ({"when": {"no_change": False}}, "when.no_change: "),
        ({"when": {"spreads": "often"}}, "when.spreads: "),
        ({"when": {"change": ["flag"], "no_change": True}}, "never hold together"),
        ({"title": "Undo the {change}"}, "{change} needs a change; add `change` to `when`"),
        ({"steps": [{**STEP, "text": "Go back from {version}."}]}, "{version} needs a change"),
    ],
)
def test_a_bad_runbook_says_where(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_runbooks({"mine.yaml": text(**changed)})
    assert says in str(caught.value)
    assert str(caught.value).startswith("mine.yaml")
    assert caught.value.mend


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no runbooks in it"),
        ({"a.yaml": ""}, "a.yaml: not a map of keys"),
        ({"a.yaml": "- one\n"}, "a.yaml: not a map of keys"),
        ({"a.yaml": "runbook: [\n"}, "a.yaml, line 2"),
        ({"a.yaml": text(), "b.yaml": text()}, "b.yaml: runbook 'mine' is already defined in a.yaml"),
    ],
)
def test_a_bad_set_of_files_says_where(files: dict[str, str], says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_runbooks(files)
    assert says in str(caught.value)
    assert caught.value.mend


def test_an_overlay_replaces_the_runbook_of_the_same_id_and_adds_the_others() -> None:
    own = {"x/deploy.yml": text(runbook="roll-back-deploy"), "x/mine.yaml": text()}
    joined = overlay(builtin_runbooks(), own)
    assert "010-roll-back-deploy.yaml" not in joined
    found = {runbook.runbook: runbook for runbook in parse_runbooks(joined).runbooks}
    assert len(found) == 7
    assert found["roll-back-deploy"].summary == found["mine"].summary == "Mine."


def test_an_overlay_loses_no_built_in_by_a_file_name() -> None:
    with pytest.raises(InputError, match="a built-in runbook's file has this name"):
        overlay(builtin_runbooks(), {"x/040-used-up.yaml": text()})
    same = overlay(builtin_runbooks(), {"x/040-used-up.yaml": text(runbook="used-up")})
    assert len(same) == 6


def test_an_overlay_refuses_two_files_of_one_id() -> None:
    with pytest.raises(InputError, match="already defined in"):
        overlay(builtin_runbooks(), {"x/a.yaml": text(), "x/b.yaml": text()})


def test_a_directory_becomes_a_document(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text())
    content = runbooks_content(tmp_path)
    assert content["bundle"] == f"{BUILTIN}+{tmp_path.name}"
    assert len(parse_runbooks(content["files"], bundle=content["bundle"]).runbooks) == 7


def test_the_page_names_every_key_slot_class_and_symptom() -> None:
    for model in (Runbook, When, Step, Setting):
        for name in model.model_fields:
            assert f"`{name}`" in PAGE, name
    for name in (*ACTIONS, *get_args(Symptom), "unknown"):
        assert f"`{name}`" in PAGE, name
    for slot in SLOTS:
        assert f"`{{{slot}}}`" in PAGE, slot
    assert "unknown" in get_args(Sign)


def test_the_page_gives_the_points_and_every_condition_is_checked() -> None:
    assert set(CHECKS) == set(When.model_fields)
    for name, points in POINTS.items():
        assert re.search(rf"\| `{name}` \|.*\| {points} \|", PAGE), name


def test_the_examples_of_the_page_parse() -> None:
    own, levels = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(parse_runbooks(overlay(builtin_runbooks(), {"own.yaml": own})).runbooks) == 7
    assert parse_levels(levels).set
