"""`watchkeeper rules`: what is in force and what it means; every fault at once; what may not be meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from core.errors import InputError, NotFound
from core.model.catalogue import Catalogue, parse_catalogue
from core.rules.advice import catalogue_advice, circles
from core.rules.loader import BUNDLES, parse_rules, rule_in
from core.rules.meaning import fields_of, models_in, settings_of
from core.rules.schema import RULES, Rule
from core.times import duration_text, parse_duration
from core.yamltext import Strict
from watchkeeper.cli.main import app
from watchkeeper.files import builtin_rules

EXPLAIN = "rule: explain\nsummary: Mine.\nwait: 90s\nagain_after: 1m\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "talk.yaml").write_text(EXPLAIN)
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["rules", *map(str, arguments)])


def printed(*arguments: str | Path) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout)


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for _, info in fields_of(model):
        for inner in models_in(info.annotation):
            yield from _models(inner)


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_field_of_every_rule_has_a_meaning(name: str) -> None:
    silent = {
        f"{model.__name__}.{field}"
        for model in _models(RULES[name])
        for field, info in fields_of(model)
        if field != "rule" and not (info.description or "").strip()
    }
    assert not silent, "say what it means: Field(description=...)"


@pytest.mark.parametrize(("name", "text"), builtin_rules().items())
def test_a_rule_comes_back_from_its_settings(name: str, text: str) -> None:
    """What `explain` shows is what could be written in the file, and means the same."""
    rule = rule_in(text, name)
    shown = {setting.name: setting.value for setting in settings_of(rule) if setting.value is not None}
    again = type(rule).model_validate({"rule": rule.model_dump()["rule"], "summary": rule.summary, **shown})
    assert again == rule


@pytest.mark.parametrize("text", ["0s", "1ms", "90s", "5m", "1h30m", "24h", "7d", "1d1h1m1s1ms"])
def test_durations_are_written_as_they_are_read(text: str) -> None:
    assert parse_duration(duration_text(parse_duration(text))) == parse_duration(text)
    assert duration_text(5_400_000) == "1h30m"


def test_the_list_says_whose_each_rule_is(own: Path) -> None:
    found = printed("list", "--rules", own)
    assert found["bundle"] == f"{BUNDLES[-1]}+rules"
    rows = {row["rule"]: row for row in found["rules"]}
    assert set(rows) == set(RULES)
    assert (rows["explain"]["origin"], rows["explain"]["file"]) == ("yours", "talk.yaml")
    assert rows["notify"]["origin"] == "built-in"
    text = run("list", "--rules", own).output
    assert "explain             yours  (talk.yaml)\n    Mine.\n" in text
    assert f"{len(RULES)} rules in force, 1 of them yours" in text
    assert "0 of them yours" in run("list").output


def test_explain_says_value_unit_meaning_and_what_was_changed(own: Path) -> None:
    found = printed("explain", "explain", "--rules", own)
    settings = {one["name"]: one for one in found["settings"]}
    wait, again = settings["wait"], settings["again_after"]
    assert (wait["value"], wait["builtin"], wait["differs"], wait["unit"]) == (
        "1m30s",
        "15s",
        True,
        "duration",
    )
    assert (again["value"], again["builtin"], again["differs"]) == ("1m", "1m", False)
    text = run("explain", "explain", "--rules", own).output
    assert "wait: 1m30s\n" in text
    assert "    built-in: 15s\n" in text
    assert wait["meaning"] in text
    assert "built-in:" not in run("explain", "explain").output


def test_explain_says_the_keys_inside_and_their_units() -> None:
    text = run("explain", "probable-origin").output
    assert "\nweights: {explains: " in text
    assert "      onset: For having begun first (thousandths)\n" in text
    text = run("explain", "severity").output
    assert "  - {name: not-production, severity: P3, when: {production: false}}" in text
    assert "      *.when.tier_at_most: " in text


def test_a_rule_that_is_not_there_is_guessed_at() -> None:
    done = run("explain", "same-entty")
    assert isinstance(done.exception, NotFound)
    assert str(done.exception) == "no rule 'same-entty'. Did you mean same-entity?"
    assert "In force are identity" in str(run("explain", "xyzzy").exception)


def test_a_broken_directory_is_the_error_of_the_start(own: Path) -> None:
    (own / "talk.yaml").write_text("rule: explain\nsummary: s\nwait: 5\n")
    for command in (("list",), ("explain", "notify")):
        done = run(*command, "--rules", own)
        assert isinstance(done.exception, InputError)
        assert done.exception.where == f"{own / 'talk.yaml'}, line 3"


def test_check_tells_every_problem_at_once_and_answers_no(own: Path) -> None:
    (own / "talk.yaml").write_text("rule: explain\nsumary: s\nwait: 0s\nagain_after: 0s\n")
    (own / "who.yml").write_text("rule: idenity\n")
    (own / "broken.yaml").write_text("a: [\n")
    done = run("check", own)
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert [line.split(": ")[0] for line in lines[:4]] == [
        f"problem  {own}/broken.yaml, line 2, column 1",
        f"problem  {own}/talk.yaml, line 2",
        f"problem  {own}/talk.yaml, line 4",
        f"problem  {own}/who.yml, line 1",
    ]
    assert "did you mean `summary`?" in lines[1]
    assert "`rule: identity`" in lines[3]
    assert lines[-1] == "3 files: 4 problems, no warnings"
    found = printed("check", own)
    assert len(found["problems"]) == 4
    assert all(one["where"] and one["what"] and one["mend"] for one in found["problems"])


def test_check_of_what_is_well_formed(own: Path) -> None:
    done = run("check", own)
    assert (done.exit_code, done.output) == (0, "1 file: no problems, no warnings\n")
    done = run("check", own / "talk.yaml", "--json")
    assert (done.exit_code, json.loads(done.stdout)["warnings"]) == (0, [])
    assert run("check").output == "the built-in rules: no problems, no warnings\n"
    assert run("check", "--rules", own).output == "1 file: no problems, no warnings\n"


def test_check_goes_on_behind_a_file_that_is_not_utf8(own: Path) -> None:
    (own / "a-latin.yaml").write_bytes(b"rule: explain\nsummary: caf\xe9\n")
    (own / "talk.yaml").write_text(EXPLAIN.replace("wait: 90s", "wait: soon"))
    found = printed("check", own)
    assert [one["where"].partition(",")[0] for one in found["problems"]] == [
        str(own / "a-latin.yaml"),
        str(own / "talk.yaml"),
    ]
    assert found["problems"][0]["what"] == "not UTF-8 text"
    assert sorted(found["files"]) == [str(own / "a-latin.yaml"), str(own / "talk.yaml")]
    assert run("check", own / "a-latin.yaml").exit_code == 1


def test_a_wrong_matcher_is_one_fault_with_its_mend(own: Path) -> None:
    times = "from: '2030-01-01T00:00:00Z', to: '2031-01-01T00:00:00Z'"
    text = f"rule: quiet-times\nsummary: Q.\nwindows:\n  - {{name: n, matchers: ['%s'], {times}}}\n"
    mends = {"@nope=x": "Use @service", "@level=banana": "Use critical", "=x": "Write it like"}
    for wrong, mend in mends.items():
        (own / "quiet.yaml").write_text(text % wrong)
        [problem] = printed("check", own)["problems"]
        assert mend in problem["what"]
        assert "the list is empty" not in problem["what"]
    (own / "quiet.yaml").write_text(text.replace("'%s'", ""))
    [problem] = printed("check", own)["problems"]
    assert "the list is empty" in problem["what"]


def test_check_sees_what_two_files_come_to_together(own: Path) -> None:
    (own / "near.yaml").write_text("rule: same-entity\nsummary: s\nwindow: 30s\nsame_alert_window: 1h\n")
    done = run("check", own)
    assert done.exit_code == 1
    assert f"{own}/near.yaml, line 3: same-entity `window` must" in done.output


def test_check_of_a_path_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert isinstance(run("check", tmp_path / "nothing").exception, InputError)
    assert isinstance(run("check", tmp_path).exception, InputError), "no rule file in it"


def test_what_works_but_may_not_be_meant_is_a_warning(own: Path) -> None:
    (own / "talk.yaml").write_text(builtin_rules()["090-explain.yaml"])
    (own / "notes.txt").write_text("not a rule")
    (own / "clocks.yaml").write_text(
        builtin_rules()["060-lifecycle.yaml"].replace("clear_after: 5m", "clear_after: 0s")
    )
    (own / "silent.yaml").write_text("rule: silent-source\nsummary: s\nresends: {prometheus: 30s}\n")
    (own / "pages.yaml").write_text(
        "rule: notify\nsummary: s\nwait: {P0: 10m, P1: 0s, P2: 0s, P3: 0s}\nupdate_after: 1m\n"
    )
    done = run("check", own)
    assert done.exit_code == 0
    for says in (
        f"{own}/notes.txt: not read",
        f"{own}/talk.yaml: says the same as the built-in explain",
        "lifecycle `clear_after` of 0s",
        "silent-source `resends.prometheus` of 30s",
        "notify `wait.P0` of 10m",
    ):
        assert f"warning  {says}" in done.output


def test_what_a_file_loses_of_the_rule_that_it_replaces_is_told_with_its_line(own: Path) -> None:
    (own / "dog.yaml").write_text("rule: watchdog\nsummary: s\nsources: {alertmanager: 10m}\n")
    (own / "silent.yaml").write_text("rule: silent-source\nsummary: s\nresends: {prometheus: 15m}\n")
    said = [line for line in run("check", own).output.splitlines() if "built-in" in line]
    dog, silent = f"warning  {own}/dog.yaml: watchdog", f"warning  {own}/silent.yaml: silent-source"
    kept = "is left out and so empty; to keep the built-in one, write"
    assert said == [
        f"{dog} `alerts` {kept} `alerts: [Watchdog, DeadMansSwitch]`",
        f"{dog} `labels` {kept} `labels: {{watchdog: 'true'}}`",
        f"{silent} `resends` has no alertmanager, grafana, which the built-in rule has; to keep them, write"
        " them there too",
    ]


def test_what_is_written_out_as_empty_is_meant_and_a_long_one_is_to_be_copied(own: Path) -> None:
    (own / "dog.yaml").write_text(
        "rule: watchdog\nsummary: s\nalerts: []\nlabels: {}\nsources: {alertmanager: 5h}\n"
    )
    (own / "words.yaml").write_text("rule: symptom\nsummary: s\ncontained: []\n")
    said = run("check", own).output
    assert "watchdog" not in said
    lost = "symptom `words` is left out and so empty; to keep the built-in one (`rules explain symptom`)"
    assert lost in said


def test_inhibitions_that_hold_each_other_back_are_told(own: Path) -> None:
    (own / "inhibit.yaml").write_text(
        "rule: inhibition\nsummary: s\ninhibitions:\n"
        "  - {name: one, source: ['a=\"1\"'], target: ['a=\"2\"'], equal: [service]}\n"
        "  - {name: two, source: ['a=\"2\"'], target: ['a=\"1\"'], equal: [service]}\n"
    )
    assert "`one` and `two` hold each other back" in run("check", own).output


def test_a_window_that_is_over_is_told(own: Path) -> None:
    (own / "quiet.yaml").write_text(
        "rule: quiet-times\nsummary: s\nwindows:\n"
        '  - {name: moved, matchers: [\'a="1"\'], from: "2020-01-01T00:00:00Z", to: "2020-01-02T00:00:00Z"}\n'
        '  - {name: later, matchers: [\'a="1"\'], from: "2020-01-01T00:00:00Z", to: "9020-01-02T00:00:00Z"}\n'
    )
    said = run("check", own).output
    assert "quiet-times `moved` was over at 2020-01-02T00:00:00.000Z" in said
    assert "later" not in said


def test_check_reads_a_catalogue_too(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("services:\n  - {name: a, depends_on: [b]}\n  - {name: b, depends_on: [a, ghost]}\n")
    bad.write_text("services:\n  - {name: a, teir: 1}\n")
    done = run("check", "--catalog", good)
    assert done.exit_code == 0
    assert f"{good}: a, b depend on each other in a circle" in done.output
    assert "ghost" in done.output
    done = run("check", "--catalog", bad)
    assert done.exit_code == 1
    assert f"problem  {bad}, line 2: services.1.teir" in done.output


def test_foreign_characters_do_not_reach_the_terminal(own: Path) -> None:
    (own / "talk.yaml").write_text('rule: explain\nsummary: "a\\e[31mb\\nc"\nwait: 1s\n"x\\e[2J": 1\n')
    assert "\x1b" not in run("check", own).output
    (own / "talk.yaml").write_text('rule: explain\nsummary: "a\\e[31mb\\nc"\nwait: 1s\n')
    assert "\x1b" not in run("list", "--rules", own).output
    assert "\x1b" not in run("explain", "explain", "--rules", own).output


def graph(*edges: str) -> Catalogue:
    calls: dict[str, list[str]] = {}
    for edge in edges:
        caller, callee = edge.split(">")
        calls.setdefault(caller, []).append(callee)
        calls.setdefault(callee, [])
    rows = "".join(f"  - {{name: {name}, depends_on: {callees}}}\n" for name, callees in calls.items())
    return parse_catalogue("services:\n" + rows)


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        (("a>b", "b>c"), []),
        (("a>b", "b>a"), [("a", "b")]),
        (("a>a", "a>b"), []),
        (("a>b", "b>c", "c>a", "c>d", "d>e", "e>d", "x>a"), [("a", "b", "c"), ("d", "e")]),
        (("a>b", "b>a", "c>b", "a>d", "d>a"), [("a", "b", "d")]),
    ],
)
def test_circles_are_found_whole(edges: tuple[str, ...], found: list[tuple[str, ...]]) -> None:
    assert circles(graph(*edges)) == found


def test_a_long_chain_is_no_circle_and_no_recursion() -> None:
    chain = graph(*(f"s{n:05}>s{n + 1:05}" for n in range(5_000)))
    assert circles(chain) == []
    [ring] = circles(graph(*(f"s{n:05}>s{(n + 1) % 3_000:05}" for n in range(3_000))))
    assert len(ring) == 3_000
    [said] = catalogue_advice(graph(*(f"s{n}>s{(n + 1) % 9}" for n in range(9))), "c.yaml")
    assert said == "c.yaml: s0, s1, s2, s3, s4 and 4 more depend on each other in a circle"


def test_all_bundles_that_ship_are_well_formed() -> None:
    for bundle in BUNDLES:
        assert parse_rules(builtin_rules(bundle), bundle=bundle).bundle == bundle


def test_models_and_rules_are_what_operators_write() -> None:
    assert all(issubclass(model, Rule) and issubclass(model, Strict) for model in RULES.values())
