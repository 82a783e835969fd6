"""The model of deploy risk: what it learns, that it can be worked out by hand, and what it refuses."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from core.errors import InputError
from core.risk.features import NAMES, Features, entropy
from core.risk.figures import (
    auc,
    average_precision,
    brier,
    calibration_bins,
    calibration_error,
    lift,
)
from core.risk.fit import LEAST_COMMITS, Example, fit
from core.risk.model import (
    VALUES,
    CalibrationBin,
    Grid,
    Model,
    Provenance,
    Table,
    Term,
    in_words,
    probability,
    score,
)
from core.risk.model_file import LONGEST, from_json, to_json
from core.risk.picture import calibration_svg
from core.risk.solve import logistic, solve, toward_line, toward_nothing

ROOT = Path(__file__).parents[2]
DAY = 86_400_000


def examples(count: int, seed: int = 1, groups: tuple[str, ...] = ("",)) -> list[Example]:
    """Changes whose risk rises with their lines, is least for authors of middling experience, and is by
    project; nothing else matters."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        la, exp = round(rng.lognormvariate(3, 1.5)), round(rng.lognormvariate(4, 1.5))
        group = rng.choice(groups)
        odds = 0.9 * (math.log1p(la) - 3) + 0.9 * abs(math.log1p(exp) - 4) - 2.2 + groups.index(group)
        features = Features(
            la=la,
            ld=round(rng.lognormvariate(2, 1.5)),
            nf=1 + rng.randrange(9),
            fix=rng.randrange(2),
            ndev=1 + rng.randrange(12),
            exp=exp,
        )
        defect = rng.random() < logistic(odds)
        rows.append(Example(number * DAY, features, defect, group, f"c{number:05}"))
    return rows


@pytest.fixture(scope="module")
def learned() -> Model:
    return fit(examples(1_500), Provenance(repository="shop", version="1"))


def table(model: Model, name: str) -> Table:
    return next(one for one in model.tables if one.feature == name)


def test_ranks_and_is_calibrated_on_changes_it_has_not_seen(learned: Model) -> None:
    fresh = examples(2_000, seed=2)
    labels = [one.defect for one in fresh]
    found = [score(learned, one.features) for one in fresh]
    assert auc([one.log_odds for one in found], labels) > 0.74
    assert auc([one.log_odds for one in found], labels) > auc([one.features.la or 0 for one in fresh], labels)
    bins = calibration_bins([one.probability for one in found], labels)
    assert calibration_error(bins) < 0.05
    assert max(abs(one.said - one.came) for one in bins) < 120


def test_terms_and_base_add_up_to_the_probability(learned: Model) -> None:
    found = score(learned, Features(la=900, ld=3, nf=4, fix=1, ndev=2, exp=50))
    assert learned.base + sum(term.weight for term in found.terms) == found.log_odds
    assert found.probability == round(1000 / (1 + math.exp(-found.log_odds / 1000)))
    weights = [abs(term.weight) for term in found.terms]
    assert weights == sorted(weights, reverse=True)
    assert found.terms[0].feature == "la"
    assert found.terms[0].value == "900 lines added"
    assert found.terms[0].weight > 0


def test_more_lines_never_weigh_less_in_their_own_table(learned: Model) -> None:
    weights = table(learned, "la").weights
    assert list(weights) == sorted(weights)
    assert weights[0] < -500
    assert weights[-1] > 500


def test_experience_may_help_at_first_and_hurt_later(learned: Model) -> None:
    weights = table(learned, "exp").weights
    lowest = weights.index(min(weights))
    assert 0 < lowest < len(weights) - 1
    assert weights[0] > weights[lowest] + 200
    assert weights[-1] > weights[lowest] + 200


def test_weights_are_whole_told_against_the_average_change(learned: Model) -> None:
    for one in learned.tables:
        assert len(one.weights) == len(one.edges) + 1 == len(one.counts)
        assert sum(one.counts) == 1_500
        mean = sum(w * n for w, n in zip(one.weights, one.counts, strict=True)) / 1_500
        assert abs(mean) < 2
    average = sum(score(learned, one.features).probability for one in examples(1_500)) / 1_500
    assert abs(average / 1_000 - learned.provenance.defects / 1_500) < 0.01


