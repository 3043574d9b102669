"""A smaller vocabulary: the tokens that the task's texts use, in a tokenizer that is rewritten to match.

Most of a small encoder's weights are embeddings of tokens that a task never sees. What the train split uses is kept,
with every special token and the single characters that spell any other word, so that new texts still encode.
"""

from __future__ import annotations

import json
import string
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from core.engines.compress.describe import card_of
from core.engines.models.starting import load_tokenizer, quiet_transformers
from core.engines.models.writing import save_transformers_model
from core.errors import UserError

TOKENIZER_FILE = "tokenizer.json"
_CHECKED_TEXTS = 2000
_ID_FIELDS = ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id", "mask_token_id")


def trim_vocabulary(model_folder: Path, texts: Sequence[str], out: Path) -> tuple[int, int]:
    """Write the model folder `out` with the vocabulary that `texts` need; the numbers of tokens before and after.

    The folder reloads with plain `from_pretrained`, and `texts` split into the same tokens as before. Raises UserError
    for a tokenizer other than WordPiece and for a full disk; `out` is then as it was.
    """
    tokenizer = load_tokenizer(model_folder)
    document = json.loads(tokenizer.backend_tokenizer.to_str())
    if document["model"]["type"] != "WordPiece":
        raise UserError("compress.trim_tokenizer", path=str(model_folder), kind=document["model"]["type"])
    kept = _kept_ids(document, tokenizer, texts)
    new_ids = {old: new for new, old in enumerate(kept)}
    smaller = _rewritten(tokenizer, document, new_ids)
    _check_same_tokens(model_folder, tokenizer, smaller, texts)
    with quiet_transformers():
        model: Any = AutoModelForSequenceClassification.from_pretrained(
            model_folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    _shrink_embeddings(model, kept, new_ids)
    save_transformers_model(out, model, smaller, card_of(model_folder, model, smaller, "transformers"))
    return len(document["model"]["vocab"]), len(kept)


def _kept_ids(document: Mapping[str, Any], tokenizer: Any, texts: Sequence[str]) -> list[int]:
    """The old ids of the tokens to keep, in their old order, so that a padding token at 0 stays there."""
    vocabulary: dict[str, int] = document["model"]["vocab"]
    prefix = document["model"]["continuing_subword_prefix"]
    used = {token_id for encoding in _encoded(tokenizer, texts) for token_id in encoding.ids}
    used |= {token["id"] for token in document["added_tokens"]}
    used |= {vocabulary[str(document["model"]["unk_token"])]}
    letters = {*string.ascii_letters, *string.digits, *string.punctuation, *"".join(texts), *"".join(texts).lower()}
    used |= {vocabulary[piece] for one in letters for piece in (one, prefix + one) if piece in vocabulary}
    return sorted(used)


def _encoded(tokenizer: Any, texts: Sequence[str]) -> list[Any]:
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    encodings: list[Any] = backend.encode_batch(list(texts))
    return encodings


def _rewritten(tokenizer: Any, document: Mapping[str, Any], new_ids: Mapping[int, int]) -> Any:
    """The tokenizer with new ids throughout: in its vocabulary, its added tokens and its template."""
    rewritten = json.loads(json.dumps(document))
    vocabulary: dict[str, int] = document["model"]["vocab"]
    kept = {word: new_ids[old] for word, old in vocabulary.items() if old in new_ids}
    rewritten["model"]["vocab"] = dict(sorted(kept.items(), key=lambda entry: entry[1]))
    for token in rewritten["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    rewritten["post_processor"] = _renumbered(rewritten["post_processor"], new_ids)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer.save_pretrained(folder)
        for other in ("vocab.txt", "added_tokens.json"):
            (folder / other).unlink(missing_ok=True)
        (folder / TOKENIZER_FILE).write_text(json.dumps(rewritten, ensure_ascii=False), encoding="utf-8")
        _renumber_config(folder / "tokenizer_config.json", new_ids)
        return load_tokenizer(folder)


def _renumbered(part: Any, new_ids: Mapping[int, int]) -> Any:
    """A template with new ids: `"ids": [101]` of its special tokens, or `["[SEP]", 102]` of the older form."""
    if isinstance(part, dict):
        return {
            key: [new_ids[one] for one in value] if key == "ids" else _renumbered(value, new_ids)
            for key, value in part.items()
        }
    if isinstance(part, list):
        if len(part) == 2 and isinstance(part[0], str) and isinstance(part[1], int):
            return [part[0], new_ids[part[1]]]
        return [_renumbered(one, new_ids) for one in part]
    return part


def _renumber_config(path: Path, new_ids: Mapping[int, int]) -> None:
    if not path.is_file():
        return
    config = json.loads(path.read_text(encoding="utf-8"))
    added = config.get("added_tokens_decoder")
    if added:
        config["added_tokens_decoder"] = {str(new_ids[int(old)]): token for old, token in added.items()}
        path.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")


def _check_same_tokens(folder: Path, before: Any, after: Any, texts: Sequence[str]) -> None:
    """The gate: a text of the train split must split as it did, or this is not the old tokenizer made smaller."""
    sample = texts[:: max(1, len(texts) // _CHECKED_TEXTS)]
    for old, new in zip(_encoded(before, sample), _encoded(after, sample), strict=True):
        if old.tokens != new.tokens:
            raise UserError("compress.trim_differs", path=str(folder), text=" ".join(old.tokens)[:60])


def _shrink_embeddings(model: Any, kept: Sequence[int], new_ids: Mapping[int, int]) -> None:
    old = model.get_input_embeddings()
    padding = new_ids.get(old.padding_idx) if old.padding_idx is not None else None
    smaller = torch.nn.Embedding(len(kept), old.embedding_dim, padding_idx=padding)
    with torch.no_grad():
        smaller.weight.copy_(old.weight[torch.tensor(kept)])
    model.set_input_embeddings(smaller)
    model.config.vocab_size = len(kept)
    for field in _ID_FIELDS:
        value = getattr(model.config, field, None)
        if isinstance(value, int):
            setattr(model.config, field, new_ids.get(value))
