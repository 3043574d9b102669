"""Model folders opened for answering, under torch and under ONNX Runtime."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_models import write_sum_model
from tiny_models import LABELS, tiny_tokenizer
from transformers import AutoModelForSequenceClassification

from core.engines.models import open_classifier, read_card, write_card
from core.engines.models.onnx_classifier import OnnxClassifier
from core.engines.models.starting import load_starting_model
from core.engines.models.torch_classifier import TorchClassifier
from core.errors import UserError
from core.model_files import weight_bytes

PROJECT = Path(__file__).parents[5]
TEXTS = ["my card lost please help now today the", "rate", "money back"]


@pytest.fixture
def onnx_folder(tmp_path: Path) -> Path:
    return write_sum_model(tmp_path)


def test_torch_classifier_gives_the_softmax_of_the_models_logits(teacher: Path) -> None:
    folder = teacher / "model"
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = tiny_tokenizer()
    found = TorchClassifier(folder).probabilities(TEXTS)
    for row, text in enumerate(TEXTS):
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        with torch.no_grad():
            expected = model(input_ids=ids).logits.softmax(-1)[0].tolist()
        assert found[row] == pytest.approx(expected, abs=1e-6)
    assert found.dtype == np.float64


def test_answers_of_a_batch_do_not_depend_on_its_other_texts(teacher: Path, onnx_folder: Path) -> None:
    for folder in (teacher / "model", onnx_folder):
        classifier = open_classifier(folder)
        together = classifier.probabilities(TEXTS)
        alone = np.concatenate([classifier.probabilities([text]) for text in TEXTS])
        assert together == pytest.approx(alone, abs=1e-6)


def test_onnx_classifier_gives_the_softmax_of_the_sessions_logits(onnx_folder: Path) -> None:
    table = np.load(onnx_folder / "table.npy")
    ids = tiny_tokenizer()("money back")["input_ids"]
    logits = table[ids].sum(axis=0).astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum()
    assert OnnxClassifier(onnx_folder).probabilities(["money back"])[0] == pytest.approx(expected, abs=1e-5)


def test_token_counts_include_special_tokens_and_stop_at_the_maximum(teacher: Path, onnx_folder: Path) -> None:
    assert open_classifier(teacher / "model").token_counts(TEXTS) == [10, 3, 4]
    assert open_classifier(onnx_folder).token_counts(TEXTS) == [6, 3, 4]


def test_classifier_says_what_it_is(teacher: Path, onnx_folder: Path) -> None:
    by_torch, by_onnx = open_classifier(teacher / "model"), open_classifier(onnx_folder)
    assert (by_torch.runtime, by_onnx.runtime) == ("torch", "onnxruntime")
    assert by_torch.labels == by_onnx.labels == LABELS
    assert by_torch.device.startswith("CPU, 1 thread")
    model, _ = load_starting_model(teacher / "model", LABELS)
    assert by_torch.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert by_torch.weight_bytes == weight_bytes(teacher / "model")
    assert by_onnx.weight_bytes == (onnx_folder / "model.onnx").stat().st_size
    assert by_onnx.parameters == 16 * len(LABELS) + 2


def test_parameters_of_an_onnx_model_are_those_of_its_card(onnx_folder: Path) -> None:
    write_card(onnx_folder, read_card(onnx_folder).model_copy(update={"parameters": 12345}))
    assert open_classifier(onnx_folder).parameters == 12345


def test_a_foreign_classifier_is_opened_with_the_labels_of_its_config(teacher: Path, tmp_path: Path) -> None:
    shutil.copytree(teacher / "model", tmp_path / "foreign")
    (tmp_path / "foreign" / "tercet.json").unlink()
    classifier = open_classifier(tmp_path / "foreign")
    assert classifier.labels == LABELS
    assert classifier.probabilities(TEXTS) == pytest.approx(open_classifier(teacher / "model").probabilities(TEXTS))


def test_a_body_without_a_head_is_refused_and_not_answered_at_random(body: Path) -> None:
    with pytest.raises(UserError, match="no trained classification head"):
        open_classifier(body)


@pytest.mark.parametrize("runtime", ["onnxruntime", "sklearn"])
def test_a_runtime_that_cannot_run_the_format_is_refused(teacher: Path, runtime: str) -> None:
    with pytest.raises(UserError, match=f"does not run under {runtime}"):
        open_classifier(teacher / "model", runtime)  # type: ignore[arg-type]  # the names are parametrised


def test_an_onnx_file_that_cannot_be_read_is_refused(onnx_folder: Path) -> None:
    (onnx_folder / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(UserError, match="ONNX Runtime cannot load this file"):
        open_classifier(onnx_folder)


def test_a_damaged_card_is_refused(onnx_folder: Path) -> None:
    (onnx_folder / "tercet.json").write_text(json.dumps({"format": "onnx"}))
    with pytest.raises(UserError, match="not readable as a model card"):
        open_classifier(onnx_folder)


def test_a_model_without_tokenizer_is_refused(onnx_folder: Path, teacher: Path, tmp_path: Path) -> None:
    shutil.copytree(teacher / "model", tmp_path / "bare")
    for folder in (onnx_folder, tmp_path / "bare"):
        (folder / "tokenizer.json").unlink()
        with pytest.raises(UserError, match="no fast tokenizer"):
            open_classifier(folder)


def test_opening_an_onnx_model_loads_no_torch(onnx_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from core.engines.models import open_classifier;"
        f"open_classifier(Path({str(onnx_folder)!r})).probabilities(['money back']);"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
