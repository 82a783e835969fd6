"""`watchkeeper eval risk-rules`: its figures on cases that are known, its output, and wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.risk.rules.dependencies import declared as dependencies
from evals.risk.corpus import load
from evals.risk.rules_command import main
from evals.risk.rules_score import by_case, by_rule, evaluation, score, warned

CASES = r"""
cases:
  - id: found
    danger: true
    rules: [dep-major]
    files: [{path: requirements.txt, before: "a==1\n", after: "a==2\n"}]
  - id: found
    danger: false
    rules: [dep-major]
    files: [{path: requirements.txt, before: "a==1.0\n", after: "a==1.1\n"}]
  - id: missed
    danger: true
    rules: [dep-major]
    files: [{path: main.py, before: "drop = 1\n", after: "drop = 2\n"}]
  - id: missed
    danger: false
    rules: [dep-downgrade]
    files: [{path: requirements.txt, before: "a==1\n", after: "a==2\n"}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(CASES)
    return tmp_path


def test_figures(folder: Path) -> None:
    scored = [score(case, dependencies.rules) for case in load(folder)]
    row = next(row for row in by_rule(scored, dependencies.rules) if row.rule == "dep-major")
    assert (row.cases, row.found, row.false, row.precision, row.recall) == (2, 1, 1, 0.5, 0.5)
    assert [one.right for one in scored] == [True, True, False, True]
    assert [one.keyword for one in scored] == [False, False, True, False]
    assert by_case(scored, warned) == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "pairs_told_apart": 0.5}
    document = evaluation(scored, "1", "own", dependencies.rules)
    assert document["baselines"]["keyword search"]["f1"] == 0.6667
    assert document["metrics"]["f1_lead"] == -0.1667
    assert document == evaluation(scored, "1", "own", dependencies.rules)


def test_output(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rows.jsonl"
    assert main(["--cases", str(folder), "--json", "--out", str(out)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"eval", "version", "data", "n", "metrics", "baselines", "intervals"}
    assert (document["eval"], document["n"]) == ("risk-rules", 4)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows[0]["case_id"] == "own/found/danger"
    assert rows[0]["wanted"] == rows[0]["found"] == ["dep-major"]
    assert main(["--cases", str(folder)]) == 0
    assert "not right: own/missed/danger: found nothing" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["cases: [", "cases: [{id: 1}]", "other: []", "[]"])
def test_wrong_input(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.yaml").write_text(text)
    assert main(["--cases", str(tmp_path)]) == 2
    assert main(["--cases", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("watchkeeper eval risk-rules: ") == 2
