"""Limits on the first and each further token exclude as the one on latency does, where the tokens were timed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, right_share, route, scored, single

from core.charts.build import excluded_label
from core.decide import Decision, decide
from core.decide.outcome import GateResult
from core.decide.token_samples import Mixture, TokenSamples, mixed_tokens, token_samples
from core.domain import Gate, PolicyKind
from core.jobs.results import BenchmarkResult, LatencySamples, RuntimeFigures, TokenTimes

ROWS = 200
FIRST, FURTHER = "time_to_first_token_ms", "time_per_output_token_ms"


def written(
    whole_ms: float, first_ms: float | None, between_ms: float, count: int = 100, runtime: str = "endpoint"
) -> BenchmarkResult:
    """The benchmark of a model that writes; without `first_ms` its answers were not streamed."""
    tokens = None
    if first_ms is not None:
        tokens = TokenTimes(time_to_first_token_ms=(first_ms,) * count, time_per_output_token_ms=(between_ms,) * count)
    samples = LatencySamples(milliseconds=(whole_ms,) * 100, warm_up_requests=1)
    figures = RuntimeFigures(runtime=runtime, latency=samples, requests_per_second=None, tokens=tokens)
    return benchmark(origin="measured").model_copy(update={"runtimes": (figures,)})


def decided(measured: BenchmarkResult, **service: float) -> Decision:
    study = make_study(
        [single("big", "teacher", profile="own")],
        criteria={"cost": {"monthly_requests": 1000}, "service": service},
        profiles={"own": priced(10.0)},
    )
    return decide(evidence_of(study, {"big": scored(right_share(0.9, ROWS))}, {"big": measured}), with_flips=False)


def gate(found: Decision, rule: str, name: str = "big") -> GateResult | None:
    gates = [one for one in found.of(name).gates if one.gate is Gate.LATENCY and one.rule == rule]
    return gates[0] if gates else None


@pytest.mark.parametrize(
    ("rule", "limit", "state"),
    [(FIRST, 150.0, "pass"), (FIRST, 90.0, "fail"), (FURTHER, 25.0, "pass"), (FURTHER, 15.0, "fail")],
)
def test_timed_tokens_are_held_against_their_limit(rule: str, limit: float, state: str) -> None:
    found = decided(written(900.0, 100.0, 20.0), **{rule: limit})
    held = gate(found, rule)
    assert held is not None
    assert held.state == state
    assert f"within your limit of {limit:g} ms" in held.message.text
    excluded = [(one.gate, one.rule) for one in found.excluded]
    assert excluded == ([] if state == "pass" else [(Gate.LATENCY, rule)])
    assert found.candidate == ("big" if state == "pass" else None)


def test_a_chance_below_nine_in_ten_does_not_pass() -> None:
    times = TokenTimes(time_to_first_token_ms=tuple([100.0] * 95 + [200.0] * 5), time_per_output_token_ms=(1.0,) * 100)
    measured = written(900.0, 100.0, 1.0)
    tight = measured.model_copy(
        update={"runtimes": (measured.runtimes[0].model_copy(update={"tokens": times}),)},
    )
    held = gate(decided(tight, time_to_first_token_ms=150.0), FIRST)
    assert held is not None
    assert held.probability is not None
    assert 0.1 < held.probability < 0.9
    assert held.state == "fail"


@pytest.mark.parametrize("rule", [FIRST, FURTHER])
def test_tokens_that_were_not_timed_are_unknown_and_not_a_pass(rule: str) -> None:
    found = decided(written(900.0, None, 0.0), **{rule: 500.0})
    held = gate(found, rule)
    assert held is not None
    assert held.state == "unknown"
    assert "was not measured, so nobody knows" in held.message.text
    assert found.candidate is None
    assert any("Time the tokens of big" in one.message.text for one in found.measure_next)
    label = excluded_label(found.of("big"))
    assert label is not None
    assert label.text == "tokens not timed"


def test_an_answer_that_is_whole_in_time_had_its_first_token_in_time() -> None:
    held = gate(decided(written(400.0, None, 0.0), time_to_first_token_ms=500.0), FIRST)
    assert held is not None
    assert held.state == "pass"
    assert "whole answers" in held.message.text
    few = gate(decided(written(400.0, 10.0, 1.0, count=20), time_to_first_token_ms=500.0), FIRST)
    assert few is not None
    assert few.state == "pass", "too few first tokens, but the whole answers prove it"


@pytest.mark.parametrize("rule", [FIRST, FURTHER])
def test_too_few_times_are_unknown(rule: str) -> None:
    held = gate(decided(written(900.0, 100.0, 20.0, count=58), **{rule: 500.0}), rule)
    assert held is not None
    assert held.state == "unknown"
    assert "58" in held.message.text
    assert "needs 59" in held.message.text


@pytest.mark.parametrize(("limit", "state"), [(10.0, "pass"), (4.0, "fail")])
def test_an_answer_that_comes_at_once_has_its_first_token_then_and_no_further_ones(limit: float, state: str) -> None:
    found = decided(benchmark([5.0] * 100, 200.0), time_to_first_token_ms=limit, time_per_output_token_ms=0.001)
    held = gate(found, FIRST)
    assert held is not None
    assert held.state == state
    assert gate(found, FURTHER) is None


@pytest.mark.parametrize(("further_untimed", "state"), [(70, "unknown"), (0, None)])
def test_answers_whose_further_tokens_came_at_once_with_the_first_meet_no_limit_on_them(
    further_untimed: int, state: str | None
) -> None:
    tokens = TokenTimes(time_to_first_token_ms=(100.0,) * 70, further_untimed=further_untimed)
    measured = written(900.0, 100.0, 20.0)
    in_one = measured.model_copy(
        update={"runtimes": (measured.runtimes[0].model_copy(update={"tokens": tokens}),)},
    )
    held = gate(decided(in_one, **{FURTHER: 1e6}), FURTHER)
    assert (None if held is None else held.state) == state


def test_what_was_measured_elsewhere_tells_nothing_of_its_tokens() -> None:
    study = make_study([single("big", "teacher")], criteria={
        "cost": {"monthly_requests": 1000}, "service": {"time_to_first_token_ms": 50.0, FURTHER: 5.0},
    })  # fmt: skip
    rows = scored(right_share(0.9, ROWS), latency_ms=np.full(ROWS, 80.0))
    found = decide(evidence_of(study, {"big": rows}), with_flips=False)
    assert [one.state for one in found.of("big").gates] == ["unknown", "unknown"]


def test_where_answers_are_asked_for_again_none_is_shown_before_it_is_whole() -> None:
    whole = np.full(100, 900.0)
    measured = written(900.0, 100.0, 20.0)
    once, again = (token_samples(measured, whole, asked_again=asked).first_ms for asked in (False, True))
    assert once is not None
    assert again is not None
    assert (once.max(), again.min()) == (100.0, 900.0)


def test_a_cascade_shows_nothing_before_the_student_is_done_and_a_router_begins_with_whoever_answers() -> None:
    teacher = TokenSamples(np.full(100, 100.0), np.full(100, 20.0), np.full(100, 900.0))
    student = TokenSamples(np.full(80, 10.0), np.full(80, 2.0), np.full(80, 60.0))
    routed = mixed_tokens(teacher, student, None, Mixture(0.25, 5.0, cascade=False))
    cascaded = mixed_tokens(teacher, student, None, Mixture(0.25, 5.0, cascade=True))
    assert routed.first_ms is not None
    assert cascaded.first_ms is not None
    assert set(routed.first_ms) == {15.0, 105.0}
    assert set(cascaded.first_ms) == {65.0, 165.0}
    assert (routed.first_ms == 105.0).mean() == 0.25
    assert routed.between_ms is not None
    assert set(routed.between_ms) == {2.0, 20.0}
    assert (routed.first_count, routed.between_count) == (80, 80)


def test_of_a_hybrid_with_a_classifier_further_tokens_are_the_teachers_own() -> None:
    teacher = TokenSamples(np.full(100, 100.0), np.full(100, 20.0), np.full(100, 900.0))
    student = TokenSamples(np.full(80, 10.0), np.empty(0), np.full(80, 10.0))
    mixed = mixed_tokens(teacher, student, None, Mixture(0.25, 5.0, cascade=False))
    assert mixed.between_ms is not None
    assert set(mixed.between_ms) == {20.0}
    untimed = mixed_tokens(TokenSamples(), student, None, Mixture(0.25, 5.0, cascade=False))
    assert (untimed.first_ms, untimed.between_ms) == (None, None)


def hybrid(**service: float) -> Decision:
    """A router of a slow teacher and a quick student, which answers half of the rows."""
    study = make_study(
        [
            single("big", "teacher", profile="own"),
            single("small", profile="own"),
            {"name": "both", "role": "hybrid", "teacher": "big", "student": "small", "policies": ["router"]},
        ],
        criteria={"cost": {"monthly_requests": 1000}, "service": service},
        profiles={"own": priced(10.0)},
    )
    strong, weak = right_share(0.95, ROWS), right_share(0.5, ROWS, seed=3)
    times = {"big": written(900.0, 100.0, 20.0), "small": benchmark([5.0] * 100, 200.0)}
    routes = {"both": route(strong - weak, (PolicyKind.ROUTER,))}
    return decide(evidence_of(study, {"big": scored(strong), "small": scored(weak)}, times, routes), with_flips=False)


@pytest.mark.parametrize(("limit", "state"), [(150.0, "pass"), (50.0, "fail")])
def test_a_hybrid_is_held_against_the_mixture_of_its_paths(limit: float, state: str) -> None:
    found = hybrid(time_to_first_token_ms=limit, time_per_output_token_ms=25.0)
    share = found.of("both").strong_share
    assert share is not None
    assert 0.05 < share < 0.95
    held = gate(found, FIRST, "both")
    assert held is not None
    assert held.state == state
    further = gate(found, FURTHER, "both")
    assert further is not None
    assert further.state == "pass"


def test_limits_on_tokens_are_stated_assumptions_with_the_value_at_which_they_flip() -> None:
    study = make_study(
        [single("big", "teacher", profile="own")],
        criteria={"cost": {"monthly_requests": 1000}, "service": {FIRST: 150.0, FURTHER: 25.0}},
        profiles={"own": priced(10.0)},
    )
    rows: dict[str, Any] = {"big": scored(right_share(0.9, ROWS))}
    found = decide(evidence_of(study, rows, {"big": written(900.0, 100.0, 20.0)}))
    stated = {one.name.rsplit(".", 1)[-1]: (one.value, one.unit) for one in found.assumptions}
    assert stated[FIRST] == (150.0, "ms")
    assert stated[FURTHER] == (25.0, "ms")
    flips = {one.path.rsplit(".", 1)[-1]: one.flips_at for one in found.flips}
    assert flips[FIRST] == pytest.approx(100.0, rel=0.02)
    assert flips[FURTHER] == pytest.approx(20.0, rel=0.02)
