"""`watchkeeper backtest`: journals and files, what it prints and refuses, and that it changes nothing."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connectors.storage.sqlite_journal import SqliteJournal
from core.errors import InputError, WatchkeeperError
from core.journal import Draft, Record
from tests.backtesting import FAR, NEAR, directory, edges, export, rule, two_services
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.cli import backtest_do, backtest_run
from watchkeeper.cli.backtest_report import CONDITIONS, Asked
from watchkeeper.cli.backtest_run import run
from watchkeeper.cli.main import app

CASES = Path(__file__).parent.parent.parent / "evals" / "cases"


def backtest(*words: Any) -> Result:
    result = CliRunner().invoke(app, ["backtest", *map(str, words)])
    if isinstance(result.exception, WatchkeeperError):
        raise result.exception
    return result


def answer(*words: Any) -> Any:
    result = backtest(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def far(tmp_path: Path) -> Path:
    return directory(tmp_path / "far", edges(FAR))


@pytest.fixture
def near(tmp_path: Path) -> Path:
    return directory(tmp_path / "near", edges(NEAR))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return export(two_services().records, tmp_path / "journal.jsonl")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A journal that somebody else has open to write."""
    journal = write(two_services(), tmp_path / "data")
    yield tmp_path / "data"
    journal.close()


def write(timeline: Timeline, path: Path) -> SqliteJournal:
    path.mkdir()
    journal = SqliteJournal(path)
    for record in timeline.records:
        journal.append([_draft(record)], record.received_at)
    return journal


def _draft(record: Record) -> Draft:
    return Draft(record.kind, record.source, record.payload, record.domain, dict(record.headers))


def test_a_file_and_a_journal_say_the_same(file: Path, data: Path, far: Path) -> None:
    from_file, from_journal = answer(file, "--rules", far), answer("--data", data, "--rules", far)
    for one in (from_file, from_journal):
        del one["compared"]
    assert from_file == from_journal
    assert from_file["groups"]["merged"] == {"groups": 1, "before": 2, "after": 1}
    assert from_file["different"]


def test_reading_changes_nothing(data: Path, far: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}
    answer("--data", data, "--rules", far)
    after = {path: path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}
    ours = [path for path in after if not path.name.endswith(("-wal", "-shm"))]
    assert [after[path] for path in ours] == [before[path] for path in ours]
    assert {path for path in after if path not in before} == set()


def test_the_same_rules_differ_in_nothing(file: Path, near: Path) -> None:
    result = backtest(file, "--rules", near, "--fail-on", "any")
    assert result.exit_code == 0
    assert "Nothing would have been different." in result.stdout


def test_the_text_has_the_table_and_the_reasons(file: Path, far: Path) -> None:
    result = backtest(file, "--rules", far)
    assert result.exit_code == 0
    assert "Incidents merged into one (1)" in result.stdout
    assert "after [dependency-edge] holds: " in result.stdout
    assert "checkout calls payments" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["incidents", "3", "2"] in lines
    assert ["alerts", "3", "3"] in lines


def test_twice_is_the_same_to_the_byte(file: Path, far: Path, tmp_path: Path) -> None:
    pages = [tmp_path / f"{n}.html" for n in range(2)]
    outputs = [backtest(file, "--rules", far, "--json", "--html", page).stdout for page in pages]
    assert outputs[0] == outputs[1]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_two_processes_find_what_one_does(far: Path, near: Path, tmp_path: Path) -> None:
    timeline = two_services()
    name = next(one["id"] for one in timeline.incidents() if one["services"][0]["service"] == "checkout")
    timeline.move(1_300, name, "acknowledged")
    journal = export(timeline.records, tmp_path / "moved.jsonl")
    for baseline in (None, near):
        asked = Asked(journal, None, far, None, baseline)
        plan = backtest_do.plan(asked, backtest_do.source_of(asked), None)
        assert len(plan.specs) == (2 if baseline is None else 3)
        assert run(plan, apart=True) == run(plan, apart=False)


def test_an_error_in_a_process_is_the_users_and_ends_the_others(far: Path, tmp_path: Path) -> None:
    lines = export(two_services().records, tmp_path / "bad.jsonl")
    text = lines.read_text().splitlines()
    lines.write_text("\n".join([*text[:4], "{", *text[4:]]))
    asked = Asked(lines, None, far, None)
    plan = backtest_do.plan(asked, backtest_do.source_of(asked), None)
    with pytest.raises(WatchkeeperError, match=r"bad\.jsonl: line 5: not a JSON object"):
        run(plan, apart=True)


def test_a_process_that_dies_is_said_not_waited_for() -> None:
    result, give = Pipe(duplex=False)
    give.close()
    with pytest.raises(InputError, match="the process that folds `after` ended early"):
        backtest_run._collected([("after", result)])


