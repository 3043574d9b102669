"""Rows with any number of labels: read from cells, counted as scikit-learn counts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from core.errors import UserError
from core.metrics.fields import label_figures
from core.metrics.label_sets import example_f1, read_labels, subset_accuracy, written
from core.metrics.quality import LABELS_MACRO_F1, LABELS_MICRO_F1, metric_rows
from core.routing.curve import routed_macro_f1
from core.spec import Task

LABELS = ("a", "b", "c", "d")
label_set = st.frozensets(st.sampled_from(LABELS))
pairs = st.lists(st.tuples(label_set, label_set), min_size=1, max_size=12)
Pairs = list[tuple[frozenset[str], frozenset[str]]]


@pytest.mark.parametrize(
    ("cell", "separator", "kept"),
    [
        ('["b", "a", "b"]', None, '["a", "b"]'),
        ("[]", None, "[]"),
        ("b; a ;", ";", '["a", "b"]'),
        ('["b;c", "a"]', ";", '["a", "b;c"]'),
        ("a", ";", '["a"]'),
        ("[1, 2]", ";", '["1", "2"]'),
        ("付款；退款", "；", '["付款", "退款"]'),
    ],
)
def test_labels_of_a_cell_are_kept_in_one_form(cell: str, separator: str | None, kept: str) -> None:
    assert read_labels(cell, separator) == kept


@pytest.mark.parametrize("cell", ["a;b", '{"a": 1}', "[true]", '[["a"]]', ""])
def test_without_a_separator_only_a_list_of_texts_is_read(cell: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the sentence is the caller's, with row and remedy)
        read_labels(cell, None)


def counted(metric: str, rows: Pairs) -> float:
    outputs, targets = [written(sorted(one)) for one, _ in rows], [written(sorted(one)) for _, one in rows]
    return float(metric_rows(metric, np.zeros(len(rows)), outputs, targets).value())


def indicators(rows: Pairs) -> tuple[np.ndarray, np.ndarray]:
    binarizer = MultiLabelBinarizer().fit([one | other for one, other in rows])
    return binarizer.transform([one for one, _ in rows]), binarizer.transform([other for _, other in rows])


@given(pairs)
def test_every_f1_equals_scikit_learns(rows: Pairs) -> None:
    outputs, targets = indicators(rows)
    if targets.shape[1] < 2:
        return  # scikit-learn takes a single column for two classes
    wanted = {
        kind: f1_score(targets, outputs, average=kind, zero_division=1.0) for kind in ("micro", "macro", "samples")
    }
    assert counted(LABELS_MICRO_F1, rows) == pytest.approx(wanted["micro"])
    assert counted(LABELS_MACRO_F1, rows) == pytest.approx(wanted["macro"])
    scores = [example_f1(written(sorted(one)), written(sorted(other))) for one, other in rows]
    assert np.mean(scores) == pytest.approx(wanted["samples"])
    exact = [subset_accuracy(written(sorted(one)), written(sorted(other))) for one, other in rows]
    assert np.mean(exact) == pytest.approx(accuracy_score(targets, outputs))


@given(pairs, st.data())
def test_a_resample_is_counted_as_if_its_rows_stood_there(rows: Pairs, data: st.DataObject) -> None:
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    repeated = [row for row, count in zip(rows, times, strict=True) for _ in range(count)]
    outputs, targets = [written(sorted(one)) for one, _ in rows], [written(sorted(one)) for _, one in rows]
    for metric in (LABELS_MICRO_F1, LABELS_MACRO_F1):
        value = metric_rows(metric, np.zeros(len(rows)), outputs, targets).value(np.array([times], dtype=float))[0]
        if repeated and not np.isnan(value):
            assert value == pytest.approx(counted(metric, repeated))


def test_an_answer_that_names_no_label_misses_all_of_its_row() -> None:
    targets = ['["a", "b"]', '["a"]']
    rows = metric_rows(LABELS_MICRO_F1, np.zeros(2), [None, '["a"]'], targets)
    assert float(rows.value()) == pytest.approx(2 * 1 / (1 + 3))


def test_scores_alone_are_no_label_sets() -> None:
    with pytest.raises(UserError, match="needs each row's labels"):
        metric_rows(LABELS_MACRO_F1, np.ones(2), [None, None], ['["a"]', '["b"]'])


def test_a_hybrids_f1_is_that_of_the_mixed_answers() -> None:
    targets = ['["a", "b"]', '["b"]', '["c"]']
    teacher, student = ['["a", "b"]', '["b"]', "[]"], ['["a"]', '["c"]', '["c"]']
    rows = routed_macro_f1(teacher, student, targets, LABELS_MICRO_F1)
    mixed = [teacher[0], teacher[1], student[2]]
    alone = metric_rows(LABELS_MICRO_F1, np.zeros(3), mixed, targets)
    assert rows.sent(np.array([True, True, False])).value() == pytest.approx(float(alone.value())) == 1.0


def test_each_label_has_its_own_figures() -> None:
    found = {part.name: part for part in label_figures(['["a", "b"]', None], ['["a"]', '["a", "c"]'])}
    assert (found["a"].wanted, found["a"].given, found["a"].right) == (2, 1, 1)
    assert (found["b"].precision, found["b"].recall) == (0.0, None)
    assert (found["c"].precision, found["c"].recall) == (None, 0.0)


def test_the_same_word_is_counted_otherwise_where_rows_have_several_labels() -> None:
    assert Task(kind="multi_label", metric="macro_f1").counted_as == LABELS_MACRO_F1
    assert Task(kind="classification", metric="macro_f1").counted_as == "macro_f1"
