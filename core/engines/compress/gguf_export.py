"""A language model as one GGUF file, which llama.cpp, Ollama and their kin run.

The layout is llama.cpp's (its `convert_hf_to_gguf.py`, and docs/gguf.md of ggml): the tensors' names come from the
`gguf` package, vectors stay in single precision, and rows of Llama's query and key weights stand in another order,
because llama.cpp rotates neighbouring pairs of a head's dimensions where transformers rotates its two halves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGUFWriter, LlamaFileType, get_tensor_name_map
from numpy.typing import NDArray

from core.engines.compress.gguf_tokenizer import gguf_tokenizer
from core.engines.language.opening import OpenedLanguageModel
from core.errors import UserError

Precision = Literal["f16", "f32"]
GGUF_NAME = "model.gguf"
_LARGEST_F16 = 65504.0
# What transformers takes for a head of Qwen 3, for it does not read the length that the file gives.
_QWEN3_HEAD = 128


@dataclass(frozen=True)
class _Family:
    """How a family of models is written: its architecture, whether rows are reordered, and which weights may be there
    besides those that all families have."""

    architecture: MODEL_ARCH
    reorders: bool
    more: tuple[str, ...] = ()


_FAMILIES = {
    "llama": _Family(MODEL_ARCH.LLAMA, True),
    "mistral": _Family(MODEL_ARCH.LLAMA, True),
    "qwen2": _Family(MODEL_ARCH.QWEN2, False, ("q_proj.bias", "k_proj.bias", "v_proj.bias")),
    "qwen3": _Family(MODEL_ARCH.QWEN3, False, ("q_norm.weight", "k_norm.weight")),
}
SUPPORTED = ("Llama", "SmolLM", "Mistral", "Qwen2", "Qwen3")
_COMMON = (
    "embed_tokens.weight", "lm_head.weight", "norm.weight", "input_layernorm.weight", "post_attention_layernorm.weight",
    "q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight",
    "gate_proj.weight", "up_proj.weight", "down_proj.weight",
)  # fmt: skip


def export_gguf(opened: OpenedLanguageModel, path: Path, precision: Precision) -> None:
    """Write the language model to the file `path`, its matrices in half or single precision.

    Whether the file answers alike is the caller's to check. Raises UserError where GGUF cannot say what the model or
    its tokenizer is.
    """
    source, config = opened.source, opened.model.config
    family = _family_of(source, config)
    state = opened.model.state_dict()
    embeddings = opened.model.get_input_embeddings().weight
    tokenizer = gguf_tokenizer(source, opened.tokenizer, int(embeddings.shape[0]))
    weights = list(_tensors(source, state, config, family))
    writer = GGUFWriter(str(path), MODEL_ARCH_NAMES[family.architecture])
    try:
        _describe(writer, config)
        writer.add_file_type(LlamaFileType.MOSTLY_F16 if precision == "f16" else LlamaFileType.ALL_F32)
        tokenizer.write(writer)
        for name, values in weights:
            writer.add_tensor(name, _stored(values, precision))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _family_of(source: Path, config: Any) -> _Family:
    """The family of a model whose every feature GGUF can say. Raises UserError otherwise."""
    family = _FAMILIES.get(config.model_type)
    if family is None:
        raise UserError(
            "export.gguf_architecture", path=str(source), architecture=config.model_type, supported=", ".join(SUPPORTED)
        )
    rope = config.rope_parameters or {}
    features = {
        f"rope_type {rope.get('rope_type')}": rope.get("rope_type", "default") != "default",
        f"hidden_act {config.hidden_act}": config.hidden_act != "silu",
        f"sliding_window {getattr(config, 'sliding_window', None)}": _slides(config),
        f"head_dim {getattr(config, 'head_dim', None)}": config.model_type == "qwen3"
        and config.head_dim != _QWEN3_HEAD,
    }
    for feature, there in features.items():
        if there:
            raise UserError("export.gguf_feature", path=str(source), feature=feature)
    return family


def _slides(config: Any) -> bool:
    """Whether a token sees only its nearest predecessors, within the length that the model takes."""
    window = getattr(config, "sliding_window", None)
    used = getattr(config, "use_sliding_window", True)
    return bool(used and window is not None and window < config.max_position_embeddings)


def _head_length(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _describe(writer: GGUFWriter, config: Any) -> None:
    writer.add_name(str((config.architectures or [config.model_type])[0]))
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(float((config.rope_parameters or {}).get("rope_theta", 10000.0)))
    writer.add_rope_dimension_count(_head_length(config))
    writer.add_key_length(_head_length(config))
    writer.add_value_length(_head_length(config))
    writer.add_vocab_size(config.vocab_size)


def _tensors(
    source: Path, state: dict[str, Any], config: Any, family: _Family
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Each weight under its GGUF name, in single precision; tied ones once. Raises UserError for an unknown one."""
    names = get_tensor_name_map(family.architecture, config.num_hidden_layers)
    for name, tensor in state.items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        stem, _, ending = name.rpartition(".")
        known = any(name.endswith(allowed) for allowed in (*_COMMON, *family.more))
        found = names.get_name(stem) if known else None
        if found is None:
            raise UserError("export.gguf_feature", path=str(source), feature=name)
        values = tensor.detach().float().cpu().numpy()
        if family.reorders and stem.endswith(("q_proj", "k_proj")):
            heads = config.num_attention_heads if stem.endswith("q_proj") else config.num_key_value_heads
            values = paired_rows(values, heads)
        yield f"{found}.{ending}", values


def paired_rows(weights: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """The rows of each head so that the first of its upper half stands after the first of its lower half, and so on."""
    length = weights.shape[0] // heads // 2
    halves = weights.reshape(heads, 2, length, *weights.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weights.shape))


def _stored(values: NDArray[np.float32], precision: Precision) -> NDArray[np.float32] | NDArray[np.float16]:
    """Vectors in single precision, as llama.cpp wants them, and so is what half precision could not hold."""
    if precision == "f32" or values.ndim == 1 or float(np.abs(values).max(initial=0.0)) > _LARGEST_F16:
        return values
    return values.astype(np.float16)
