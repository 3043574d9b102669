"""The plan of a search for a language model's student, and what is refused before anything starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from planned_study import planned

from core.errors import UserError
from core.jobs.plan import Plan, PlannedJob
from core.jobs.specs import FineTuneParameters, SweepParameters

STUDY = """
version: 1
name: Writers
task: {kind: generation, metric: exact_match, prompt: "Say {text}"}
data: {files: {train: train.csv, test: test.csv}, columns: {input: text, target: kind}}
criteria: {cost: {currency: USD, monthly_budget: 500, monthly_requests: 1000}}
profiles: {desk: {kind: self_hosted, capex: 3000}}
candidates:
  - {name: big, role: teacher, profile: desk, model: {source: local, path: big}}
  - {name: found, role: student, profile: desk, model: {source: sweep, layers: [4, 8]}, train: {method: distill}}
"""
OWN = "model: {source: sweep, layers: [4, 8]}"
TEACHER = "model: {source: local, path: big}"
ENDPOINT = "model: {source: endpoint, base_url: 'http://localhost/v1', model: m}"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("train", "test"):
        rows = "\n".join(f"{name} word {row},kind {row % 2}" for row in range(8))
        (tmp_path / f"{name}.csv").write_text(f"text,kind\n{rows}\n", encoding="utf-8")
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 12}
    (tmp_path / "big").mkdir()
    sizes = {"intermediate_size": 512, "num_attention_heads": 4, "hidden_size": 64}
    (tmp_path / "big" / "config.json").write_text(json.dumps(config | sizes), encoding="utf-8")
    (tmp_path / "big" / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    return tmp_path


def sweep(plan: Plan) -> tuple[PlannedJob, SweepParameters]:
    (job,) = [job for job in plan.jobs if isinstance(job.spec.parameters, SweepParameters)]
    assert isinstance(job.spec.parameters, SweepParameters)
    return job, job.spec.parameters


def test_a_ready_language_model_teaches_a_search_untrained(base: Path) -> None:
    job, parameters = sweep(planned(STUDY, base))
    assert set(job.spec.inputs) == {"data"}
    assert parameters.teacher_model is not None
    assert parameters.teacher_sha256 is not None
    assert parameters.teacher_task is None


def test_a_trained_language_model_is_judged_by_its_training_without_the_rows_that_judge(base: Path) -> None:
    plan = planned(STUDY, base, (TEACHER, f"{TEACHER}, train: {{method: fine_tune}}"))
    job, parameters = sweep(plan)
    assert set(job.spec.inputs) == {"data", "teacher", "reference"}
    assert parameters.teacher_model is None
    reference = plan.job(job.spec.inputs["reference"]).spec.parameters
    assert isinstance(reference, FineTuneParameters)
    assert (reference.held_out_seed, reference.task is not None) == (1, True)


def test_students_of_a_text_wait_for_what_their_teacher_writes(base: Path) -> None:
    job, _ = sweep(planned(STUDY, base, ("method: distill", "method: distill, technique: sequence")))
    assert set(job.spec.inputs) == {"data", "labels"}


def test_an_untrained_teacher_is_judged_as_it_is_asked(base: Path) -> None:
    job, parameters = sweep(
        planned(STUDY, base, ('prompt: "Say {text}"', 'prompt: "Say {text}", few_shot: {examples: 2}'))
    )
    assert parameters.task.few_shot is None
    assert parameters.teacher_task is not None
    assert parameters.teacher_task.few_shot is not None
    assert job.job_id != sweep(planned(STUDY, base))[0].job_id


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (OWN, "model: {source: sweep}", r"model\.layers: .* big has 12; name others, such as \[3, 6, 9\]"),
        (OWN, OWN.replace("[4, 8]", "[4, 14]"), r"model\.layers: asks for 14 layers, and big has 12"),
        (OWN, OWN.replace("]}", "], feed_forward: [600]}"), r"model\.feed_forward: asks for 600 neurons"),
        (OWN, OWN.replace("]}", "], trim_vocabulary: [true, false]}"), r"model\.trim_vocabulary: .*classification"),
        (OWN, OWN.replace("]}", "], quantize: [int8_static]}"), r"model\.quantize: int8_static is for classification"),
        (
            f"{OWN}, train: {{method: distill",
            f"{OWN.replace(']}', '], alpha: [0, 1]}')}, train: {{method: distill, technique: sequence",
            r"model\.alpha: alpha does not go with technique: sequence",
        ),
        ("method: distill", "method: distill, technique: on_policy", r"train\.technique: technique does not fit"),
        ("method: distill", "method: distill, lora: {rank: 2}", r"train\.lora: lora does not fit"),
        ("method: distill", "method: fine_tune", "a search trains its students from the teacher"),
        (
            "exact_match",
            f"judge, judge: {{{ENDPOINT}}}",
            r"model\.source: a search scores .* metric judge is scored by another",
        ),
        (TEACHER, ENDPOINT, "the teacher big answers in text"),
    ],
)
def test_what_no_search_of_writers_can_try_is_refused_before_anything_starts(
    base: Path, old: str, new: str, named: str
) -> None:
    with pytest.raises(UserError, match=named):
        planned(STUDY, base, (old, new))


def test_widths_of_a_family_that_cannot_be_narrowed_are_refused_only_where_they_are_asked_for(base: Path) -> None:
    config = json.loads((base / "big" / "config.json").read_text(encoding="utf-8"))
    (base / "big" / "config.json").write_text(json.dumps(config | {"model_type": "bloom"}), encoding="utf-8")
    assert sweep(planned(STUDY, base))
    with pytest.raises(UserError, match=r"model\.feed_forward"):
        planned(STUDY, base, (OWN, OWN.replace("]}", "], feed_forward: [256]}")))
