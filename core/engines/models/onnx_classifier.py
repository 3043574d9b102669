"""A classifier under ONNX Runtime, on the CPU or another execution provider; needs neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from core.domain import FloatArray, IntArray
from core.engines.models.card import onnx_card
from core.engines.models.protocol import Runtime
from core.engines.models.providers import CPU, PROVIDERS, device_words, runs_on
from core.engines.models.tokenization import encoder_of_folder
from core.errors import UserError
from core.lazy import load
from core.model_files import ONNX_NAME, weight_bytes


class OnnxClassifier:
    """The `model.onnx` of a folder, with its tokenizer; `threads` null means the physical cores."""

    def __init__(self, folder: Path, threads: int | None = None, runtime: Runtime = CPU) -> None:
        card = onnx_card(folder)
        path = folder / ONNX_NAME
        count = threads or _physical_cores()
        self._session = open_session(path, count, runtime)
        self._output = _logits_name(self._session, len(card.labels), path)
        self._inputs = tuple(entry.name for entry in self._session.get_inputs())
        self._encoder = encoder_of_folder(folder, card.max_length)
        self.labels = card.labels
        self._several = card.multi_label
        self.runtime = runtime
        self.device = device_words(runtime, count)
        self.weight_bytes = weight_bytes(folder)
        self.parameters = card.parameters if card.parameters is not None else count_parameters(path)

    def probabilities(self, inputs: Sequence[str]) -> FloatArray:
        """Softmax probabilities, shape (rows, classes), of one batch, in the order of `inputs`; each label's own where
        a row can have several."""
        logits = np.asarray(self._session.run([self._output], self.feed(inputs))[0], dtype=np.float64)
        return sigmoid(logits) if self._several else softmax(logits)

    def token_counts(self, inputs: Sequence[str]) -> list[int]:
        """How many tokens the model sees of each input, special ones included."""
        return [int(count) for count in self._encoder.encode(inputs).lengths]

    @property
    def max_length(self) -> int:
        """The most tokens of an input that the model sees; 0 means all of them."""
        return self._encoder.max_length

    def cut(self, inputs: Sequence[str]) -> list[bool]:
        """Whether each of the inputs is longer than that."""
        return self._encoder.cut(inputs)

    def feed(self, inputs: Sequence[str]) -> dict[str, IntArray]:
        """What the graph is fed with for one batch, by the names of its inputs."""
        ids, mask = self._encoder.batch(inputs)
        values = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.maximum(mask.cumsum(axis=1) - 1, 0),
        }
        return {name: values[name] for name in self._inputs}


def open_session(path: Path, threads: int | None = None, runtime: Runtime = CPU) -> Any:
    """An ONNX Runtime session of a file; `threads` null means the physical cores. Raises UserError, also where the
    provider of `runtime` does not take the model."""
    if PROVIDERS[runtime] not in onnxruntime.get_available_providers():
        raise UserError("model.onnx.no_provider", provider=PROVIDERS[runtime])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or _physical_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[PROVIDERS[runtime]])
    except Exception as error:  # ONNX Runtime's own exceptions share no other base
        raise UserError("model.onnx.unreadable", path=str(path), problem=" ".join(str(error).split())) from error
    if not runs_on(session, runtime):
        raise UserError("model.onnx.no_provider", provider=PROVIDERS[runtime])
    return session


def _logits_name(session: Any, labels: int, path: Path) -> str:
    """The output that holds a number for each label; exporters name it differently. Raises UserError without one."""
    outputs = session.get_outputs()
    named = [output.name for output in outputs if output.name == "logits"]
    fitting = named or [
        output.name for output in outputs if len(output.shape) == 2 and output.shape[1] in (labels, None)
    ]
    if len(fitting) != 1:
        raise UserError("model.onnx.no_logits", path=str(path), labels=labels)
    return str(fitting[0])


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities along the last axis, shifted by the maximum so that nothing overflows."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), dtype=np.float64)


def sigmoid(logits: FloatArray) -> FloatArray:
    """The probability of each logit on its own."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float64)


def _physical_cores() -> int:
    return int(load("psutil").cpu_count(logical=False) or 1)


def count_parameters(path: Path) -> int:
    """The numbers in the initialisers of an ONNX file, for a folder whose card does not say."""
    graph = load("onnx").load(str(path), load_external_data=False).graph
    return int(sum(np.prod(tensor.dims, dtype=np.int64) for tensor in graph.initializer))
