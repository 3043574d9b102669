from __future__ import annotations

from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from core.domain import JobKind, JobRow, JobState, MetricPoint
from core.jobs.results import (
    CheckCount,
    CheckResult,
    CompressResult,
    ExpectedQuality,
    HeldOutQuality,
    IndexResult,
    JudgeResult,
    LabelNoise,
    LabelResult,
    LearningCurve,
    LoadResult,
    LoadStep,
    ProfileResult,
    RoundRecord,
    RungRecord,
    SizeQuality,
    SuiteMetric,
    SuiteResult,
    SweepResult,
    TrainResult,
    TrialRecord,
    VerdictCount,
)
from gui.app import Application
from gui.models.job_result import job_figures
from gui.models.job_words import JobFigures
from gui.models.table import Cell
from gui.widgets.rows_table import RowsTable


def row_of(kind: JobKind) -> JobRow:
    times: dict[str, Any] = dict.fromkeys(("message_code", "message_text", "phase", "remaining_s"))
    return JobRow(
        job_id="j", kind=kind, candidates=("small",), state=JobState.SUCCEEDED, position=0, attempt=1, progress=1.0,
        step=1, total_steps=1, message_values={}, created_at=None, started_at=None, finished_at=None,  # type: ignore[arg-type]  # no time is shown here
        superseded=False, depends_on=(), **times,
    )  # fmt: skip


def trial(number: int, state: Any, quality: float | None, speed: float | None) -> TrialRecord:
    settings: dict[str, str | int | float | bool | None] = {
        "layers": 2,
        "feed_forward": None,
        "quantize": "int8_dynamic",
    }
    return TrialRecord(
        number=number, state=state, settings=settings, quality=quality, requests_per_second=speed,
        p95_latency_ms=4.2, model_size_mib=12.5, feasible=number != 2, seconds=1.0,
    )  # fmt: skip


def texts(figures: JobFigures, column: int) -> list[str]:
    return [_cell(row[column]).text for row in figures.rows]


def _cell(cell: Cell) -> Cell:
    return cell


@pytest.fixture
def show(application: Application) -> Any:
    def figures(kind: JobKind, result: Any = None, **more: Any) -> JobFigures:
        document = None if result is None else result.model_dump(mode="json")
        return job_figures(application.context.translator, row_of(kind), document, **more)

    return figures


def test_a_finished_search_shows_its_trials_and_marks_the_chosen_one(show: Any) -> None:
    trials = (
        trial(0, "complete", 0.91, 900.0), trial(1, "stopped early", None, None), trial(2, "complete", 0.7, 50.0),
    )  # fmt: skip
    result = SweepResult(trials=trials, chosen=0, teacher_quality=0.93, rows_held_out=500, seconds=60.0)
    figures = show(JobKind.SWEEP, result, spec={"parameters": {"space": {"retain": 0.99}}})
    assert texts(figures, 5) == ["chosen", "stopped early", "misses quality"]
    assert texts(figures, 1) == ["91\u00a0%", "–", "70\u00a0%"]
    assert "layers\u00a02" in figures.facts[0]
    assert "width\u00a0all" in figures.facts[0]
    assert not any("spread" in fact for fact in figures.facts)
    assert figures.chart is not None
    assert [point.name for point in figures.chart.points] == ["0", "2"]
    assert {line.name for line in figures.chart.lines} >= {"teacher", "retain"}


def test_the_trials_fit_beside_the_list_of_jobs_in_a_small_window(
    qtbot: QtBot, application: Application, show: Any
) -> None:
    trials = (
        trial(0, "complete", 0.615, 123.0),
        trial(2, "complete", 0.7, 50.0),
        trial(3, "stopped early", None, None),
    )
    result = SweepResult(trials=trials, chosen=0, teacher_quality=0.93, rows_held_out=500, seconds=60.0)
    figures = show(JobKind.SWEEP, result, spec={"parameters": {"space": {"retain": 0.99}}})
    table = RowsTable(application.context.theme, grow=False)
    qtbot.addWidget(table)
    table.set_rows(figures.titles, figures.rows)
    table.resize(531, 168)  # the room that a window of 1,280 pixels leaves
    table.show()
    assert table.horizontalHeader().length() <= table.viewport().width()


