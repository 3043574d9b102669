"""A smaller vocabulary: the tokens that the task's texts use, in a tokenizer that is rewritten to match.

Most of a small model's weights are embeddings of tokens that a task never sees. What the train split uses is kept, with
every special token and the pieces that spell any other word (`trim_pieces`), so that new texts still encode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from core.engines.compress.describe import card_of
from core.engines.compress.trim_pieces import kept_ids
from core.engines.compress.trim_tokenizer import document_of, rewritten
from core.engines.language.opening import open_language_model
from core.engines.models.starting import load_tokenizer, quiet_transformers
from core.engines.models.writing import save_transformers_model
from core.errors import UserError

_CHECKED_ROWS = 2000

# The tokens that a task needs: rows of token ids under the tokenizer that is given.
Uses = Callable[[Any], list[list[int]]]


def trim_vocabulary(source: Path, uses: Uses, out: Path, *, language_model: bool = False) -> tuple[int, int]:
    """Write the model folder `out` with the vocabulary that `uses` needs; the numbers of tokens before and after.

    `source` is a folder, or the GGUF file of a language model. The folder reloads with plain `from_pretrained`, and the
    rows of `uses` are the same tokens as before. Raises UserError for a tokenizer of an unknown kind and for a full
    disk; `out` is then as it was.
    """
    if language_model:
        opened = open_language_model(source)
        model, tokenizer = opened.model, opened.tokenizer
    else:
        tokenizer = load_tokenizer(source)
        with quiet_transformers():
            model = AutoModelForSequenceClassification.from_pretrained(
                source, dtype=torch.float32, use_safetensors=True, local_files_only=True
            )
    before = len(tokenizer)
    model, tokenizer, after = trimmed(model, tokenizer, uses, source)
    save_transformers_model(out, model, tokenizer, card_of(source, model, tokenizer, "transformers"))
    return before, after


def trimmed(model: Any, tokenizer: Any, uses: Uses, source: Path) -> tuple[Any, Any, int]:
    """The model, changed in place, and its tokenizer with the vocabulary that `uses` needs, and how many tokens it has.

    `source` names the model in errors. Raises UserError for a tokenizer of an unknown kind, and where the smaller one
    would split what `uses` needs in another way.
    """
    document = document_of(tokenizer)
    rows = uses(tokenizer)
    kept = kept_ids(document, {token for row in rows for token in row}, source)
    # The tokens that a model may be told to begin or end with, though no text has them.
    kept = sorted({*kept, *_special_ids(tokenizer)})
    new_ids = {old: new for new, old in enumerate(kept)}
    smaller = rewritten(tokenizer, document, new_ids)
    _check_same_tokens(source, tokenizer, rows, smaller, uses(smaller))
    shrink_embeddings(model, kept, source)
    return model, smaller, len(kept)


def uses_of_texts(texts: Sequence[str]) -> Uses:
    """The tokens of plain texts, as a classifier reads them, uncut."""

    def rows(tokenizer: Any) -> list[list[int]]:
        backend = tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        return [list(encoding.ids) for encoding in backend.encode_batch(list(texts))]

    return rows


def _special_ids(tokenizer: Any) -> set[int]:
    return {int(token) for token in tokenizer.all_special_ids if token is not None}


def _check_same_tokens(
    source: Path, before: Any, old_rows: Sequence[Sequence[int]], after: Any, new_rows: Sequence[Sequence[int]]
) -> None:
    """The gate: what the task needs must split as it did, or this is not the old tokenizer made smaller."""
    every = max(1, len(old_rows) // _CHECKED_ROWS)
    for old, new in zip(old_rows[::every], new_rows[::every], strict=True):
        old_tokens, new_tokens = before.convert_ids_to_tokens(old), after.convert_ids_to_tokens(new)
        if old_tokens != new_tokens:
            raise UserError("compress.trim_differs", path=str(source), text=" ".join(old_tokens)[:60])


def shrink_embeddings(model: Any, kept: Sequence[int], source: Path) -> None:
    """Leave the model, in place, the embeddings and outputs of the tokens `kept` alone, in this order.

    Every token id in its configs is renumbered; a head that was tied is tied. Raises UserError where the model has no
    embedding for a token.
    """
    old = model.get_input_embeddings()
    if kept[-1] >= old.num_embeddings:
        raise UserError("compress.trim_ids", path=str(source), token_id=kept[-1], rows=old.num_embeddings)
    new_ids = {token: place for place, token in enumerate(kept)}
    rows = torch.tensor(kept, device=old.weight.device)
    head = model.get_output_embeddings()
    padding = None if old.padding_idx is None else new_ids.get(old.padding_idx)
    with torch.no_grad():
        old.weight = torch.nn.Parameter(old.weight[rows].clone(), requires_grad=old.weight.requires_grad)
        if head is not None and head.weight.shape[0] != len(kept):
            head.weight = torch.nn.Parameter(head.weight[rows].clone())
            if getattr(head, "bias", None) is not None:
                head.bias = torch.nn.Parameter(head.bias[rows].clone())
    old.num_embeddings, old.padding_idx = len(kept), padding
    if head is not None:
        head.out_features = len(kept)
    model.config.vocab_size = len(kept)
    for config in (model.config, getattr(model, "generation_config", None)):
        if config is not None:
            _renumber(config, new_ids)
    model.tie_weights()


def _renumber(config: Any, new_ids: dict[int, int]) -> None:
    """New ids for each `…_token_id` of a config, and for its lists of tokens that are never or always generated."""
    for name, value in list(vars(config).items()):
        if name.endswith("_token_id") or name in ("suppress_tokens", "begin_suppress_tokens"):
            if isinstance(value, int) and not isinstance(value, bool):
                setattr(config, name, new_ids.get(value))
            elif isinstance(value, list | tuple):
                setattr(config, name, [new_ids[token] for token in value if token in new_ids])