def test_what_is_not_known_weighs_nothing(learned: Model) -> None:
    nothing = score(learned, Features())
    assert nothing.log_odds == learned.base
    assert nothing.terms == ()
    odd = score(learned, Features(la=math.nan, ld=math.inf, nf=3))
    assert {term.feature for term in odd.terms} <= {"nf"}
    assert score(learned, Features(la=10**400, nf=-1e300)).terms == ()
    assert score(learned, Features(la=0, ld=-1)).probability < 999


def test_learns_from_features_of_which_some_are_not_known() -> None:
    rows = [
        one._replace(features=msgspec.structs.replace(one.features, ndev=None)) if number % 2 else one
        for number, one in enumerate(examples(400))
    ]
    assert sum(table(fit(rows), "ndev").counts) == 200


def test_the_order_of_changes_does_not_matter(learned: Model) -> None:
    shuffled = examples(1_500)
    random.Random(5).shuffle(shuffled)
    assert to_json(fit(shuffled, Provenance(repository="shop", version="1"))) == to_json(learned)


def test_the_same_under_every_hash_seed() -> None:
    code = (
        "from tests.unit.test_risk_model import examples\n"
        "from core.risk.fit import fit\nfrom core.risk.model_file import to_json\n"
        "print(to_json(fit(examples(300, groups=('a', 'b', 'c')))))"
    )
    texts = set()
    for seed in ("0", "1", "4711"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=True
        )
        texts.add(done.stdout)
    assert len(texts) == 1
    assert '"groups": {"a":' in texts.pop()


def test_projects_have_a_level_of_their_own() -> None:
    rows = examples(900, groups=("calm", "wild"))
    model = fit(rows)
    assert model.groups["wild"] > model.groups["calm"] + 500
    change = Features(la=20)
    found = score(model, change, "wild")
    assert found.log_odds - score(model, change, "calm").log_odds == (
        model.groups["wild"] - model.groups["calm"]
    )
    assert Term("project", "wild", model.groups["wild"]) in found.terms
    assert score(model, change, "another") == score(model, change)


def test_a_small_history_says_so_and_keeps_to_what_is_usual() -> None:
    rows = [one._replace(defect=number % 4 == 0) for number, one in enumerate(examples(80))]
    model = fit(rows)
    assert "80" in model.provenance.note
    assert model.grids == ()
    assert score(model, Features(la=2_000)).log_odds > score(model, Features(la=2)).log_odds + 500
    assert max(abs(weight) for one in model.tables for weight in one.weights) < 3_000
    assert fit(examples(300)).provenance.note == ""


