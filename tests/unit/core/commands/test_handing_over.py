"""`tercet export`: what is checked on, and what is refused before anything is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.commands import handing_over
from core.data.examples import write_examples
from core.domain import Example, Split
from core.errors import UserError
from core.jobs.specs import BenchmarkParameters, JobSpec
from core.spec import Study, Task
from core.store import StudyStore

ROWS = [Example(f"r{index}", list(Split)[index % 3], f"g{index}", f"text {index}", "a") for index in range(900)]
STUDY = {
    "version": 1,
    "name": "s",
    "task": {"kind": "classification", "metric": "accuracy"},
    "criteria": {"cost": {"monthly_requests": 1}},
    "profiles": {"own": {"kind": "self_hosted", "capex": 1}},
    "candidates": [
        {"name": "big", "role": "teacher", "model": {"source": "sample", "id": "m"}, "train": {"method": "fine_tune"}},
        {"name": "vendor", "role": "teacher", "model": {"source": "endpoint", "base_url": "http://h/v1", "model": "m"}},
        {"name": "packed", "role": "student", "model": {"source": "gguf", "file": "m.gguf"}},
    ],
}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A study whose candidates are all measured, and what `export` of the engines was asked."""
    path, asked = tmp_path / "s.tercet", []
    jobs = tmp_path / "s.tercet.d" / "jobs"
    task = Task(kind="classification", metric="accuracy")
    for name, inputs in {"big": {"data": "prepared", "model": "trained"}, "vendor": {}, "packed": {}}.items():
        folder = jobs / f"measured-{name}"
        folder.mkdir(parents=True)
        spec = JobSpec(job_id=folder.name, parameters=BenchmarkParameters(task=task), inputs=inputs)
        (folder / "spec.json").write_text(spec.model_dump_json())
    (jobs / "prepared").mkdir()
    write_examples(jobs / "prepared", ROWS)
    names = ("big", "vendor", "packed")
    store = SimpleNamespace(
        path=path,
        study=lambda: Study.model_validate(STUDY),
        candidate_jobs=lambda: {name: {"benchmark": f"measured-{name}"} for name in names},
        jobs=lambda: [SimpleNamespace(job_id=f"measured-{name}", progress=1.0) for name in names],
    )

    @contextmanager
    def opened(place: Path, *, write: bool) -> Iterator[Any]:
        yield store

    monkeypatch.setattr(StudyStore, "open", opened)

    def export(*arguments: Any) -> list[Path]:
        asked.append(arguments)
        return []

    engine = SimpleNamespace(export=export)
    monkeypatch.setattr(handing_over, "load", lambda name: engine)
    return asked


def test_a_model_is_checked_on_rows_that_nothing_was_trained_on(tmp_path: Path, measured: list[Any]) -> None:
    handing_over.export(tmp_path / "s.tercet", "big", "gguf", tmp_path / "out", "f32")
    ((folder, wanted, out, inputs, precision),) = measured
    assert (folder.name, folder.parent.name) == ("model", "trained")
    assert (wanted, out, precision) == ("gguf", tmp_path / "out", "f32")
    split_of = {row.input: row.split for row in ROWS}
    assert 100 <= len(inputs) <= 128
    assert {split_of[text] for text in inputs} == {Split.CALIBRATION, Split.TEST}


def test_without_the_prepared_rows_the_engine_finds_texts_itself(tmp_path: Path, measured: list[Any]) -> None:
    (tmp_path / "s.tercet.d" / "jobs" / "prepared" / "examples.jsonl").unlink()
    handing_over.export(tmp_path / "s.tercet", "big", "onnx", tmp_path / "out")
    assert measured[0][3] == []


@pytest.mark.parametrize(("name", "reason"), [("vendor", "behind an address"), ("packed", "ready model")])
def test_what_the_study_did_not_make_is_not_exported(
    tmp_path: Path, measured: list[Any], name: str, reason: str
) -> None:
    with pytest.raises(UserError) as refused:
        handing_over.export(tmp_path / "s.tercet", name, "onnx", tmp_path / "out")
    assert refused.value.code == "cli.no_weights"
    assert reason in refused.value.text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("there", [False, True])
def test_a_refused_export_leaves_no_folder_that_was_not_there(
    tmp_path: Path, measured: list[Any], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def refusing(*arguments: Any) -> list[Path]:
        raise UserError("export.quantised", path="m", wanted="gguf")

    monkeypatch.setattr(handing_over, "load", lambda name: SimpleNamespace(export=refusing))
    if there:
        (tmp_path / "above").mkdir()
    with pytest.raises(UserError) as refused:
        handing_over.export(tmp_path / "s.tercet", "big", "gguf", tmp_path / "above" / "out")
    assert refused.value.code == "export.quantised"
    assert not (tmp_path / "above" / "out").exists()
    assert (tmp_path / "above").exists() is there


@pytest.mark.parametrize(
    ("form", "precision", "code"), [("gguf", "q4", "cli.precision_unknown"), ("tflite", "f16", "cli.format_unknown")]
)
def test_a_format_or_precision_that_is_not_offered_is_refused_first(
    tmp_path: Path, form: str, precision: str, code: str
) -> None:
    with pytest.raises(UserError) as refused:
        handing_over.export(tmp_path / "absent.tercet", "big", form, tmp_path / "out", precision)
    assert refused.value.code == code
    assert "f16, f32" in refused.value.text or "gguf" in refused.value.text
