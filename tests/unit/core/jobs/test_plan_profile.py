"""When the data is looked at, and what that job's identity rests on."""

from __future__ import annotations

from pathlib import Path

import pytest
from planned_study import planned
from sample_studies import NEURAL_STUDY

from core.domain import JobKind
from core.jobs.plan import Plan, build_plan
from core.study_file import LoadedStudy


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    return tmp_path


def profiles(found: Plan) -> list[str]:
    return [job.job_id for job in found.jobs if job.kind is JobKind.PROFILE]


def test_a_classification_of_data_files_has_its_data_looked_at_once(base: Path) -> None:
    found = planned(NEURAL_STUDY, base)
    (own,) = profiles(found)
    data = next(job.job_id for job in found.jobs if job.kind is JobKind.PREPARE)
    assert found.job(own).depends_on == (data,)
    assert ("", "profile", own) in found.parts


def test_no_candidate_waits_for_it(base: Path) -> None:
    found = planned(NEURAL_STUDY, base)
    (own,) = profiles(found)
    assert not [job for job in found.jobs if own in job.depends_on]


def test_another_way_of_training_leaves_it_as_it_is(base: Path) -> None:
    changed = NEURAL_STUDY.replace("temperature: 2.0", "temperature: 3.0")
    assert profiles(planned(NEURAL_STUDY, base)) == profiles(planned(changed, base))


def test_imported_rows_are_not_looked_at(predictions_study: LoadedStudy) -> None:
    assert profiles(build_plan(predictions_study.study, predictions_study.base)) == []
