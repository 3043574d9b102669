"""The choice: what never changes it, how sure it is, and what would change it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, right_share, route, scored, single
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decide import Decision, decide
from core.decide.documents import recommendation_document, results_document
from core.decide.overrides import apply_overrides
from core.domain import Choice
from core.evidence import StudyEvidence

ROWS = 300
Option = tuple[float, float]  # quality, price of a million requests
OPTIONS = st.lists(
    st.tuples(st.floats(0.3, 0.99), st.floats(10.0, 5000.0)), min_size=2, max_size=4, unique_by=lambda option: option[1]
)


def evidence(options: dict[str, Option], value: float | None = 0.002, unit: float = 1.0, **cost: Any) -> StudyEvidence:
    """Candidates at vendors, each with its quality and its price; `unit` rescales all money."""
    criteria = {"monthly_requests": 1_000_000, **cost}
    if value is not None:
        criteria["value_per_success"] = value * unit
    roles = ["teacher", *["student"] * len(options)]
    study = make_study(
        [single(name, role, profile=name) for role, name in zip(roles, options, strict=False)],
        criteria={"cost": criteria},
        profiles={name: priced(price * unit) for name, (_, price) in options.items()},
    )
    rows = {name: scored(_rows(quality, price)) for name, (quality, price) in options.items()}
    return evidence_of(study, rows)


def _rows(quality: float, price: float) -> Any:
    """Rows that depend on the option alone, not on its name or place."""
    return right_share(quality, ROWS, seed=int(price * 1000) % 2**31)


def winner(options: dict[str, Option], **parts: Any) -> tuple[Choice, Option | None]:
    found = decide(evidence(options, **parts), with_flips=False)
    return found.choice, None if found.candidate is None else options[found.candidate]


def named(options: list[Option], names: str = "abcde") -> dict[str, Option]:
    return dict(zip(names, options, strict=False))


@settings(max_examples=25, deadline=None)
@given(OPTIONS)
def test_an_option_that_is_worse_and_dearer_never_changes_the_winner(options: list[Option]) -> None:
    before = winner(named(options))
    quality, price = max(options, key=lambda option: option[1])
    dominated = (max(quality - 0.25, 0.0), price * 1.5)
    after = winner(named([*options, dominated]))
    assert after[1] != dominated
    if before[0] is not Choice.INCONCLUSIVE and after[0] is not Choice.INCONCLUSIVE:
        assert after[1] == before[1]


@settings(max_examples=20, deadline=None)
@given(OPTIONS, st.sampled_from([0.01, 7.3, 100.0]))
def test_another_unit_of_money_never_changes_the_winner(options: list[Option], unit: float) -> None:
    assert winner(named(options), unit=unit) == winner(named(options))


@settings(max_examples=20, deadline=None)
@given(OPTIONS, st.randoms(use_true_random=False))
def test_other_names_and_another_order_never_change_the_winner(options: list[Option], random: Any) -> None:
    students = options[1:]
    random.shuffle(students)
    assert winner(named([options[0], *students], "zyxwv")) == winner(named(options))


def test_the_greatest_net_benefit_wins_not_the_greatest_ratio() -> None:
    """0.002 · 1M · 0.95 − 900 = 1,000; 0.002 · 1M · 0.40 − 10 = 790, at 30 times the ratio."""
    found = decide(evidence({"big": (0.95, 900.0), "small": (0.40, 10.0)}), with_flips=False)
    assert found.candidate == "big"
    benefit = found.of("big").net_benefit
    assert benefit is not None
    assert benefit.value == pytest.approx(0.002 * 1e6 * 0.95 - 900.0)
    ratios = [found.of(name).cost_benefit for name in ("big", "small")]
    assert all(ratio is not None for ratio in ratios)
    assert ratios[1].value > 10 * ratios[0].value  # type: ignore[union-attr]  # asserted above


def test_options_that_the_data_cannot_tell_apart_are_inconclusive_with_a_number_of_examples() -> None:
    found = decide(evidence({"big": (0.81, 900.0), "small": (0.80, 870.0)}, value=0.01), with_flips=False)
    assert found.choice is Choice.INCONCLUSIVE
    assert found.candidate is None
    assert found.leading == "big"
    assert int(found.headline.values["examples"] or 0) > 0


def test_without_a_value_the_cheapest_non_inferior_option_wins() -> None:
    found = decide(evidence({"big": (0.90, 900.0), "small": (0.90, 100.0), "tiny": (0.6, 10.0)}, value=None))
    assert found.candidate in {"small", None}
    assert found.of("tiny").non_inferior is False
    steps = {step.candidate: step for step in found.frontier}
    assert "tiny" in steps


def test_a_point_estimate_within_the_margin_is_not_enough_to_be_non_inferior() -> None:
    """2 points below at n = 300 has a bound of about −6 points: not shown to be within 3."""
    found = decide(evidence({"big": (0.90, 900.0), "small": (0.88, 100.0)}, value=None), with_flips=False)
    small = found.of("small")
    assert small.gap is not None
    assert small.gap.value == pytest.approx(-0.02, abs=1e-9)
    assert small.non_inferior is False


def test_re_entering_a_flip_value_flips_the_recommendation() -> None:
    rows = evidence({"big": (0.95, 900.0), "small": (0.70, 100.0)}, value=0.005, monthly_budget=2000)
    found = decide(rows)
    flips = [flip for flip in found.flips if flip.flips_at is not None]
    assert {flip.path for flip in flips} >= {"criteria.cost.value_per_success", "criteria.cost.monthly_budget"}
    for flip in flips:
        again = decide(rows, apply_overrides(rows.study, [f"{flip.path}={flip.flips_at}"]), with_flips=False)
        assert (again.choice, again.candidate) == (flip.to, flip.to_candidate), flip.path
        assert (again.choice, again.candidate) != (found.choice, found.candidate), flip.path


def test_the_same_rows_give_the_same_documents_byte_for_byte() -> None:
    def documents() -> str:
        rows = evidence({"big": (0.95, 900.0), "small": (0.70, 100.0)})
        found = decide(rows)
        return json.dumps([results_document(rows, found), recommendation_document(found)], allow_nan=False)

    assert documents() == documents()


def test_a_machine_costs_money_while_idle_and_in_whole_machines() -> None:
    """3,600 ÷ 36 + 0.5 kW · 730 h · 0.2 = 173 a month each; 100 requests a second at the peak of twice the mean."""
    profile = {"kind": "self_hosted", "capex": 3600, "life_months": 36, "power_kw": 0.5, "tariff": 0.2,
               "power_usage_effectiveness": 1.0, "peak_to_mean_load": 2.0}  # fmt: skip

    def month(requests: float) -> list[float]:
        study = make_study(
            [single("small", profile="own")],
            criteria={"cost": {"monthly_requests": requests}}, profiles={"own": profile},
        )  # fmt: skip
        rows = {"small": scored(right_share(0.9, ROWS))}
        found = decide(evidence_of(study, rows, {"small": benchmark([5.0] * 100, 100.0)}), with_flips=False)
        cost = found.of("small").cost
        assert cost is not None
        assert cost.monthly is not None
        return [cost.monthly.value, float(cost.replicas or 0)]

    full = 730 * 3600 * 100.0 / 2.0
    assert month(1000.0) == pytest.approx([173.0, 1])
    assert month(full) == pytest.approx([173.0, 1])
    assert month(full * 1.01) == pytest.approx([346.0, 2])


def test_a_local_run_of_unknown_speed_has_no_cost_rather_than_none_at_all() -> None:
    study = make_study([single("small")])
    found = decide(evidence_of(study, {"small": scored(right_share(0.9, ROWS))}), with_flips=False)
    cost = found.of("small").cost
    assert cost is None or cost.monthly is None
    assert found.choice is Choice.INCONCLUSIVE


def hybrid_decision(teacher_price: float) -> Decision:
    """A hybrid whose router knows the rows that the student gets wrong."""
    study = make_study(
        [
            single("big", "teacher", profile="dear"),
            single("small", profile="cheap"),
            {"name": "both", "role": "hybrid", "teacher": "big", "student": "small", "policies": ["router"]},
        ],
        criteria={"cost": {"monthly_requests": 1_000_000, "value_per_success": 0.01}},
        profiles={"dear": priced(teacher_price), "cheap": priced(50.0)},
    )
    student = right_share(0.75, ROWS, 4)
    teacher = np.maximum(student, right_share(0.9, ROWS, 5))
    noise = np.random.default_rng(6).normal(0.0, 0.15, ROWS)
    rows = {"big": scored(teacher), "small": scored(student)}
    return decide(evidence_of(study, rows, routes={"both": route(teacher - student + noise)}), with_flips=False)


def test_a_router_that_knows_the_hard_rows_is_recommended_and_sends_few() -> None:
    found = hybrid_decision(8000.0)
    (policy,) = found.policies
    assert policy.verdict.value == "recommended"
    assert found.candidate == "both"
    assert policy.strong_share < 0.5
    assert policy.quality.value > 0.9


def test_where_the_teacher_costs_no_more_no_router_is_worth_having() -> None:
    found = hybrid_decision(50.0)
    (policy,) = found.policies
    assert policy.verdict.value == "no learned router"
    assert found.candidate == "big"
    assert found.of("both").ineligible is not None
