"""What a decision, the results and the report say of a load test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, right_share, scored, single

from core.commands.results import print_results
from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.jobs.results import FailureCause, LoadResult, LoadStep
from core.report.build import build_report
from core.report.model import Paragraph, Table, text_of


def step(clients: int, served: float, latency_ms: float, count: int = 300, **parts: Any) -> LoadStep:
    """A level whose latencies spread evenly from nothing to twice the one given."""
    times = tuple(float(value) for value in np.linspace(0.0, 2.0 * latency_ms, count))
    fields: dict[str, Any] = {
        "loop": "closed", "concurrency": clients, "rate": None, "requests_per_second": served, "latency_ms": times,
        "failed": 0, "warm_up_requests": clients, "seconds": 5.0,
    }  # fmt: skip
    return LoadStep(**(fields | parts))


STEPS = (
    step(1, 50.0, 20.0),
    step(2, 100.0, 20.0),
    step(4, 103.0, 40.0, failed=2),
    step(4, 80.0, 30.0, count=60, loop="poisson", rate=80.0, cut_off_ms=(900.0,) * 6),
)


def evidence(limit_ms: float | None, steps: tuple[LoadStep, ...] = STEPS, **limits: float) -> StudyEvidence:
    criteria: dict[str, Any] = {"cost": {"monthly_requests": 1000}}
    if limit_ms is not None:
        limits = {"p95_latency_ms": limit_ms, **limits}
    if limits:
        criteria["service"] = limits
    study = make_study([single("big", "teacher"), single("small")], criteria=criteria)
    rows = {name: scored(right_share(0.9, 100, seed)) for seed, name in enumerate(("big", "small"))}
    tested = LoadResult(runtime="torch", device="CPU", steps=steps, requests=1000, seconds=9.0)
    timed = {"small": benchmark([5.0] * 300, 100.0)}
    return evidence_of(study, rows, timed, more={"small": {"load": tested}})


def loads(limit_ms: float | None, steps: tuple[LoadStep, ...] = STEPS, **limits: float) -> list[Any]:
    rows = evidence(limit_ms, steps, **limits)
    document = results_document(rows, decide(rows, with_flips=False))
    return [candidate["load"] for candidate in document["candidates"]]


def load_table(steps: tuple[LoadStep, ...]) -> list[list[str]]:
    """The texts of the report's only table of levels."""
    rows = evidence(30.0, steps)
    decision = decide(rows, with_flips=False)
    report = build_report(decision, rows, results_document(rows, decision), recommendation_document(decision))
    blocks = [block for section in report.sections for block in section.blocks]
    (table,) = [block for block in blocks if isinstance(block, Table) and text_of(block.title, "en") == "Under load"]
    return [[text_of(cell.phrase, "en") for cell in row] for row in table.rows]


def test_results_tell_each_level_and_the_saturation_point_and_null_without_a_test() -> None:
    big, small = loads(30.0)
    assert big is None
    assert small["saturation"] == {"concurrency": 2, "requests_per_second": 100.0, "output_tokens_per_second": None}
    assert [level["requests_per_second"] for level in small["levels"]] == [50.0, 100.0, 103.0, 80.0]
    assert (small["limit_ms"], small["requests"]) == (30.0, 1000)


def test_goodput_is_what_meets_the_limit_of_the_criteria() -> None:
    small = loads(20.0)[1]
    assert small["levels"][1]["goodput"] == pytest.approx(50.0)
    assert small["best_goodput"] == pytest.approx(50.0)
    unlimited = loads(None)[1]
    assert unlimited["best_goodput"] is None
    assert {level["goodput"] for level in unlimited["levels"]} == {None}


def streamed(
    firsts: tuple[float | None, ...], between: tuple[float | None, ...] | None, latency: tuple[float, ...]
) -> LoadStep:
    """A level of a hundred answers a second, with the times of each."""
    times = {"time_to_first_token_ms": firsts, "time_per_output_token_ms": between}
    return step(1, 100.0, 1.0).model_copy(update={"latency_ms": latency, **times})


def test_goodput_holds_each_streamed_answer_to_every_limit() -> None:
    level = streamed((10.0, 30.0, None, None), (5.0, 5.0, 5.0, None), (50.0, 50.0, 50.0, 20.0))

    def best(limit_ms: float | None = None, **limits: float) -> Any:
        return loads(limit_ms, (level,), **limits)[1]["best_goodput"]

    assert best(50.0) == 100.0
    # The third answer's first token is not known and came within 50 ms, the fourth's within 20.
    assert best(time_to_first_token_ms=25.0) == 50.0
    assert best(time_to_first_token_ms=60.0) == 100.0
    # An answer of one token waits for no further one.
    assert best(time_per_output_token_ms=4.0) == 25.0
    assert best(30.0, time_to_first_token_ms=25.0, time_per_output_token_ms=6.0) == 25.0


