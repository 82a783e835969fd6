"""`watchkeeper eval risk`: both layouts read, halves by time, figures by hand, and what it refuses."""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.risk import figures as plain
from core.risk.solve import logistic
from evals import __main__ as evals_command
from evals.risk import command, rankers
from evals.risk.bootstrap import figures, interval, ranked
from evals.risk.commits import load, read
from evals.risk.rankers import LINES, LOGISTIC, OURS, Scored

KAMEI = "transactionid,commitdate,ns,nm,nf,entropy,la,ld,lt,fix,ndev,pd,npt,exp,rexp,sexp,bug"
APACHE = "commit_id,project,buggy,fix,year,author_date,la,ld,nf,nd,ns,ent,ndev,age,nuc,aexp,arexp,asexp"
START = datetime(2020, 1, 1, tzinfo=UTC)


def kamei(folder: Path, count: int = 200, name: str = "one", seed: int = 1) -> Path:
    """Commits in the form of Kamei's files, not in the order of time."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        la, lt, nf = round(rng.lognormvariate(3, 1.5)), rng.randrange(1, 400), rng.randrange(1, 5)
        defect = int(rng.random() < logistic(math.log1p(la) - 3.6))
        at = (START + timedelta(hours=number)).strftime("%Y/%m/%d %H:%M")
        rows.append(
            f"{number},{at},1,1,{nf},0.5,{la / lt / nf},0,{lt},0,{rng.randrange(1, 9)},3,0.5,9,4.5,9,{defect}"
        )
    rng.shuffle(rows)
    path = folder / f"{name}.csv"
    path.write_text("\n".join([KAMEI, *rows]) + "\n")
    return path


def apache(folder: Path, count: int = 200) -> Path:
    rng = random.Random(3)
    rows = [APACHE]
    for number in range(count):
        la, project = round(rng.lognormvariate(3, 1.5)), rng.choice(("a/one", "a/two"))
        defect = rng.random() < logistic(math.log1p(la) - 4 + (project == "a/two"))
        moment = int((START + timedelta(hours=number)).timestamp())
        rows.append(f"c{number},{project},{defect},True,2020,{moment},{la},2,1,1,1,0.0,2,3.5,1,8,2.5,1")
    path = folder / "apache.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_kameis_parts_become_counts_again(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    filler = [f"{n},2001/1/{1 + n % 9} 1:05,1,1,1,0,1,0,5,0,1,1,1,1,1,1,{n % 2}" for n in range(40)]
    path.write_text(
        "\n".join(
            [KAMEI, "7,2000/3/9 9:06,1,2,3,0.9,0.25,0.5,4,1,14,596,0.666666667,143,133.5,129,1", *filler]
        )
    )
    first = read(path).commits[0]
    assert (first.case_id, first.project, first.defect) == ("7", "x", True)
    assert first.at == int(datetime(2000, 3, 9, 9, 6, tzinfo=UTC).timestamp() * 1000)
    found = first.features
    assert (found.la, found.ld, found.lt, found.nf, found.nd, found.nuc) == (3.0, 6.0, 4.0, 3.0, 2.0, 2.0)
    assert (found.fix, found.ndev, found.age, found.exp, found.rexp) == (1.0, 14.0, 596.0, 143.0, 133.5)


def test_lines_stand_as_they_are_where_files_were_empty(tmp_path: Path) -> None:
    path = kamei(tmp_path)
    path.write_text(path.read_text() + "900,2030/1/1 1:00,1,1,2,0,21,18,0,0,1,1,1,1,1,1,1\n")
    assert (read(path).commits[-1].features.la, read(path).commits[-1].features.ld) == (21, 18)


def test_apaches_columns(tmp_path: Path) -> None:
    data = read(apache(tmp_path))
    one = next(one for one in data.commits if one.case_id == "c5")
    assert one.project in ("a/one", "a/two")
    assert (one.features.entropy, one.features.exp, one.features.rexp, one.features.sexp) == (0.0, 8, 2.5, 1)
    assert one.features.lt is None
    assert one.features.fix == 1
    assert one.at == int((START + timedelta(hours=5)).timestamp() * 1000)


def test_halves_are_by_time_and_one_moment_is_not_parted(tmp_path: Path) -> None:
    path = kamei(tmp_path, 100)
    data = read(path)
    assert len(data.earlier) == len(data.later) == 50
    assert max(one.at for one in data.earlier) < min(one.at for one in data.later)
    middle = data.commits[50].at
    same = datetime.fromtimestamp(middle / 1000, UTC)
    before = (same - timedelta(hours=1)).strftime("%Y/%m/%d %H:%M")
    path.write_text(path.read_text().replace(before, same.strftime("%Y/%m/%d %H:%M")))
    assert len(read(path).earlier) == 49


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("transactionid", "key", "no known layout.*lacks transactionid"),
        ("0.5,", "half,", "line .*entropy: 'half'"),
        ("0.5,", "nan,", "entropy: 'nan'"),
        ("2020/", "soon/", "commitdate: 'soon/"),
        ("0.5,", "1e300,", "not a number of use"),
    ],
)
def test_what_cannot_be_read_names_file_line_and_column(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = kamei(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=words) as raised:
        read(path)
    assert str(path) in str(raised.value)


def test_too_little_to_score_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="12 commits are too few"):
        read(kamei(tmp_path, 12))
    path = kamei(tmp_path)
    rows = [row[:-1] + "0" for row in path.read_text().splitlines()[1:]]
    path.write_text("\n".join([KAMEI, *rows]))
    with pytest.raises(InputError, match="all of one label"):
        read(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no CSV file"):
        load(tmp_path / "empty")
    with pytest.raises(InputError, match="no such folder"):
        load(tmp_path / "none")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"bytes\.csv"):
        read(tmp_path / "bytes.csv")


def recall_at_effort(
    keys: Sequence[float], efforts: Sequence[float], labels: Sequence[bool], part: float = 0.2
) -> float:
    """Of the defects, those found when changes are read by falling `keys` until `part` of all effort is
    spent; the change at which it runs out does not count. Equal keys: the smaller effort first."""
    budget, hits = part * math.fsum(efforts), sum(labels)
    spent, found = 0.0, 0
    for i in sorted(range(len(keys)), key=lambda i: (-keys[i], efforts[i])):
        spent += efforts[i]
        if spent > budget:
            break
        found += labels[i]
    return found / hits if hits else 0.0


def test_the_plain_recall_by_hand() -> None:
    assert recall_at_effort([3, 2, 1], [10, 10, 80], [True, True, True]) == pytest.approx(2 / 3)
    assert recall_at_effort([1, 2, 3], [10, 10, 80], [True, True, True]) == 0
    assert recall_at_effort([1, 1], [90, 10], [False, True]) == 1


def test_figures_agree_with_the_plain_ones() -> None:
    rng = random.Random(2)
    keys = [float(rng.randrange(20)) for _ in range(300)]
    labels = [rng.random() < key / 25 for key in keys]
    efforts = [float(rng.randrange(200)) for _ in keys]
    chances = [key / 25 for key in keys]
    found = figures(ranked(Scored(keys, chances), efforts, labels), labels, efforts)
    assert found["auc"] == pytest.approx(plain.auc(keys, labels))
    assert found["ap"] == pytest.approx(plain.average_precision(keys, labels))
    assert found["brier"] == pytest.approx(plain.brier([round(1000 * one) for one in chances], labels))
    assert found["recall20"] == pytest.approx(recall_at_effort(keys, efforts, labels))
    density = [chance / max(effort, 1) for chance, effort in zip(chances, efforts, strict=True)]
    assert found["recall20_density"] == pytest.approx(recall_at_effort(density, efforts, labels))


def test_a_draw_is_the_same_as_the_commits_written_out() -> None:
    keys, labels, efforts = [3.0, 2.0, 2.0, 1.0], [True, False, True, False], [5.0, 1.0, 9.0, 2.0]
    times = [2, 1, 0, 3]
    out = [i for i, n in enumerate(times) for _ in range(n)]
    drawn = figures(ranked(Scored(keys, [0.5] * 4), efforts, labels), labels, efforts, times)
    again = [[row[i] for i in out] for row in (keys, labels, efforts)]
    whole = Scored(again[0], [0.5] * len(out))
    labels_again = [bool(one) for one in again[1]]
    assert drawn == pytest.approx(figures(ranked(whole, again[2], labels_again), labels_again, again[2]))


def test_an_interval_is_the_middle() -> None:
    assert interval([float(one) for one in range(1_000)]) == [25.0, 974.0]


def _document(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert command.main(["--data", str(folder), "--json", *more]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_document_and_a_row_for_every_later_commit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.risk.bootstrap.DRAWS", 100)
    monkeypatch.setattr(rankers, "TREES", 20)
    data = tmp_path / "data"
    data.mkdir()
    kamei(data)
    apache(data)
    out = tmp_path / "rows.jsonl"
    document = _document(data, capsys, "--out", str(out))
    assert {"eval", "version", "data", "n", "metrics", "baselines", "intervals"} <= set(document)
    assert document["eval"] == "risk"
    assert document["n"] == 200
    assert "development" in str(document["data"])
    metrics = document["metrics"]
    assert metrics["auc"] == pytest.approx((metrics["one.auc"] + metrics["apache.auc"]) / 2, abs=1e-4)
    assert metrics["auc"] > 0.6
    low, high = document["intervals"][f"lead.auc.{LINES}"]
    assert low <= metrics[f"lead.auc.{LINES}"] <= high
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 200
    apaches = [row for row in rows if row["file"] == "apache"]
    assert {row["project"] for row in apaches} == {"a/one", "a/two"}
    assert plain.auc([row["score"] for row in apaches], [bool(row["label"]) for row in apaches]) == (
        pytest.approx(metrics["apache.auc"], abs=1e-4)
    )
    assert set(rows[0]["baselines"]) == set(document["baselines"])


def test_without_scikit_learn_the_rest_is_measured_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.risk.bootstrap.DRAWS", 50)
    monkeypatch.setattr(rankers, "find_spec", lambda name: None)
    kamei(tmp_path)
    assert command.main(["--data", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "scikit-learn is not installed" in told
    assert LINES in told
    assert f"over {LOGISTIC}" not in told
    assert LOGISTIC not in _document(tmp_path, capsys)["baselines"]


def test_the_table_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.risk.bootstrap.DRAWS", 50)
    monkeypatch.setattr(rankers, "TREES", 20)
    pytest.importorskip("sklearn")
    kamei(tmp_path)
    assert evals_command.main(["risk", "--data", str(tmp_path), "--label", "held-out"]) == 0
    told = capsys.readouterr().out
    assert "held-out: 1 file, 100 commits" in told
    assert "not outages" in told
    assert f"mean over files, over {LOGISTIC}:" in told
    assert "came true" in told
    assert OURS in told


def test_wrong_input_is_one_message_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    assert command.main(["--data", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("watchkeeper eval risk: ")
    assert "columns a, b are of no known layout" in error
    assert "transactionid" in error


def test_on_real_commits_ours_leads() -> None:
    """Nothing below lines added alone on any file, and ahead of logistic regression over all."""
    folder = Path(os.environ.get("WATCHKEEPER_EVAL_DATA", "")) / "jit"
    if not os.environ.get("WATCHKEEPER_EVAL_DATA") or not folder.is_dir():
        pytest.skip("no labelled commits: WATCHKEEPER_EVAL_DATA names no folder with jit/")
    pytest.importorskip("sklearn")
    gaps = []
    for data in load(folder):
        labels = [one.defect for one in data.later]
        found = {name: plain.auc(one.keys, labels) for name, one in rankers.scored(data).items()}
        assert found[OURS] > found[LINES]
        gaps.append(found[OURS] - found[LOGISTIC])
    assert sum(gaps) / len(gaps) > 0.02