def test_few_defects_are_a_small_history_too() -> None:
    rows = [one._replace(defect=number % 60 == 0) for number, one in enumerate(examples(600))]
    assert "10 of them" in fit(rows).provenance.note


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "0 changes"),
        (examples(LEAST_COMMITS - 1), "too few"),
        ([one._replace(defect=False) for one in examples(300)], "0 of 300"),
        ([one._replace(defect=True) for one in examples(300)], "300 of 300"),
    ],
)
def test_too_little_is_refused(rows: list[Example], words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        fit(rows)
    assert raised.value.mend


def test_changes_of_which_nothing_is_known_have_the_base_rate() -> None:
    rows = [Example(number, Features(), number % 5 == 0) for number in range(400)]
    model = fit(rows)
    assert model.tables == ()
    assert 195 <= score(model, Features(la=5)).probability <= 205


def test_labels_that_a_feature_tells_exactly_stay_finite() -> None:
    rows = [Example(number, Features(la=number % 2 * 50), number % 2 == 1) for number in range(400)]
    model = fit(rows)
    assert score(model, Features(la=50)).probability > 950
    assert score(model, Features(la=0)).probability < 50


def test_what_it_was_learned_from_is_told(learned: Model) -> None:
    about = learned.provenance
    assert (about.repository, about.version, about.commits) == ("shop", "1", 1_500)
    assert about.defects == sum(one.defect for one in examples(1_500))
    assert (about.since, about.until) == (0, 1_499 * DAY)
    assert sum(one.n for one in learned.calibration) == 300


def test_json_comes_back_as_it_was(learned: Model) -> None:
    text = to_json(learned)
    assert from_json(text) == learned
    assert to_json(from_json(text)) == text
    with_groups = fit(examples(300, groups=("a", "b")))
    assert from_json(to_json(with_groups).encode()) == with_groups


def _small(**changes: object) -> bytes:
    document = {
        "base": 0,
        "tables": [{"feature": "la", "edges": [5.0], "weights": [-10, 10], "counts": [4, 4]}],
        "grids": [
            {"features": ["la", "nf"], "edges": [[5.0], [2.0, 4.0]], "weights": [[1, 2, 3], [4, 5, 6]]}
        ],
        "format": 1,
    }
    return msgspec.json.encode({**document, **changes})


def _table(**changes: object) -> list[dict[str, object]]:
    return [{"feature": "la", "edges": [5.0], "weights": [-10, 10], "counts": [4, 4], **changes}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no risk model"),
        (b"[]", "no risk model"),
        (b"\xff\xfe", "no risk model"),
        (b"[" * 5_000, "no risk model"),
        (b'{"format": 1}', "base"),
        (_small(format=2), "format 2"),
        (_small(base="0"), "base"),
        (_small(base=10**9), "beyond"),
        (_small(more=1), "more"),
        (_small(tables=_table(feature="lines")), "'lines'"),
        (_small(tables=_table() * 2), "two tables"),
        (_small(tables=_table(weights=[1], counts=[1])), "1 edges and 1 weights"),
        (_small(tables=_table(counts=[1])), "1 counts"),
        (_small(tables=_table(edges=[5.0, 5.0], weights=[1, 2, 3], counts=[1, 2, 3])), "do not rise"),
        (_small(tables=_table(weights=[1, 10**9])), "beyond"),
        (_small(grids=[{"features": ["la", "x"], "edges": [[1], [1]], "weights": [[1, 2], [3, 4]]}]), "'x'"),
        (_small(grids=[{"features": ["la", "nf"], "edges": [[1], [1]], "weights": [[1, 2]]}]), "1 rows"),
        (_small(grids=[{"features": ["la", "nf"], "edges": [[2, 1], [1]], "weights": [[1, 2]] * 3}]), "rise"),
        (b" " * (LONGEST + 1), "longer"),
    ],
)
def test_a_file_that_is_no_model_is_refused_with_the_place(text: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        from_json(text, "model.json")
    assert str(raised.value).startswith("model.json: ")
    assert "risk fit" in raised.value.mend


def test_a_small_model_worked_out_by_hand() -> None:
    model = from_json(_small(base=-1_000))
    found = score(model, Features(la=7, nf=3))
    assert found.log_odds == -1_000 + 10 + 5
    assert found.terms == (
        Term("la", "7 lines added", 10),
        Term("la x nf", "7 lines added with 3 files", 5),
    )
    assert score(model, Features(la=5.0)).terms == (Term("la", "5 lines added", 10),)
    assert score(model, Features(la=4.99)).terms == (Term("la", "4.99 lines added", -10),)


def test_probabilities_never_claim_to_be_certain() -> None:
    assert (probability(10**9), probability(-(10**9)), probability(0)) == (999, 1, 500)
    assert [in_words("fix", 1), in_words("fix", 0), in_words("age", 2.5)] == [
        "a fix",
        "no fix",
        "2.5 days since the files were last changed",
    ]


def test_every_feature_has_a_value_and_the_part_added_is_a_per_cent() -> None:
    assert set(NAMES) <= set(VALUES)
    assert VALUES["added_part"](Features(la=3, ld=0)) == 75
    assert VALUES["added_part"](Features(la=0, ld=0)) == 0
    assert VALUES["added_part"](Features(la=3)) is None


def test_entropy() -> None:
    assert entropy([5, 5]) == 1.0
    assert entropy([5, 5, 5, 5]) == 1.0
    assert entropy([9]) == entropy([]) == entropy([9, 0]) == 0.0
    assert entropy([1, 3]) == 0.811
    assert entropy([99, 1]) < entropy([90, 10])


def test_figures_by_hand() -> None:
    labels = [True, False, True, False]
    assert auc([4, 3, 2, 1], labels) == 0.75
    assert auc([1, 1, 1, 1], labels) == 0.5
    assert auc([1, 2], [True, True]) == 0.5
    assert average_precision([4, 3, 2, 1], labels) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([1, 1, 1, 1], labels) == 0.5
    assert average_precision([1], [False]) == 0
    assert brier([1000, 0, 500, 500], labels) == 0.125
    assert brier([], []) == 0


def test_lift_by_hand() -> None:
    labels = [True] * 2 + [False] * 18
    five, ten, twenty = lift(list(range(20, 0, -1)), labels)
    assert (five.changes, five.defects, five.recall, five.lift) == (1, 1, 0.5, 10.0)
    assert (ten.changes, ten.recall, twenty.changes, twenty.lift) == (2, 1.0, 4, 5.0)
    assert lift([], []) == ()


def test_calibration_bins_are_of_like_size_and_never_tiny() -> None:
    labels = [number % 2 == 0 for number in range(105)]
    bins = calibration_bins([number * 9 for number in range(105)], labels)
    assert [one.n for one in bins] == [10, 11, 10, 11, 10, 11, 10, 11, 10, 11]
    assert [one.said for one in bins] == sorted(one.said for one in bins)
    assert len(calibration_bins([1] * 25, labels[:25])) == 2
    assert len(calibration_bins([1] * 3, labels[:3])) == 1
    assert calibration_bins([], []) == ()
    assert calibration_error((CalibrationBin(100, 200, 3), CalibrationBin(500, 500, 1))) == pytest.approx(
        0.075
    )


def test_the_picture_says_the_same_in_words_and_escapes_names() -> None:
    bins = (CalibrationBin(100, 120, 40), CalibrationBin(705, 650, 20))
    text = calibration_svg(bins, '<script>"&\x00')
    tree = ElementTree.fromstring(text)  # noqa: S314 - our own text
    space = "{http://www.w3.org/2000/svg}"
    assert tree.findtext(f"{space}title") == '<script>"& '
    words = tree.findtext(f"{space}desc") or ""
    assert words.startswith("Said 10 %, came true 12 % (of 40 changes); said 70.5 %, came true 65 %")
    assert len(tree.findall(f"{space}circle")) == 2
    assert "prefers-color-scheme:dark" in text
    assert tree.attrib["role"] == "img"
    assert "No change was held back" in calibration_svg(())


def test_solve_finds_the_rate_and_penalties_hold() -> None:
    rows, labels = [[0, 1]] * 50 + [[0, 2]] * 50, ([True] * 40 + [False] * 10) + ([True] * 10 + [False] * 40)
    free = solve(rows, labels, [toward_nothing(2, 1e-6)._replace(start=1)], [0.0] * 3)
    assert free[0] + free[1] == pytest.approx(math.log(4), abs=1e-3)
    assert free[1] == pytest.approx(-free[2], abs=1e-3)
    held = solve(rows, labels, [toward_nothing(2, 1e6)._replace(start=1)], [0.0] * 3)
    assert max(map(abs, held[1:])) < 1e-3


def test_a_table_is_drawn_to_the_expected_line_where_nothing_is_seen() -> None:
    penalty = toward_line([-1.0, 0.0, 1.0], 0.5, strength=10, smooth=1, ridge=1)._replace(start=1)
    weights = solve([[0], [0]], [True, False], [penalty], [0.0] * 4)
    assert weights[1:] == pytest.approx([-0.5, 0.0, 0.5], abs=1e-4)


def test_a_grid_is_laid_out_by_its_first_feature(learned: Model) -> None:
    for one in learned.grids:
        assert isinstance(one, Grid)
        assert len(one.weights) == len(one.edges[0]) + 1
        assert {len(row) for row in one.weights} == {len(one.edges[1]) + 1}
    assert ("la", "ndev") in {one.features for one in learned.grids}
