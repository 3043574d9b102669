"""A language model as a classifier: the probability of each label as its answer to the prompt."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain import FloatArray
from core.engines.language.generator import LocalGenerator


class PromptClassifier:
    """Satisfies `core.engines.models.protocol.Classifier`; its inputs are whole messages as of `message_of`."""

    def __init__(self, generator: LocalGenerator, labels: Sequence[str]) -> None:
        self._generator = generator
        self.labels = tuple(labels)
        self.runtime = generator.runtime
        self.device = generator.device
        self.parameters = generator.parameters
        self.weight_bytes = generator.weight_bytes

    def probabilities(self, inputs: Sequence[str]) -> FloatArray:
        """The probability of each label among the labels, shape (rows, classes), in the order of `inputs`."""
        return self._generator.classify(inputs, self.labels)

    def token_counts(self, inputs: Sequence[str]) -> list[int]:
        """The tokens of each request, chat template included."""
        return self._generator.token_counts(inputs)
