"""Who answers the train rows: a language model on this machine, or one behind an address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from core.engines.language.answer import Answer
from core.engines.language.answer_store import Asked
from core.engines.language.endpoint import Endpoint
from core.engines.language.endpoint_request import TOP_LOGPROBS
from core.engines.language.endpoint_round import OnAnswer
from core.engines.language.generator import Generation, LocalGenerator
from core.engines.language.local import (
    LanguageRuntime,
    answering_runtime,
    device_of,
    open_generator,
    settings_of,
)
from core.engines.language.question import Message, text_of
from core.engines.language.request_estimate import RequestEstimate
from core.jobs.specs import AnsweringModel, LabelParameters, VendorPrice
from core.lazy import load
from core.model_files import file_sha256, fingerprint_weights, is_gguf_file
from core.spec import EndpointModel
from core.worker.context import JobContext, Stopped

# Answers are durable batch by batch: what a kill loses is one batch.
BATCH_ROWS = 8


class Respondent(Protocol):
    """A language model that is asked. `device` is a word for the user."""

    device: str

    def asked(self) -> Asked:
        """What names its answers."""

    def ask(self, messages: Sequence[Message], missing: Sequence[int], on_answer: OnAnswer) -> None:
        """Answer those messages whose places are `missing`, each handed over as soon as it is there. Raises Stopped,
        and UserError where the model cannot be asked."""


@contextmanager
def respondent_of(parameters: LabelParameters, labels: Sequence[str], context: JobContext) -> Iterator[Respondent]:
    """The model that a label job asks; `labels` are the classes, none in generation. Raises UserError."""
    limit, top = parameters.task.max_output_tokens, TOP_LOGPROBS if labels else 0
    model, price = parameters.loadable, parameters.price
    with open_respondent(model, parameters.model_sha256, labels, limit, context, top, price) as respondent:
        yield respondent


@contextmanager
def open_respondent(
    model: AnsweringModel | None,
    sha256: str | None,
    labels: Sequence[str],
    max_output_tokens: int,
    context: JobContext,
    top_logprobs: int = 0,
    price: VendorPrice | None = None,
    short_answers: bool = False,
) -> Iterator[Respondent]:
    """A ready model, or that of the input `model`, to be asked. On this machine it weighs `labels` where there are
    any; an endpoint writes at its `price`, and is asked for the alternatives of each token. `short_answers` are
    expected of it where it gives verdicts. Raises UserError."""
    if isinstance(model, EndpointModel):

        def log(text: str) -> None:
            context.log(text, "warning")

        with Endpoint(
            model, max_output_tokens, top_logprobs, log, context.should_stop, price, short_answers=short_answers
        ) as endpoint:
            yield EndpointRespondent(endpoint)
        return
    if model is None:
        source = context.input_folder("model") / "model"
    else:
        source = cast(Path, load("core.engines.models.weights").resolve(model, sha256))
    yield LocalRespondent(source, labels, max_output_tokens, context.should_stop, answering_runtime(model))


class EndpointRespondent:
    """A model behind an address, asked by several requests at once."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.device = endpoint.device

    def asked(self) -> Asked:
        """What names its answers."""
        return self._endpoint.asked()

    def check_cost(self, expected: RequestEstimate, bought: Iterable[tuple[Message, Generation]]) -> None:
        """Raises UserError where what is expected costs more than the study file allows, with what was `bought` by
        earlier attempts (messages and answers); nothing is sent."""
        self._endpoint.budget.count_earlier(bought)
        self._endpoint.budget.check(expected)

    def ask(self, messages: Sequence[Message], missing: Sequence[int], on_answer: OnAnswer) -> None:
        """Answer the missing messages, those first that come first. Raises Stopped and UserError."""
        left = set(missing)
        self._endpoint.answered_before([said for place, said in enumerate(messages) if place not in left])
        wanted = [messages[place] for place in missing]
        if not self._endpoint.ask(wanted, lambda place, answer: on_answer(missing[place], answer)):
            raise Stopped


class LocalRespondent:
    """A model folder or GGUF file on this machine, loaded when it is first asked: it weighs `labels` exactly, or
    writes greedily where there are none. `runtime` is the one whose answers are wanted."""

    def __init__(
        self,
        source: Path,
        labels: Sequence[str],
        max_output_tokens: int,
        should_stop: Callable[[], bool],
        runtime: LanguageRuntime = "torch",
    ) -> None:
        self.source = source
        self.runtime: LanguageRuntime = runtime
        self._labels = tuple(labels)
        self._limit = max_output_tokens
        self._should_stop = should_stop
        self.device = device_of(runtime, source)

    def asked(self) -> Asked:
        """What names its answers: the weights, wherever they lie."""
        gguf = is_gguf_file(self.source)
        sha256 = file_sha256(self.source) if gguf else fingerprint_weights(self.source)
        settings = {"labels": list(self._labels)} if self._labels else {"max_output_tokens": self._limit}
        return Asked(f"sha256:{sha256}", "local", {**settings, **settings_of(self.runtime)})

    def opened(self, messages: Sequence[str]) -> LocalGenerator:
        """The model, loaded to be asked these messages. Raises UserError."""
        longest = max((len(label.encode("utf-8")) for label in self._labels), default=self._limit)
        return open_generator(self.source, self._stop_when_asked, self.runtime, messages, longest)

    def ask(self, messages: Sequence[Message], missing: Sequence[int], on_answer: OnAnswer) -> None:
        """Answer the missing messages in batches of like length, which are the same after every stop. It sees
        no pictures."""
        texts = [text_of(message) for message in messages]
        generator = self.opened(texts)
        generator.share_opening(texts)
        tokens = generator.token_counts(texts)
        order = sorted(range(len(texts)), key=lambda place: tokens[place])
        wanted = set(missing)
        for begin in range(0, len(order), BATCH_ROWS):
            batch = order[begin : begin + BATCH_ROWS]
            if wanted.isdisjoint(batch):
                continue
            self._stop_when_asked()
            answers = self._answers(generator, [texts[place] for place in batch], [tokens[place] for place in batch])
            for place, answer in zip(batch, answers, strict=True):
                if place in wanted:
                    on_answer(place, answer)

    def _answers(self, generator: LocalGenerator, messages: Sequence[str], tokens: Sequence[int]) -> list[Answer]:
        if not self._labels:
            # The gaps of tokens within a batch say nothing of the model, and would only fill the disk.
            said = generator.generate(messages, self._limit)
            return [Answer(replace(generation, inter_token_ms=None)) for generation in said]
        answers = []
        for row, count in zip(generator.classify(messages, self._labels), tokens, strict=True):
            probabilities = {label: float(value) for label, value in zip(self._labels, row, strict=True)}
            answers.append(Answer(Generation(self._labels[int(row.argmax())], input_tokens=count), (), probabilities))
        return answers

    def _stop_when_asked(self) -> None:
        if self._should_stop():
            raise Stopped
