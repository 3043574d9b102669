"""What every model that classifies offers, whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from core.domain import FloatArray

Runtime = Literal[
    "torch",
    "sklearn",
    "llama.cpp",
    "onnxruntime",
    "onnxruntime-cuda",
    "onnxruntime-tensorrt",
    "onnxruntime-migraphx",
    "onnxruntime-openvino",
    "onnxruntime-directml",
    "onnxruntime-coreml",
    "onnxruntime-qnn",
    "onnxruntime-vitisai",
]


class Classifier(Protocol):
    """A model ready to answer. `labels` name the columns of its probabilities; `weight_bytes` are of weight files."""

    labels: tuple[str, ...]
    runtime: str
    device: str
    parameters: int
    weight_bytes: int

    def probabilities(self, inputs: Sequence[str]) -> FloatArray:
        """Probabilities, shape (rows, classes), of one batch, in the order of `inputs`: they add up to 1, or are each
        label's own where a row can have several."""

    def token_counts(self, inputs: Sequence[str]) -> list[int] | None:
        """How many tokens the model sees of each input, special ones included; null where it has no tokens."""


@runtime_checkable
class CutsInputs(Protocol):
    """A classifier that sees no more than `max_length` tokens of an input (0: all of them)."""

    @property
    def max_length(self) -> int:
        """Tokens, special ones included."""

    def cut(self, inputs: Sequence[str]) -> list[bool]:
        """Whether each of the inputs is longer than that, so that the model does not see its end."""
