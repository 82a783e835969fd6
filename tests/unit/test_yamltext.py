"""Operators' YAML: every fault has its line, its path and a way out; values stay what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationInfo, field_validator

from core.errors import CatalogueError, InputError, RoutesError, RuleError
from core.model.catalogue import parse_catalogue
from core.remediation.levels import parse_levels
from core.remediation.runbook import parse_runbook
from core.routing import parse_routes
from core.rules.loader import overlay, parse_rules, rule_problems
from core.rules.schema import RULES
from core.yamlmarks import keys_at, line_of, meant, placed
from core.yamltext import Strict, checked, problems, read_yaml
from watchkeeper.files import builtin_rules, builtin_runbooks


class Wheel(Strict):
    size: int = Field(gt=0, le=30)
    colour: Literal["black", "white"] = "black"


class Cart(Strict):
    name: str
    wheels: tuple[Wheel, ...] = ()
    spare: Wheel | None = None
    notes: tuple[str, ...] | dict[str, str] = ()
    by_name: dict[str, Wheel] = {}

    @field_validator("name")
    @classmethod
    def _short(cls, value: str, info: ValidationInfo) -> str:
        if len(value) > 5:
            raise ValueError("a name has 5 characters at most")
        return value


TEXT = """\
# a cart
name: red

wheels:
  - {size: 20}
  - size: 25
    colour: white
spare:
  size: 20
by_name:
  left:
    size: 10
