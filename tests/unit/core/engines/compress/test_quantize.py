"""Each way to quantise: smaller weights, answers as the parent's, and one sentence where a machine cannot do it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest
import torch
from job_context import RecordingContext, job_context
from tiny_language_models import write_language_model, write_language_model_job, write_text_dataset
from tiny_models import LABELS, tiny_config, write_body, write_classifier

from core.data.examples import read_examples
from core.engines.compress import job, parity, quantize, quantize_step
from core.engines.compress.onnx_export import export_onnx
from core.engines.compress.quantize_language import check_int4
from core.engines.device import Device, int8_products_saturate
from core.engines.language.opening import open_language_model
from core.engines.models import open_classifier
from core.errors import UserError
from core.jobs.results import CompressResult
from core.jobs.specs import CompressParameters
from core.model_files import ONNX_NAME
from core.spec import Quantize, Task
from core.worker.context import Stopped

Scheme = Literal["int8_dynamic", "int8_static", "int4"]
SCHEMES: tuple[Scheme, ...] = ("int8_dynamic", "int8_static", "int4")
# Of a wide enough model; the tiny one's overhead outweighs what it saves.
SHARE_OF_SIZE = {"int8_dynamic": 0.45, "int8_static": 0.45, "int4": 0.4}
Quantised = dict[str, tuple[Path, CompressResult, RecordingContext]]


def parameters_of(scheme: Scheme, task: Task | None = None) -> CompressParameters:
    return CompressParameters(steps=(Quantize(quantize=scheme),), task=task)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job's classifier wide enough for its weights to be most of its file."""
    config = tiny_config(layers=1)
    config.hidden_size, config.intermediate_size = 128, 512
    body = write_body(tmp_path_factory.mktemp("body"), config)
    return write_classifier(tmp_path_factory.mktemp("parent"), body)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, parent: Path) -> Path:
    """The export that every scheme begins with, made once, for torch takes its time over it."""
    folder = tmp_path_factory.mktemp("export") / "model"
    export_onnx(parent / "model", folder)
    return folder


@pytest.fixture(autouse=True)
def _one_export(exported: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantize_step, "export_onnx_apart", lambda source, out, _: shutil.copytree(exported, out))
        yield


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory, parent: Path, exported: Path, dataset: Path) -> Quantised:
    made: Quantised = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantize_step, "export_onnx_apart", lambda source, out, _: shutil.copytree(exported, out))
        for scheme in SCHEMES:
            folder = tmp_path_factory.mktemp(scheme)
            context = job_context(folder, parameters_of(scheme), {"model": parent, "data": dataset})
            made[scheme] = folder, job.run(parameters_of(scheme), context), context
    return made


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_answers_nearly_as_its_parent(quantised: Quantised, parent: Path, dataset: Path, scheme: Scheme) -> None:
    folder, result, _ = quantised[scheme]
    inputs = [example.input for example in read_examples(dataset)]
    child = open_classifier(folder / "model")
    wanted = parity.answer_all(open_classifier(parent / "model", "torch"), inputs)
    found = parity.answer_all(child, inputs)
    assert child.labels == LABELS
    assert np.abs(wanted - found).max() < 0.06
    assert np.abs(wanted - found).max() > 0.0, "nothing was quantised"
    assert result.label_agreement >= 0.85
    assert result.steps == (scheme,)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_its_weights_are_smaller_and_nothing_is_left_behind(quantised: Quantised, scheme: Scheme) -> None:
    folder, result, _ = quantised[scheme]
    assert result.model_size_mib < SHARE_OF_SIZE[scheme] * result.parent_size_mib
    assert [path.name for path in folder.iterdir()] == ["model"]
    assert not [path for path in (folder / "model").iterdir() if path.name.startswith("model.onnx.")]


def test_four_bits_take_less_room_than_eight(quantised: Quantised) -> None:
    sizes = {scheme: result.model_size_mib for scheme, (_, result, _) in quantised.items()}
    assert sizes["int4"] < sizes["int8_dynamic"]


