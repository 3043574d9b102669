"""A training of a learning curve sees its part of the train rows alone."""

from __future__ import annotations

from pathlib import Path

from floor import rows
from job_context import job_context

from core.data.examples import write_examples
from core.engines.baseline import train
from core.engines.distill.rows import read_training_rows
from core.jobs.specs import FineTuneParameters, TrainPart
from core.spec import BaselineModel, Train


def test_a_floor_and_a_network_learn_from_the_same_part(tmp_path: Path) -> None:
    examples, part = rows(120, 0.0), TrainPart(share=0.25, seed=3)
    write_examples(tmp_path, examples)
    parameters = FineTuneParameters(
        model=BaselineModel(source="baseline", kind="tfidf_linear"), train=Train(method="fine_tune"), part=part
    )
    result = train.run(parameters, job_context(tmp_path / "job", parameters, {"data": tmp_path}))
    assert result.examples == 30
    assert [
        row.example_id for row in train.train_rows(job_context(tmp_path / "j", parameters, {"data": tmp_path}), part)
    ] == list(read_training_rows(tmp_path, part).names)