def test_memory_holds_incidents_and_not_records(tmp_path: Path, near: Path) -> None:
    """One alert that is told again and again, with much to say."""
    peaks = []
    for again in (100, 800):
        timeline = Timeline(rules={})
        for n in range(again):
            timeline.push(n, alert("payments", "SlowQueries", text="x" * 5_000))
        path = export(timeline.records, tmp_path / f"{again}.jsonl")
        asked = Asked(path, None, near, None)
        plan = backtest_do.plan(asked, backtest_do.source_of(asked), None)
        del timeline
        tracemalloc.start()
        found = run(plan, apart=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert [len(one.document["incidents"]) for one in found] == [1, 1]
    assert peaks[1] - peaks[0] < 700 * 5_000 / 4


def test_progress_is_said_of_what_is_large(
    file: Path, far: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("MANY", 2), ("_SAY_EVERY", 0.0), ("_LOOK_EVERY", 1)):
        monkeypatch.setattr(backtest_run, name, value)
    asked = Asked(file, None, far, None)
    run(backtest_do.plan(asked, backtest_do.source_of(asked), None), apart=False)
    said = capsys.readouterr().err.splitlines()
    assert said[0].split()[:3] == ["before", "14", "%"]
    assert said[-1].split()[:5] == ["after", "100", "%", "7", "records,"]
    assert said[-1].endswith(" a second")


def test_a_baseline_is_compared_with_in_place_of_history(file: Path, far: Path, near: Path) -> None:
    found = answer(file, "--rules", near, "--baseline", far)
    assert found["groups"]["split"] == {"groups": 1, "before": 1, "after": 2}
    assert found["compared"]["rules before"] == str(far)
    assert not answer(file, "--rules", far, "--baseline", far)["different"]


def test_a_part_of_a_journal_takes_the_rules_of_the_baseline(far: Path, near: Path, tmp_path: Path) -> None:
    part = export(two_services().records[2:], tmp_path / "part.jsonl")
    with pytest.raises(InputError, match="no rules are in force"):
        backtest(part, "--rules", far)
    shop = tmp_path / "shop.yaml"
    shop.write_text(SHOP)
    words = ["--rules", far, "--baseline", near, "--catalog", shop, "--baseline-catalog", shop]
    found = answer(part, *words)
    assert found["groups"]["merged"]["groups"] == 1
    assert found["notes"] == ["It begins at record 3: what was open then is not known, on neither side."]


def test_since_and_until(file: Path, far: Path) -> None:
    found = answer(file, "--rules", far, "--since", "2026-03-02T08:10:00Z")
    assert (found["incidents"], found["different"]) == ({"before": 1, "after": 1}, False)
    assert answer(file, "--rules", far, "--since", "5m")["incidents"]["before"] == 1
    assert answer(file, "--rules", far, "--since", "2026-03-02")["incidents"]["before"] == 3
    later = answer(file, "--rules", far, "--since", "2026-03-02T08:00:40Z", "--until", "2026-03-02T08:00:41Z")
    assert later["incidents"] == {"before": 0, "after": 0}
    assert any("No incident opened in that time" in note for note in later["notes"])
    early = answer(file, "--rules", far, "--until", "2026-03-02T08:00:20Z")
    assert early["incidents"] == {"before": 1, "after": 1}
    assert not early["different"]


@pytest.mark.parametrize("until", ["2026-03-02T08:04:00Z", ""])
def test_pages_that_wait_at_the_end_are_not_lost(file: Path, tmp_path: Path, until: str) -> None:
    slow = directory(
        tmp_path / "slow", edges(NEAR), rule("notify", wait=dict.fromkeys(("P0", "P1", "P2", "P3"), "20m"))
    )
    pages = answer(file, "--rules", slow, "--until", until)["pages"]
    assert pages["counts"]["later"] > 0
    lost = [one["at_before"] for one in pages["examples"]["lost"]]
    assert not [one for one in lost if one > "2026-03-02T08:16"]


@pytest.mark.parametrize(
    ("condition", "code"),
    [("any", 1), ("incidents-merged", 1), ("incidents-split", 0), ("pages-lost", 0), ("pages-later", 0)],
)
def test_fail_on(file: Path, far: Path, condition: str, code: int) -> None:
    assert backtest(file, "--rules", far, "--fail-on", condition).exit_code == code


def test_fail_on_says_which_and_knows_lower_from_higher(file: Path, tmp_path: Path) -> None:
    low = {"name": "all-low", "severity": "P3", "when": {}}
    quiet = directory(tmp_path / "quiet", edges(NEAR), rule("severity", conditions=[low]))
    result = backtest(file, "--rules", quiet, "--fail-on", "severity-raised")
    assert result.exit_code == 0
    result = backtest(file, "--rules", quiet, "--fail-on", "incidents-new", "--fail-on", "severity-lowered")
    assert result.exit_code == 1
    assert "severity-lowered 3" in result.stderr
    assert "incidents-new" not in result.stderr


def test_every_condition_and_key_is_in_the_docs(file: Path, far: Path) -> None:
    text = (CASES.parent.parent / "docs" / "backtest.md").read_text()
    for name in (*CONDITIONS, *answer(file, "--rules", far)):
        assert f"`{name}`" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "nothing to try"),
        (["--rules", "{far}", "--fail-on", "pages-burnt"], r"unknown condition 'pages-burnt'.*pages-lost"),
        (["--rules", "{far}", "--since", "yesterday"], "'yesterday' is no time"),
        (["--rules", "{far}", "--since", "2026-13-01"], "is no time"),
        (["--rules", "{far}", "--since", "1d", "--until", "2d"], "--until is not after --since"),
        (["--rules", "{far}", "--since", "2026-03-03"], "nothing is in range: the last record is of"),
        (["--rules", "{far}", "--data", "."], "a file and --data"),
        (["--rules", "missing"], "not a directory"),
        (["--rules", "{far}", "--sources", "."], "a journal has its own mappings"),
        (["--catalog", "missing.yaml"], "the catalogue cannot be read"),
    ],
)
def test_wrong_use_is_said_before_anything_is_folded(
    words: list[str], says: str, file: Path, far: Path
) -> None:
    with pytest.raises(InputError, match=says):
        backtest(file, *(word.format(far=far) for word in words))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "no events in it"),
        (b"\n \n", "no events in it"),
        (b"[]\n", "line 1: not a JSON object"),
        (b'{"at":"2026-03-02T08:00:00Z","source":"x"}\n', "line 1: 0 bodies"),
        (b"\xff\xfe\n", "line 1: not UTF-8"),
        (b'\n{"at":"2026-03-02T08:00:00Z","source":"change","body":{}}\n\n{\n', "line 4: not a JSON object"),
    ],
)
def test_files_that_are_none(text: bytes, says: str, tmp_path: Path, far: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(text)
    with pytest.raises(WatchkeeperError, match=says):
        backtest(path, "--rules", far)


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path, far: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="read twice"):
        backtest(tmp_path / "pipe", "--rules", far)
    with pytest.raises(InputError, match="cannot be read"):
        backtest(tmp_path / "missing.jsonl", "--rules", far)
    with pytest.raises(InputError, match="no journal in it"):
        backtest("--data", tmp_path, "--rules", far)


