"""A language model in 8 bits under ONNX Runtime: it writes as its parent does, and is opened as every other one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from job_context import RecordingContext, job_context
from onnx import helper, numpy_helper
from tiny_language_models import write_language_model, write_language_model_job, write_text_dataset

from core.data.examples import read_examples
from core.engines.compress import job, quantize_language, work
from core.engines.compress.language_rows import LanguageRows, next_tokens, next_tokens_from_cache
from core.engines.compress.quantize_decoder import quantize_decoder_int8
from core.engines.compress.work import Work
from core.engines.device import Device, choose_device
from core.engines.language import decoding
from core.engines.language.local import device_of
from core.engines.language.onnx_decoder import OnnxDecoder
from core.engines.language.opening import open_language_model
from core.engines.language.torch_generator import TorchGenerator
from core.engines.models.card import format_of, read_card
from core.errors import UserError
from core.gpu import DEVICE_VARIABLE
from core.jobs.results import CompressResult
from core.jobs.specs import CompressParameters
from core.model_files import ONNX_NAME, fingerprint_weights, is_language_model_folder
from core.spec import Quantize, Task, TrimVocabulary

MESSAGES = ["my card is lost", "please", "the rate now money back money back money"]
WRITING = Task(kind="generation", metric="exact_match")
PARAMETERS = CompressParameters(steps=(Quantize(quantize="int8_dynamic"),), task=WRITING)
Made = tuple[Path, Path, CompressResult, RecordingContext]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The parent's folder, the quantised one, what the job found and what it said; made once, for the export takes its
    time."""
    folder = tmp_path_factory.mktemp("int8")
    parent = write_language_model_job(folder / "parent", write_language_model(folder / "hub"))
    context = job_context(folder / "job", PARAMETERS, {"model": parent, "data": write_text_dataset(folder / "data")})
    result = job.run(PARAMETERS, context)
    return parent / "model", folder / "job" / "model", result, context


def test_a_language_model_in_8_bits_keeps_its_parent_s_next_tokens(made: Made) -> None:
    parent, folder, result, context = made
    assert result.steps == ("int8_dynamic",)
    assert result.label_agreement > 0.8
    assert result.parameters == TorchGenerator(parent).parameters
    assert "phase.export" in [phase for phase, *_ in context.phases]
    card = read_card(folder)
    assert (card.format, card.kind, card.parent_sha256) == ("onnx", "language_model", fingerprint_weights(parent))
    assert not (folder.parent / "exported").exists()


