"""What few rows that all agree do not prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evidence_by_hand import evidence_of, make_study, priced, route, scored, single
from scipy.stats import beta

from core.charts import excluded_label
from core.decide.decision import decide
from core.decide.draws import Draws
from core.decide.gates import CHANCE
from core.decide.options import options_of
from core.decide.outcome import Decision, GateResult
from core.decide.systems import ONE_SEED, draws_of, outcomes_on_unseen, seeded_rows, shared_rows
from core.decide.value import Z_90, more_examples
from core.domain import Choice, FloatArray, Gate
from core.evidence import StudyEvidence

VENDORS = {"dear": priced(4000.0), "cheap": priced(500.0)}


def measured(big: FloatArray, small: FloatArray, jobs: Sequence[str] = ("a", "b"), **parts: Any) -> StudyEvidence:
    study = make_study(
        [single("big", "teacher", profile="dear"), single("small", profile="cheap")], profiles=VENDORS, **parts
    )
    rows = {"big": replace(scored(big), job=jobs[0]), "small": replace(scored(small), job=jobs[1])}
    return evidence_of(study, rows)


def criteria(value: float | None = None, **service: float) -> dict[str, Any]:
    cost = {"monthly_requests": 100_000} | ({} if value is None else {"value_per_success": value})
    return {"cost": cost, "service": service}


def quality_gate(decision: Decision, name: str) -> GateResult:
    (gate,) = [one for one in decision.of(name).gates if one.gate is Gate.QUALITY]
    return gate


def test_26_of_26_right_do_not_pass_a_floor_of_99_per_cent_and_the_gate_says_that_rows_are_few() -> None:
    found = decide(measured(np.ones(26), np.ones(26), criteria=criteria(min_quality=0.99)))
    gate = quality_gate(found, "small")
    assert gate.state == "fail"
    assert gate.probability == pytest.approx(beta(26.5, 0.5).sf(0.99), abs=0.03)
    assert gate.probability == quality_gate(found, "big").probability  # the same rows
    assert gate.message.code == "decide.gate.quality.few"
    assert "100\u00a0% on the test rows, but 26 are too few to be sure" in gate.message.text
    label = excluded_label(found.of("small"))
    assert label is not None
    assert label.text == "not surely above the minimum"  # its point lies above it


def test_where_rows_are_too_few_for_a_floor_about_as_many_more_are_asked_for_as_pass_it() -> None:
    found = decide(measured(np.ones(26), np.ones(26), criteria=criteria(min_quality=0.99)))
    assert (found.choice, found.leading) == (Choice.INCONCLUSIVE, "small")  # equally likely to pass, and cheaper
    assert "more examples needed" in found.headline.text
    (asked,) = [one.message for one in found.measure_next if one.message.code == "decide.next.examples_gate"]
    more = asked.values["examples"]
    assert isinstance(more, int)
    enough = round((26 + more) * 1.1)
    passed = decide(measured(np.ones(enough), np.ones(enough), criteria=criteria(min_quality=0.99)))
    assert quality_gate(passed, "small").state == "pass"
    assert beta(26 + more * 0.7 + 0.5, 0.5).sf(0.99) < CHANCE  # and no more than that


def test_more_rows_are_asked_for_where_only_their_number_keeps_out_the_better_choice() -> None:
    big, small = np.ones(400), np.ones(400)
    small[:6] = 0.0  # 98.5 % of 400 rows, against a minimum of 98 %
    found = decide(measured(big, small, criteria=criteria(0.05, min_quality=0.98)))
    assert found.candidate == "big"
    assert quality_gate(found, "small").message.code == "decide.gate.quality.few"
    asked = [one.message for one in found.measure_next if one.message.code == "decide.next.examples_gate"]
    assert [one.values["candidate"] for one in asked] == ["small"]


def test_26_rows_answered_alike_show_no_student_to_be_as_good_within_3_points_but_3000_do() -> None:
    few = decide(measured(np.ones(26), np.ones(26))).of("small")
    assert few.gap is not None
    assert few.gap.low is not None
    assert few.gap.value == 0.0
    assert few.gap.low < 0.0 < (few.gap.high or 0.0)
    assert few.non_inferior is False
    many = decide(measured(np.ones(3000), np.ones(3000))).of("small")
    assert many.non_inferior is True


def test_without_a_value_26_rows_answered_alike_ask_for_more_before_the_student_is_chosen() -> None:
    found = decide(measured(np.ones(26), np.ones(26)))
    assert (found.choice, found.leading) == (Choice.INCONCLUSIVE, "small")
    assert [one.message.code for one in found.measure_next if "examples" in one.message.code] == [
        "decide.next.examples_reference"
    ]


def test_rows_of_the_same_job_are_the_same_model_under_two_names() -> None:
    evidence = measured(np.ones(26), np.ones(26), jobs=("a", "a"))
    big, small = options_of(evidence, evidence.study)
    assert big.system is not None
    assert small.system is not None
    assert (big.system.quality_draws.draws == small.system.quality_draws.draws).all()


def test_a_hybrid_that_sends_everything_to_one_model_keeps_the_draws_of_that_model() -> None:
    generator = np.random.default_rng(3)
    small = generator.random(60).round()
    candidates = [
        single("big", "teacher", profile="dear"),
        single("small", profile="cheap"),
        {"name": "both", "role": "hybrid", "teacher": "big", "student": "small"},
    ]
    for value, model in ((1000.0, "big"), (0.0001, "small")):
        study = make_study(candidates, profiles=VENDORS, criteria=criteria(value))
        rows = {"big": replace(scored(np.ones(60)), job="a"), "small": replace(scored(small), job="b")}
        evidence = evidence_of(study, rows, routes={"both": route(generator.random(60))})
        found = {option.name: option for option in options_of(evidence, study)}
        both, own = found["both"], found[model]
        assert both.policy is not None
        assert both.system is not None
        assert own.system is not None
        assert both.policy.strong_share == (1.0 if model == "big" else 0.0)
        assert (both.system.quality_draws.draws == own.system.quality_draws.draws).all()
        assert (both.system.success.draws == own.system.success.draws).all()


def test_rows_of_one_group_are_one_row_to_what_is_not_seen() -> None:
    study = make_study([single("big", "teacher", profile="dear")], profiles=VENDORS)
    rows = {"big": scored(np.ones(200))}
    spreads = []
    for groups in ([f"g{row}" for row in range(200)], [f"g{row // 10}" for row in range(200)]):
        evidence = evidence_of(study, rows, groups=groups)
        assert evidence.test is not None
        shared = shared_rows(evidence.test, "accuracy")
        own = draws_of(shared, seeded_rows(shared, (rows["big"],), ONE_SEED), outcomes_on_unseen(shared, rows["big"]))
        spreads.append(float(np.std(own.draws)))
    assert spreads[1] == pytest.approx(10 * spreads[0], rel=0.15)


def test_what_rows_have_not_shown_falls_with_their_number_and_their_spread_with_its_root() -> None:
    generator = np.random.default_rng(0)
    added = -generator.gamma(0.5, size=1000) / 100
    nothing = Draws(1.0, 1.0 + added, unseen=added)
    # Gamma(1/2) exceeds 1.353 one time in ten: over a distance of one point that is 135 rows.
    needed = more_examples(nothing, 0.99, 100, z=Z_90)
    assert needed is not None
    assert 100 + needed == pytest.approx(135, abs=15)
    rows = generator.normal(0.0, 0.01, 1000)
    plain, both = Draws(0.9, 0.9 + rows), Draws(0.9, 0.9 + rows + added, unseen=added)
    fewer, more = more_examples(plain, 0.895, 1000, z=Z_90), more_examples(both, 0.895, 1000, z=Z_90)
    assert fewer is not None
    assert more is not None
    assert fewer < more < 2 * fewer
