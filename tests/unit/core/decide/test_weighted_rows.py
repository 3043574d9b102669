"""Rows that count more than others: every figure over rows follows, intervals too, and equal weights change nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, route, scored, single
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.domain import FloatArray
from core.evidence import StudyEvidence, TestRows
from core.jobs.results import PrepareResult, RetrievalFigures
from core.metrics.bootstrap import resample_weights
from core.metrics.effective import effective_rows
from core.metrics.proportions import wilson_interval
from core.metrics.quality import estimate_quality, macro_f1_rows, mean_rows, quality_by_slice
from core.metrics.seeds import SeededRows, estimate_seeded
from core.routing.curve import curve_of, ranking_of, resampled_curves, routed_means

ROWS = 240
RANDOM = np.random.default_rng(11)
HARD = RANDOM.random(ROWS)
TEACHER, STUDENT = (HARD < 0.92).astype(float), (HARD < 0.7).astype(float)
OUTPUTS = {
    "big": ["right" if one else "wrong" for one in TEACHER],
    "small": ["right" if one else "x" for one in STUDENT],
}
BY_TOKEN = {
    "per_million_input_tokens": 100.0, "per_million_output_tokens": 0.0, "source": "offer", "as_of": "2026-01-01",
}  # fmt: skip
PRICES = {"dear": {"kind": "api", "price": BY_TOKEN}}


def evidence(metric: str = "accuracy", weights: FloatArray | None = None) -> StudyEvidence:
    """A teacher that is paid for its tokens, a cheap student and their hybrid."""
    study = make_study(
        [
            single("big", "teacher", profile="dear"),
            single("small", profile="cheap"),
            {"name": "both", "role": "hybrid", "teacher": "big", "student": "small", "policies": ["router"]},
        ],
        task={"kind": "classification", "metric": metric},
        data={"columns": {"weight": "traffic"}},
        criteria={"cost": {"monthly_requests": 1_000_000, "value_per_success": 0.01}},
        profiles=PRICES | {"cheap": priced(5.0)},
    )
    tokens = np.linspace(10, 400, ROWS)
    rows = {
        name: scored(scores, OUTPUTS[name], input_tokens=tokens, output_tokens=np.ones(ROWS))
        for name, scores in (("big", TEACHER), ("small", STUDENT))
    }
    made = evidence_of(
        study, rows, {"small": benchmark([5.0] * 60, 300.0)}, {"both": route(HARD - 0.5)},
        targets=["right"] * ROWS,
    )  # fmt: skip
    return _weighted(made, weights)


def _weighted(made: StudyEvidence, weights: FloatArray | None) -> StudyEvidence:
    assert made.test is not None
    test: TestRows = replace(made.test, weights=None if weights is None else weights / weights.mean())
    return replace(made, test=test)


def documents(made: StudyEvidence) -> str:
    """Both documents but for what is said of the weights themselves."""
    found = replace(decide(made), notes=())
    results = results_document(made, found)
    del results["data"]["weights"]
    return json.dumps([results, recommendation_document(found)], sort_keys=True)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_rows_that_all_count_once_give_the_decision_of_rows_without_weights(metric: str) -> None:
    alike, without = evidence(metric, np.ones(ROWS)), evidence(metric)
    assert documents(alike) == documents(without)


def test_quality_and_costs_follow_the_weights() -> None:
    weights = np.where(np.arange(ROWS) < ROWS // 2, 1.0, 4.0)
    big = decide(evidence(weights=weights), with_flips=False).of("big")
    assert big.quality is not None
    assert big.cost is not None
    assert big.cost.per_million_requests is not None
    assert big.quality.value == pytest.approx(np.average(TEACHER, weights=weights))
    tokens = np.average(np.linspace(10, 400, ROWS), weights=weights)
    assert big.cost.per_million_requests.value == pytest.approx(tokens * 100.0)


def test_the_strong_share_is_of_requests_and_not_of_rows() -> None:
    weights = np.where(HARD > 0.7, 5.0, 1.0)
    policy = decide(evidence(weights=weights), with_flips=False).policies[0]
    assert policy.curve[-1, 0] == pytest.approx(1.0)
    sent = np.quantile(HARD, 0.5) <= HARD
    nearest = policy.curve[np.argmin(np.abs(policy.curve[:, 0] - weights[sent].sum() / weights.sum()))]
    assert nearest[1] == pytest.approx(np.average(np.where(sent, TEACHER, STUDENT), weights=weights), abs=0.03)
    assert policy.teacher_quality == pytest.approx(np.average(TEACHER, weights=weights))


def test_comparisons_follow_the_weights() -> None:
    weights = np.where(HARD > 0.7, 5.0, 1.0)
    found = decide(evidence(weights=weights), with_flips=False)
    gap = found.of("small").gap
    assert gap is not None
    assert gap.value == pytest.approx(-np.average(TEACHER - STUDENT, weights=weights))
    assert found.complexity.disagreement == pytest.approx(
        np.average([a != b for a, b in zip(OUTPUTS["big"], OUTPUTS["small"], strict=True)], weights=weights)
    )


def test_which_interval_is_used_and_how_many_rows_the_weighted_ones_are_worth_is_told() -> None:
    weights = np.where(np.arange(ROWS) % 2, 3.0, 1.0)
    weighted, plain = evidence(weights=weights), evidence()
    found = decide(weighted, with_flips=False)
    document = results_document(weighted, found)
    assert document["data"]["weights"] == {
        "column": "traffic", "rows": ROWS, "effective_rows": pytest.approx(ROWS * 0.8), "equal": False,
    }  # fmt: skip
    assert document["candidates"][0]["quality"]["interval"] == "bootstrap"
    assert "decide.note.weighted" in [note.code for note in found.notes]
    same = decide(plain, with_flips=False)
    assert results_document(plain, same)["candidates"][0]["quality"]["interval"] == "wilson"
    assert "decide.note.weights_equal" in [note.code for note in same.notes]


def test_weighted_rows_that_are_all_right_keep_an_interval() -> None:
    weights = np.array([8.0, 1.0, 1.0, 1.0])
    groups = ["a", "b", "c", "d"]
    found = estimate_quality(mean_rows(np.ones(4)).weighted(weights), groups, resample_weights(groups, 50))
    worth = effective_rows(groups, weights)
    assert (found.low, found.high) == pytest.approx((wilson_interval(worth, worth)[0], 1.0))


COUNTED = np.where(np.arange(ROWS) < 10, 9.0, 1.0)
"""Ten heavy rows, which are 90 of 320."""
FIGURES = RetrievalFigures(
    method="bm25", top_k=3, documents=4, passages=9, index_mib=1.0, embeddings_mib=0.0, encoder_mib=0.0,
    milliseconds=(1.0,) * ROWS, right_by="document", ranks=(0,) * 10 + (2,) * 30, rank_places=tuple(range(40)),
)  # fmt: skip


def counted(weights: FloatArray | None, **measured: Any) -> dict[str, Any]:
    """The results of a teacher that gave the first ten rows no answer."""
    study = make_study([single("big", "teacher")], data={"columns": {"weight": "traffic"}})
    rows = scored(np.r_[np.zeros(10), np.ones(ROWS - 10)], [None] * 10 + ["right"] * (ROWS - 10))
    figures = benchmark(origin="measured", rows_test=ROWS, **measured)
    made = _weighted(evidence_of(study, {"big": rows}, {"big": figures}, targets=["right"] * ROWS), weights)
    return results_document(made, decide(made, with_flips=False))


def test_unanswered_and_cut_rows_are_shares_of_the_weight_beside_their_number() -> None:
    measured: dict[str, Any] = {"cut_rows": 4, "cut_places": (1, 2, 100, 101), "unfit_rows": 10, "max_length": 64}
    weighted = counted(COUNTED, **measured)["candidates"][0]
    assert weighted["unanswered"] == {"count": 10, "rows": ROWS, "share": pytest.approx(90 / 320)}
    assert weighted["cut_inputs"]["share"] == pytest.approx((9 + 9 + 1 + 1 + 90) / 320)
    assert (weighted["cut_inputs"]["cut_rows"], weighted["cut_inputs"]["unfit_rows"]) == (4, 10)
    plain = counted(None, **measured)["candidates"][0]
    assert plain["unanswered"]["share"] == pytest.approx(10 / ROWS)
    assert plain["cut_inputs"]["share"] == pytest.approx(14 / ROWS)


def test_cut_rows_of_which_only_the_number_is_known_are_a_share_of_rows() -> None:
    found = counted(COUNTED, cut_rows=4, unfit_rows=0, max_length=64)["candidates"][0]
    assert found["cut_inputs"]["share"] == pytest.approx(4 / ROWS)


def test_recall_and_reciprocal_rank_follow_the_weights_of_the_rows_that_have_one() -> None:
    weighted = counted(COUNTED, retrieval=FIGURES)["candidates"][0]["retrieval"]
    assert weighted["recall"]["value"] == pytest.approx(30 / 120)
    assert weighted["reciprocal_rank"]["value"] == pytest.approx(15 / 120)
    for name in ("recall", "reciprocal_rank"):
        assert weighted[name]["low"] < weighted[name]["value"] < weighted[name]["high"]
    plain = counted(None, retrieval=FIGURES)["candidates"][0]["retrieval"]
    assert plain["recall"]["value"] == 30 / 40
    unnoted = FIGURES.model_copy(update={"rank_places": None})
    assert counted(COUNTED, retrieval=unnoted)["candidates"][0]["retrieval"]["recall"]["value"] == 30 / 40


def test_the_entropy_of_labels_is_that_of_the_weighted_test_rows() -> None:
    made = evidence(weights=COUNTED)
    data = PrepareResult(
        rows_train=1, rows_calibration=0, rows_test=ROWS, dropped=(), labels=("right", "other"), groups=ROWS,
        duplicate_rows=0, input_length_p50=1, input_length_p95=1, input_length_max=1, label_entropy_bits=0.7,
        seconds=0.1,
    )  # fmt: skip
    assert made.test is not None
    targets = ("right",) * 10 + ("other",) * (ROWS - 10)
    halves = replace(made, dataset=data, test=replace(made.test, targets=targets))
    share = np.array([90 / 320, 230 / 320])
    bits = decide(halves, with_flips=False).complexity.label_entropy_bits
    assert bits == pytest.approx(float(-(share * np.log2(share)).sum()))
    alike = decide(_weighted(halves, None), with_flips=False).complexity.label_entropy_bits
    assert alike == 0.7


FEW_HEAVY = np.r_[np.full(26, 1000.0), np.ones(300)]
NEARLY_RIGHT = np.r_[np.ones(26), np.zeros(290), np.ones(10)]
"""All heavy rows right and most light ones wrong."""
SINGLY = [str(row) for row in range(len(FEW_HEAVY))]


def test_few_heavy_rows_that_are_all_right_do_not_make_a_share_certain() -> None:
    draws = resample_weights(SINGLY, 200)
    all_right = estimate_quality(mean_rows(np.ones(326)).weighted(FEW_HEAVY), SINGLY, draws)
    nearly = estimate_quality(mean_rows(NEARLY_RIGHT).weighted(FEW_HEAVY), SINGLY, draws)
    worth = effective_rows(SINGLY, FEW_HEAVY)
    assert nearly.low <= wilson_interval(nearly.value * worth, worth)[0] <= all_right.low
    upside_down = estimate_quality(mean_rows(1.0 - NEARLY_RIGHT).weighted(FEW_HEAVY), SINGLY, draws)
    assert upside_down.high == pytest.approx(1.0 - nearly.low)


def test_graded_scores_that_few_heavy_rows_decide_are_not_certain_either() -> None:
    scores = np.where(NEARLY_RIGHT > 0, 1.0, 0.25)
    found = estimate_quality(mean_rows(scores).weighted(FEW_HEAVY), SINGLY, resample_weights(SINGLY, 200))
    assert found.value > 0.98
    assert found.low < 0.9


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_weighted_share_is_never_told_more_surely_than_its_effective_rows_allow(share: float) -> None:
    generator = np.random.default_rng(3)
    scores, weights = (generator.random(80) < share).astype(float), generator.pareto(1.0, 80) + 0.1
    groups = SINGLY[:80]
    found = estimate_quality(mean_rows(scores).weighted(weights), groups, resample_weights(groups, 300))
    worth = effective_rows(groups, weights)
    low, high = wilson_interval(found.value * worth, worth)
    assert found.low <= low
    assert found.high >= high


def test_rows_of_one_weight_have_the_interval_of_unweighted_ones() -> None:
    groups = [str(row // 2) for row in range(326)]
    draws = resample_weights(groups, 200)
    plain, same = mean_rows(NEARLY_RIGHT), mean_rows(NEARLY_RIGHT).weighted(np.full(326, 4.0))
    assert estimate_quality(same, groups, draws) == estimate_quality(plain, groups, draws)


def test_several_trainings_on_few_heavy_rows_keep_the_same_width() -> None:
    run = mean_rows(NEARLY_RIGHT).weighted(FEW_HEAVY)
    draws = np.vstack([np.ones(326), resample_weights(SINGLY, 200)])
    mixing = np.full((201, 2), 0.5)
    alone = estimate_seeded(SeededRows((run,), np.ones((1, 1))), SINGLY, draws)
    twice = estimate_seeded(SeededRows((run, run), mixing), SINGLY, draws)
    assert (twice.low, twice.high) == pytest.approx((alone.low, alone.high))


def test_the_heavy_rows_of_a_slice_decide_how_sure_the_slice_is() -> None:
    rows = mean_rows(NEARLY_RIGHT).weighted(FEW_HEAVY)
    slices = [(("lang", "en" if row < 76 else "de"),) for row in range(326)]
    found = quality_by_slice(rows, slices, SINGLY, resample_weights(SINGLY, 200))
    assert found["lang", "en"].low < 0.9


LABELS = st.sampled_from(["card", "loan", "fee"])
WEIGHTED = st.lists(st.tuples(LABELS, LABELS, st.integers(1, 4)), min_size=2, max_size=30)


@settings(deadline=None)
@given(WEIGHTED)
def test_a_whole_weight_is_as_good_as_so_many_rows(rows: list[tuple[str, str, int]]) -> None:
    outputs, targets = [one for one, _, _ in rows], [one for _, one, _ in rows]
    weights = np.array([weight for _, _, weight in rows], dtype=float)
    repeated = np.repeat(np.arange(len(rows)), weights.astype(int)).tolist()
    own = macro_f1_rows(outputs, targets).weighted(weights).value()
    assert own == pytest.approx(
        float(macro_f1_rows([outputs[row] for row in repeated], [targets[row] for row in repeated]).value())
    )
    scores = np.array([float(one == other) for one, other, _ in rows])
    assert mean_rows(scores).weighted(weights).value() == pytest.approx(float(mean_rows(scores[repeated]).value()))


ROUTED = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0]), st.integers(-3, 3), st.integers(1, 4)),
    min_size=2, max_size=30,
)  # fmt: skip


@settings(deadline=None)
@given(ROUTED)
def test_a_routing_curve_of_weighted_rows_is_that_of_repeated_ones(rows: list[tuple[float, float, int, int]]) -> None:
    teacher, student, priority, weights = (np.array(part, dtype=float) for part in zip(*rows, strict=True))
    repeated = np.repeat(np.arange(len(rows)), weights.astype(int))
    own = curve_of(routed_means(teacher, student, weights), ranking_of(priority))
    other = curve_of(routed_means(teacher[repeated], student[repeated]), ranking_of(priority[repeated]))
    assert own.shares == pytest.approx(other.shares)
    assert own.qualities == pytest.approx(other.qualities)
    once = resampled_curves(routed_means(teacher, student, weights), ranking_of(priority), np.ones((1, len(rows))))
    assert once.shares[0] == pytest.approx(own.shares)
    assert once.qualities[0] == pytest.approx(own.qualities)
