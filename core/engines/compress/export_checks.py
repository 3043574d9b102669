"""The gates of an export: what is written must answer as the model that it was made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.domain import FloatArray
from core.engines.compress.gguf_export import Precision
from core.engines.compress.parity import MINIMUM_AGREEMENT, answer_all, as_percent, label_agreement
from core.engines.device import choose_device
from core.engines.language.opening import OpenedLanguageModel, open_language_model
from core.engines.models import open_classifier
from core.engines.models.card import gives_several
from core.engines.models.onnx_classifier import open_session
from core.engines.models.torch_classifier import TorchClassifier
from core.errors import UserError
from core.model_files import ONNX_NAME

# Enough places to tell 99 % from 98 %, at some seconds for a small model.
CHECKED_TEXTS = 32
CHECKED_TOKENS = 128
_ROUNDING = 1e-4

Logits = Callable[[list[int]], FloatArray]


def check_onnx(folder: Path, exported: Path, inputs: Sequence[str]) -> None:
    """Raises UserError where an exported classifier gives other labels."""
    answers = (answer_all(open_classifier(folder, "torch"), inputs), answer_all(open_classifier(exported), inputs))
    agreement = label_agreement(*answers, several=gives_several(folder))
    if agreement < MINIMUM_AGREEMENT:
        raise UserError("compress.parity", path=str(folder), agreement=as_percent(agreement), rows=len(inputs))


def check_reload(folder: Path, exported: Path, inputs: Sequence[str]) -> None:
    """Raises UserError where a reloaded classifier's logits differ in any bit.

    Equal probabilities in double precision of logits in single precision: equal logits.
    """
    device = choose_device("cpu")
    first, second = (answer_all(TorchClassifier(place, device), inputs) for place in (folder, exported))
    difference = float(np.abs(first - second).max())
    if difference > 0.0:
        raise UserError("export.reload_differs", path=str(folder), difference=difference)


def check_language_reload(opened: OpenedLanguageModel, exported: Path, inputs: Sequence[str]) -> None:
    """Raises UserError where a reloaded language model has other tokens or is another model."""
    again = open_language_model(exported)
    _check_tokens(opened, again, inputs)
    _check_same(opened, again, inputs)


def check_language_onnx(opened: OpenedLanguageModel, exported: Path, inputs: Sequence[str]) -> None:
    """Raises UserError where the exported language model chooses other next tokens at more than 1 % of the places."""
    session = open_session(exported / ONNX_NAME)

    def logits(ids: list[int]) -> FloatArray:
        feed = {"input_ids": np.array([ids], dtype=np.int64), "attention_mask": np.ones((1, len(ids)), dtype=np.int64)}
        return np.asarray(session.run(["logits"], feed)[0][0], dtype=np.float64)

    _check_choices(opened, logits, inputs, "onnx")


def check_gguf(opened: OpenedLanguageModel, file: Path, precision: Precision, inputs: Sequence[str]) -> None:
    """Raises UserError where the file, read again, splits texts into other tokens, is another model in single
    precision, or in half precision chooses other next tokens at more than 1 % of the places."""
    again = open_language_model(file)
    _check_tokens(opened, again, inputs)
    if precision == "f32":
        _check_same(opened, again, inputs)
    else:
        _check_choices(opened, torch_logits(again.model), inputs, "gguf")


def _check_same(opened: OpenedLanguageModel, again: OpenedLanguageModel, inputs: Sequence[str]) -> None:
    """Every weight must be the same to the last bit, and what is not a weight, such as the base of the rotation, must
    show in no logit; products of weights that lie otherwise in memory are rounded otherwise."""
    own, other = opened.model.state_dict(), again.model.state_dict()
    if own.keys() != other.keys():
        raise UserError("export.weights_differ", path=str(opened.source), weight=min(own.keys() ^ other.keys()))
    for name, tensor in own.items():
        if not torch.equal(tensor.float(), other[name].float()):
            raise UserError("export.weights_differ", path=str(opened.source), weight=name)
    first, second = torch_logits(opened.model), torch_logits(again.model)
    for row in tokens_of(opened.tokenizer, inputs):
        wanted = first(row)
        difference = float(np.abs(wanted - second(row)).max())
        if difference > _ROUNDING * max(1.0, float(np.abs(wanted).max())):
            raise UserError("export.reload_differs", path=str(opened.source), difference=difference)


def tokens_of(tokenizer: Any, inputs: Sequence[str]) -> list[list[int]]:
    """The tokens of the texts that are checked, each at most 128; texts without any are left out."""
    rows = [tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"] for text in inputs[:CHECKED_TEXTS]]
    return [[int(token) for token in row[:CHECKED_TOKENS]] for row in rows if row]


def torch_logits(model: Any) -> Logits:
    """What a torch model gives for one text: logits of shape (tokens, vocabulary)."""

    def logits(ids: list[int]) -> FloatArray:
        with torch.inference_mode():
            found: FloatArray = model(input_ids=torch.tensor([ids])).logits[0].double().numpy()
        return found

    return logits


def _check_tokens(opened: OpenedLanguageModel, again: OpenedLanguageModel, inputs: Sequence[str]) -> None:
    for text, first, second in zip(
        inputs, tokens_of(opened.tokenizer, inputs), tokens_of(again.tokenizer, inputs), strict=False
    ):
        if first != second:
            raise UserError("export.tokens_differ", path=str(opened.source), text=text[:80])


def _check_choices(opened: OpenedLanguageModel, exported: Logits, inputs: Sequence[str], form: str) -> None:
    original = torch_logits(opened.model)
    rows = tokens_of(opened.tokenizer, inputs)
    same = np.concatenate([original(row).argmax(axis=1) == exported(row).argmax(axis=1) for row in rows])
    agreement = float(same.mean())
    if agreement < MINIMUM_AGREEMENT:
        raise UserError(
            "export.choices_differ",
            path=str(opened.source),
            format=form,
            agreement=as_percent(agreement),
            places=len(same),
        )