def test_a_page_that_is_there_stays_unless_forced(file: Path, far: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        backtest(file, "--rules", far, "--html", page)
    assert page.read_text() == "mine"
    assert backtest(file, "--rules", far, "--html", page, "--force").exit_code == 0
    assert page.read_text().startswith("<!doctype html>")


def test_a_recording_has_its_catalogue_on_both_sides(tmp_path: Path) -> None:
    case = CASES / "two-troubles"
    words = [case / "events.jsonl", "--catalog", case / "catalog.yaml"]
    apart = directory(tmp_path / "apart", edges("1ms"))
    found = answer(*words, "--rules", apart)
    assert found["groups"]["split"]["groups"] == 1
    with pytest.raises(InputError, match="so nothing differs"):
        backtest(*words)
    flat = tmp_path / "flat.yaml"
    flat.write_text("services: [{name: payments}]\n")
    swapped = answer(*words, "--baseline-catalog", flat)
    assert swapped["different"]
    assert swapped["compared"]["catalogue before"] == str(flat)


def test_a_recording_is_watched_as_long_on_both_sides(tmp_path: Path) -> None:
    """The longer of the two `late_after`: else the end would come on one side only."""
    case = CASES / "bad-deploy"
    short = directory(tmp_path / "short", rule("lifecycle", late_after="1m", clear_after="5m"))
    words = [case / "events.jsonl", "--catalog", case / "catalog.yaml", "--rules", short]
    assert answer(*words)["endings"]["counts"] == {}


def test_a_journal_whose_oldest_records_were_dropped_says_so(far: Path, tmp_path: Path) -> None:
    from core.checkpoint import Checkpoint, checkpoint_draft

    timeline = two_services()
    path = tmp_path / "data"
    path.mkdir()
    journal = SqliteJournal(path, segment_bytes=4_096)
    for record in timeline.records:
        journal.append([_draft(record)], record.received_at)
    state = Checkpoint("t", "t", timeline.engine.state, reason="retention")
    journal.append([checkpoint_draft(state)], timeline.now)
    gone = journal.drop(4)
    assert gone
    found = answer("--data", path, "--rules", far)
    assert "The oldest records are gone" in found["notes"][0]
    assert found["incidents"]["before"] > 0
    journal.close()


def test_hostile_text_cannot_move_the_cursor(tmp_path: Path, far: Path) -> None:
    timeline = Timeline(SHOP, rules={})
    timeline.push(0, alert("payments", "Slow\x1b[2JQueries\u202e"))
    near = directory(
        tmp_path / "near", edges(NEAR), rule("notify", wait=dict.fromkeys(("P0", "P1", "P2", "P3"), "3m"))
    )
    result = backtest(export(timeline.records, tmp_path / "x.jsonl"), "--rules", near)
    assert result.exit_code == 0
    assert "Pages later" in result.stdout
    assert not {"\x1b", "\u202e"} & set(result.stdout)