def test_a_search_whose_choice_leads_by_less_than_the_timings_spread_says_so(show: Any) -> None:
    trials = (trial(0, "complete", 0.91, 900.0), trial(1, "complete", 0.92, 890.0))
    result = SweepResult(trials=trials, chosen=0, teacher_quality=0.93, rows_held_out=500, seconds=60.0, as_fast=(1,))
    result = result.model_copy(update={"teacher_knows_rows": True})
    figures = show(JobKind.SWEEP, result, spec={"parameters": {"space": {"retain": 0.99}}})
    assert any("lead of trial 0 lies within the spread" in fact for fact in figures.facts)
    assert any("has learnt the held-out rows" in fact for fact in figures.facts)


def test_a_running_search_shows_the_trials_so_far(show: Any) -> None:
    quality = [MetricPoint("trial_quality", 0, 0.9), MetricPoint("trial_quality", 1, 0.4)]
    speed = [MetricPoint("trial_requests_per_second", 0, 800.0)]
    figures = show(JobKind.SWEEP, trials=(quality, speed))
    assert figures.facts == ("2 trials so far",)
    assert texts(figures, 2) == ["800", "–"]
    assert [point.y for point in figures.chart.points] == [0.9]
    assert all(line.kind == "pareto" for line in figures.chart.lines)


def test_a_search_without_a_trial_shows_nothing_yet(show: Any) -> None:
    assert show(JobKind.SWEEP) == JobFigures()


def test_a_ladder_shows_each_rung(show: Any) -> None:
    rungs = (
        RungRecord(removed_share=0.3, parameters=7, agreement_pruned=0.5, agreement_recovered=0.97, latency_ms=3.0),
    )
    result = CompressResult(
        steps=("prune",), parameters=7, model_size_mib=25.0, parent_size_mib=86.7, label_agreement=0.97, rows=100,
        rungs=rungs, seconds=1.0,
    )  # fmt: skip
    figures = show(JobKind.COMPRESS, result)
    assert figures.facts[0] == "86.7\u00a0MiB → 25\u00a0MiB"
    assert texts(figures, 4) == ["97\u00a0%"]


def test_a_training_says_how_the_teacher_was_used_and_why(show: Any) -> None:
    rounds = (
        RoundRecord(
            round=1, rows_new=160, rows_replayed=160, quality_old_before=0.9, quality_old_after=0.8,
            quality_new_before=0.5, quality_new_after=0.7, teacher_quality_new=0.9, promoted=False,
        ),
    )  # fmt: skip
    result = TrainResult(
        method="distill", device="cpu", steps=10, epochs=1, final_loss=0.1234, parameters=11_000_000, examples=100,
        examples_per_second=50.0, seconds=2.0, technique="soft_labels",
        reason="train.reason.same_classes", rounds=rounds,
    )  # fmt: skip
    figures = show(JobKind.DISTILL, result)
    assert figures.facts[0] == "from the teacher's probabilities: the teacher gives a probability for each class"
    assert "0 of 1 round kept" in figures.facts
    assert texts(figures, 5) == ["rolled back"]
    assert not any("ended early" in fact for fact in figures.facts)
    assert not any("from the teacher: quality" in fact for fact in figures.facts)
    untold = rounds[0].model_copy(update={"held_out_new": 40, "held_out_new_told": 10})
    graded = show(JobKind.DISTILL, result.model_copy(update={"rounds": (untold,)})).facts
    assert "30 of 40 new rows judged have their target from the teacher: quality there is agreement with it" in graded
    drifted = show(JobKind.DISTILL, result.model_copy(update={"rounds": (), "details": {"ended_by": "drift"}}))
    assert "ended early: the teacher answers the new rows worse than those of before (drift)" in drifted.facts


def test_labels_say_what_was_bought_and_what_was_kept(show: Any) -> None:
    result = LabelResult(
        rows=1000, bought=900, kept=100, unusable=2, soft_rows=0, input_tokens=50_000, output_tokens=2_000,
        agreement_with_targets=0.9, seconds=10.0,
    )  # fmt: skip
    facts = " · ".join(show(JobKind.LABEL, result).facts)
    assert "1,000 rows labelled, 900 answers asked for" in facts
    assert "100 were kept from before" in facts
    assert "2 answers were of no use" in facts


def test_an_index_shows_its_size_and_what_was_left_out(show: Any) -> None:
    result = IndexResult(
        documents=3, passages=12, words=900, index_mib=0.25, embeddings_mib=0.1, encoder_mib=87.0,
        cut_passages=1, skipped_files=2, device="CPU", seconds=1.0,
    )  # fmt: skip
    assert show(JobKind.INDEX, result).facts == (
        "3 documents, 12 passages, 0.25\u00a0MiB",
        "1 passage is longer than the encoder reads",
        "2 files are of no kind that is read",
    )


