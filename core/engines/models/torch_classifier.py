"""A transformers classifier under torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from core.domain import FloatArray
from core.engines.device import Device, choose_device
from core.engines.models.card import FOREIGN_MAX_LENGTH, has_card, read_card
from core.engines.models.starting import load_tokenizer, load_weights, longest_input, text_encoder
from core.errors import UserError
from core.model_files import check_model_folder, weight_bytes


class TorchClassifier:
    """The model of a folder in evaluation mode, in fp32, with its tokenizer; gradients are never recorded."""

    def __init__(self, folder: Path, device: Device | None = None) -> None:
        check_model_folder(folder)
        chosen = device or choose_device()
        self._device = chosen.torch_device
        self._model = _load(folder).to(self._device).eval()
        tokenizer = load_tokenizer(folder)
        card = read_card(folder) if has_card(folder) else None
        wanted = card.max_length if card is not None else FOREIGN_MAX_LENGTH
        self._encoder = text_encoder(tokenizer, longest_input(self._model, tokenizer, wanted))
        self.labels = card.labels if card is not None else _labels_of(self._model.config)
        self._several = card is not None and card.multi_label
        self.runtime = "torch"
        self.device = chosen.description
        self.parameters = sum(parameter.numel() for parameter in self._model.parameters())
        self.weight_bytes = weight_bytes(folder)

    def probabilities(self, inputs: Sequence[str]) -> FloatArray:
        """Softmax probabilities, shape (rows, classes), of one batch, in the order of `inputs`; each label's own where
        a row can have several."""
        ids, mask = self._encoder.batch(inputs)
        with torch.inference_mode():
            output = self._model(
                input_ids=torch.from_numpy(ids).to(self._device), attention_mask=torch.from_numpy(mask).to(self._device)
            )
            logits = output.logits.cpu().double()
            probabilities: FloatArray = (logits.sigmoid() if self._several else logits.softmax(dim=-1)).numpy()
        return probabilities

    def token_counts(self, inputs: Sequence[str]) -> list[int]:
        """How many tokens the model sees of each input, special ones included."""
        return [int(count) for count in self._encoder.encode(inputs).lengths]

    @property
    def max_length(self) -> int:
        """The most tokens of an input that the model sees; 0 means all of them."""
        return self._encoder.max_length

    def cut(self, inputs: Sequence[str]) -> list[bool]:
        """Whether each of the inputs is longer than that."""
        return self._encoder.cut(inputs)


def _load(folder: Path) -> Any:
    """The classifier's weights. A folder whose head is missing is refused: a random head would answer at random."""
    model, missing = load_weights(folder)
    if missing:
        raise UserError("model.folder.no_classifier", path=str(folder))
    return model


def _labels_of(config: Any) -> tuple[str, ...]:
    return tuple(str(config.id2label[index]) for index in range(config.num_labels))
