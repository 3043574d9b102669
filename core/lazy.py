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
    "httpx2": "endpoint",
    "keyring": "endpoint",
    "lm_eval": "suites",
    "optuna": "engine",
    "peft": "engine",
    "pynvml": "cuda",
    "torchao": "cuda",
    "trl": "on-policy",
}


def load(name: str) -> ModuleType:
    """The module `name`, imported now. Raises UserError, naming the extra to install, where it is not there."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        ours = package in ("core", "gui")
        if ours or error.name is None or error.name.partition(".")[0] != package:
            raise
        raise UserError("environment.library_missing", library=package, extra=extra_of(package)) from error


def extra_of(library: str) -> str:
    """The extra of Tercet that brings a library."""
    return _EXTRAS.get(library, "engine")


def is_installed(name: str) -> bool:
    """Whether `name` could be imported; looks for it without importing it."""
    return importlib.util.find_spec(name) is not None
