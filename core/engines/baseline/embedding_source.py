"""Where the floor's token embeddings come from: the first layer of a transformers model, read without running it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.engines.baseline.embeddings import TOKENIZER_NAME
from core.engines.models.card import format_of
from core.engines.models.weights import resolve
from core.errors import UserError
from core.jobs.specs import DistillParameters, FineTuneParameters
from core.lazy import load
from core.model_files import check_model_folder, is_gguf_file
from core.worker.context import JobContext

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# The planner says `embeddings` where the floor is trained on targets; a taught one has them of its teacher.
_INPUTS = ("embeddings", "teacher", "model")
_INDEX_NAME = "model.safetensors.index.json"
# BERT and its kin; Llama, Qwen, Mistral, Gemma and ModernBERT; GPT-2; T5; XLM.
_TABLES = ("word_embeddings.weight", "embed_tokens.weight", "tok_embeddings.weight", "wte.weight", "shared.weight")


def find_source(parameters: FineTuneParameters | DistillParameters, context: JobContext) -> Path | None:
    """The folder or GGUF file of the model whose embeddings a job may use; null where it was given none."""
    for name in _INPUTS:
        if name in context.spec.inputs:
            return context.input_folder(name) / "model"
    if isinstance(parameters, DistillParameters) and parameters.teacher_model is not None:
        return resolve(parameters.teacher_model, parameters.teacher_sha256)
    if isinstance(parameters, FineTuneParameters) and parameters.embeddings_model is not None:
        return resolve(parameters.embeddings_model, parameters.embeddings_sha256)
    return None


def read_embeddings(source: Path) -> tuple[Tokenizer, NDArray[np.float32]]:
    """The tokenizer of a model and its input embeddings in single precision, shape (tokens, width).

    Raises UserError where `source` is no transformers model with safetensors weights and a `tokenizer.json`, nor a
    GGUF file.
    """
    tokenizer, table = _of_gguf(source) if is_gguf_file(source) else _of_folder(source)
    # Published files ask for either: every token of a text counts, and nothing else.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer, table


def _of_folder(source: Path) -> tuple[Tokenizer, NDArray[np.float32]]:
    form = format_of(source)
    if form != "transformers":
        raise UserError("baseline.no_embeddings_there", path=str(source), format=form)
    check_model_folder(source)
    if not (source / TOKENIZER_NAME).is_file():
        raise UserError("model.tokenizer.missing", path=str(source))
    file, name = _place(source)
    # torch's reader, for numpy has no bfloat16.
    with load("safetensors").safe_open(str(file), framework="pt") as tensors:
        table: NDArray[np.float32] = tensors.get_tensor(name).float().numpy()
    return load("tokenizers").Tokenizer.from_file(str(source / TOKENIZER_NAME)), table


def _place(folder: Path) -> tuple[Path, str]:
    """The file and the name of the embedding table."""
    index = folder / _INDEX_NAME
    if index.is_file():
        weight_map: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        places = {name: folder / file for name, file in weight_map.items()}
    else:
        places = {}
        for file in sorted(folder.glob("*.safetensors")):
            with load("safetensors").safe_open(str(file), framework="pt") as tensors:
                places.update(dict.fromkeys(tensors.keys(), file))
    for ending in _TABLES:
        named = sorted((name for name in places if name.endswith(ending)), key=len)
        if named:
            return places[named[0]], named[0]
    raise UserError("baseline.no_embeddings_there", path=str(folder), format="transformers")


def _of_gguf(file: Path) -> tuple[Tokenizer, NDArray[np.float32]]:
    opened: Any = load("core.engines.language.opening").open_language_model(file)
    table = opened.model.get_input_embeddings().weight.detach().float().numpy()
    tokenizer = load("tokenizers").Tokenizer.from_str(opened.tokenizer.backend_tokenizer.to_str())
    return tokenizer, np.array(table, dtype=np.float32)
