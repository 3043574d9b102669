"""A language model opened from a folder or a GGUF file."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_language_models import write_language_model, write_language_model_job

from core.engines.language.opening import open_language_model
from core.errors import UserError
from core.model_files import fingerprint_weights, is_language_model_folder, weight_bytes


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


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + b"\0" * 60)
    with pytest.raises(UserError) as refused:
        open_language_model(tmp_path / "model.gguf")
    assert refused.value.code == "model.gguf.unreadable"


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
