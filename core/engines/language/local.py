"""A language model on this machine under the runtime that a study names for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from core.engines.language.generator import LocalGenerator
from core.lazy import load
from core.spec import runs_under_llama_cpp

LanguageRuntime = Literal["torch", "llama.cpp"]


def answering_runtime(model: object) -> LanguageRuntime:
    """The runtime whose answers are the model's own: llama.cpp where the study says so, else torch."""
    return "llama.cpp" if runs_under_llama_cpp(model) else "torch"


def open_generator(
    source: Path,
    on_step: Callable[[], None] = lambda: None,
    runtime: LanguageRuntime = "torch",
    requests: Sequence[str] = (),
    answer_tokens: int = 0,
) -> LocalGenerator:
    """The language model of a folder or GGUF file on the best device; `on_step` is called within answers.

    `requests` and the tokens of an answer say what will be asked, where that is known. Raises UserError.
    """
    if runtime == "llama.cpp":
        module: Any = load("core.engines.language.llama_cpp_generator")
        return cast(LocalGenerator, module.LlamaCppGenerator(source, on_step, requests, answer_tokens))
    module = load("core.engines.language.torch_generator")
    return cast(LocalGenerator, module.TorchGenerator(source, on_step=on_step))


def device_of(runtime: LanguageRuntime, source: Path) -> str:
    """What the model of `source` runs on here under a runtime, as a word for the user. Raises UserError."""
    if runtime == "llama.cpp":
        return str(load("core.engines.language.llama_cpp_model").device_words())
    return str(load("core.engines.device").device_of_model(source).description)


def settings_of(runtime: str) -> Mapping[str, Any]:
    """What of a runtime names its answers, so that those of two runtimes never cross; nothing for torch."""
    if runtime != "llama.cpp":
        return {}
    return {"runtime": runtime, "library": load("core.engines.language.llama_cpp_model").library_words()}
