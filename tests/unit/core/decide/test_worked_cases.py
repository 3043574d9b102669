"""Published figures that the formulas must give back; each case names its source."""

from __future__ import annotations

import numpy as np
import pytest

from core.decide import cost
from core.decide.front import Spot, efficiency_frontier, pareto_front
from core.decide.value import value_of_information

# DeepSeek-R1's README: AIME 2024 pass@1, MATH-500 pass@1 (per cent), output price per million tokens.
DISTILLATES = {
    "1.5B": (28.9, 83.9, 0.09),
    "7B": (55.5, 92.8, 0.20),
    "8B": (50.4, 89.1, 0.025),
    "14B": (69.7, 93.9, 0.07),
    "32B": (72.6, 94.3, 0.15),
    "70B": (70.0, 94.5, 0.375),
    "R1": (79.8, 97.3, 2.19),
}
AIME, MATH = 0, 1


def spots(column: int) -> list[Spot]:
    return [
        Spot(name, figures[column], figures[2], per_request=figures[2], success_rate=figures[column])
        for name, figures in DISTILLATES.items()
    ]


def test_front_of_the_distillates_on_aime() -> None:
    assert [spot.name for spot in pareto_front(spots(AIME))] == ["8B", "14B", "32B", "R1"]


def test_money_for_one_more_point_between_neighbours_on_aime() -> None:
    steps = efficiency_frontier(spots(AIME))
    assert [step.candidate for step in steps] == ["8B", "14B", "32B", "R1"]
    ratios = [step.icer for step in steps]
    assert ratios[0] is None
    assert [ratio for ratio in ratios if ratio is not None] == pytest.approx([0.0023, 0.0276, 0.283], rel=0.02)


def test_70b_is_on_the_front_of_math_but_a_mix_of_its_neighbours_beats_it() -> None:
    assert "70B" in [spot.name for spot in pareto_front(spots(MATH))]
    assert "70B" not in [step.candidate for step in efficiency_frontier(spots(MATH))]


def test_raw_ratio_picks_the_8b_and_the_cheapest_above_the_floor_is_the_32b() -> None:
    ratio = {spot.name: cost.cost_benefit(spot.quality, spot.cost) or 0.0 for spot in spots(AIME)}
    assert max(ratio, key=lambda name: ratio[name]) == "8B"
    assert min((spot for spot in spots(AIME) if spot.quality >= 70.0), key=lambda spot: spot.cost).name == "32B"


# RouteLLM, arXiv 2406.18665v4, tables 1 to 3 and 6: strong share at random and of the best router.
@pytest.mark.parametrize(
    ("random", "best", "ratio"),
    [
        (49.03, 13.40, 3.66), (78.08, 31.31, 2.49), (50.07, 35.40, 1.41),
        (79.93, 70.31, 1.14), (50.00, 33.64, 1.49), (80.08, 63.26, 1.27),
    ],
)  # fmt: skip
def test_saving_that_routellm_prints_is_against_random_routing(random: float, best: float, ratio: float) -> None:
    assert 1.0 / (1.0 - cost.saving(random, best)) == pytest.approx(ratio, abs=0.006)


def test_router_and_cascade_at_the_share_of_routellm() -> None:
    strong, weak, share = 24.7, 0.24, 0.1340
    routed = cost.router_cost(share, 0.0, weak, strong)
    assert routed == pytest.approx(3.518, abs=5e-4)
    assert strong / routed == pytest.approx(7.02, abs=5e-3)
    assert cost.cascade_cost(share, 0.0, weak, strong) == pytest.approx(3.550, abs=5e-4)


@pytest.mark.parametrize("verify", [0.0, 0.5])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.79, 0.81, 1.0])
def test_a_cascade_pays_where_it_costs_less_than_the_teacher_alone(share: float, verify: float) -> None:
    student, teacher = 2.0, 10.0
    assert cost.cascade_pays(share, verify, student, teacher) == (
        cost.cascade_cost(share, verify, student, teacher) < teacher
    )


# DistilBERT, arXiv 1910.01108: GLUE, parameters in millions, seconds.
def test_distilbert_keeps_its_quality_at_a_better_ratio() -> None:
    assert pytest.approx(0.969, abs=5e-4) == 77.0 / 79.5
    before, after = cost.cost_benefit(79.5, 668.0), cost.cost_benefit(77.0, 410.0)
    assert before is not None
    assert after is not None
    assert after / before == pytest.approx(1.578, abs=5e-4)


# FrugalGPT, arXiv 2305.05176: cost before and after, saving in per cent (two are printed 0.1 higher there).
@pytest.mark.parametrize(("before", "after", "saved"), [(33.1, 0.6, 98.2), (9.7, 2.6, 73.2), (72.5, 29.6, 59.2)])
def test_savings_of_frugalgpt(before: float, after: float, saved: float) -> None:
    assert 100.0 * cost.saving(before, after) == pytest.approx(saved, abs=0.05)


def test_an_idle_machine_makes_each_token_dearer() -> None:
    assert cost.per_million_tokens(2.50, 700.0) == pytest.approx(0.992, abs=5e-4)
    assert cost.per_million_tokens(2.50, 700.0, utilisation=0.10) == pytest.approx(9.92, abs=5e-3)


def test_break_even_of_a_machine_against_a_price_by_the_token() -> None:
    volume = cost.break_even_volume(8500.0, 0.30 / 1e6)
    assert volume == pytest.approx(28.3e9, rel=2e-3)
    thirty_days = 505.0 * cost.SECONDS_PER_HOUR * 24 * 30
    assert cost.break_even_months(volume, thirty_days / 3.0) == pytest.approx(65.0, rel=0.01)
    assert cost.break_even_months(volume, thirty_days) == pytest.approx(21.6, rel=0.01)


def test_what_saves_nothing_never_pays_itself_back() -> None:
    assert cost.break_even_volume(8500.0, 0.0) is None
    assert cost.break_even_volume(8500.0, -1.0) is None
    assert cost.break_even_months(None, 100.0) is None


def test_value_of_perfect_information_of_a_normal_net_benefit() -> None:
    draws = np.random.default_rng(5).normal(1000.0, 2500.0, 400_000)
    found = value_of_information({"new": draws, "old": np.zeros(len(draws))})
    assert found.evpi == pytest.approx(576.1, abs=6.0)
    assert found.probability_best["new"] == pytest.approx(0.655, abs=0.005)


def test_expected_loss_rejects_what_is_mostly_best() -> None:
    draws = np.array([1500.0] * 85 + [-20000.0] * 15)
    found = value_of_information({"risky": draws, "nothing": np.zeros(100)})
    assert draws.mean() == pytest.approx(-1725.0)
    assert found.probability_best["risky"] == pytest.approx(0.85)
    assert found.expected_loss["risky"] > found.expected_loss["nothing"]