"""


def fault(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        checked(Cart, read_yaml(text, InputError, "cart.yaml"), InputError, "cart.yaml")
    return caught.value


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1
    return TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "where", "what", "mend"),
    [
        (changed("name: red", "nam: red"), 2, "nam: no such key", "did you mean `name`?"),
        (changed("colour: white", "color: white"), 7, "wheels.2.color: no such key", "`colour`"),
        (changed("colour: white", "colour: whyte"), 7, "wheels.2.colour: it is none of", "`white`"),
        (changed("size: 25", "size: 0"), 6, "wheels.2.size: must be above 0", "Correct"),
        (changed("size: 25", "size: 31"), 6, "wheels.2.size: must be 30 at most", "Correct"),
        (changed("  - {size: 20}", "  - {}"), 5, "wheels.1.size: it is missing", "Add it"),
        (changed("  - {size: 20}", "  - [20]"), 5, "wheels.1", "Correct"),
        (changed("spare:\n  size: 20", "spare:\n  sise: 20"), 9, "spare.sise: no such key", "`size`"),
        (changed("    size: 10", "    size: ten"), 12, "by_name.left.size", "whole number"),
        (changed("name: red", "name: vermilion"), 2, "name: a name has 5 characters at most", "Correct"),
        (TEXT + "notes: 5\n", 13, "notes", "list"),
        (TEXT + "notes:\n  - a\n  - 5\n", 15, "notes.2", "quotes"),
        (TEXT + "xyzzy: 1\n", 13, "xyzzy: no such key", "Remove it, or correct its spelling"),
        (TEXT + "true: 1\n", 13, "true: YAML does not read this key as a text", "quotes"),
        (TEXT + "5: 1\n", 13, "5: YAML does not read this key as a text", "quotes"),
        (changed("name: red", "name: 7"), 2, "name: not a text", "quotes"),
    ],
)
def test_a_fault_has_its_line_its_path_and_a_way_out(text: str, where: int, what: str, mend: str) -> None:
    error = fault(text)
    assert error.where == f"cart.yaml, line {where}"
    assert what in error.what
    assert mend in error.mend


def test_a_key_that_is_misspelt_is_not_told_as_missing_too() -> None:
    [one] = problems(Cart, read_yaml("nme: red\n", InputError, "c"), InputError, "c")
    assert "nme: no such key" in one.what


def test_all_faults_by_line_and_the_first_says_how_many() -> None:
    text = changed("size: 25", "size: 0").replace("  - {size: 20}", "  - {size: 99}") + "xyzzy: 1\n"
    found = problems(Cart, read_yaml(text, RuleError, "cart.yaml"), RuleError, "cart.yaml")
    assert [one.where for one in found] == [f"cart.yaml, line {line}" for line in (5, 6, 13)]
    assert all(isinstance(one, RuleError) for one in found)
    assert "xyzzy: no such key (and 2 more faults)" in fault(text).what
    assert problems(Cart, read_yaml(TEXT, InputError, "c"), InputError, "c") == []


def test_what_was_not_read_from_a_text_has_paths_and_no_lines() -> None:
    with pytest.raises(InputError) as caught:
        checked(Cart, {"name": "a", "wheels": [{"size": 0}]}, InputError, "cart")
    assert caught.value.where == "cart"
    assert "wheels.1.size" in caught.value.what


def test_values_are_what_yaml_says() -> None:
    data = read_yaml(TEXT, InputError, "c")
    assert data == yaml.safe_load(TEXT)
    assert type(data["spare"]) is dict


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=12,
    )
)
def test_lines_are_those_of_the_text(value: Any) -> None:
    """The line of every place in a document is one on which its key or its value begins."""
    text = yaml.safe_dump({"top": value}, allow_unicode=True, default_flow_style=False)
    data = read_yaml(text, InputError, "c")
    assert data == {"top": value}
    lines = len(text.splitlines())
    for place in _places({"top": value}):
        line = line_of(data, place)
        assert line is not None
        assert 1 <= line <= max(lines, text.count("\n"))
    assert line_of(data, ("top",)) == 1
    assert line_of(data, ("nowhere", "else")) == 1


def _places(value: Any, above: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [one for key, below in pairs for one in ((*above, key), *_places(below, (*above, key)))]


def test_a_place_that_is_not_there_has_the_line_around_it() -> None:
    assert placed(TEXT, "c", "wheels", 1, "colour") == "c, line 7"
    assert placed(TEXT, "c", "wheels", 1, "nothing") == "c, line 6"
    assert placed(TEXT, "c", "wheels", 9) == "c, line 4"
    assert placed("[", "c", "wheels") == "c", "what cannot be read has no lines"


def test_the_keys_of_a_place() -> None:
    assert keys_at(Cart, ("x",)) == ("name", "wheels", "spare", "notes", "by_name")
    assert keys_at(Cart, ("wheels", 3, "x")) == ("size", "colour")
    assert keys_at(Cart, ("by_name", "any", "x")) == ("size", "colour")
    assert keys_at(Cart, ("notes", "dict[str,str]", "x")) == ()


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("windw", "window"),
        ("Window", "window"),
        ("same_alert-window", "same_alert_window"),
        ("zzz", None),
        ("", None),
    ],
)
def test_what_a_word_may_have_meant(word: str, found: str | None) -> None:
    assert meant(word, ("window", "same_alert_window", "summary")) == found


RUNBOOK = next(iter(builtin_runbooks().values()))


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (parse_catalogue, "services:\n  - name: a\n    teir: 1\n", "f.yaml, line 3: services.1.teir"),
        (
            parse_catalogue,
            "services:\n  - {name: a}\n  - {name: b}\n  - {name: a}\n",
            "f.yaml, line 4: services.3",
        ),
        (
            parse_catalogue,
            "services:\n  - {name: a}\n  - name: b\n    aliases: [a]\n",
            "f.yaml, line 4: services.2.aliases",
        ),
        (parse_levels, "default: 1\nset:\n  - level: 2\n    servce: a\n", "f.yaml, line 4: set.1.servce"),
        (parse_levels, "default: 4\n", "f.yaml, line 1: default: level 4"),
        (parse_routes, "routes:\n  - receiver: a\n    mach: {}\n", "f.yaml, line 3: routes.1.mach"),
        (parse_routes, "routes:\n  - match: {}\n", "f.yaml, line 2: routes.1.receiver: it is missing"),
        (parse_runbook, RUNBOOK.replace("questions:", "question:"), "question: no such key"),
    ],
)
def test_every_document_of_an_operator_names_the_line(read: Any, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text, "f.yaml")
    assert says in str(caught.value)
    assert "f.yaml, line " in str(caught.value)


def test_a_mend_of_the_catalogue_counts_as_its_fault_does() -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue("services:\n  - {name: a}\n  - {name: a}\n", "f.yaml")
    assert "services.2" in caught.value.what
    assert caught.value.mend == "Join it with services.1"


def test_routes_are_refused_as_routes() -> None:
    with pytest.raises(RoutesError):
        parse_routes("routes: 5\n")


def overlaid(name: str, text: str) -> RuleError:
    with pytest.raises(RuleError) as caught:
        parse_rules(overlay(builtin_rules(), {name: text}))
    return caught.value


@pytest.mark.parametrize(
    ("text", "where", "what", "mend"),
    [
        ("# mine\nrule: same-entty\n", 2, "unknown rule 'same-entty'", "`rule: same-entity`"),
        ("summary: s\n", 1, "unknown rule None", "Begin the file with `rule:`"),
        ("rule: [same-entity]\n", 1, "unknown rule ['same-entity']", "rule"),
        ("rule: explain\nsummary: s\nwait: 10s\nagain_after: 0s\n", 4, "0s is no window", "Correct"),
        ("rule: explain\nsummary: s\nwait: 10\n", 3, "write a duration with its unit", "Correct"),
        ("rule: explain\nsummary: s\nwait: 400d\n", 3, "longer than 366d", "Correct"),
        ("rule: explain\nsummary: s\nagain_after: 32d\n", 3, "31d at most", "Correct"),
        ("rule: explain\nsummary: s\nagain_aftr: 5m\n", 3, "again_aftr: no such key", "`again_after`"),
        ("rule: explain\n", 1, "summary: it is missing", "Add it"),
        (
            "rule: same-entity\nsummary: s\nsame_alert_window: 1h\nwindow: 1ms\n",
            4,
            "same-entity `window`",
            "",
        ),
    ],
)
def test_a_rule_file_names_the_line(text: str, where: int, what: str, mend: str) -> None:
    error = overlaid("own/x.yaml", text)
    assert error.where == f"own/x.yaml, line {where}"
    assert what in error.what
    assert mend in error.mend


def test_every_rule_refuses_a_key_that_it_does_not_know() -> None:
    for name, text in builtin_rules().items():
        [one] = rule_problems({}, {name: text + "surprise: 1\n"})
        assert "surprise: no such key" in one.what
        assert one.where.startswith(f"{name}, line ")
    assert {read_yaml(text, RuleError, "r")["rule"] for text in builtin_rules().values()} == set(RULES)


def test_all_problems_of_all_files_are_told_at_once() -> None:
    own = {
        "a.yaml": "rule: explain\nsummary: s\nwait: 5\nagain_after: 0s\n",
        "b.yaml": "rule: nothing\n",
        "c.yaml": "rule: [",
        "d.yaml": "rule: explain\nsummary: s\n",
    }
    found = [str(one) for one in rule_problems(builtin_rules(), own)]
    assert [one.partition(":")[0] for one in found] == [
        "a.yaml, line 3",
        "a.yaml, line 4",
        "b.yaml, line 1",
        "c.yaml, line 1, column 8",
        "d.yaml, line 1",
    ]
    assert "already defined in a.yaml" in found[-1]
    assert rule_problems(builtin_rules(), {"d.yaml": own["d.yaml"]}) == []


def test_a_file_with_the_name_of_another_rules_file_is_refused() -> None:
    """It would silently take the place of a rule that it is not."""
    error = overlaid("own/010-same-entity.yaml", "rule: explain\nsummary: s\n")
    assert error.where == "own/010-same-entity.yaml"
    assert "another rule has this name" in error.what


def test_two_files_of_one_rule_are_refused() -> None:
    text = "rule: explain\nsummary: s\n"
    with pytest.raises(RuleError, match=r"already defined in own/a\.yaml"):
        overlay(builtin_rules(), {"own/a.yaml": text, "own/b.yaml": text})


def test_a_large_catalogue_costs_no_lines_until_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are looked up once, and only then."""
    looked: list[int] = []
    compose = yaml.compose

    def counted(*arguments: Any, **keywords: Any) -> Any:
        looked.append(1)
        return compose(*arguments, **keywords)

    monkeypatch.setattr(yaml, "compose", counted)
    text = "services:\n" + "".join(f"  - {{name: s{number}}}\n" for number in range(300))
    assert len(parse_catalogue(text, "large").services) == 300
    assert looked == []
    with pytest.raises(CatalogueError, match="line 302"):
        parse_catalogue(text + "  - {nam: a, tier: x}\n", "large")
    assert looked == [1]


def test_the_shipped_files_are_well_formed() -> None:
    root = Path(__file__).parent.parent.parent
    files = [*root.glob("core/rules/builtin@*/*.yaml"), *root.glob("core/remediation/builtin@*/*.yaml")]
    assert files
    assert all(isinstance(read_yaml(path.read_text(), InputError, path.name), dict) for path in files)
