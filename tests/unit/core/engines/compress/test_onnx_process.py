"""Exports to ONNX in a process of their own: a stop ends it, and nothing half made is left behind."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from job_context import RecordingContext, job_context
from tiny_language_models import write_language_model, write_language_model_job, write_text_dataset
from tiny_models import tiny_config, write_body, write_classifier

from core.engines.compress import job, onnx_process
from core.engines.compress.onnx_process import export_decoder_apart, export_onnx_apart, write_int8_decoder_apart
from core.errors import UserError
from core.jobs.specs import CompressParameters
from core.spec import Quantize, Task
from core.worker.context import Stopped

PARAMETERS = CompressParameters(
    steps=(Quantize(quantize="int8_dynamic"),), task=Task(kind="generation", metric="exact_match")
)


def own_processes() -> list[psutil.Process]:
    return psutil.Process().children()


class Partly:
    """Asks for a stop as soon as the process has begun to write the folder `out`."""

    def __init__(self, out: Path) -> None:
        self.partial = out.with_name(f".partial-{out.name}")
        self.seen = False

    def __call__(self, context: RecordingContext) -> bool:
        self.seen = self.seen or self.partial.is_dir()
        return self.seen


def test_a_stop_within_an_export_ends_its_process_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    parent = write_language_model_job(tmp_path / "parent", write_language_model(tmp_path / "hub"))
    inputs = {"model": parent, "data": write_text_dataset(tmp_path / "data")}
    half_written = Partly(tmp_path / "job" / "exported")
    with pytest.raises(Stopped):
        job.run(PARAMETERS, job_context(tmp_path / "job", PARAMETERS, inputs, half_written))
    assert half_written.seen
    assert own_processes() == []
    assert list((tmp_path / "job").iterdir()) == []


@pytest.mark.parametrize("large", [True, False])
def test_a_classifier_is_exported_alike_apart_and_here_and_a_stop_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    model = write_classifier(tmp_path / "job", write_body(tmp_path / "body", tiny_config(layers=1))) / "model"
    monkeypatch.setattr(onnx_process, "APART_FROM_BYTES", 0 if large else 2**40)
    busy: list[int] = []
    export_onnx_apart(model, tmp_path / "out", lambda: busy.append(len(own_processes())))
    assert (tmp_path / "out" / "model.onnx").is_file()
    assert any(busy) == large

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        export_onnx_apart(model, tmp_path / "again", stop)
    assert own_processes() == []
    assert not list(tmp_path.glob("*again*"))


def test_a_stop_leaves_the_folder_that_was_to_be_replaced_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "known.txt").write_text("known")

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        write_int8_decoder_apart(tmp_path / "exported", tmp_path / "out", stop)
    assert own_processes() == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["known.txt"]


def test_what_is_wrong_with_a_model_is_told_as_by_the_export_itself(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError) as refused:
        export_decoder_apart(folder, tmp_path / "out", lambda: None)
    assert refused.value.code == "model.folder.no_weights"
    assert str(folder) in refused.value.text
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_process_killed_from_outside_is_told_with_the_likely_lack_of_memory(tmp_path: Path) -> None:
    def kill() -> None:
        for process in own_processes():
            process.kill()

    with pytest.raises(UserError) as refused:
        export_decoder_apart(tmp_path / "model", tmp_path / "out", kill)
    assert refused.value.code == "compress.export_killed"
    assert refused.value.values["signal"] == 9


def test_a_fault_of_ours_is_no_sentence_for_the_user(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="FileNotFoundError"):
        write_int8_decoder_apart(tmp_path / "absent", tmp_path / "out", lambda: None)
