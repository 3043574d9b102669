"""An importable stand-in for lm-eval, with the names and result document of its version 0.4.13."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

RESULTS: dict[str, Any] = {
    "results": {
        "capitals": {
            "name": "capitals", "alias": "capitals", "sample_len": 4,
            "acc,none": 0.75, "acc_stderr,none": 0.25, "exact_match,strict": 0.5, "exact_match_stderr,strict": "N/A",
            "bypass,none": float("nan"), "bypass_stderr,none": "N/A",
        }
    },
    "n-shot": {"capitals": 2},
    "n-samples": {"capitals": {"original": 9, "effective": 4}},
}  # fmt: skip


class LM:
    """The base class of lm-eval's models."""

    def set_cache_hook(self, hook: Any) -> None:
        self.cache_hook = hook


@dataclass
class HFLM(LM):
    """What a local model is handed over as."""

    pretrained: Any
    tokenizer: Any
    batch_size: int

    def generate_until(self, requests: list[Any]) -> list[str]:
        for request in requests:
            self.cache_hook.add_partial("generate_until", request, "")
        return [""] * len(requests)

    loglikelihood = loglikelihood_rolling = generate_until


@dataclass
class FakeHarness:
    """What was asked of it; `answer` makes the result document, or raises."""

    tasks: tuple[str, ...] = ("capitals", "arc_easy")
    answer: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda asked: RESULTS
    calls: list[dict[str, Any]] = field(default_factory=list)
    included: list[str | None] = field(default_factory=list)

    def simple_evaluate(self, **asked: Any) -> dict[str, Any]:
        self.calls.append(asked)
        return self.answer(asked)


def install(monkeypatch: pytest.MonkeyPatch, harness: FakeHarness) -> None:
    """Let `import lm_eval` find the stand-in."""

    class TaskManager:
        def __init__(self, include_path: str | None = None) -> None:
            harness.included.append(include_path)
            self.all_tasks = list(harness.tasks)

    parts: dict[str, dict[str, Any]] = {
        "lm_eval": {"simple_evaluate": harness.simple_evaluate},
        "lm_eval.tasks": {"TaskManager": TaskManager},
        "lm_eval.api": {},
        "lm_eval.api.model": {"LM": LM},
        "lm_eval.models": {},
        "lm_eval.models.huggingface": {"HFLM": HFLM},
    }
    for name, values in parts.items():
        module = ModuleType(name)
        module.__dict__.update(values)
        if name in ("lm_eval", "lm_eval.api", "lm_eval.models"):
            module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
