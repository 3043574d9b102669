import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from core.metrics.calibration import IsotonicMapping, PlattMapping
from core.routing.cascade import cascade_priority, fit_cascade
from core.routing.features import LENGTH_FEATURES, fit_text_features, lengths, term_counts, words
from core.routing.folds import grouped_folds
from core.routing.policy import CascadePolicy, RouterPolicy, policy_of
from core.routing.router import analyse, fit_router, router_priority

TEXTS = ["My card was swallowed", "card lost, card stolen!", "Transfer the fee", "a transfer of a card", "", "???"] * 4


def test_words_are_those_of_scikit_learn_for_spaced_scripts() -> None:
    tokenize = TfidfVectorizer().build_analyzer()
    for text in TEXTS:
        assert words(text) == tokenize(text)


def test_unspaced_scripts_count_each_character_as_a_word() -> None:
    assert words("我的卡lost了") == ["我", "的", "卡", "lost", "了"]
    assert term_counts("丢卡") == Counter({"丢": 1, "卡": 1, "丢 卡": 1})


def test_term_weights_equal_scikit_learns() -> None:
    counts = [term_counts(text) for text in TEXTS]
    features = fit_text_features(counts, [lengths(text) for text in TEXTS])
    reference = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(TEXTS)
    assert list(features.columns) == reference.get_feature_names_out().tolist()
    wanted = reference.transform(TEXTS).toarray()
    for row, text in enumerate(TEXTS):
        columns, values = features.row(counts[row], lengths(text))
        dense = np.zeros(features.width)
        dense[columns] = values
        assert dense[:-LENGTH_FEATURES] == pytest.approx(wanted[row])


def test_terms_of_a_single_text_are_left_out_of_large_vocabularies() -> None:
    texts = ["common words", "common things"] * 50 + ["onlyonce"]
    features = fit_text_features([term_counts(text) for text in texts], [lengths(text) for text in texts])
    assert "onlyonce" not in features.columns
    assert "common things" in features.columns


def test_served_router_scores_as_the_fitted_one_after_json() -> None:
    texts = analyse(TEXTS)
    rows = np.arange(len(TEXTS))
    policy = fit_router(texts, np.linspace(-1, 1, len(TEXTS)), rows)
    served = policy_of(json.loads(json.dumps(policy.document(), allow_nan=False)))
    assert isinstance(served, RouterPolicy)
    assert served == policy
    assert [served.priority(text) for text in TEXTS] == pytest.approx(router_priority(policy, texts, rows).tolist())


def test_router_learns_which_words_need_the_teacher() -> None:
    generator = np.random.default_rng(0)
    hard = generator.random(200) < 0.5
    texts = [f"please {'prove' if one else 'name'} item {number}" for number, one in enumerate(hard)]
    policy = fit_router(analyse(texts), hard.astype(float), np.arange(200))
    assert policy.priority("please prove item 9999") > 0.7 > 0.3 > policy.priority("please name item 9999")


def test_router_learns_from_the_gain_and_not_from_the_students_failures() -> None:
    # The student fails on both kinds; the teacher helps with one of them only.
    texts = ["hopeless riddle"] * 50 + ["long division"] * 50 + ["simple greeting"] * 50
    gain = np.repeat([0.0, 1.0, 0.0], 50)
    policy = fit_router(analyse(texts), gain, np.arange(150))
    assert policy.priority("long division") > policy.priority("hopeless riddle") + 0.5


@given(gain=st.floats(-50, 50))
def test_router_priorities_stay_within_the_gains_that_scores_allow(gain: float) -> None:
    policy = RouterPolicy(fit_text_features([term_counts("x y")], [lengths("x y")]), (0.0,) * 3, gain)
    assert -1.0 <= policy.priority("anything at all") <= 1.0


@pytest.mark.parametrize("mapping", [PlattMapping(1.25, -0.5), IsotonicMapping((0.1, 0.9), (0.2, 0.8))])
def test_served_cascade_scores_as_the_fitted_one_after_json(mapping: PlattMapping | IsotonicMapping) -> None:
    policy = CascadePolicy(mapping)
    assert policy_of(json.loads(json.dumps(policy.document(), allow_nan=False))) == policy
    confidence = np.array([0.0, 0.3, 1.0, np.nan])
    asked = [policy.priority(None if np.isnan(value) else float(value)) for value in confidence]
    assert asked == pytest.approx(cascade_priority(policy, confidence).tolist())


def test_row_without_confidence_goes_to_the_teacher_first() -> None:
    policy = CascadePolicy(PlattMapping(1.0, 0.0))
    assert policy.priority(None) == 1.0 >= policy.priority(0.0)


def test_cascade_turns_overconfidence_into_the_true_chance_of_error() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1.0, 3000)
    scores = (generator.random(3000) < confidence - 0.3).astype(float)
    policy = fit_cascade(confidence, scores, [str(row) for row in range(3000)])
    assert policy.priority(0.9) == pytest.approx(0.4, abs=0.06)


def test_cascade_takes_the_isotonic_mapping_only_where_it_predicts_better() -> None:
    generator = np.random.default_rng(1)
    confidence = generator.random(2000)
    steps = np.where(confidence < 0.7, 0.3, 0.95)
    groups = [str(row) for row in range(2000)]
    stepped = fit_cascade(confidence, (generator.random(2000) < steps).astype(float), groups)
    smooth = fit_cascade(confidence, (generator.random(2000) < confidence).astype(float), groups)
    assert isinstance(stepped.mapping, IsotonicMapping)
    assert isinstance(smooth.mapping, PlattMapping)


def test_unknown_policy_document_is_refused() -> None:
    with pytest.raises(ValueError, match="no such policy"):
        policy_of({"kind": "oracle"})


@given(groups=st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60), folds=st.integers(2, 6))
def test_groups_never_span_folds_whatever_the_order_of_rows(groups: list[str], folds: int) -> None:
    fold = dict(zip(groups, grouped_folds(groups, folds).tolist(), strict=True))
    assert [fold[group] for group in groups] == grouped_folds(groups, folds).tolist()
    backwards = groups[::-1]
    assert grouped_folds(backwards, folds).tolist() == [fold[group] for group in backwards]
    assert set(fold.values()) == set(range(min(folds, len(set(groups)))))


def test_folds_of_single_rows_differ_by_one_row_at_most() -> None:
    sizes = np.bincount(grouped_folds([str(row) for row in range(103)], 5))
    assert sizes.max() - sizes.min() <= 1
