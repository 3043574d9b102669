"""Where a language model can be quantised: in 8 bits for ONNX Runtime on the CPU (`quantize_decoder`), in 4 bits by
torchao on an NVIDIA GPU.

The kernels (tinygemm, `torchao.quantization.Int4WeightOnlyConfig` with the packing tile_packed_to_4d) need bfloat16
and a GPU of compute capability 8.0 or later. torchao's packing for CPUs cannot be written to safetensors, and its
eager INT8 is many times slower than fp32 there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from core.engines.compress.describe import card_of
from core.engines.device import Device, choose_device
from core.engines.device_memory import free_memory_mib
from core.engines.distill.fit_check import IGNORE_VARIABLE
from core.engines.language.cache import keeps_plain_cache
from core.engines.language.opening import open_language_model, open_language_tokenizer
from core.engines.models.starting import quiet_transformers
from core.engines.models.writing import save_transformers_model
from core.errors import UserError
from core.i18n import english
from core.lazy import load
from core.model_files import is_gguf_file, weight_count
from core.worker.context import JobContext

_LEAST_CAPABILITY = (8, 0)
_GROUP = 32
# The peak of an export, in fp32 weights: the model itself, torch's trace of it and the file being written. Measured on
# SmolLM2-135M, libraries included: 2.8 GiB, of which the weights are 0.5.
_EXPORT_FACTOR, _BYTES = 5.4, 4
_MIB = 2**20


def check_int8(source: Path, step: str, context: JobContext) -> None:
    """Say how much memory the export takes. Raises UserError where the step is not for language models, the model's
    layers keep something else than keys and values, or that is more than is free."""
    if step != "int8_dynamic":
        raise UserError("compress.language_int8", path=str(source), step=step)
    check_cache(source)
    needed_mib = _EXPORT_FACTOR * _BYTES * weight_count(source) / _MIB
    free_mib = free_memory_mib(choose_device("cpu"))
    figures = {"predicted": f"{needed_mib:,.0f}", "free": f"{free_mib:,.0f}"}
    context.log(english("compress.log.memory", **figures))
    if needed_mib > free_mib and not os.environ.get(IGNORE_VARIABLE):
        raise UserError("compress.language_memory", path=str(source), **figures)


def check_cache(source: Path) -> None:
    """Raises UserError where the model's layers keep something else than keys and values, which no export gives."""
    _, config = open_language_tokenizer(source)
    if not keeps_plain_cache(config):
        raise UserError("compress.language_cache", path=str(source), family=str(config.model_type))


def check_int4(source: Path, device: Device) -> None:
    """Return where a language model can be brought to 4 bits on `device`. Raises UserError otherwise."""
    if device.torch_device.type != "cuda":
        raise UserError("compress.language_int4_needs_gpu", path=str(source), device=device.description)
    capability = torch.cuda.get_device_capability(device.torch_device)
    if capability < _LEAST_CAPABILITY:
        named = f"{device.description}, {capability[0]}.{capability[1]}"
        raise UserError("compress.language_int4_needs_gpu", path=str(source), device=named)
    load("torchao")
    if is_gguf_file(source):
        raise UserError("compress.language_gguf", path=str(source))


def quantize_language_int4(source: Path, out: Path, device: Device) -> None:
    """Write the model folder `out`: the language model of the folder `source` with linear layers of 4 bits.

    Embeddings and the head stay in bfloat16. `open_language_model` reads the folder where torchao and such a GPU are.
    Raises UserError (disk.full).
    """
    parent = open_language_model(source)
    card = card_of(source, parent.model, parent.tokenizer, "transformers")
    tokenizer = parent.tokenizer
    del parent
    with quiet_transformers():
        model: Any = load("transformers").AutoModelForCausalLM.from_pretrained(
            source,
            dtype=torch.bfloat16,
            device_map={"": str(device.torch_device)},
            quantization_config=_configuration(),
            use_safetensors=True,
            local_files_only=True,
        )
    save_transformers_model(out, model, tokenizer, card)


def _configuration() -> Any:
    quantization = load("torchao.quantization")
    packing = quantization.Int4WeightOnlyConfig(group_size=_GROUP, int4_packing_format="tile_packed_to_4d")
    return load("transformers").TorchAoConfig(packing)
