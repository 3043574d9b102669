"""A language model's weights in 4 bits, by torchao on an NVIDIA GPU.

The kernels (tinygemm, `torchao.quantization.Int4WeightOnlyConfig` with the packing tile_packed_to_4d) need bfloat16
and a GPU of compute capability 8.0 or later. torchao's packing for CPUs cannot be written to safetensors, and its
eager INT8 is many times slower than fp32 there, so a language model is not quantised on the CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from core.engines.compress.describe import card_of
from core.engines.device import Device
from core.engines.language.opening import open_language_model
from core.engines.models.starting import quiet_transformers
from core.engines.models.writing import save_transformers_model
from core.errors import UserError
from core.lazy import load
from core.model_files import is_gguf_file

_LEAST_CAPABILITY = (8, 0)
_GROUP = 32


def check_int4(source: Path, step: str, device: Device) -> None:
    """Return where a language model can be quantised by the step `step` on `device`. Raises UserError otherwise."""
    if step != "int4":
        raise UserError("compress.language_int8", path=str(source), step=step)
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
