"""What a study file may say, and the one sentence for what it may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from core.errors import UserError
from core.spec import TeacherLayers, json_schema
from core.study_file import dump_study, load_study, parse_study, resolve_path

STUDY = """
version: 1
name: Triage
task: {kind: classification, metric: accuracy}
data: {file: a.csv}
criteria: {cost: {monthly_requests: 3000}}
profiles:
  own: {kind: self_hosted, capex: 6000}
  vendor:
    kind: api
    price: {source: offer, per_million_input_tokens: 1, per_million_output_tokens: 2, as_of: 2026-01-01}
candidates:
  - {name: t, role: teacher, profile: own, model: {source: hub, id: a/b}, train: {method: fine_tune}}
  - {name: s, role: student, profile: own, model: {source: teacher, layers: 3}}
  - {name: q, role: student, profile: own, model: {source: candidate, name: s}, compress: [{quantize: int8_dynamic}]}
  - {name: h, role: hybrid, teacher: t, student: q}
"""


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("capex: 6000", "capx: 6000", ["profiles.own.capx", "capex"]),
        (
            "monthly_requests: 3000",
            "monthly_requests: 3000, limit: 3",
            ["criteria.cost.limit", "currency, monthly_budget"],
        ),
        ("kind: self_hosted", "kind: self_hosted, input_tokens: 3", ["profiles.own.input_tokens", "capex"]),
        ("source: hub", "source: hb", ["candidates[0].model.source", "local"]),
        ("name: q,", "name: s,", ["two candidates", "s"]),
        ("source: candidate, name: s", "source: candidate, name: q", ["q → q", "circle"]),
        ("train: {method: fine_tune}", "train: {method: fine_tune, teacher: z}", ["train.teacher", "z"]),
        ("train: {method: fine_tune}", "train: {method: fine_tune, teacher: s}", ["t → s → t", "circle"]),
        ("train: {method: fine_tune}", "train: {method: none, seeds: [1, 2]}", ["seeds"]),
        ("monthly_requests: 3000", "monthly_requests: -1", ["criteria.cost.monthly_requests", "-1"]),
        ("monthly_requests: 3000", "monthly_requests: .nan", ["criteria.cost.monthly_requests"]),
        ("int8_dynamic", "int7", ["candidates[2].compress[0].quantize", "int8_dynamic"]),
        (
            "train: {method: fine_tune}",
            "train: {method: fine_tune, lora: {targets: []}}",
            ["candidates[0].train.lora.targets is an empty list"],
        ),
        ("layers: 3", "layers: [1, 0, 1]", ["candidates[1].model.layers", "names one twice"]),
        ("layers: 3", "layers: []", ["candidates[1].model.layers is an empty list"]),
        ("layers: 3", "layers: [0, -1]", ["candidates[1].model.layers[1]", "greater than or equal to 0"]),
        (
            "layers: 3}",
            "layers: 3}, train: {method: distill, stages: [{layers: [2, 2]}]}",
            ["candidates[1].train.stages[0].layers", "names one twice"],
        ),
        ("teacher, layers: 3", "sweep, layers: [2, [0, 0]]", ["candidates[1].model.layers[1]", "names one twice"]),
        ("name: h,", "name: h/i,", ["candidates[3].name", "cannot hold '/'"]),
        ("name: h,", "name: ' h',", ["candidates[3].name", "blanks"]),
        ("name: h,", 'name: "h\\u200b",', ["candidates[3].name", "cannot hold '\\u200b'"]),
        ("quantize", "quantise", ["candidates[2].compress[0].quantise", "quantize"]),
        (", as_of: 2026-01-01", "", ["profiles.vendor.price.as_of"]),
        ("name: Triage\n", "", ["name is missing"]),
        ("version: 1", "version: 2", ["version"]),
        ("version: 1", "version: 1\nversion: 1", ["line 3", "version"]),
        ("metric: accuracy", "metric: bleu", ["task", "macro_f1"]),
        ("teacher: t, student: q", "teacher: t, student: z", ["candidates[3].student", "z"]),
        ("teacher: t, student: q", "teacher: t, student: t", ["candidates[3]", "t"]),
        ("profile: own, model: {source: hub", "profile: cloud, model: {source: hub", ["cloud", "own, vendor"]),
        ("t, role: teacher, profile: own,", "t, role: teacher,", ["[0].profile: it is missing", "own, vendor"]),
        ("data: {file: a.csv}\n", "", ["data"]),
        ("capex: 6000", "capex: 0, power_kw: 0", ["profiles.own", "free"]),
        ("criteria: {", "criteria: {compliance: {packs: [moon]}, ", ["packs", "moon", "gdpr"]),
        ("data: {file: a.csv}", "data: {file: a.csv, split: {test: 0.6, calibration: 0.5}}", ["data.split"]),
        ("candidates:", "routing: {folds: 1}\ncandidates:", ["routing", "folds"]),
    ],
)
def test_wrong_field_is_named_in_one_sentence(old: str, new: str, named: list[str]) -> None:
    assert old in STUDY
    with pytest.raises(UserError) as refusal:
        parse_study(STUDY.replace(old, new, 1), "study.yaml")
    assert "\n" not in refusal.value.text
    for word in named:
        assert word in refusal.value.text


READY = """
version: 1
name: Ready
task: {kind: classification, metric: accuracy}
data: {files: {test: a.csv}}
criteria: {cost: {monthly_requests: 3000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates:
  - {name: t, role: teacher, model: {source: hub, id: a/b}}
  - {name: s, role: student, model: {source: candidate, name: t}}
"""


@pytest.mark.parametrize(
    ("step", "files", "code"),
    [
        ("prune: 0.3", "test: a.csv", "study.train_file_missing"),
        ("prune: 0.3", "test: a.csv, calibration: b.csv", "study.train_file_missing"),
        ("prune: 0.3", "test: a.csv, train: b.csv", None),
        ("quantize: int8_dynamic", "test: a.csv", "study.compared_file_missing"),
        ("quantize: int8_dynamic", "test: a.csv, calibration: b.csv", None),
    ],
)
def test_what_is_compressed_needs_the_rows_that_it_learns_from_or_is_compared_on(
    step: str, files: str, code: str | None
) -> None:
    text = READY.replace("name: t}}", f"name: t}}, compress: [{{{step}}}]}}").replace("test: a.csv", files)
    if code is None:
        assert parse_study(text, "study.yaml")
        return
    with pytest.raises(UserError) as refused:
        parse_study(text, "study.yaml")
    assert refused.value.code == code


def test_study_survives_being_written_and_read_again() -> None:
    study = parse_study(STUDY, "study.yaml")
    assert parse_study(dump_study(study), "again.yaml") == study


def test_broken_yaml_names_its_line() -> None:
    with pytest.raises(UserError, match="line 3"):
        parse_study("version: 1\nname: [a\ntask: }", "study.yaml")


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_study(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="folder"):
        load_study(tmp_path)


def test_environment_variable_fills_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", str(tmp_path / "rows"))
    assert resolve_path(tmp_path, "${PLACE}/a.csv") == tmp_path / "rows" / "a.csv"
    with pytest.raises(UserError, match="NOWHERE"):
        resolve_path(tmp_path, "${NOWHERE}/a.csv")


def test_relative_path_refers_to_the_study_folder(tmp_path: Path) -> None:
    assert resolve_path(tmp_path, "rows/a.csv") == tmp_path / "rows" / "a.csv"


def test_published_schema_equals_the_models() -> None:
    published = Path(__file__).parents[3] / "resources" / "study.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema()


def test_a_stored_study_that_names_a_layer_twice_still_opens() -> None:
    """What else it holds has been measured; the job that takes the layers refuses them."""
    layers = TypeAdapter(TeacherLayers)
    document = {"source": "teacher", "layers": [0, 0]}
    assert layers.validate_python(document, context={"stored": True}).layers == [0, 0]
    with pytest.raises(ValidationError, match="names one twice"):
        layers.validate_python(document)
