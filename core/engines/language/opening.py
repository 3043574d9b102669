"""A language model opened from a transformers folder or a GGUF file, with its tokenizer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from core.engines.device import Device
from core.engines.device_memory import MIB, free_memory_mib, gpus_to_spread_over
from core.engines.language.onnx_decoder import OnnxDecoder
from core.engines.models.starting import load_tokenizer, quiet_transformers
from core.errors import UserError
from core.lazy import load
from core.model_files import (
    check_answering_folder,
    check_model_folder,
    file_sha256,
    fingerprint_weights,
    is_gguf_file,
    is_onnx_folder,
    loaded_bytes,
    weight_bytes,
)
from core.worker.memory_errors import means_out_of_memory

# Weights may fill this share of a GPU's free memory; key-value caches and activations need the rest.
_WEIGHTS_SHARE = 0.75


@dataclass(frozen=True, eq=False)
class OpenedLanguageModel:
    """A causal language model in evaluation mode and its tokenizer, which has a padding token."""

    source: Path
    model: Any
    tokenizer: Any

    @cached_property
    def sha256(self) -> str:
        """The fingerprint of the files that determine the answers, in hex."""
        return file_sha256(self.source) if is_gguf_file(self.source) else fingerprint_weights(self.source)

    @property
    def pad_id(self) -> int:
        """What fills masked places."""
        return filling_id(self.tokenizer, self.model)

    @property
    def weight_bytes(self) -> int:
        """The size of the weight files, in bytes."""
        return weight_bytes(self.source)

    @property
    def parameters(self) -> int:
        """How many weights the model has; tied ones count once."""
        if isinstance(self.model, OnnxDecoder):
            return self.model.parameter_count
        return sum(parameter.numel() for parameter in self.model.parameters())


def open_language_model(source: Path, device: Device | None = None) -> OpenedLanguageModel:
    """The language model in the folder or GGUF file `source`: on the CPU in fp32, ready to be trained, or on `device`.

    On `device` the weights are in its lower precision where it has one, spread over all GPUs where one does not hold
    them. A GGUF file's weights are unpacked to full precision; an ONNX folder answers under ONNX Runtime on the CPU,
    and cannot be trained. Raises UserError where `source` holds none.
    """
    if source.is_dir() and is_onnx_folder(source):
        return _open_decoder(source)
    with quiet_transformers(), _quiet_unpacking() if is_gguf_file(source) else nullcontext():
        tokenizer = _gguf_tokenizer(source) if is_gguf_file(source) else _folder_tokenizer(source)
        model = _weights(source, device)
    return OpenedLanguageModel(source, model.eval(), tokenizer)


def _open_decoder(folder: Path) -> OpenedLanguageModel:
    check_answering_folder(folder)
    with quiet_transformers():
        return OpenedLanguageModel(folder, OnnxDecoder(folder), load_tokenizer(folder))


@contextmanager
def _quiet_unpacking() -> Iterator[None]:
    """Within it, a GGUF file is unpacked without the bar that transformers' own switch leaves on, and without the
    warnings of the quantisation libraries that it tries."""
    unpacking: Any = load("transformers.modeling_gguf_pytorch_utils")
    shown, level = unpacking.tqdm, logging.root.manager.disable
    unpacking.tqdm = partial(shown, disable=True)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
        unpacking.tqdm = shown


def embedding_rows(model: Any) -> int:
    """How many tokens the model has embeddings for."""
    if isinstance(model, OnnxDecoder):
        return int(model.config.get_text_config().vocab_size)
    return int(model.get_input_embeddings().weight.shape[0])


def filling_id(tokenizer: Any, model: Any) -> int:
    """What fills masked places: the padding token, or 0 where that one has come without an embedding."""
    own = tokenizer.pad_token_id
    return int(own) if own is not None and own < embedding_rows(model) else 0


def open_language_tokenizer(source: Path) -> tuple[Any, Any]:
    """The tokenizer and the config of the language model in `source`, without its weights. Raises UserError."""
    with quiet_transformers():
        if is_gguf_file(source):
            config = AutoConfig.from_pretrained(source.parent, gguf_file=source.name, local_files_only=True)
            return _gguf_tokenizer(source), config
        return _folder_tokenizer(source), AutoConfig.from_pretrained(source, local_files_only=True)


def _folder_tokenizer(folder: Path) -> Any:
    check_model_folder(folder)
    return load_tokenizer(folder)


def _gguf_tokenizer(file: Path) -> Any:
    load("gguf")
    with _unreadable_told(file):
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


@contextmanager
def _unreadable_told(file: Path) -> Iterator[None]:
    """Within it, a failure is that of a GGUF file that cannot be read, unless memory ran out."""
    try:
        yield
    except Exception as error:  # transformers, gguf and tokenizers share no other base
        if means_out_of_memory(error):
            raise
        raise UserError("model.gguf.unreadable", path=str(file), problem=_first_line(error)) from error


def _weights(source: Path, device: Device | None) -> Any:
    dtype = torch.float32 if device is None else device.autocast_dtype or torch.float32
    options: dict[str, Any] = {"dtype": dtype, "local_files_only": True, "output_loading_info": True}
    spread = device is not None and _spreads(source, dtype, device)
    if spread:
        options["device_map"] = "auto"
    model, report = _loaded(source, options)
    lacking = sorted({*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])})
    if lacking:
        raise UserError("model.folder.no_language_head", path=str(source), weight=lacking[0], count=len(lacking))
    return model if device is None or spread else model.to(device.torch_device)


def _loaded(source: Path, options: dict[str, Any]) -> tuple[Any, Any]:
    """The model and transformers' report of the weights that were missing or had another shape."""
    from_pretrained: Any = AutoModelForCausalLM.from_pretrained
    if is_gguf_file(source):
        with _unreadable_told(source):
            model, report = from_pretrained(source.parent, gguf_file=source.name, **options, **_unpacking())
        return _plain(model), report
    try:
        return cast(
            tuple[Any, Any], from_pretrained(source, use_safetensors=True, ignore_mismatched_sizes=True, **options)
        )
    except ValueError as error:  # the config's architecture is none that writes
        raise UserError("model.folder.no_language_model", path=str(source), problem=_first_line(error)) from error


def _unpacking() -> dict[str, Any]:
    """What tells transformers to unpack a GGUF file's weights. Where it has kernels for packed ones it would keep them
    as they are, which cannot be trained, and bring them to Apple's GPU by itself; early versions always unpacked."""
    config = getattr(load("transformers"), "GgufConfig", None)
    return {} if config is None else {"quantization_config": config(dequantize=True)}


def _plain(model: Any) -> Any:
    """Forget that the weights were packed: they are not any more, and a saved copy must reload as it is."""
    for name in ("hf_quantizer", "quantization_method", "is_quantized"):
        if name in vars(model):
            delattr(model, name)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return model


def _spreads(source: Path, dtype: torch.dtype, device: Device) -> bool:
    """Whether there are several GPUs and one does not hold the weights: each layer elsewhere costs a transfer."""
    if not gpus_to_spread_over(device):
        return False
    return loaded_bytes(source, dtype.itemsize) / MIB > _WEIGHTS_SHARE * free_memory_mib(device)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
