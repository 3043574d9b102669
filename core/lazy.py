"""The one place that loads a heavy library at the moment it is used, so that start-up stays under a second."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from core.errors import UserError

_EXTRAS = {
    "torch": "engine",
    "transformers": "engine",
    "onnxruntime": "engine",
    "onnx": "engine",
    "safetensors": "engine",
    "accelerate": "engine",
    "gguf": "engine",
    "huggingface_hub": "engine",
    "onnxscript": "engine",
    "tokenizers": "engine",
    "httpx2": "endpoint",
    "keyring": "endpoint",
    "llama_cpp": "llama-cpp",
    "lm_eval": "suites",
    "optuna": "engine",
    "peft": "engine",
    "pynvml": "cuda",
    "torchao": "cuda",
    "trl": "on-policy",
}


def load(name: str) -> ModuleType:
    """The module `name`, imported now. Raises UserError, which says how to install it, where it is not there."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        ours = package in ("core", "gui")
        if ours or error.name is None or error.name.partition(".")[0] != package:
            raise
        raise missing_library(package) from error


def missing_library(library: str) -> UserError:
    """What says that a library is not there: which extra of Tercet brings it, or, where none does, that the
    installation has lost a part of its own."""
    extra = extra_of(library)
    if extra is None:
        return UserError("environment.installation_incomplete", library=library)
    return UserError("environment.library_missing", library=library, extra=extra)


def extra_of(library: str) -> str | None:
    """The extra of Tercet that brings a library; null where none does, as for one that every installation has."""
    return _EXTRAS.get(library)


def is_installed(name: str) -> bool:
    """Whether `name` could be imported; looks for it without importing it."""
    return importlib.util.find_spec(name) is not None
