"""Weights to begin training with, if need be with a fresh head, and the tokenizer that goes with them."""

from __future__ import annotations

import copy
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging as transformers_logging

from core.engines.models.card import format_of
from core.engines.models.tokenization import TextEncoder
from core.errors import UserError
from core.model_files import check_model_folder

_VOCABULARY_STEMS = ("tokenizer.json", "vocab", "spiece", "sentencepiece", "spm", "tokenizer.model")


def load_starting_model(folder: Path, labels: Sequence[str], *, several: bool = False) -> tuple[Any, bool]:
    """A classifier in fp32 with one output for each label, its body from `folder`; and whether its head is fresh.
    `several` says that a text may have any number of the labels.

    The head is kept where the folder's model has the same labels, and otherwise drawn afresh from torch's generator,
    which the caller seeds. Raises UserError where the folder cannot be trained.
    """
    if format_of(folder) != "transformers":
        raise UserError("train.model_not_trainable", path=str(folder), format=format_of(folder))
    check_model_folder(folder)
    names = dict(enumerate(labels))
    named = _label_names(folder)
    model, fresh = load_weights(
        folder,
        num_labels=len(names),
        id2label=names,
        label2id={label: index for index, label in names.items()},
        problem_type="multi_label_classification" if several else "single_label_classification",
        ignore_mismatched_sizes=True,
    )
    lacking = [name for name in fresh if not is_head(model, name)]
    if lacking:
        raise UserError("model.folder.other_weights", path=str(folder), weight=lacking[0], count=len(lacking))
    if not fresh and named is not None and named != tuple(labels):
        _draw_head(model)
        return model, True
    return model, bool(fresh)


def _label_names(folder: Path) -> tuple[str, ...] | None:
    """The labels that the config of a folder gives its outputs, in order; null where it names none."""
    names = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("id2label")
    return tuple(str(names[key]) for key in sorted(names, key=int)) if isinstance(names, dict) else None


def _draw_head(model: Any) -> None:
    """Give the classifier on top of the body random weights: those it has were learned for other labels."""
    drawn: Any = AutoModelForSequenceClassification.from_config(model.config, dtype=torch.float32)  # type: ignore[no-untyped-call]  # untyped there
    fresh = {
        name: tensor
        for name, tensor in drawn.state_dict().items()
        if not name.startswith(f"{model.base_model_prefix}.")
    }
    model.load_state_dict(fresh, strict=False)


def is_head(model: Any, name: str) -> bool:
    """Whether the weight `name` belongs to what stands on top of the body: the classifier, and the pooler below it."""
    return not name.startswith(f"{model.base_model_prefix}.") or ".pooler." in name


def load_weights(folder: Path, **options: Any) -> tuple[Any, list[str]]:
    """The classifier of a folder in fp32, and the names of the weights that the folder lacks or has in another shape.

    Those were drawn at random; the caller decides whether that is in order, so transformers' own warning is not shown.
    """
    with quiet_transformers():
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **options,
        )
    mismatched = {name for name, *_ in report["mismatched_keys"]}
    return model, sorted(mismatched | set(report["missing_keys"]))


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Within it, transformers shows neither warnings nor progress bars, which would fill the job's log."""
    verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there


def load_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of a folder, with a padding token. Raises UserError where there is none."""
    # Without a vocabulary transformers makes up an empty one, to which every text is the same.
    if not any(path.name.startswith(_VOCABULARY_STEMS) for path in folder.iterdir()):
        raise UserError("model.tokenizer.missing", path=str(folder))
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise UserError("model.tokenizer.missing", path=str(folder)) from error
    if not tokenizer.is_fast:
        raise UserError("model.tokenizer.missing", path=str(folder))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def text_encoder(tokenizer: Any, max_length: int) -> TextEncoder:
    """The encoder of a transformers tokenizer; the tokenizer itself stays as it is."""
    return TextEncoder(copy.deepcopy(tokenizer.backend_tokenizer), tokenizer.pad_token_id or 0, max_length)


def longest_input(model: Any, tokenizer: Any, wanted: int) -> int:
    """`wanted` tokens, or fewer where the model has fewer positions or its tokenizer says so."""
    limits = [wanted, int(min(tokenizer.model_max_length, sys.maxsize))]
    positions = getattr(model.config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - _reserved_positions(model))
    return min(limits)


def _reserved_positions(model: Any) -> int:
    """RoBERTa and its kin count positions from padding_idx + 1 on."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return 0 if module.padding_idx is None else int(module.padding_idx) + 1
    return 0