def test_four_bits_fill_no_log_and_leave_the_logging_of_the_process_as_it_was(tmp_path: Path, exported: Path) -> None:
    """ONNX Runtime's module sets it up when it is loaded, and tells of every node."""
    code = (
        "import logging; from pathlib import Path; from core.engines.compress.quantize import quantize_int4; "
        f"quantize_int4(Path({str(exported / ONNX_NAME)!r}), Path({str(tmp_path / ONNX_NAME)!r})); "
        "assert logging.root.level == logging.WARNING and not logging.root.handlers"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_request_and_any_batch_of_any_length_are_answered(quantised: Quantised, scheme: Scheme) -> None:
    model = open_classifier(quantised[scheme][0] / "model")
    for texts in (["lost"], ["lost card please"] * 3, ["my " * 60, "rate"]):
        assert model.probabilities(texts).shape == (len(texts), len(LABELS))


def test_each_scheme_has_its_own_operators(quantised: Quantised) -> None:
    kinds = {
        scheme: Counter(node.op_type for node in onnx.load(folder / "model" / "model.onnx").graph.node)
        for scheme, (folder, _, _) in quantised.items()
    }
    assert kinds["int8_dynamic"]["DynamicQuantizeLinear"] > 0
    assert kinds["int8_static"]["QuantizeLinear"] > 0
    assert kinds["int8_static"]["DynamicQuantizeLinear"] == 0
    assert kinds["int4"]["MatMulNBits"] > 0
    assert kinds["int4"]["GatherBlockQuantized"] > 0


def test_ranges_are_measured_on_rows_that_are_not_compared(quantised: Quantised, dataset: Path) -> None:
    """All 48 train rows are compared here, so they stand in; each is one request."""
    _, result, context = quantised["int8_static"]
    assert context.steps("phase.ranges") == result.rows == 48


def test_it_stops_between_two_requests_of_the_ranges(tmp_path: Path, parent: Path, dataset: Path) -> None:
    parameters = parameters_of("int8_static")
    context = job_context(
        tmp_path, parameters, {"model": parent, "data": dataset}, lambda own: own.steps("phase.ranges") >= 3
    )
    with pytest.raises(Stopped):
        job.run(parameters, context)
    assert context.steps("phase.ranges") == 3
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("saturates", "largest"), [(True, 64), (False, 127)])
def test_weights_have_seven_bits_where_products_would_overflow(
    tmp_path: Path, quantised: Quantised, monkeypatch: pytest.MonkeyPatch, saturates: bool, largest: int
) -> None:
    monkeypatch.setattr(quantize, "int8_products_saturate", lambda: saturates)
    monkeypatch.setattr(quantize, "_LOOK_UPS", [])
    source = tmp_path / "source.onnx"
    onnx.save(_product(), source)
    feeds = [{"x": np.array([[1, 2, 3]], dtype=np.int64)}]
    quantize.quantize_int8_static(source, tmp_path / ONNX_NAME, feeds, lambda row: None)
    tensors = onnx.load(tmp_path / ONNX_NAME).graph.initializer
    eight_bits = [onnx.numpy_helper.to_array(one) for one in tensors if one.data_type == onnx.TensorProto.INT8]
    assert max(int(np.abs(one.astype(int)).max()) for one in eight_bits if one.size > 3) == largest


def _product() -> onnx.ModelProto:
    """Integers cast and multiplied by a weight matrix."""
    weights = np.random.default_rng(2).standard_normal((3, 3)).astype(np.float32)
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["x"], ["float"], to=kinds.FLOAT),
        helper.make_node("MatMul", ["float", "w"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", kinds.INT64, [None, 3])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, [None, 3])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize(
    ("machine", "flags", "saturates"),
    [
        ("x86_64", "flags : avx2 avx512f", True),
        ("x86_64", "flags : avx2 avx512_vnni", False),
        ("AMD64", "flags : avx2 avx_vnni", False),
        ("arm64", "", False),
    ],
)
def test_products_overflow_on_x86_without_vnni(
    monkeypatch: pytest.MonkeyPatch, machine: str, flags: str, saturates: bool
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(Path, "read_text", lambda self, **options: flags)
    assert int8_products_saturate() is saturates


@pytest.mark.parametrize(
    ("scheme", "code"),
    [
        ("int8_static", "compress.language_int8"),
        ("int4", "compress.language_int4_needs_gpu"),
    ],
)
def test_a_language_model_is_refused_on_the_cpu_before_any_work(tmp_path: Path, scheme: Scheme, code: str) -> None:
    source = write_language_model(tmp_path / "hub")
    parent = write_language_model_job(tmp_path / "parent", source)
    data = write_text_dataset(tmp_path / "data")
    parameters = parameters_of(scheme, Task(kind="generation", metric="exact_match"))
    context = job_context(tmp_path / "job", parameters, {"model": parent, "data": data})
    with pytest.raises(UserError) as refused:
        job.run(parameters, context)
    assert refused.value.code == code
    assert not context.phases


def test_an_old_gpu_is_refused_for_four_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: (7, 5))
    with pytest.raises(UserError) as refused:
        check_int4(tmp_path, Device(torch.device("cuda"), "an old GPU"))
    assert refused.value.code == "compress.language_int4_needs_gpu"
    assert "an old GPU, 7.5" in refused.value.text


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_language_model_keeps_its_choices_in_four_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torchao")
    monkeypatch.setenv("TERCET_DEVICE", "cuda")
    parent = write_language_model_job(tmp_path / "parent", write_language_model(tmp_path / "hub"))
    data = write_text_dataset(tmp_path / "data")
    parameters = parameters_of("int4", Task(kind="generation", metric="exact_match"))
    context = job_context(tmp_path / "job", parameters, {"model": parent, "data": data})
    result = job.run(parameters, context)
    assert result.label_agreement > 0.5
    opened = open_language_model(tmp_path / "job" / "model")
    assert opened.model.config.quantization_config is not None
