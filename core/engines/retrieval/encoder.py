"""Texts to vectors of unit length, as sentence-transformers makes them: an encoder's last layer, pooled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel

from core.engines.device import Device, choose_device
from core.engines.models.starting import load_tokenizer, longest_input, quiet_transformers, text_encoder
from core.errors import UserError
from core.model_files import check_model_folder, is_language_model_folder, weight_bytes

Vectors = NDArray[np.float32]
BATCH_ROWS = 32
# Where neither the folder's own settings nor the model say how long a text may be.
_LONGEST = 512
# sentence-transformers' own files: how long a text may be, and how a text's tokens become one vector.
_LENGTH_FILE, _POOLING_FILE = "sentence_bert_config.json", "1_Pooling/config.json"
_POOLINGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


class SentenceEncoder:
    """The encoder of a transformers folder in fp32. `device` is a word for the user, `weight_bytes` are of its files.

    Token vectors are averaged over the text, or the first one is taken where the folder's `1_Pooling` says so. Raises
    UserError where the folder holds no encoder, or one that pools otherwise.
    """

    def __init__(self, folder: Path, device: Device | None = None) -> None:
        check_model_folder(folder)
        if is_language_model_folder(folder):
            raise UserError("retrieval.encoder_writes", path=str(folder))
        chosen = device or choose_device()
        self._device = chosen.torch_device
        self._pooling = _pooling(folder)
        self._model = _load(folder).to(self._device).eval()
        tokenizer = load_tokenizer(folder)
        wanted = _document(folder / _LENGTH_FILE).get("max_seq_length")
        limit = wanted if isinstance(wanted, int) and wanted > 0 else _LONGEST
        self.longest_tokens = longest_input(self._model, tokenizer, limit)
        self._tokens = text_encoder(tokenizer, self.longest_tokens)
        self.device = chosen.description
        self.weight_bytes = weight_bytes(folder)
        self.width = int(self._model.config.hidden_size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (texts, width), of one batch; a text is cut at `longest_tokens`."""
        ids, mask = self._tokens.batch(texts)
        here = torch.from_numpy(mask).to(self._device)
        with torch.inference_mode():
            states = self._model(input_ids=torch.from_numpy(ids).to(self._device), attention_mask=here)
            pooled = self._pooled(states.last_hidden_state, here)
            vectors: Vectors = torch.nn.functional.normalize(pooled, dim=1).cpu().float().numpy()
        return vectors

    def lengths(self, texts: Sequence[str]) -> tuple[list[int], int]:
        """The tokens of each text as the encoder reads it, and how many texts are cut."""
        rows = self._tokens.encode(texts)
        return [int(count) for count in rows.lengths], rows.truncated

    def _pooled(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if self._pooling == "cls":
            return states[:, 0]
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def _pooling(folder: Path) -> str:
    """How token vectors become one: mean where the folder does not say. Raises UserError for another way."""
    settings = _document(folder / _POOLING_FILE)
    used = [name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True]
    unknown = [name for name in used if name not in _POOLINGS]
    if unknown or len(used) > 1:
        raise UserError("retrieval.encoder_pooling", path=str(folder), pooling=", ".join(used))
    return _POOLINGS[used[0]] if used else "mean"


def _document(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _load(folder: Path) -> Any:
    """The body of the model. A pooler that the weights lack is of no use here; any other weight is needed."""
    try:
        with quiet_transformers():
            model, report = AutoModel.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
    except (OSError, ValueError, KeyError) as error:  # what transformers says of a config that it does not know
        raise UserError("retrieval.encoder_unfit", path=str(folder)) from error
    lacking = [name for name in report["missing_keys"] if "pooler" not in name]
    if lacking or getattr(model.config, "is_encoder_decoder", False):
        raise UserError("retrieval.encoder_unfit", path=str(folder))
    return model
