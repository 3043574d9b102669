"""Weights are part of a training only where it asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from planned_study import planned
from pydantic import ValidationError
from sample_studies import NEURAL_STUDY

from core.data.dataset import read_data_files
from core.errors import UserError
from core.jobs.plan import Plan
from core.jobs.specs import PrepareParameters
from core.spec import Train

PLAIN = NEURAL_STUDY.replace("data: {file: rows.csv}", "data: {file: rows.csv, columns: {weight: share}}")
FILES = PLAIN.replace("file: rows.csv", "files: {train: train.csv, test: rows.csv}")
OF_SMALL = "temperature: 2.0"
WEIGHTED = "temperature: 2.0, weighted: true"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("text,target,share\na,x,1\nb,y,3\n", encoding="utf-8")
    (tmp_path / "train.csv").write_text("text,target\nc,x\nd,y\n", encoding="utf-8")
    return tmp_path


def preparing(plan: Plan) -> PrepareParameters:
    parameters = plan.jobs[0].spec.parameters
    assert isinstance(parameters, PrepareParameters)
    return parameters


def test_a_weighted_training_leaves_the_data_and_other_candidates_as_they_are(base: Path) -> None:
    plain, weighted = planned(PLAIN, base), planned(PLAIN.replace(OF_SMALL, WEIGHTED), base)
    assert plain.jobs[0].job_id == weighted.jobs[0].job_id
    of_floor = [{job.job_id for job in plan.jobs if job.candidates == ("floor",)} for plan in (plain, weighted)]
    assert of_floor[0] == of_floor[1]
    trained = [
        {job for owner, part, job in plan.parts if (owner, part) == ("small", "train")} for plan in (plain, weighted)
    ]
    assert trained[0] != trained[1]


def test_a_train_file_of_its_own_needs_weights_where_a_training_asks_for_them(base: Path) -> None:
    assert read_data_files(preparing(planned(FILES, base))).weights == [1.0, 1.0, 1.0, 3.0]
    with pytest.raises(UserError, match="share"):
        read_data_files(preparing(planned(FILES.replace(OF_SMALL, WEIGHTED), base)))


def test_a_floor_that_weighs_its_rows_is_trained_anew_and_nothing_else(base: Path) -> None:
    weighted = PLAIN.replace("kind: tfidf_linear}}", "kind: tfidf_linear}, train: {method: fine_tune, weighted: true}}")
    before, after = planned(PLAIN, base), planned(weighted, base)
    trainings = [{(owner, job) for owner, part, job in plan.parts if part == "train"} for plan in (before, after)]
    assert {owner for owner, _ in trainings[0] ^ trainings[1]} == {"floor"}


def test_what_knows_no_weights_is_refused(base: Path) -> None:
    with pytest.raises(UserError, match=r"data\.columns\.weight"):
        planned(NEURAL_STUDY.replace(OF_SMALL, WEIGHTED), base)
    with pytest.raises(ValidationError, match="over the train rows alone"):
        Train(method="distill", technique="on_policy", weighted=True)
