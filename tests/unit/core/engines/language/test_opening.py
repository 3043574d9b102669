"""A language model opened from a folder or a GGUF file."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_gguf import write_gguf
from tiny_language_models import CHAT_TEMPLATE, write_language_model, write_language_model_job
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.engines.device import Device
from core.engines.language import opening
from core.engines.language.opening import open_language_model
from core.engines.language.prompts import completion_ids, prompt_ids
from core.engines.models.card import ModelCard
from core.engines.models.writing import save_transformers_model
from core.errors import UserError
from core.model_files import file_sha256, fingerprint_weights, is_language_model_folder, weight_bytes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_language_model(tmp_path_factory.mktemp("language"))


def test_a_folder_opens_in_full_precision_with_a_tokenizer_that_can_pad(folder: Path) -> None:
    opened = open_language_model(folder)
    assert {parameter.dtype for parameter in opened.model.parameters()} == {torch.float32}
    assert not opened.model.training
    assert opened.tokenizer.pad_token_id is not None
    assert opened.sha256 == fingerprint_weights(folder)
    assert opened.weight_bytes == weight_bytes(folder)
    assert opened.parameters == sum(tensor.numel() for tensor in load_file(folder / "model.safetensors").values())


def test_opening_prints_and_warns_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        open_language_model(folder)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_on_a_device_of_lower_precision_the_weights_are_in_it(folder: Path) -> None:
    opened = open_language_model(folder, Device(torch.device("cpu"), "CPU", torch.bfloat16))
    assert {parameter.dtype for parameter in opened.model.parameters()} == {torch.bfloat16}


# The folder's weights in bf16 take about 0.05 MiB.
@pytest.mark.parametrize(
    ("devices", "place", "free_mib", "spread"),
    [(1, "cuda", 0.01, False), (2, "cuda", 1.0, False), (2, "cuda", 0.01, True), (2, "cuda:1", 0.01, False)],
    ids=["one GPU", "one holds it", "one does not hold it", "one is named"],
)
def test_weights_are_spread_over_several_gpus_where_one_does_not_hold_them(
    folder: Path, devices: int, place: str, free_mib: float, spread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    load = AutoModelForCausalLM.from_pretrained

    def on_this_cpu(source: Path, device_map: str | None = None, **options: Any) -> Any:
        asked["device_map"] = device_map
        return load(source, **options)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", on_this_cpu)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    monkeypatch.setattr(opening, "free_memory_mib", lambda _device: free_mib)
    monkeypatch.setattr(torch.nn.Module, "to", lambda model, device: asked.update(moved=device) or model)
    open_language_model(folder, Device(torch.device(place), "GPU", torch.bfloat16))
    assert asked == ({"device_map": "auto"} if spread else {"device_map": None, "moved": torch.device(place)})


def test_a_model_whose_output_head_is_missing_is_refused_and_not_drawn_at_random(folder: Path, tmp_path: Path) -> None:
    source = write_language_model(tmp_path / "untied", tied=False)
    file = source / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(file).items() if name != "lm_head.weight"}
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lm_head\.weight"):
        open_language_model(source)


def test_a_folder_of_another_architecture_is_refused(folder: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(folder, tmp_path / "other"))
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "model_type": "vit", "architectures": ["ViTModel"]}))
    with pytest.raises(UserError) as refused:
        open_language_model(source)
    assert refused.value.code == "model.folder.no_language_model"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A GGUF file, and the folder of the same model."""
    folder = tmp_path_factory.mktemp("packed")
    return write_gguf(folder / "tiny.gguf", folder / "folder"), folder / "folder"


def test_a_gguf_file_is_the_same_model_as_its_folder(packed: tuple[Path, Path]) -> None:
    file, unpacked = (open_language_model(source) for source in packed)
    wanted = unpacked.model.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in file.model.state_dict().items())
    assert file.tokenizer.chat_template == CHAT_TEMPLATE
    assert prompt_ids(file.tokenizer, "hi you") == prompt_ids(unpacked.tokenizer, "hi you")
    assert completion_ids(file.tokenizer, "yes no") == completion_ids(unpacked.tokenizer, "yes no")
    assert file.sha256 == file_sha256(packed[0])
    assert file.weight_bytes == packed[0].stat().st_size


def test_a_gguf_file_is_unpacked_on_the_cpu_also_where_there_are_kernels_for_packed_weights(
    packed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    quantizer = pytest.importorskip("transformers.quantizers.quantizer_gguf", reason="always unpacked before")
    monkeypatch.setattr(quantizer, "is_torch_mps_available", lambda: True)
    monkeypatch.setattr(quantizer, "get_gguf_kernel", object)
    monkeypatch.setattr(quantizer.GgufHeader, "has_quantized_weights", True)
    model = open_language_model(packed[0]).model
    assert {(one.device.type, one.dtype) for one in model.parameters()} == {("cpu", torch.float32)}
    assert type(model.model.layers[0].self_attn.q_proj) is torch.nn.Linear


def test_a_gguf_file_opens_without_bars_and_warnings(
    packed: tuple[Path, Path], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        open_language_model(packed[0])
        assert capfd.readouterr() == ("", "")
        assert not caplog.records
        logging.getLogger("anything").warning("heard again")
    assert len(caplog.records) == 1
    caplog.clear()


def test_a_model_from_a_gguf_file_reloads_from_a_saved_folder_as_it_is(
    packed: tuple[Path, Path], tmp_path: Path
) -> None:
    opened = open_language_model(packed[0])
    card = ModelCard(format="transformers", kind="language_model", labels=(), max_length=0, architecture="Llama")
    save_transformers_model(tmp_path / "model", opened.model, opened.tokenizer, card)
    again = open_language_model(tmp_path / "model")
    assert all(torch.equal(opened.model.state_dict()[name], part) for name, part in again.model.state_dict().items())
    assert prompt_ids(again.tokenizer, "hi you") == prompt_ids(opened.tokenizer, "hi you")
    assert "quantization_config" not in json.loads((tmp_path / "model" / "config.json").read_text())


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + b"\0" * 60)
    with pytest.raises(UserError) as refused:
        open_language_model(tmp_path / "model.gguf")
    assert refused.value.code == "model.gguf.unreadable"


@pytest.mark.parametrize("reader", [AutoTokenizer, AutoModelForCausalLM])
def test_memory_that_runs_out_over_a_gguf_file_is_not_told_as_a_broken_file(
    packed: tuple[Path, Path], reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_source: Any, **_options: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(reader, "from_pretrained", too_large)
    with pytest.raises(torch.OutOfMemoryError):
        open_language_model(packed[0])


def test_a_folder_is_known_as_a_language_model_by_its_card_else_by_its_config(
    folder: Path, tmp_path: Path, body: Path, teacher: Path
) -> None:
    job = write_language_model_job(tmp_path, folder)
    assert is_language_model_folder(job / "model")
    assert is_language_model_folder(folder)
    assert not is_language_model_folder(body)
    assert not is_language_model_folder(teacher / "model")
    assert not is_language_model_folder(tmp_path / "absent")


def test_a_saved_model_of_a_job_opens_with_the_same_weights(folder: Path, tmp_path: Path) -> None:
    job = write_language_model_job(tmp_path, folder)
    before, after = (open_language_model(source).model.state_dict() for source in (folder, job / "model"))
    assert all(torch.equal(before[name], after[name]) for name in before)