def test_a_suite_shows_each_figure_with_its_error(show: Any) -> None:
    figure = SuiteMetric(
        task="arc_easy", metric="acc", filter="none", value=0.4375, standard_error=0.0213, rows=200, num_fewshot=0
    )
    result = SuiteResult(
        task="arc_easy", metrics=(figure, figure.model_copy(update={"standard_error": None})), limit=200,
        library="lm-eval 0.4.13", device="CPU", seconds=1.0,
    )  # fmt: skip
    assert show(JobKind.SUITE, result).facts == ("arc_easy: acc 0.438 ± 0.021", "arc_easy: acc 0.438")


def test_a_look_at_the_data_says_what_it_allows_or_that_it_cannot_tell(show: Any) -> None:
    noise = LabelNoise(
        rate=0.06, low=0.04, high=0.1, rows=200, surest_rows=40, disagreeing_rows=3, suspected=0, suspects=()
    )
    curve = LearningCurve(
        metric="accuracy",
        sizes=(SizeQuality(rows=800, quality=0.8, low=0.75, high=0.85),),
        held_out=HeldOutQuality(rows=800, predicted=0.82, measured=0.8),
        expected=(ExpectedQuality(rows=1600, quality=0.9, low=0.86, high=0.94),),
    )
    result = ProfileResult(
        family="tfidf_logistic_regression", rows=1000, rows_test=200, label_noise=noise, usable_information=None,
        learning_curve=curve, seconds=4.0,
    )  # fmt: skip
    noisy, expected = show(JobKind.PROFILE, result).facts
    assert "94" in noisy
    assert "90" in expected
    nothing = result.model_copy(update={"label_noise": None, "learning_curve": None})
    assert show(JobKind.PROFILE, nothing).facts == ("Too few rows to say what the data allows",)


def test_a_load_test_says_how_many_requests_failed_and_takes_no_rate_from_a_level_of_which_most_did(show: Any) -> None:
    def step(clients: int, rate: float, failed: int) -> LoadStep:
        return LoadStep(
            loop="closed", concurrency=clients, rate=None, requests_per_second=rate, latency_ms=(1.0,) * 40,
            failed=failed, warm_up_requests=clients, seconds=1.0,
        )  # fmt: skip

    tested = LoadResult(
        runtime="endpoint", device="x", steps=(step(1, 20.0, 3), step(4, 900.0, 41)), requests=94, seconds=2.0
    )
    facts = show(JobKind.LOAD, tested).facts
    assert facts == ("most served: 20 requests a second, with 1 at once", "94 requests sent", "44 requests failed")
    calm = tested.model_copy(update={"steps": (step(1, 20.0, 0),)})
    assert len(show(JobKind.LOAD, calm).facts) == 2


def test_a_judge_says_whom_it_asked_and_how_much_the_order_decides(show: Any) -> None:
    result = JudgeResult(
        method="reference", judge="strict", scale=5, rows=1000, given=0, unanswered=0, both_orders=1000,
        disagreements=125, verdicts=2000, unreadable=3, bought=1900, kept=100, seconds=10.0,
        exact_rows=100, exact_agreements=80, exact_matches=50, exact_judged_right=50,
        by_verdict=(VerdictCount(verdict="5", count=1500), VerdictCount(verdict="1", count=497)),
    )  # fmt: skip
    facts = " · ".join(show(JobKind.JUDGE, result).facts)
    assert "1,000 rows rated by the reference answer" in facts
    assert "judge: strict" in facts
    assert "1,900 verdicts asked for, 100 kept from before" in facts
    assert "the orders disagree on 12.5" in facts
    assert "3 verdicts cannot be read" in facts
    assert "2 different verdicts, 5 in 75.1" in facts
    assert "Cohen's kappa with an exact match is 0.60 on 100 rows" in facts


def test_checks_say_what_failed_and_what_was_mended(show: Any) -> None:
    result = CheckResult(
        rows=200, failed=50, re_asked=50, corrected=30, second_input_tokens=5_000, second_output_tokens=100,
        by_check=(CheckCount(check="format", failed=50, remaining=20),), seconds=1.0,
    )  # fmt: skip
    figures = show(JobKind.CHECK, result)
    facts = " · ".join(figures.facts)
    assert "25" in facts
    assert "30 of 50 pass after a second request" in facts
    assert "no usable answer" not in facts
    refused = show(JobKind.CHECK, result.model_copy(update={"second_unanswered": 4}))
    assert "4 second requests got no usable answer" in refused.facts
    assert texts(figures, 0) == ["form"]
    assert texts(figures, 2) == ["20"]
