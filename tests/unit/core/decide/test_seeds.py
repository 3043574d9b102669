"""Candidates trained with several seeds: every figure of the choice holds the spread between them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, right_share, route, scored, seeded, single

from core.decide import Decision, decide
from core.decide.documents import recommendation_document, results_document
from core.decide.draws import Draws
from core.decide.value import more_examples
from core.domain import FloatArray
from core.evidence import StudyEvidence

ROWS = 400
TEACHER = right_share(0.92, ROWS, 1)


def flipped(scores: FloatArray, count: int, seed: int) -> FloatArray:
    """The same scores with so many right answers turned wrong."""
    changed = scores.copy()
    right = np.flatnonzero(changed == 1.0)
    changed[np.random.default_rng(seed).choice(right, count, replace=False)] = 0.0
    return changed


STEADY = [flipped(TEACHER, 8, 1)] * 3
UNSTEADY = [flipped(TEACHER, count, count) for count in (2, 8, 14)]


def evidence(*runs: FloatArray, planned: int | None = None, **criteria: Any) -> StudyEvidence:
    """A teacher and a cheaper student with these runs."""
    study = make_study(
        [single("big", "teacher", profile="dear"), single("small", profile="cheap")],
        criteria={"cost": {"monthly_requests": 1_000_000}} | criteria,
        profiles={"dear": priced(900.0), "cheap": priced(50.0)},
    )
    rows = {"big": scored(TEACHER), "small": scored(runs[0])}
    more = {"small": seeded(*runs, planned=planned)} if len(runs) > 1 or planned else {}
    return evidence_of(study, rows, more=more)


def decided(*runs: FloatArray, **parts: Any) -> Decision:
    return decide(evidence(*runs, **parts), with_flips=False)


def width(decision: Decision, name: str = "small") -> float:
    quality = decision.of(name).quality
    assert quality is not None
    return quality.high - quality.low


def test_quality_is_the_mean_over_the_seeds_and_says_which_spread_it_holds() -> None:
    small = decided(*UNSTEADY).of("small")
    assert small.quality is not None
    assert small.quality.value == pytest.approx(np.mean([run.mean() for run in UNSTEADY]))
    assert (small.quality.seeds, small.quality.spread, small.quality.n) == (3, "rows and seeds", ROWS)
    assert [one.seed for one in small.by_seed] == [1, 2, 3]
    assert [one.quality for one in small.by_seed] == pytest.approx([float(run.mean()) for run in UNSTEADY])
    alone = decided(UNSTEADY[0]).of("small")
    assert alone.quality is not None
    assert (alone.quality.seeds, alone.quality.spread, alone.by_seed) == (1, "rows", ())


def test_seeds_that_differ_widen_interval_gap_and_bound() -> None:
    steady, unsteady = decided(*STEADY), decided(*UNSTEADY)
    assert width(unsteady) > 1.2 * width(steady)
    bounds = [one.of("small").gap_lower_bound for one in (steady, unsteady)]
    assert bounds[0] is not None
    assert bounds[1] is not None
    assert bounds[1] < bounds[0] - 0.01


def test_non_inferiority_that_rests_on_lucky_rows_of_one_seed_is_not_shown_by_three() -> None:
    assert decided(STEADY[0], service={"quality_margin": 0.04}).of("small").non_inferior is True
    assert decided(*STEADY, service={"quality_margin": 0.04}).of("small").non_inferior is True
    assert decided(*UNSTEADY, service={"quality_margin": 0.04}).of("small").non_inferior is False


def test_chance_of_the_quality_gate_holds_the_spread_between_seeds() -> None:
    def chance(*runs: FloatArray) -> float:
        (gate,) = decided(*runs, service={"min_quality": 0.87}).of("small").gates
        assert gate.probability is not None
        return gate.probability

    assert chance(*STEADY) > chance(*UNSTEADY) + 0.05


def test_expected_loss_and_value_of_information_hold_the_spread_between_seeds() -> None:
    cost = {"monthly_requests": 1_000_000, "value_per_success": 0.05}

    def evpi(*runs: FloatArray) -> float:
        found = decided(*runs, cost=cost).confidence.evpi
        assert found is not None
        return found

    assert evpi(*UNSTEADY) > 1.1 * evpi(*STEADY)


def test_several_seeds_that_agree_decide_as_one_does() -> None:
    one, three = decided(STEADY[0]), decided(*STEADY)
    assert three.choice == one.choice
    gaps = [found.of("small").gap for found in (one, three)]
    assert gaps[0] is not None
    assert gaps[1] is not None
    assert [gaps[1].value, gaps[1].low, gaps[1].high] == pytest.approx([gaps[0].value, gaps[0].low, gaps[0].high])


def test_neither_names_nor_places_change_a_figure() -> None:
    plain = evidence(*UNSTEADY)
    renamed = make_study(
        [single("zwei", profile="cheap"), single("eins", "teacher", profile="dear")],
        criteria={"cost": {"monthly_requests": 1_000_000}},
        profiles={"dear": priced(900.0), "cheap": priced(50.0)},
    )
    rows = {"zwei": scored(UNSTEADY[0]), "eins": scored(TEACHER)}
    other = evidence_of(renamed, rows, more={"zwei": seeded(*UNSTEADY)})
    first, second = decide(plain, with_flips=False).of("small"), decide(other, with_flips=False).of("zwei")
    assert (first.quality, first.gap) == (second.quality, second.gap)


def test_a_candidate_made_from_another_shares_the_luck_of_its_seeds() -> None:
    """Each INT8 model is one answer worse than its parent of the same seed: that is known better than either alone."""
    light = [flipped(run, 1, 9) for run in UNSTEADY]
    study = make_study(
        [
            single("small", "teacher"),
            {"name": "int8", "role": "student", "model": {"source": "candidate", "name": "small"},
             "compress": [{"quantize": "int8_dynamic"}]},
        ],
        profiles={"cheap": priced(50.0)},
    )  # fmt: skip
    rows = {"small": scored(UNSTEADY[0]), "int8": scored(light[0])}
    found = decide(
        evidence_of(study, rows, more={"small": seeded(*UNSTEADY), "int8": seeded(*light)}), with_flips=False
    )
    gap = found.of("int8").gap
    assert gap is not None
    assert gap.value == pytest.approx(-1 / ROWS)
    assert gap.low is None or gap.high is None or gap.high - gap.low < 0.02
    assert width(found, "int8") > 0.05


def test_missing_seeds_are_told_and_those_measured_are_used() -> None:
    found = decided(*UNSTEADY[:2], planned=3)
    told = [note.text for note in found.notes if note.code == "decide.note.seeds_measured"]
    assert told == ["small: 2 of 3 seeds measured; its figures rest on those"]
    quality = found.of("small").quality
    assert quality is not None
    assert quality.seeds == 2
    assert quality.value == pytest.approx(np.mean([run.mean() for run in UNSTEADY[:2]]))


def test_one_seed_of_three_is_told_and_its_interval_holds_the_rows_alone() -> None:
    found = decided(UNSTEADY[0], planned=3)
    assert "decide.note.seeds_measured" in [note.code for note in found.notes]
    assert width(found) == width(decided(UNSTEADY[0]))


def test_figures_of_the_first_seed_alone_are_told() -> None:
    assert "decide.note.first_seed" in [note.code for note in decided(*UNSTEADY).notes]
    assert "decide.note.first_seed" not in [note.code for note in decided(UNSTEADY[0]).notes]


def test_hybrid_is_routed_by_the_first_seed_and_says_how_that_stands_to_the_mean() -> None:
    study = make_study(
        [
            single("big", "teacher", profile="dear"), single("small", profile="cheap"),
            {"name": "both", "role": "hybrid", "teacher": "big", "student": "small", "policies": ["router"]},
        ],
        criteria={"cost": {"monthly_requests": 1_000_000, "value_per_success": 0.01}},
        profiles={"dear": priced(3000.0), "cheap": priced(50.0)},
    )  # fmt: skip
    rows = {"big": scored(TEACHER), "small": scored(UNSTEADY[2])}
    runs = [UNSTEADY[2], UNSTEADY[0], UNSTEADY[1]]
    noise = np.random.default_rng(6).normal(0.0, 0.15, ROWS)
    routes = {"both": route(TEACHER - UNSTEADY[2] + noise)}
    found = decide(evidence_of(study, rows, routes=routes, more={"small": seeded(*runs)}), with_flips=False)
    (told,) = [note for note in found.notes if note.code == "decide.note.hybrid_first_seed"]
    assert told.values["own"] == pytest.approx(UNSTEADY[2].mean())
    assert told.values["mean"] == pytest.approx(np.mean([run.mean() for run in runs]))
    quality = found.of("both").quality
    assert quality is not None
    assert (quality.seeds, quality.spread) == (1, "rows")


def test_latency_and_throughput_are_of_the_first_seed() -> None:
    study = make_study([single("small")])
    times = [10.0] * 300
    found = decide(
        evidence_of(
            study, {"small": scored(UNSTEADY[0])}, {"small": benchmark(times, 90.0)}, more={"small": seeded(*UNSTEADY)}
        ),
        with_flips=False,
    ).of("small")
    assert found.latency is not None
    assert (found.latency.p50, found.requests_per_second) == (10.0, 90.0)


def test_no_number_of_examples_closes_what_the_seeds_leave_open() -> None:
    generator = np.random.default_rng(8)
    rows = generator.normal(0.02, 0.02, 4000)
    by_rows = Draws(0.02, rows)
    with_seeds = Draws(0.02, rows + generator.normal(0.0, 0.005, 4000), rows)
    drowned = Draws(0.02, rows + generator.normal(0.0, 0.05, 4000), rows)
    plain, slower = more_examples(by_rows, 0.0, 500), more_examples(with_seeds, 0.0, 500)
    assert plain is not None
    assert slower is not None
    assert slower > plain
    assert more_examples(drowned, 0.0, 500) is None


def test_where_the_seeds_leave_it_open_more_seeds_are_what_to_measure_next() -> None:
    wild = [flipped(TEACHER, count, count) for count in (0, 10, 40)]
    found = decided(*wild, service={"quality_margin": 0.05})
    assert found.candidate is None
    assert "decide.next.seeds" in [entry.message.code for entry in found.measure_next]
    assert "decide.next.seeds" not in [entry.message.code for entry in decided(wild[0]).measure_next]


def test_same_rows_give_the_same_documents_byte_for_byte() -> None:
    def documents() -> str:
        rows = evidence(*UNSTEADY)
        found = decide(rows, with_flips=False)
        return json.dumps([results_document(rows, found), recommendation_document(found)], allow_nan=False)

    assert documents() == documents()
    quality = json.loads(documents())[0]["candidates"][1]["quality"]
    assert (quality["spread"], quality["seeds"]) == ("rows and seeds", 3)
