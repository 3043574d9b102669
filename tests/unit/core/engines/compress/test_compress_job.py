"""INT8: smaller, nearly the same answers, and refused where the export answers otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from job_context import RecordingContext, job_context
from tiny_models import LABELS

from core.data.examples import read_examples
from core.engines.compress import job, parity, quantize_step
from core.engines.compress.export import Format, export
from core.engines.models import open_classifier
from core.errors import UserError
from core.jobs.results import CompressResult
from core.jobs.specs import CompressParameters
from core.spec import Quantize
from core.worker.context import Stopped

INT8 = CompressParameters(steps=(Quantize(quantize="int8_dynamic"),))


def context_of(
    folder: Path, teacher: Path, dataset: Path, parameters: CompressParameters = INT8, stop: bool = False
) -> RecordingContext:
    return job_context(folder, parameters, {"model": teacher, "data": dataset}, lambda _context: stop)


@pytest.fixture(scope="module")
def compressed(
    tmp_path_factory: pytest.TempPathFactory, teacher: Path, dataset: Path
) -> tuple[Path, CompressResult, RecordingContext]:
    folder = tmp_path_factory.mktemp("compressed")
    context = context_of(folder, teacher, dataset)
    return folder, job.run(INT8, context), context


Compressed = tuple[Path, CompressResult, RecordingContext]


def test_quantised_model_answers_nearly_as_its_parent(compressed: Compressed, teacher: Path, dataset: Path) -> None:
    folder, result, _ = compressed
    inputs = [example.input for example in read_examples(dataset)]
    parent, child = open_classifier(teacher / "model", "torch"), open_classifier(folder / "model")
    assert child.labels == parent.labels == LABELS
    wanted, found = parity.answer_all(parent, inputs), parity.answer_all(child, inputs)
    assert np.abs(wanted - found).max() < 0.05
    assert result.label_agreement >= 0.9
    assert result.rows == sum(example.split.value == "train" for example in read_examples(dataset))


def test_its_weights_are_smaller_and_nothing_else_is_left_behind(compressed: Compressed) -> None:
    folder, result, _ = compressed
    assert result.model_size_mib < result.parent_size_mib or result.parent_size_mib < 0.1
    assert [path.name for path in folder.iterdir()] == ["model"]
    assert result.steps == ("int8_dynamic",)


def test_one_request_and_any_batch_of_any_length_are_answered(compressed: Compressed) -> None:
    model = open_classifier(compressed[0] / "model")
    for texts in (["lost"], ["lost card please"] * 3, ["my " * 60, "rate"]):
        assert model.probabilities(texts).shape == (len(texts), len(LABELS))


def test_it_is_opened_without_torch(compressed: Compressed) -> None:
    code = (
        "import sys; from pathlib import Path; from core.engines.models import open_classifier; "
        f"open_classifier(Path({str(compressed[0] / 'model')!r})).probabilities(['lost']); "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_export_that_answers_otherwise_is_refused_and_leaves_no_model(
    tmp_path: Path, teacher: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize_step, "MINIMUM_AGREEMENT", 1.01)
    with pytest.raises(UserError) as refused:
        job.run(INT8, context_of(tmp_path, teacher, dataset))
    assert refused.value.code == "compress.parity"
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "exported").exists()


def test_it_stops_when_told(tmp_path: Path, teacher: Path, dataset: Path) -> None:
    with pytest.raises(Stopped):
        job.run(INT8, context_of(tmp_path, teacher, dataset, stop=True))
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("form", "file"), [("safetensors", "model.safetensors"), ("onnx", "model.onnx")])
def test_an_exported_folder_opens_by_itself_with_the_same_answers(
    tmp_path: Path, teacher: Path, dataset: Path, form: Format, file: str
) -> None:
    out = tmp_path / "out"
    export(teacher / "model", form, out, [example.input for example in read_examples(dataset)])
    assert (out / file).is_file()
    inputs = ["lost card", "interest rate please", "money back"]
    wanted = open_classifier(teacher / "model", "torch").probabilities(inputs)
    assert open_classifier(out).probabilities(inputs) == pytest.approx(wanted, abs=1e-4)
