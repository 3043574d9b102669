from __future__ import annotations

import pytest
from candidate_documents import candidates, neural_study, valid

from core.i18n import english
from core.jobs.job_parts import JobPart, job_parts, part_words

CASES = [
    ("train", JobPart(seed=1)),
    ("train@2", JobPart(seed=2)),
    ("stage1@3", JobPart(stage=1, seed=3)),
    ("baseline_benchmark", JobPart(baseline=True, seed=1)),
    ("first_train@2", JobPart(first=True, seed=2)),
    ("benchmark@2", JobPart(seed=2)),
    ("uncompressed_benchmark", JobPart(uncompressed=True, seed=1)),
    ("reference", JobPart(reference=True, seed=1)),
]


@pytest.mark.parametrize(("name", "part"), CASES)
def test_a_job_says_which_seed_and_stage_it_is_of(name: str, part: JobPart) -> None:
    known = candidates()
    known[1]["train"]["seeds"] = [1, 2, 3]
    study = valid(neural_study(), known)
    assert job_parts(study, {"small": {name: "job"}}) == {"job": part}


def test_a_job_that_makes_all_of_its_candidate_says_nothing() -> None:
    study = valid(neural_study(), candidates())
    assert (
        job_parts(study, {"small": {"train": "a", "benchmark": "b"}, "both": {"route": "c"}, "": {"data": "d"}}) == {}
    )


def test_a_training_of_a_learning_curve_is_named_by_its_share_and_seed() -> None:
    words = part_words(english, JobPart(share=0.1, seed=2), "{:.0%}".format)
    assert words == ["on 10% of the train rows", "seed 2"]
    assert part_words(english, None, "{:.0%}".format) == []
