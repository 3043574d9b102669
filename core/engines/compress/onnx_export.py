"""A transformers classifier or language model as an ONNX model folder, with any number of rows and tokens."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from core.engines.compress.describe import card_of
from core.engines.durable import replaced_folder
from core.engines.models.card import ModelCard, write_card
from core.engines.models.starting import load_tokenizer, quiet_transformers
from core.errors import UserError
from core.model_files import ONNX_NAME, is_language_model_folder, weight_bytes

# protobuf cannot hold 2 GiB in one message, and ONNX Runtime's quantiser wants one file.
MAX_ONE_FILE_BYTES = 1_900_000_000
# Unequal, and neither 0 nor 1: torch would otherwise take a size as fixed, or two of them as one.
_EXAMPLE_ROWS, _EXAMPLE_TOKENS = 2, 5


def export_onnx(model_folder: Path, out: Path) -> ModelCard:
    """Write the ONNX model folder `out` (model.onnx, tokenizer, config, tercet.json) and return its card.

    The inputs are `input_ids` and `attention_mask`, the output is `logits`; rows and tokens may be any number. A
    language model gives logits at every place and keeps no keys and values between requests: it suits scoring and short
    answers. Whether the result answers alike is the caller's to check. Raises UserError where torch cannot express the
    model in ONNX, or the disk is full; `out` is then as it was.
    """
    size = weight_bytes(model_folder)
    language_model = is_language_model_folder(model_folder)
    several_files = language_model and size > MAX_ONE_FILE_BYTES
    if size > MAX_ONE_FILE_BYTES and not several_files:
        raise UserError("compress.too_large", path=str(model_folder), size=size // 2**20)
    # Plain attention gives the smallest graph; fused kernels leave shape arithmetic that costs a request some 5 %.
    with quiet_transformers():
        kind: Any = AutoModelForCausalLM if language_model else AutoModelForSequenceClassification
        model: Any = kind.from_pretrained(
            model_folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            attn_implementation="eager",
        )
    tokenizer = load_tokenizer(model_folder)
    card = card_of(model_folder, model, tokenizer, "onnx")
    with replaced_folder(out, size) as partial:
        _trace(model.eval(), partial / ONNX_NAME, model_folder, several_files)
        model.config.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        write_card(partial, card)
    return card


class _Logits(torch.nn.Module):
    """The model with its two inputs in order and its logits as the only output."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.more = {"use_cache": False} if getattr(model.config, "use_cache", False) else {}

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask, **self.more).logits
        return logits


def _trace(model: Any, path: Path, source: Path, several_files: bool) -> None:
    ids = torch.full((_EXAMPLE_ROWS, _EXAMPLE_TOKENS), min(5, model.config.vocab_size - 1))
    mask = torch.ones_like(ids)
    mask[1, -2:] = 0
    axes = {0: "batch", 1: "sequence"}
    fed = {"input_ids": ids, "attention_mask": mask}
    shapes = {"input_ids": axes, "attention_mask": axes}
    traced(_Logits(model).eval(), fed, list(fed), ["logits"], shapes, path, source, several_files=several_files)


def traced(
    module: torch.nn.Module,
    fed: Mapping[str, Any],
    inputs: Sequence[str],
    outputs: Sequence[str],
    shapes: Mapping[str, Any],
    path: Path,
    source: Path,
    *,
    several_files: bool,
) -> None:
    """Write the ONNX file `path` of a module that is called with `fed`, whose sizes named in `shapes` may be others.

    Raises UserError, naming `source`, where torch cannot express it.
    """
    try:
        with _quiet():
            torch.onnx.export(
                module,
                (),
                path,
                kwargs=dict(fed),
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=dict(shapes),
                dynamo=True,
                external_data=several_files,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        problem = " ".join(str(error).split())[:200]
        raise UserError("compress.export_failed", path=str(source), problem=problem) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """torch's exporter warns of its own deprecations and of absent torchvision, and prints its steps."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
