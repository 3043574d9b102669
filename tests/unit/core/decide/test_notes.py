"""What a reader must know beside the figures: prices that are missing, outputs of no class, few rows."""

from __future__ import annotations

from dataclasses import replace

import decided_study
import pytest
from distilled_by_hand import distilled_evidence
from evidence_by_hand import benchmark, evidence_of, make_study, priced, right_share, scored, single

from core.decide import Decision, decide
from core.decide.assumptions import check_prices
from core.decide.documents import results_document
from core.errors import UserError
from core.evidence import StudyEvidence
from core.i18n import english
from core.jobs.results import UnknownRows

UNKNOWN = {"kind": "api", "price": {"source": "genai-prices", "model": "no-such-model-at-all"}}


def codes(decision: Decision) -> list[str]:
    return [note.code for note in decision.notes]


def test_price_that_cannot_be_resolved_is_refused_before_anything_runs() -> None:
    study = make_study([single("big", "teacher", profile="vendor")], profiles={"vendor": UNKNOWN})
    with pytest.raises(UserError, match=r"profiles\.vendor\.price\.model"):
        check_prices(study)


def test_measurements_are_still_shown_where_a_price_cannot_be_resolved() -> None:
    study = make_study(
        [single("big", "teacher", profile="vendor"), single("small", "student", profile="own")],
        profiles={"vendor": UNKNOWN, "own": priced(10.0)},
    )
    rows = {"big": scored(right_share(0.9, 200)), "small": scored(right_share(0.8, 200, seed=1))}
    evidence = evidence_of(study, rows)
    found = decide(evidence)
    big = next(one for one in results_document(evidence, found)["candidates"] if one["name"] == "big")
    assert any(code.startswith("decide.price.unknown") for code in codes(found))
    assert big["quality"]["value"] == pytest.approx(0.9, abs=0.05)
    cost = found.of("big").cost
    assert cost is not None
    assert cost.monthly is None


@pytest.mark.parametrize(("row_choices", "told"), [(False, True), (True, False)])
def test_wrong_outputs_of_no_class_are_told_unless_each_row_has_choices_of_its_own(
    row_choices: bool, told: bool
) -> None:
    study = make_study([single("big", "teacher", profile="own")], profiles={"own": priced(10.0)})
    data = decided_study.evidence().dataset
    assert data is not None
    rows = {"big": scored(right_share(0.8, 40), ["Right "] * 40)}
    measured = {"big": benchmark(row_choices=row_choices)}
    dataset = data.model_copy(update={"labels": ("right", "wrong")})
    found = decide(evidence_of(study, rows, measured, dataset=dataset), with_flips=False)
    assert ("decide.note.outputs_unknown" in codes(found)) == told


@pytest.mark.parametrize(("rows", "told"), [(2, True), (29, True), (30, False)])
def test_few_rows_are_told(rows: int, told: bool) -> None:
    study = make_study([single("big", "teacher", profile="own")], profiles={"own": priced(10.0)})
    found = decide(evidence_of(study, {"big": scored(right_share(0.9, rows))}), with_flips=False)
    assert ("decide.note.few_rows" in codes(found)) == told


@pytest.mark.parametrize(("rows_test", "told"), [(0, False), (200, False), (250, False), (251, True), (620, True)])
def test_a_cut_by_time_far_from_the_share_asked_for_is_told(rows_test: int, told: bool) -> None:
    plan = {"test": 0.2, "calibration": 0.0, "time": "created" if rows_test else None}
    study = make_study([single("big", "teacher")], data={"split": plan})
    data = decided_study.evidence().dataset
    assert data is not None
    given = data.model_copy(update={"rows_train": 1000 - rows_test, "rows_test": rows_test})
    found = decide(evidence_of(study, {"big": scored(right_share(0.9, 40))}, dataset=given), with_flips=False)
    assert ("decide.note.time_share.test" in codes(found)) == told


def test_a_search_that_missed_its_limits_is_told() -> None:
    evidence = distilled_evidence()
    searched = next(one for one in evidence.candidates if one.sweep is not None)
    assert searched.sweep is not None
    missed = tuple(trial.model_copy(update={"feasible": False}) for trial in searched.sweep.trials)
    changed = replace(searched, sweep=searched.sweep.model_copy(update={"trials": missed}))
    others = tuple(changed if one is searched else one for one in evidence.candidates)

    def told(given: StudyEvidence) -> dict[str, object]:
        notes = decide(given, with_flips=False).notes
        return {note.code: note.values.get("candidate") for note in notes}

    assert "decide.note.search_missed" not in told(evidence)
    assert told(replace(evidence, candidates=others))["decide.note.search_missed"] == searched.name


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "big: row 7 (x-9) of its predictions file belongs to no row of the data"),
        (3, "big: 3 rows of its predictions file belong to no row of the data"),
    ],
)
def test_rows_of_a_predictions_file_that_are_not_in_the_data_are_told(count: int, words: str) -> None:
    left_out = UnknownRows(count=count, first_row=7, first="x-9")
    study, rows = make_study([single("big", "teacher")]), {"big": scored(right_share(0.9, 200))}
    found = decide(evidence_of(study, rows, {"big": benchmark(origin="imported", unknown_rows=left_out)}))
    (note,) = [note for note in found.notes if note.code == "decide.note.rows_unknown"]
    assert english(note.code, **note.values).startswith(words)
    assert "x-9" in english(note.code, **note.values)
    silent = decide(evidence_of(study, rows, {"big": benchmark(origin="imported")}))
    assert "decide.note.rows_unknown" not in codes(silent)
