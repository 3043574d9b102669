"""Texts to padded token ids, the same way in training, in evaluation and under ONNX Runtime; no torch here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from core.domain import IntArray
from core.errors import UserError

_CHUNK_ROWS = 1000


@dataclass(frozen=True, eq=False)
class TokenRows:
    """Token ids of many texts, cut at the maximum length but not padded: text i is ids[starts[i]:starts[i + 1]].

    `truncated` is how many texts were cut.
    """

    ids: IntArray
    starts: IntArray
    truncated: int

    @property
    def lengths(self) -> IntArray:
        """Tokens of each text, shape (rows,)."""
        return np.diff(self.starts)

    def padded(self, rows: IntArray, pad_id: int) -> tuple[IntArray, IntArray]:
        """Token ids and attention mask of some rows, each of shape (len(rows), longest), padded on the right."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        mask = np.arange(int(lengths.max()))[None, :] < lengths[:, None]
        ids = np.full(mask.shape, pad_id, dtype=np.int64)
        ids[mask] = np.concatenate([self.ids[self.starts[row] : self.starts[row + 1]] for row in rows])
        return ids, mask.astype(np.int64)


class TextEncoder:
    """A fast tokenizer with its truncation, and the id that it pads with."""

    def __init__(self, tokenizer: Tokenizer, pad_id: int, max_length: int) -> None:
        # The file may ask for padding to a fixed length, which would multiply the work.
        tokenizer.no_padding()
        if max_length > 0:
            tokenizer.enable_truncation(max_length)
        else:
            tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self.pad_id = pad_id
        self.max_length = max_length

    def encode(self, texts: Sequence[str], on_rows: Callable[[int], None] | None = None) -> TokenRows:
        """The tokens of all texts, special ones included; `on_rows` hears how many texts are done."""
        ids: list[IntArray] = []
        lengths: list[int] = [0]
        truncated = 0
        for begin in range(0, len(texts), _CHUNK_ROWS):
            for encoding in self._tokenizer.encode_batch(list(texts[begin : begin + _CHUNK_ROWS])):
                ids.append(np.asarray(encoding.ids, dtype=np.int64))
                lengths.append(len(encoding.ids))
                truncated += bool(encoding.overflowing)
            if on_rows is not None:
                on_rows(min(begin + _CHUNK_ROWS, len(texts)))
        flat = np.concatenate(ids) if ids else np.zeros(0, dtype=np.int64)
        return TokenRows(flat, np.cumsum(lengths, dtype=np.int64), truncated)

    def cut(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text is longer than what is kept of it."""
        found: list[bool] = []
        for begin in range(0, len(texts), _CHUNK_ROWS):
            encodings = self._tokenizer.encode_batch(list(texts[begin : begin + _CHUNK_ROWS]))
            found += [bool(encoding.overflowing) for encoding in encodings]
        return found

    def batch(self, texts: Sequence[str]) -> tuple[IntArray, IntArray]:
        """Token ids and attention mask of one batch, each of shape (rows, longest), padded on the right."""
        rows = self.encode(texts)
        return rows.padded(np.arange(len(texts)), self.pad_id)


def encoder_of_folder(folder: Path, max_length: int) -> TextEncoder:
    """The encoder of a model folder that has a `tokenizer.json`. Raises UserError where it has none."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise UserError("model.tokenizer.missing", path=str(folder))
    tokenizer = Tokenizer.from_file(str(file))
    return TextEncoder(tokenizer, _pad_id(folder, tokenizer), max_length)


def _pad_id(folder: Path, tokenizer: Tokenizer) -> int:
    """The padding id: of the tokenizer's config, else of the model's; masked out, so that 0 does no harm elsewhere."""
    settings = _json(folder / "tokenizer_config.json").get("pad_token")
    token = settings.get("content") if isinstance(settings, dict) else settings
    found = tokenizer.token_to_id(token) if isinstance(token, str) else None
    if found is not None:
        return int(found)
    configured = _json(folder / "config.json").get("pad_token_id")
    return configured if isinstance(configured, int) else 0


def _json(path: Path) -> dict[str, object]:
    document = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return document if isinstance(document, dict) else {}
