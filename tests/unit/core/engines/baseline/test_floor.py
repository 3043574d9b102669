"""The floor: calibrated, the same on every run, and stored without a pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from floor import LABELS, rows, trained

from core.domain import Example, Split
from core.engines.baseline import model as baseline
from core.errors import UserError
from core.metrics.calibration import expected_calibration_error
from core.worker.context import Stopped


def test_probabilities_are_a_distribution_over_the_classes_for_any_text(tmp_path: Path) -> None:
    model, _, _ = trained(tmp_path, rows(90, 0.0))
    probabilities = model.probabilities(["my card was stolen", "", "   ", "никогда", "x" * 5000])
    assert model.labels == LABELS
    assert probabilities.shape == (5, 3)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(5))
    assert (probabilities >= 0).all()


def test_it_learns_and_its_probabilities_are_as_often_right_as_they_say(tmp_path: Path) -> None:
    """Of noisy rows an uncalibrated model is too sure; the temperature is fitted on rows that it never saw."""
    model, _, _ = trained(tmp_path, rows(900, 0.45))
    test = rows(900, 0.45, seed=2, split=Split.TEST)
    probabilities = model.probabilities([example.input for example in test])
    right = np.array([model.labels[best] for best in probabilities.argmax(axis=1)]) == [row.target for row in test]
    assert 0.55 < right.mean() < 0.78  # a third by chance, at best 0.55 + 0.45 / 3 = 0.70
    confidence = probabilities.max(axis=1)
    assert confidence.mean() == pytest.approx(right.mean(), abs=0.06)
    assert expected_calibration_error(confidence, right.astype(float)) < 0.1


def test_only_train_rows_are_learnt_from(tmp_path: Path) -> None:
    learnt, _, _ = trained(tmp_path / "a", rows(60, 0.0))
    with_test, result, _ = trained(tmp_path / "b", [*rows(60, 0.0), *rows(60, 1.0, seed=9, split=Split.TEST)])
    texts = [example.input for example in rows(30, 0.0, seed=4)]
    assert np.array_equal(learnt.probabilities(texts), with_test.probabilities(texts))
    assert result.examples == 60


def test_the_same_rows_give_the_same_weights(tmp_path: Path) -> None:
    first, _, _ = trained(tmp_path / "a", rows(90, 0.3))
    again, _, _ = trained(tmp_path / "b", rows(90, 0.3))
    texts = [example.input for example in rows(30, 0.0, seed=4)]
    assert np.array_equal(first.probabilities(texts), again.probabilities(texts))


def test_a_class_that_occurs_once_is_one_of_the_answers(tmp_path: Path) -> None:
    rare = Example("rare", Split.TRAIN, "rare", "close my account forever", "closing")
    model, _, _ = trained(tmp_path, [*rows(60, 0.0), rare])
    assert "closing" in model.labels
    best = model.probabilities(["close my account forever"]).argmax(axis=1)[0]
    assert model.labels[best] == "closing"


def test_two_classes_get_mirrored_planes(tmp_path: Path) -> None:
    model, _, _ = trained(tmp_path, [row for row in rows(90, 0.0) if row.target != "refund"])
    decisions = model.decisions(["lost card", "interest rate"])
    assert decisions[:, 0] == pytest.approx(-decisions[:, 1])


def test_its_files_hold_no_pickle(tmp_path: Path) -> None:
    trained(tmp_path, rows(60, 0.0))
    model = tmp_path / "job" / "model"
    assert {path.suffix for path in model.iterdir()} <= {".json", ".npz"}
    with zipfile.ZipFile(model / "weights.npz") as archive:
        for name in archive.namelist():
            assert b"'descr': '|O'" not in archive.read(name)[:200]


@pytest.mark.parametrize("damage", ["truncate", "remove", "swap"])
def test_a_damaged_folder_is_refused_in_a_sentence(tmp_path: Path, damage: str) -> None:
    trained(tmp_path, rows(60, 0.0))
    weights = tmp_path / "job" / "model" / "weights.npz"
    if damage == "remove":
        weights.unlink()
    elif damage == "truncate":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        np.savez(weights, coefficients=np.zeros((2, 3), np.float32), intercepts=np.zeros(3), temperature=np.float64(1))
    with pytest.raises(UserError) as refused:
        baseline.load(weights.parent)
    assert refused.value.code == "baseline.folder_broken"


@pytest.mark.parametrize(
    ("examples", "code"),
    [
        ([], "train.no_rows"),
        ([row for row in rows(30, 0.0) if row.target == "card"], "train.one_class"),
        ([Example(f"e{i}", Split.TRAIN, f"g{i}", " ", LABELS[i % 3]) for i in range(12)], "baseline.no_text"),
    ],
)
def test_rows_that_teach_nothing_are_refused(tmp_path: Path, examples: list[Example], code: str) -> None:
    with pytest.raises(UserError) as refused:
        trained(tmp_path, examples)
    assert refused.value.code == code


def test_it_stops_when_told_and_leaves_no_model(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        trained(tmp_path, rows(60, 0.0), stop=True)
    assert not (tmp_path / "job" / "model").exists()
