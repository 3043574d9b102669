"""What every step of a compress job works with: the job's folder and rows, and how far the job is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from core.domain import Example, FloatArray, IntArray, Split
from core.engines.compress.language_rows import LanguageRows, as_reference, next_tokens, next_tokens_from_cache
from core.engines.compress.parity import answer_all, chosen_labels
from core.engines.device import Device, choose_device
from core.engines.language.onnx_decoder import OnnxDecoder
from core.engines.language.opening import open_language_model, open_language_tokenizer
from core.engines.models import Classifier, open_classifier
from core.engines.models.card import gives_several
from core.engines.models.protocol import Runtime
from core.errors import UserError
from core.jobs.results import RungRecord
from core.jobs.specs import CompressParameters
from core.model_files import is_gguf_file, is_language_model_folder
from core.spec import Quantize
from core.worker.context import JobContext, Stopped


@dataclass
class Work:
    """A job, the model that it starts from, the dataset, and the rows of it on which models are compared.

    `comparisons` is how many models will answer those rows, `answered` how many have. `rungs` are those of the step
    that pruned, if any.
    """

    context: JobContext
    parameters: CompressParameters
    parent: Path
    examples: tuple[Example, ...]
    compared: tuple[Example, ...]
    comparisons: int
    answered: int = 0
    rungs: list[RungRecord] = field(default_factory=list)

    @property
    def inputs(self) -> list[str]:
        """The inputs of the compared rows."""
        return [example.input for example in self.compared]

    @cached_property
    def language_model(self) -> bool:
        """Whether the model answers in text."""
        return is_gguf_file(self.parent) or is_language_model_folder(self.parent)

    @property
    def train_examples(self) -> list[Example]:
        """The rows to learn from: train rows of groups that are not compared."""
        compared = {example.group for example in self.compared}
        return [one for one in self.examples if one.split is Split.TRAIN and one.group not in compared]

    @property
    def labels(self) -> tuple[str, ...]:
        """The targets that occur, sorted; of language models only, for a classifier has its own."""
        return tuple(sorted({example.target for example in self.examples}))

    def language_rows(self, examples: Sequence[Example]) -> LanguageRows:
        """Examples as a language model reads them. Raises UserError where the job does not know the task."""
        task = self.parameters.task
        if task is None:
            raise UserError("compress.no_task", path=str(self.parent))
        return LanguageRows(task, tuple(examples), self.labels if task.kind == "classification" else ())

    def answers(self, classifier: Classifier) -> FloatArray:
        """Probabilities of all rows under one classifier. Raises Stopped."""
        before, total = self.answered * len(self.compared), self.comparisons * len(self.compared)
        found = answer_all(
            classifier, self.inputs, lambda rows: self.tell("phase.compare", min(total, before + rows), total)
        )
        self.answered += 1
        return found

    def choices(self, source: Path, runtime: Runtime | None = None) -> IntArray:
        """What the model of a folder chooses: of a classifier a label or a set of labels for each compared row, of a
        language model a token for each place of the rows' targets, as the parent numbers them. Raises Stopped."""
        if self.language_model:
            return self._language_choices(source)
        return chosen_labels(self.answers(open_classifier(source, runtime)), gives_several(self.parent))

    @cached_property
    def _comparing_device(self) -> Device:
        """Where language models are compared. An export in 8 bits answers on the CPU in single precision, and so do all
        that it is held against: bf16 alone chooses another token at some of a hundred places."""
        exported = any(isinstance(step, Quantize) and step.quantize != "int4" for step in self.parameters.steps)
        return choose_device("cpu" if exported else None)

    def _language_choices(self, source: Path) -> IntArray:
        opened = open_language_model(source, self._comparing_device)
        tokenizer, reference = self._compared_tokens
        rows = self.language_rows(self.compared).tokens(opened.tokenizer)
        before, total = self.answered * len(rows), self.comparisons * len(rows)
        answer = next_tokens_from_cache if isinstance(opened.model, OnnxDecoder) else next_tokens
        found = answer(
            opened.model,
            rows,
            opened.pad_id,
            lambda done: self.tell("phase.compare", min(total, before + done), total),
        )
        self.answered += 1
        return as_reference(found, rows, opened.tokenizer, reference, tokenizer)

    @cached_property
    def _compared_tokens(self) -> tuple[Any, list[tuple[list[int], int]]]:
        tokenizer, _ = open_language_tokenizer(self.parent)
        return tokenizer, self.language_rows(self.compared).tokens(tokenizer)

    def tell(self, phase: str, step: int, total_steps: int) -> None:
        """Say how far a phase is. Raises Stopped."""
        self.context.progress(phase, step, total_steps)
        if self.context.should_stop():
            raise Stopped
