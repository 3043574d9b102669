"""What the timing process times: a classifier, a language model that weighs labels, or one that writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.domain import FloatArray
from core.engines.benchmark import plan, timing
from core.engines.benchmark.token_times import token_times
from core.engines.language.generator import Generation, LocalGenerator
from core.engines.language.local import LanguageRuntime, open_generator
from core.engines.language.prompt_classifier import PromptClassifier
from core.engines.models import Classifier, open_classifier
from core.engines.models.protocol import Runtime
from core.engines.retrieval.messages import RetrievingGenerator
from core.engines.retrieval.retriever import RetrievalSetup, Retriever
from core.jobs.results import TokenTimes
from core.metrics.label_sets import GIVEN_FROM, written


class Asked(BaseModel):
    """What the timing process is asked: texts for a classifier, else whole messages for a language model, which weighs
    `labels` or writes up to `max_output_tokens`. With `retrieval` they are packed, and passages are looked up first.
    `several` says that a text may have any number of labels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests: tuple[str, ...]
    labels: tuple[str, ...] = ()
    max_output_tokens: int | None = None
    retrieval: RetrievalSetup | None = None
    several: bool = False


@dataclass(frozen=True)
class Singles:
    """Single requests: milliseconds, the labels or texts that were answered, and the times of tokens where some were
    written."""

    milliseconds: tuple[float, ...]
    answers: tuple[str, ...] = ()
    tokens: TokenTimes | None = None


@dataclass(frozen=True)
class Rates:
    """Batches: medians over the passes, and how many rows were answered in all of them."""

    requests_per_second: float
    answered: int
    output_tokens_per_second: float | None = None


class Subject(Protocol):
    """A model loaded for timing. `runtime` and `device` are words for the user."""

    runtime: str
    device: str

    def answer(self, requests: Sequence[str]) -> object:
        """Answer some requests as one batch; several threads may ask at once."""

    def warm_up(self, requests: Sequence[str]) -> int:
        """Answer requests that are not counted; how many single ones there were."""

    def singles(self, requests: Sequence[str]) -> Singles:
        """One request at a time."""

    def variation(self, request: str) -> float:
        """Standard deviation over mean of the latency of one request, repeated."""

    def rates(self, requests: Sequence[str]) -> Rates:
        """Batches of 32."""


def open_subject(source: Path, runtime: Runtime, asked: Asked) -> Subject:
    """The model of a folder or GGUF file, loaded in this process as `asked` needs it. Raises UserError."""
    if asked.max_output_tokens is None and not asked.labels:
        return LabelSubject(open_classifier(source, runtime), several=asked.several)
    language_runtime: LanguageRuntime = "llama.cpp" if runtime == "llama.cpp" else "torch"
    if asked.retrieval is not None:
        retriever = Retriever(asked.retrieval)
        generator: LocalGenerator = RetrievingGenerator(
            open_generator(source, runtime=language_runtime), retriever, asked.retrieval.prompt
        )
    else:
        generator = open_generator(
            source, runtime=language_runtime, requests=asked.requests, answer_tokens=_answer_tokens(asked)
        )
    if asked.max_output_tokens is None:
        return LabelSubject(PromptClassifier(generator, asked.labels))
    return TextSubject(generator, asked.max_output_tokens)


def given_labels(labels: Sequence[str], probabilities: FloatArray) -> str:
    """The labels that one row is given, as they are kept: those whose own probability is at least one half."""
    return written([label for label, share in zip(labels, probabilities.tolist(), strict=True) if share >= GIVEN_FROM])


def _answer_tokens(asked: Asked) -> int:
    """The most tokens of an answer; a label has no more tokens than bytes, and one that ends it."""
    return asked.max_output_tokens or max(len(label.encode("utf-8")) for label in asked.labels) + 1


class LabelSubject:
    """A classifier, or a language model that weighs labels."""

    def __init__(self, classifier: Classifier, *, several: bool = False) -> None:
        self._classifier = classifier
        self._several = several
        self.runtime = classifier.runtime
        self.device = classifier.device

    def answer(self, requests: Sequence[str]) -> object:
        """The probabilities of each row; several threads may ask at once."""
        return self._classifier.probabilities(requests)

    def warm_up(self, requests: Sequence[str]) -> int:
        """Answer requests that are not counted; how many single ones there were."""
        return timing.warm_up(self._classifier, requests)

    def singles(self, requests: Sequence[str]) -> Singles:
        """One request at a time, with its most probable label, or with all labels that it is given."""
        if self._several:
            milliseconds, answers = timing.answered_singly(self._classifier.probabilities, requests)
            return Singles(milliseconds, tuple(given_labels(self._classifier.labels, answer[0]) for answer in answers))
        latency = timing.single_requests(self._classifier, requests)
        return Singles(latency.milliseconds, tuple(self._classifier.labels[place] for place in latency.classes))

    def variation(self, request: str) -> float:
        """Standard deviation over mean of the latency of one request, repeated."""
        return timing.coefficient_of_variation(self._classifier, request)

    def rates(self, requests: Sequence[str]) -> Rates:
        """Rows per second in batches of 32."""
        return Rates(*timing.requests_per_second(self._classifier, requests))


class TextSubject:
    """A language model that writes answers of at most so many tokens."""

    def __init__(self, generator: LocalGenerator, max_output_tokens: int) -> None:
        self._answer = partial(generator.generate, max_output_tokens=max_output_tokens)
        self._begin = partial(generator.generate, max_output_tokens=min(max_output_tokens, plan.REPEATED_OUTPUT_TOKENS))
        self.runtime = generator.runtime
        self.device = generator.device

    def answer(self, requests: Sequence[str]) -> object:
        """The text of each row; several threads may ask at once."""
        return self._answer(requests)

    def warm_up(self, requests: Sequence[str]) -> int:
        """Answer requests that are not counted; how many single ones there were."""
        return timing.warmed_up(self._answer, requests)

    def singles(self, requests: Sequence[str]) -> Singles:
        """One request at a time, with the times of its tokens."""
        milliseconds, answers = timing.answered_singly(self._answer, requests)
        texts = tuple(answer.text for (answer,) in answers)
        return Singles(milliseconds, texts, token_times([answer for (answer,) in answers]))

    def variation(self, request: str) -> float:
        """Standard deviation over mean of the latency of one request's first tokens, repeated."""
        return timing.variation_of(self._begin, request)

    def rates(self, requests: Sequence[str]) -> Rates:
        """Rows and tokens per second in batches of 32: output tokens, reasoning included, over wall time."""
        passes = timing.answered_in_batches(self._answer, requests, _tokens)
        return Rates(
            float(np.median([one.rows / one.seconds for one in passes])),
            sum(one.rows for one in passes),
            float(np.median([one.tokens / one.seconds for one in passes])),
        )


def _tokens(answers: Sequence[Generation]) -> int:
    return sum(answer.output_tokens or 0 for answer in answers)
