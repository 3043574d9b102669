"""A language model on this machine whose answers are kept with the study, as bought ones are: after an edit of the
data only new requests are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.domain import FloatArray
from core.engines.language.answer import Answer
from core.engines.language.answer_store import AnswerStore, Asked, answers_folder, open_answers
from core.engines.language.generator import Generation, LocalGenerator
from core.engines.language.local import settings_of
from core.model_files import file_sha256, fingerprint_weights, is_gguf_file
from core.worker.context import JobContext, Stopped

# To be raised where the same weights and request would be answered otherwise than before.
DECODING_VERSION = 1


class KeptGenerator:
    """Satisfies `generator.LocalGenerator`. An answer's name holds the weights with their tokenizer and template, the
    request, the settings, the runtime, the device and `DECODING_VERSION`: two models never share one.

    A batch with a new request is answered whole, for a row's rounding depends on its neighbours: the same batches give
    the same answers however often they were stopped. `kept` counts requests that were not asked again.
    """

    def __init__(self, generator: LocalGenerator, asked: Asked, store: AnswerStore, job_id: str) -> None:
        self._generator = generator
        self._asked = asked
        self._store = store
        self._job_id = job_id
        self._to_share: Sequence[str] | None = None
        self.kept = 0
        self.runtime = generator.runtime
        self.device = generator.device
        self.parameters = generator.parameters
        self.weight_bytes = generator.weight_bytes
        self.context_tokens = generator.context_tokens

    def share_opening(self, messages: Sequence[str]) -> None:
        """Get ready for these requests; what they begin with is read when the first of them is really asked."""
        self._to_share = messages

    def token_counts(self, messages: Sequence[str]) -> list[int]:
        """The tokens of each request, chat template included."""
        return self._generator.token_counts(messages)

    def generate(self, messages: Sequence[str], max_output_tokens: int) -> list[Generation]:
        """One answer for each message, kept or new. Times are those of when it was given."""

        def ask() -> list[Answer]:
            return [Answer(said) for said in self._generator.generate(messages, max_output_tokens)]

        answers = self._answers(messages, {"max_output_tokens": max_output_tokens}, ask)
        return [answer.generation for answer in answers]

    def classify(self, messages: Sequence[str], labels: Sequence[str]) -> FloatArray:
        """The probability of each label, shape (messages, labels), kept or new."""

        def ask() -> list[Answer]:
            rows = self._generator.classify(messages, labels)
            spreads = [{label: float(value) for label, value in zip(labels, row, strict=True)} for row in rows]
            return [Answer(Generation(max(spread, key=lambda label: spread[label])), (), spread) for spread in spreads]

        answers = self._answers(messages, {"labels": list(labels)}, ask)
        return np.array([[(answer.label_probabilities or {})[label] for label in labels] for answer in answers])

    def _answers(
        self, messages: Sequence[str], settings: Mapping[str, Any], ask: Callable[[], Sequence[Answer]]
    ) -> list[Answer]:
        """The answers to a batch in its order; a request that does not fit into the context is not kept."""
        asked = replace(self._asked, settings={**self._asked.settings, **settings})
        keys = [asked.key(message) for message in messages]
        fresh: Sequence[Answer | None] = [None] * len(keys)
        if any(key not in self._store for key in keys):
            if self._to_share is not None:
                self._generator.share_opening(self._to_share)
                self._to_share = None
            fresh = ask()
        answers = []
        for key, answer in zip(keys, fresh, strict=True):
            if key in self._store:
                self.kept += 1
                answers.append(self._store.get(key))
            elif answer is not None:
                answers.append(answer)
                if answer.generation.finish_reason in ("stop", "length"):
                    self._store.put(key, answer, self._job_id)
        return answers


@contextmanager
def kept_generator(generator: LocalGenerator, source: Path, context: JobContext) -> Iterator[KeptGenerator]:
    """The generator with the answers of its study, which this process alone holds until the context ends.

    Raises Stopped while it waits for another job that holds them.
    """

    def wait() -> None:
        if context.should_stop():
            raise Stopped

    asked = _asked_of(source, generator)
    with open_answers(answers_folder(context.folder), asked, wait) as store:
        yield KeptGenerator(generator, asked, store, context.spec.job_id)


def _asked_of(source: Path, generator: LocalGenerator) -> Asked:
    sha256 = file_sha256(source) if is_gguf_file(source) else fingerprint_weights(source)
    settings = {"device": generator.device, "decoding": DECODING_VERSION, **settings_of(generator.runtime)}
    return Asked(f"sha256:{sha256}", "local", settings)
