"""A language model on this machine as lm-eval asks it: the same weights and tokenizer as in every other measurement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.engines.device import choose_device
from core.engines.language.onnx_decoder import OnnxDecoder
from core.engines.language.opening import open_language_model
from core.errors import UserError
from core.lazy import load

BATCH_ROWS = 8


def local_model(source: Path, on_step: Callable[[], None]) -> tuple[Any, str]:
    """lm-eval's model over the folder or GGUF file `source`, and the device in words. Raises UserError.

    `on_step` is called before each pass through the model and may raise, which ends the evaluation.
    """
    device = choose_device()
    opened = open_language_model(source, device)
    if isinstance(opened.model, OnnxDecoder):
        raise UserError("suites.onnx", path=str(source))
    opened.model.register_forward_pre_hook(lambda module, arguments: on_step())
    asked = load("lm_eval.models.huggingface").HFLM(
        pretrained=opened.model, tokenizer=opened.tokenizer, batch_size=BATCH_ROWS
    )
    return asked, device.description
