"""A GGUF file of a tiny language model, written as llama.cpp's converter does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.torch import load_file
from tiny_language_models import CHAT_TEMPLATE, SPECIAL, write_language_model

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_ENDS = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
_SPECIAL_TYPE, _NORMAL_TYPE = 3, 1


def write_gguf(file: Path, folder: Path) -> Path:
    """The GGUF file of a language model drawn at random, whose transformers folder is left in `folder`."""
    write_language_model(folder, chat_template=CHAT_TEMPLATE, vocab_pad=1)
    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(file, "llama")
    _add_settings(writer, config)
    _add_tokenizer(writer, json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
    for name, tensor in load_file(folder / "model.safetensors").items():
        writer.add_tensor(*_tensor(name, tensor.numpy(), config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_settings(writer: Any, config: dict[str, Any]) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_vocab_size(config["vocab_size"])


def _add_tokenizer(writer: Any, vocabulary: dict[str, int]) -> None:
    """Characters as byte-level tokens; the padded row of the vocabulary is the one merge that the format asks for."""
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([token.replace(" ", "Ġ").replace("\n", "Ċ") for token in tokens] + ["qz"])
    writer.add_token_merges(["q z"])
    writer.add_token_types([_SPECIAL_TYPE] * len(SPECIAL) + [_NORMAL_TYPE] * (len(tokens) + 1 - len(SPECIAL)))
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_chat_template(CHAT_TEMPLATE)


def _tensor(name: str, values: Any, config: dict[str, Any]) -> tuple[str, Any]:
    if name in _ENDS:
        return _ENDS[name], values
    _, _, layer, rest = name.split(".", 3)
    kind = rest.removesuffix(".weight")
    heads = {"self_attn.q_proj": "num_attention_heads", "self_attn.k_proj": "num_key_value_heads"}.get(kind)
    if heads is not None:  # llama.cpp pairs neighbouring rows for the rotation, transformers the two halves
        count = config[heads]
        pairs = values.reshape(count, 2, values.shape[0] // count // 2, values.shape[1])
        values = pairs.swapaxes(1, 2).reshape(values.shape)
    return f"blk.{layer}.{_NAMES[kind]}.weight", np.ascontiguousarray(values)
