from __future__ import annotations

import pytest
from candidate_documents import candidates, neural_study, valid

from gui.models.job_parts import JobPart, job_parts

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