def test_an_export_is_held_against_single_precision_also_where_the_best_device_rounds_more(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_text_dataset(tmp_path / "data")
    rows = tuple(read_examples(data))
    rounding = Device(torch.device("cpu"), "GPU", torch.bfloat16)
    monkeypatch.setattr(work, "choose_device", lambda name=None: choose_device(name) if name else rounding)
    context = job_context(tmp_path / "job", PARAMETERS, {"model": made[0].parent, "data": data})
    context.started("GPU")
    found, by_default = (
        Work(context, parameters, made[0], rows, rows, 1).choices(made[0], "torch")
        for parameters in (PARAMETERS, PARAMETERS.model_copy(update={"steps": (TrimVocabulary(trim_vocabulary=True),)}))
    )
    opened = open_language_model(made[0])
    tokens = LanguageRows(WRITING, rows, ()).tokens(opened.tokenizer)
    wanted = np.concatenate(next_tokens(opened.model, tokens, opened.pad_id, lambda done: None))
    assert (found == wanted).all()
    assert (by_default != wanted).any()


def test_it_is_opened_and_asked_as_every_other_language_model(made: Made) -> None:
    parent, folder, *_ = made
    assert is_language_model_folder(folder)
    assert format_of(folder) == "onnx"
    quantised, plain = TorchGenerator(folder), TorchGenerator(parent)
    assert (quantised.runtime, quantised.device[:3]) == ("onnxruntime", "CPU")
    assert quantised.context_tokens == plain.context_tokens
    labels = ["card", "loan", "a longer label"]
    assert np.abs(quantised.classify(MESSAGES, labels) - plain.classify(MESSAGES, labels)).max() < 0.1
    (answer,) = quantised.generate(["my card"], 5)
    assert 1 <= (answer.output_tokens or 0) <= 5


def test_it_answers_on_the_cpu_without_a_look_at_the_device_that_others_take(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert TorchGenerator(made[1]).device == device_of("torch", made[1]) == choose_device("cpu").description
    with pytest.raises(UserError) as refused:
        TorchGenerator(made[0])
    assert refused.value.code == "train.device_missing"


def test_an_answer_depends_neither_on_its_neighbours_nor_on_how_its_prompt_was_read(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = TorchGenerator(made[1])
    messages = [f"please tell me about my {word}" for word in ("card", "loan and the rate", "money")]
    together = [one.text for one in generator.generate(messages, 12)]
    assert [generator.generate([message], 12)[0].text for message in messages] == together
    monkeypatch.setattr(decoding, "_READ_TOKENS", {"cpu": 20})
    assert [one.text for one in generator.generate(messages, 12)] == together
    generator.share_opening(messages)
    assert [one.text for one in generator.generate(messages, 12)] == together


def test_what_it_keeps_between_tokens_is_what_it_would_read_again(made: Made) -> None:
    opened = open_language_model(made[1])
    rows = [([2, 20, 30, 40, 50], 2), ([2, 21, 31], 2), ([2, 22, 32, 42, 52, 62, 72], 4)]
    whole = next_tokens(opened.model, rows, opened.pad_id, lambda done: None)
    stepwise = next_tokens_from_cache(opened.model, rows, opened.pad_id, lambda done: None)
    assert [row.tolist() for row in whole] == [row.tolist() for row in stepwise]
    assert [len(row) for row in whole] == [3, 1, 3]


def test_embeddings_and_a_tied_head_are_one_matrix(made: Made) -> None:
    parts = onnx.load(made[1] / ONNX_NAME).graph.initializer
    rows = open_language_model(made[0]).model.config.vocab_size
    shapes = [(part.data_type, tuple(part.dims)) for part in parts]
    assert (
        sum(kind == onnx.TensorProto.UINT8 and shape[:1] == (rows,) and len(shape) == 3 for kind, shape in shapes) == 1
    )
    assert (onnx.TensorProto.FLOAT, (rows, 32)) not in shapes


def test_a_graph_without_keys_and_values_is_refused_in_one_sentence(made: Made, tmp_path: Path) -> None:
    for file in made[1].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    value = helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, [None, None])
    node = helper.make_node("Identity", ["input_ids"], ["logits"])
    output = helper.make_tensor_value_info("logits", onnx.TensorProto.INT64, [None, None])
    graph = helper.make_graph([node], "scoring", [value], [output])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / ONNX_NAME
    )
    with pytest.raises(UserError) as refused:
        OnnxDecoder(tmp_path)
    assert refused.value.code == "model.onnx.no_cache"


@pytest.mark.parametrize(("turned", "tied"), [(False, False), (True, True)])
def test_sums_products_and_look_ups_keep_their_values(tmp_path: Path, turned: bool, tied: bool) -> None:
    generator = np.random.default_rng(1)
    table = generator.normal(size=(50, 80)).astype(np.float32)
    weights = table if tied else generator.normal(size=(80, 50)).astype(np.float32)
    bias = generator.normal(size=50).astype(np.float32)
    constants = {"table": table, "bias": bias} | ({} if tied else {"weights": weights})
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Gemm", ["rows", "table" if tied else "weights", "bias"], ["y"], transB=int(turned)),
    ]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, [None])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 50])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    source, target = tmp_path / "plain.onnx", tmp_path / "bits.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), source)
    quantize_decoder_int8(source, target)
    assert "Gemm" not in [node.op_type for node in onnx.load(target).graph.node]
    ids = np.arange(50)
    (found,) = onnxruntime.InferenceSession(str(target)).run(["y"], {"ids": ids})
    wanted = table @ (weights.T if turned else weights) + bias
    assert np.abs(found - wanted).max() < 0.03 * np.abs(wanted).max()


def test_a_model_that_keeps_more_than_keys_and_values_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize_language, "keeps_plain_cache", lambda config: False)
    assert _refused(tmp_path).code == "compress.language_cache"


def test_an_export_that_does_not_fit_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize_language, "free_memory_mib", lambda device: 0.1)
    assert _refused(tmp_path).code == "compress.language_memory"


def _refused(folder: Path) -> UserError:
    parent = write_language_model_job(folder / "parent", write_language_model(folder / "hub"))
    context = job_context(folder / "job", PARAMETERS, {"model": parent, "data": write_text_dataset(folder / "data")})
    with pytest.raises(UserError) as refused:
        job.run(PARAMETERS, context)
    assert not context.phases
    return refused.value
