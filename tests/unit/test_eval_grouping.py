"""The grouping evaluation: its metrics by hand, its baselines, what it reads, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.times import MINUTE, parse_rfc3339
from evals import __main__ as evals_command
from evals.grouping.answers import Answer, Placed, ask, read_answer
from evals.grouping.baselines import BASELINES, alertmanager, cluster_gap, one_each, within_calls
from evals.grouping.cases import Alert, Case, Fault, find_cases, read_case
from evals.grouping.command import main
from evals.grouping.origins import DEPENDED, FIRST, OURS, find_origins, normal
from evals.grouping.partitions import agreement
from evals.grouping.score import final, promptly, score_case
from evals.grouping.summary import bootstrap, evaluation

ROOT = Path(__file__).parent.parent.parent
CASES = ROOT / "evals" / "cases" / "grouping"
OWN = CASES / "overlapping"
TRUE = {"a": 1, "b": 1, "c": 1, "d": 2, "e": 2, "f": 3}
T0 = parse_rfc3339("2026-11-20T09:00:00Z")


def alert(line: int, service: str, second: int, *, name: str = "Down", cluster: str = "c1") -> Alert:
    labels = {"alertname": name, "cluster": cluster, "service": service}
    return Alert(line, labels, T0 + 1_000 * second + 500, T0 + 1_000 * second)


def case(alerts: dict[str, Alert], **changed: Any) -> Case:
    plain = Case(
        name="small",
        folder=OWN,
        alerts=alerts,
        incidents=dict.fromkeys(alerts, "one"),
        keys={(one.line, 0): key for key, one in alerts.items()},
        delivered={one.line: one.delivered_at for one in alerts.values()},
        faults={},
        calls={"web": ("api",), "api": ("db",), "other": ("db",)},
    )
    return plain._replace(**changed)


def test_metrics_of_a_small_partition_by_hand() -> None:
    """Together: ab, cd, ef. Belong together: ab, ac, bc, de. One pair of three is right, of four."""
    found = agreement({"a": 7, "b": 7, "c": 8, "d": 8, "e": 9, "f": 9}, TRUE)
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == pytest.approx(1 / 4)
    assert found.f1 == pytest.approx(2 / 7)
    # Of 15 pairs, chance would have 3 * 4 / 15 = 0.8 right: (1 - 0.8) / (3.5 - 0.8).
    assert found.ari == pytest.approx(0.2 / 2.7)
    assert found.incidents == 3


def test_the_right_partition_scores_one_whatever_its_names() -> None:
    found = agreement({item: f"INC-{group}" for item, group in TRUE.items()}, TRUE)
    assert found == (1.0, 1.0, 1.0, 1.0, 3)


def test_all_in_one_has_full_recall_and_no_better_than_chance() -> None:
    found = agreement(dict.fromkeys(TRUE, "all"), TRUE)
    assert found.precision == pytest.approx(4 / 15)
    assert (found.recall, found.ari, found.incidents) == (1.0, 0.0, 1)


def test_one_each_finds_nothing_unless_nothing_belongs_together() -> None:
    alone = {item: item for item in TRUE}
    assert agreement(alone, TRUE) == (0.0, 0.0, 0.0, 0.0, 6)
    assert agreement(alone, alone) == (1.0, 1.0, 1.0, 1.0, 6)


def test_pairs_counted_from_the_table_are_the_pairs_counted_one_by_one() -> None:
    items = [f"i{number}" for number in range(60)]
    ours = {item: (number * 7_919) % 11 for number, item in enumerate(items)}
    true = {item: (number * 104_729) % 7 for number, item in enumerate(items)}
    pairs = [(a, b) for a in items for b in items if a < b]
    together = {pair for pair in pairs if ours[pair[0]] == ours[pair[1]]}
    wanted = {pair for pair in pairs if true[pair[0]] == true[pair[1]]}
    found = agreement(ours, true)
    assert found.precision == pytest.approx(len(together & wanted) / len(together))
    assert found.recall == pytest.approx(len(together & wanted) / len(wanted))


def test_baselines_group_as_they_say() -> None:
    """web at 0 s and 50 s, api at 40 s, db at 200 s, an unknown service at 210 s; web elsewhere at 0 s."""
    small = case(
        {
            "web": alert(1, "web", 0),
            "far": alert(2, "web", 0, cluster="c2"),
            "api": alert(3, "api", 40),
            "web again": alert(4, "web", 50, name="Slow"),
            "db": alert(5, "db", 200),
            "odd": alert(6, "unlisted", 210),
            "late": alert(7, "web", 510),
        }
    )
    assert len(set(one_each(small).values())) == 7
    same = alertmanager(small)
    assert same["web"] == same["late"] != same["web again"]
    gap = cluster_gap(small)
    assert len({gap[key] for key in ("web", "api", "web again", "db", "odd", "late")}) == 1
    assert gap["far"] != gap["web"]
    one_call = within_calls(1, 5 * MINUTE)(small)
    assert one_call["web"] == one_call["api"] == one_call["web again"] == one_call["db"]
    assert one_call["late"] not in (one_call["web"], one_call["odd"])
    brief = within_calls(2, MINUTE)(small)
    assert brief["web"] == brief["api"] == brief["web again"]
    assert len({brief[key] for key in ("web", "db", "odd", "late", "far")}) == 5


def test_a_gap_of_more_than_five_minutes_begins_a_new_incident() -> None:
    small = case({"a": alert(1, "web", 0), "b": alert(2, "db", 300), "c": alert(3, "web", 601)})
    gap = cluster_gap(small)
    assert gap["a"] == gap["b"] != gap["c"]


def test_two_calls_reach_what_one_does_not() -> None:
    small = case({"web": alert(1, "web", 0), "db": alert(2, "db", 10), "other": alert(3, "other", 200)})
    one, two = within_calls(1, 5 * MINUTE)(small), within_calls(2, 5 * MINUTE)(small)
    assert one["web"] != one["db"] == one["other"]
    assert two["web"] == two["db"] == two["other"]


def test_linking_the_nearest_is_linking_all() -> None:
    """The same as trying every pair."""
    services = ("web", "api", "db", "other", "unlisted")
    alerts = {
        f"k{n}": alert(n + 1, services[n * 7 % 5], n * n * 37 % 4_000, cluster=f"c{n % 2}") for n in range(80)
    }
    small = case(alerts)
    near = {("web", "api"), ("api", "db"), ("other", "db")}
    near |= {(b, a) for a, b in near} | {(service, service) for service in services}
    groups = {key: {key} for key in alerts}
    for a, one in alerts.items():
        for b, other in alerts.items():
            close = abs(one.starts_at - other.starts_at) <= 5 * MINUTE and one.cluster == other.cluster
            if close and (one.service, other.service) in near:
                joined = groups[a] | groups[b]
                for key in joined:
                    groups[key] = joined
    brute = {key: min(group) for key, group in groups.items()}
    assert 1 < len(set(brute.values())) < len(alerts)
    assert agreement(within_calls(1, 5 * MINUTE)(small), brute).ari == 1.0


def test_what_was_decided_late_or_never_stands_alone() -> None:
    small = case({"a": alert(1, "web", 0), "b": alert(2, "web", 1), "c": alert(3, "web", 2)})
    at = small.delivered
    answer = Answer(
        "", (Placed(1, 0, "I", "I", at[1] + 120_000), Placed(2, 0, "I", "J", at[2] + 120_001)), {}
    )
    assert final(small, answer) == {"a": "I", "b": "I", "c": "unplaced c"}
    assert promptly(small, answer) == {"a": "I", "b": "unplaced b", "c": "unplaced c"}
    early = answer._replace(placed=(answer.placed[0], answer.placed[1]._replace(decided_at=at[2])))
    assert promptly(small, early)["b"] == "J"


@pytest.mark.parametrize(
    "name", ["ad", "Ad", "ad-service", "ad-service-1", "ad-pod-0", "ad_deployment", "adservice"]
)
def test_names_of_one_service_are_compared_alike(name: str) -> None:
    assert normal(name) == "ad"


def test_names_that_differ_stay_apart() -> None:
    assert normal("product-catalog") == normal("ProductCatalog") != normal("product")
    assert normal("service") == "service"


def origins_of(ranked: tuple[str, ...], services: tuple[str, ...] = ("db-service-1",)) -> Any:
    small = case(
        {"w": alert(1, "web", 0), "o": alert(2, "other", 1), "d": alert(3, "db", 30)},
        faults={"one": Fault("c1", services)},
    )
    answer = Answer("", tuple(Placed(line, 0, "I", "I", 0) for line in (1, 2, 3)), {"I": ranked})
    return find_origins(small, final(small, answer), answer)[0]


def test_ranks_of_the_origin_ours_and_the_baselines() -> None:
    found = origins_of(("web", "Other", "other", "db"))
    assert found.named
    assert found.ranks == {OURS: 3, FIRST: 3, DEPENDED: 1}
    assert origins_of(("db",)).ranks[OURS] == 1
    assert origins_of(()).ranks[OURS] is None


def test_an_origin_that_nobody_names_is_counted_apart() -> None:
    unnamed = origins_of(("web",), services=("flag-config",))
    assert not unnamed.named
    assert unnamed.ranks == {OURS: None, FIRST: None, DEPENDED: None}


def test_a_fault_is_looked_for_where_most_of_its_alerts_are() -> None:
    alerts = {f"k{n}": alert(n, "web", n) for n in (1, 2, 3)}
    small = case(alerts, faults={"one": Fault("c1", ("web",)), "silent": Fault("c1", ("db",))})
    placed = tuple(
        Placed(line, 0, incident, incident, 0) for line, incident in ((1, "A"), (2, "B"), (3, "B"))
    )
    found = find_origins(small, final(small, Answer("", placed, {})), Answer("", placed, {"B": ("web",)}))
    assert {one.fault: (one.incident, one.ranks[OURS]) for one in found} == {
        "one": ("B", 1),
        "silent": ("", None),
    }


def test_our_own_case_is_scored_as_the_replay_answers_it() -> None:
    read = read_case(OWN)
    assert (len(read.alerts), len(set(read.incidents.values()))) == (9, 3)
    answer = ask(read)
    command = [sys.executable, "-m", "watchkeeper", "replay", str(OWN / "events.jsonl"), "--json"]
    said = subprocess.run(
        [*command, "--catalog", str(OWN / "catalog.yaml")],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert read_answer(json.loads(said.stdout)) == answer
    score = score_case(read, answer)
    assert set(answer.origins) == {placed.incident for placed in answer.placed}
    assert score.rows["ours"].f1 > score.rows["one each"].f1
    assert [one.fault for one in score.found] == ["ledger-disk-full", "thumbnails-deploy"]
    assert all(one.named and one.ranks[OURS] for one in score.found)


def test_a_perfect_answer_has_no_more_to_gain() -> None:
    read = read_case(OWN)
    placed = tuple(
        Placed(one.line, 0, read.incidents[key], read.incidents[key], one.delivered_at)
        for key, one in read.alerts.items()
    )
    origins = {name: fault.services for name, fault in read.faults.items()}
    document = evaluation([score_case(read, Answer("", placed, origins))], "v", "own")
    metrics = document["metrics"]
    for name in ("precision", "recall", "f1", "ari", "within_120s_f1", "origin_top1", "origin_of_all_top3"):
        assert metrics[name] == 1.0
    assert metrics["faults"] == metrics["faults_named"] == 2
    assert metrics["f1_lead"] == pytest.approx(
        1 - max(row.get("f1", 0) for row in document["baselines"].values())
    )
    assert set(document["baselines"]) == {*(name for name, _ in BASELINES), FIRST, DEPENDED}
    assert document["intervals"]["f1"] == [1.0, 1.0]


def test_bootstrap_intervals_hold_the_mean_and_repeat() -> None:
    values = [number / 20 for number in range(21)]
    low, high = bootstrap(values)
    assert 0.25 < low < 0.5 < high < 0.75
    assert bootstrap(values) == [low, high]


def written(folder: Path, name: str, **files: str) -> Path:
    """A copy of our own case with some files replaced; "" leaves one out."""
    place = folder / name
    place.mkdir()
    for file in ("events.jsonl", "catalog.yaml", "truth.json"):
        text = files.get(file.partition(".")[0], (OWN / file).read_text())
        if text:
            (place / file).write_text(text)
    return place


def test_the_command_prints_one_json_object_and_the_raw_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        written(tmp_path, name)
    out = tmp_path / "answers.jsonl"
    assert main(["--cases", str(tmp_path), "--json", "--out", str(out)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["eval", "version", "data", "n", "metrics", "baselines", "intervals"]
    assert (document["eval"], document["n"]) == ("grouping", 2)
    assert document["data"].endswith(", development")
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["case_id"] for row in rows] == ["one", "two"]
    assert {"line", "index", "incident", "first_incident", "decided_at"} == set(rows[0]["alerts"][0])
    assert all(row["origins"] for row in rows)


def test_the_table_shows_ours_beside_every_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cases", str(OWN), "--label", "held-out"]) == 0
    text = capsys.readouterr().out
    for name in ("ours", "ours, within 120 s of delivery", *(name for name, _ in BASELINES), FIRST, DEPENDED):
        assert f"{name}  " in text
    assert "overlapping, held-out: 1 case," in text


def test_whoever_watches_is_told_of_each_case(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--cases", str(OWN), "--json"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["--cases", str(OWN), "--json"]) == 0
    assert capsys.readouterr().err.startswith("1/1 overlapping: f1 ")


EVENT = (OWN / "events.jsonl").read_text().splitlines()[1]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"truth": ""}, "truth.json"),
        ({"truth": "{"}, "truth.json"),
        ({"truth": '{"lines": {"first": "x"}}'}, "truth.json"),
        ({"truth": '{"lines": {"2": 7}}'}, "truth.json"),
        ({"truth": '{"lines": {}}'}, "`lines` is empty"),
        ({"truth": '{"lines": {"2": "x", "99": "y", "0": "z"}}'}, "`lines` names 0, 99"),
        ({"truth": '{"lines": {"1": "a change, not an alert"}}'}, "`lines` names 1"),
        ({"truth": '{"lines": {"2": "x"}, "origins": {"x": "ledger"}}'}, "truth.json"),
        ({"events": "not json\n"}, "line 1"),
        ({"events": EVENT + '\n{"at": "yesterday", "source": "alertmanager", "body": {}}\n'}, "line 2"),
        ({"events": EVENT + '\n{"at": "2026-11-20T09:02:12Z", "body": {"alerts": [7]}}\n'}, "line 2"),
        (
            {"events": EVENT + '\n{"at": "2026-11-20T09:02:12Z", "body": {"alerts": [{"labels": 5}]}}\n'},
            "line 2",
        ),
        ({"catalog": "services: 5\n"}, "catalog.yaml"),
        ({"catalog": ""}, "catalog.yaml"),
    ],
)
def test_a_broken_case_is_one_clear_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], words: str
) -> None:
    place = written(tmp_path, "broken", **files)
    assert main(["--cases", str(place), "--jobs", "1"]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.startswith("watchkeeper eval grouping: ")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_broken_case_among_others_is_named_by_other_processes_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "fine")
    written(tmp_path, "torn", truth="{")
    assert main(["--cases", str(tmp_path), "--jobs", "2"]) == 2
    assert "torn/truth.json" in capsys.readouterr().err


def test_folders_without_cases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        find_cases(tmp_path / "nowhere")
    (tmp_path / "a-file").write_text("")
    with pytest.raises(InputError, match="a file, not a directory"):
        find_cases(tmp_path / "a-file")
    with pytest.raises(InputError, match="no cases in it"):
        find_cases(tmp_path)
    assert find_cases(CASES) == find_cases(OWN) == [OWN]


def test_an_answer_that_cannot_be_written_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--cases", str(OWN), "--out", str(tmp_path / "no" / "such.jsonl")]) == 2
    assert "such.jsonl: cannot be written" in capsys.readouterr().err


def test_evaluations_are_run_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert evals_command.main(["grouping", "--cases", str(OWN), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["eval"] == "grouping"
    assert evals_command.main(["groupin"]) == 2
    assert "groupin" in (said := capsys.readouterr().err)
    assert "grouping" in said
    assert evals_command.main([]) == 2
    assert evals_command.main(["--help"]) == 0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "watchkeeper", "eval", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_program_hands_over_options_output_and_exit_code() -> None:
    listed, unknown, helped = run("--help"), run("nothing"), run("grouping", "--help")
    assert (listed.returncode, unknown.returncode, helped.returncode) == (0, 2, 0)
    assert "bench-core" in listed.stdout
    assert "--cases" in helped.stdout
    assert "nothing" in unknown.stderr
    done = run("grouping", "--cases", str(CASES), "--json", "--jobs", "1")
    assert done.returncode == 0
    assert json.loads(done.stdout)["n"] == 1
    assert run("grouping", "--cases", str(ROOT / "nowhere")).returncode == 2