def test_a_limit_that_answers_cannot_be_held_to_is_in_no_goodput_and_named() -> None:
    small = loads(20.0, STEPS[:2], time_to_first_token_ms=1.0, time_per_output_token_ms=1.0)[1]
    assert small["levels"][1]["goodput"] == pytest.approx(50.0)
    assert small["limits"] == {"latency_ms": 20.0, "time_to_first_token_ms": 1.0, "time_per_output_token_ms": 1.0}
    assert small["limits_not_applied"] == ["time_to_first_token_ms", "time_per_output_token_ms"]
    assert loads(None, STEPS[:2], time_to_first_token_ms=1.0)[1]["best_goodput"] is None
    assert loads(20.0)[1]["limits_not_applied"] == []


def test_where_all_answers_come_in_one_piece_a_limit_on_further_tokens_is_in_no_goodput_and_named() -> None:
    level = streamed((10.0, 10.0), (None, None), (20.0, 20.0))
    small = loads(None, (level,), time_per_output_token_ms=4.0)[1]
    assert small["best_goodput"] is None
    assert small["limits_not_applied"] == ["time_per_output_token_ms"]


def test_where_nothing_was_answered_goodput_is_nothing() -> None:
    lost = step(1, 0.0, 1.0, cut_off_ms=(5.0,)).model_copy(update={"latency_ms": ()})
    small = loads(None, (lost,), time_to_first_token_ms=1.0)[1]
    assert (small["best_goodput"], small["limits_not_applied"]) == (0.0, [])


BUSY = FailureCause(kind="busy", status=429, words="slow down", count=350)
FAILING = (
    step(1, 50.0, 20.0),
    step(2, 900.0, 1.0, failed=350, causes=(BUSY,)),
    step(2, 40.0, 25.0, loop="poisson", rate=40.0),
)


def test_a_level_of_which_more_than_half_failed_has_no_figures() -> None:
    one, two, opened = loads(2.0, FAILING)[1]["levels"]
    assert (two["usable"], two["answered"], two["failed"]) == (False, 300, 350)
    assert two["failures"] == [{"cause": "busy", "status": 429, "words": "slow down", "count": 350}]
    assert (two["requests_per_second"], two["goodput"], two["time_to_first_token_ms"]) == (None, None, None)
    assert set(two["latency_ms"].values()) == {None}
    assert one["usable"]
    assert opened["latency_ms"]["p50"] == pytest.approx(25.0)
    half = step(1, 50.0, 20.0, failed=300)
    assert loads(None, (half,))[1]["levels"][0]["usable"], "half is not more than half"


def test_a_level_without_figures_has_no_part_in_goodput_and_saturation() -> None:
    # Its answers came in time, nine hundred a second.
    small = loads(50.0, FAILING)[1]
    assert small["best_goodput"] == 50.0
    assert small["saturation"] is None
    assert "small does not saturate within 1 client." in told_of(FAILING)


def test_how_many_failed_and_why_is_told_and_not_only_in_the_log() -> None:
    told = told_of(FAILING)
    assert (
        "small: 350 of 1250 requests failed under load, most often because the endpoint was too busy "
        "(status 429: slow down)." in told
    )
    assert any("a level at which more than half of the requests failed has no figures" in line for line in told)
    table = load_table(FAILING)
    assert [row[-1] for row in table] == ["0", "350", "0"]
    assert table[1][2:-1] == ["–"] * 5
    assert not any("failed under load" in line for line in told_of(STEPS[:2]))


def test_a_test_of_before_causes_were_kept_says_how_many_failed() -> None:
    assert "small: 2 of 962 requests failed under load." in told_of(STEPS)


def test_a_stored_test_whose_every_level_failed_is_shown_without_figures() -> None:
    lost = step(1, 9.0, 20.0, count=3, failed=20)
    small = loads(20.0, (lost,))[1]
    assert (small["best_goodput"], small["saturation"]) == (None, None)
    assert not any("saturate" in line for line in told_of((lost,)))


def told_of(steps: tuple[LoadStep, ...]) -> list[str]:
    """The paragraphs of the report."""
    rows = evidence(30.0, steps)
    decision = decide(rows, with_flips=False)
    report = build_report(decision, rows, results_document(rows, decision), recommendation_document(decision))
    blocks = [block for section in report.sections for block in section.blocks]
    return [text_of(block.phrase, "en") for block in blocks if isinstance(block, Paragraph)]


def test_the_command_line_has_the_levels_with_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = evidence(30.0, FAILING)
    decision = decide(rows, with_flips=False)
    print_results(results_document(rows, decision), decision)
    lines = capsys.readouterr().out.splitlines()
    (two,) = [line for line in lines if "2 clients" in line]
    assert two.split()[-6:] == ["–", "–", "–", "–", "–", "350/650"]
    assert any(line.startswith("  ! small: 350 of 1250 requests failed under load") for line in lines)


def test_the_report_says_which_limits_are_in_no_goodput() -> None:
    rows = evidence(20.0, STEPS[:2], time_to_first_token_ms=150.0)
    decision = decide(rows, with_flips=False)
    report = build_report(decision, rows, results_document(rows, decision), recommendation_document(decision))
    blocks = [block for section in report.sections for block in section.blocks]
    told = [text_of(block.phrase, "en") for block in blocks if isinstance(block, Paragraph)]
    assert "small: the limit on the first token is not in its goodput, for its answers were not streamed." in told
    cells = [text_of(c.phrase, "en") for block in blocks if isinstance(block, Table) for row in block.rows for c in row]
    assert "First token limit" in cells


def test_percentiles_are_hidden_where_the_samples_cannot_carry_them() -> None:
    few = (step(1, 50.0, 20.0, count=58), step(2, 100.0, 20.0, count=298), step(4, 200.0, 20.0, count=299))
    one, two, four = (level["latency_ms"] for level in loads(None, few)[1]["levels"])
    assert (one["p95"], one["p99"]) == (None, None)
    assert two["p95"] is not None
    assert two["p99"] is None
    assert four["p99"] is not None


def test_requests_that_were_not_sent_in_time_raise_the_percentiles() -> None:
    cut = loads(None)[1]["levels"][3]
    assert (cut["cut_off"], cut["n"]) == (6, 66)
    assert cut["latency_ms"]["p95"] > 200.0


def test_first_tokens_of_streamed_answers_are_told_for_each_level_and_null_without_any() -> None:
    streamed = step(1, 50.0, 20.0, count=60, time_to_first_token_ms=(4.0,) * 58 + (None, None), cut_off_ms=(900.0,))
    first, whole = loads(None, (streamed, STEPS[1]))[1]["levels"]
    assert first["time_to_first_token_ms"]["p50"] == 4.0
    # 58 answers, and one that was never sent.
    assert first["time_to_first_token_ms"]["p95"] is not None
    assert whole["time_to_first_token_ms"] is None
    assert [row[-3] for row in load_table((streamed, STEPS[1]))] == ["4 ms", "not measured"]


def test_the_saturation_point_is_null_where_every_level_still_gained() -> None:
    assert loads(None, STEPS[:2])[1]["saturation"] is None


def test_the_report_has_a_table_of_the_levels_where_some_candidate_was_tested() -> None:
    texts = load_table(STEPS)
    assert [row[1] for row in texts] == ["1 client", "2 clients", "4 clients", "80 a second, at random"]
    assert texts[2][-1] == "2"


def test_output_tokens_a_second_stand_at_each_level_whose_answers_were_counted() -> None:
    steps = (STEPS[0], STEPS[1].model_copy(update={"output_tokens_per_second": 750.0}), STEPS[2])
    small = loads(30.0, steps)[1]
    assert [level["output_tokens_per_second"] for level in small["levels"]] == [None, 750.0, None]
    assert small["saturation"]["output_tokens_per_second"] == 750.0
    assert [row[3] for row in load_table(steps)] == ["not measured", "750", "not measured"]
    mostly = steps[1].model_copy(update={"failed": 999})
    assert loads(30.0, (steps[0], mostly))[1]["levels"][1]["output_tokens_per_second"] is None


def test_levels_at_which_the_machine_was_busy_are_told() -> None:
    steps = (STEPS[0], STEPS[1].model_copy(update={"noisy": True, "foreign_share": 0.86}))
    assert [level["noisy"] for level in loads(30.0, steps)[1]["levels"]] == [False, True]
    assert "small: the machine was busy at 1 level under load; test again when it is idle." in told_of(steps)
    assert not any("was busy at" in line for line in told_of(STEPS))
