"""What a job will ask an endpoint, as the job itself words it: for pricing a run that is not started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain import Example, Picture, Split
from core.engines.benchmark.answering import as_messages, label_names
from core.engines.language.answer_store import AnswerStore, Asked, known_answers
from core.engines.language.endpoint_request import TOP_LOGPROBS, RequestForm
from core.engines.language.labelling import label_rows
from core.engines.language.request_estimate import RequestEstimate, estimate, repeated
from core.engines.language.token_guess import TokenGuess
from core.jobs.specs import BenchmarkParameters, LabelParameters, LoadParameters
from core.spec import EndpointModel

AskingParameters = LabelParameters | BenchmarkParameters | LoadParameters


@dataclass(frozen=True)
class Asking:
    """The different messages of one job, with the names of their answers; `known` of them were answered before.

    A load test sends so many `requests` whatever is known; null elsewhere.
    """

    model: EndpointModel
    messages: tuple[str, ...]
    keys: tuple[str, ...]
    max_output_tokens: int
    names_labels: bool
    store: AnswerStore
    pictures: bool = False
    requests: int | None = None

    @property
    def known(self) -> int:
        """How many answers are there."""
        return sum(key in self.store for key in self.keys)

    def estimate(self, elsewhere: set[str]) -> RequestEstimate:
        """What the job will still send; what other jobs buy (`elsewhere`, names of answers) it does not."""
        if self.requests is not None:
            guess = TokenGuess(self.max_output_tokens, self.names_labels)
            for message, key in zip(self.messages, self.keys, strict=True):
                if key in self.store:
                    guess.learn(message, self.store.get(key).generation)
            return repeated(self.requests, self.messages, guess, self.max_output_tokens)
        pairs = [pair for pair in zip(self.messages, self.keys, strict=True) if pair[1] not in elsewhere]
        messages, keys = [message for message, _ in pairs], [key for _, key in pairs]
        return estimate(messages, keys, self.store, self.max_output_tokens, self.names_labels, self.pictures)


def asking_of(parameters: AskingParameters, examples: Sequence[Example], answers: Path) -> Asking | None:
    """What a job on a dataset will ask an endpoint, whose answers lie in the folder `answers`; null for a job that asks
    none. Raises UserError where it cannot ask anything."""
    model, task = parameters.loadable, parameters.task
    if not isinstance(model, EndpointModel):
        return None
    labels = label_names(task, examples)
    weighed = task.kind == "classification"
    form = RequestForm(model, task.max_output_tokens, TOP_LOGPROBS if weighed else 0, lambda text: None)
    asked: Asked = form.asked()
    pairs = _messages(parameters, examples, labels)
    messages = {asked.key(message, picture): message for message, picture in pairs}
    return Asking(
        model,
        tuple(messages.values()),
        tuple(messages),
        task.max_output_tokens,
        weighed,
        known_answers(answers, asked),
        any(picture is not None for _, picture in pairs),
        parameters.plan.most_requests if isinstance(parameters, LoadParameters) else None,
    )


def _messages(
    parameters: AskingParameters, examples: Sequence[Example], labels: Sequence[str]
) -> list[tuple[str, Picture | None]]:
    if isinstance(parameters, LabelParameters):
        return [(message, None) for message in label_rows(examples, parameters.task).row_messages]
    asked = as_messages(examples, parameters.task, labels)
    if isinstance(parameters, LoadParameters):
        return [(example.input, None) for example in asked if example.split is Split.TEST]
    requests: list[tuple[str, Picture | None]] = [(example.input, example.picture) for example in asked]
    if parameters.retrieval is None:
        return requests
    # Which passages will stand there is not known before the index is made, only how long they can be.
    longest = " passage" * (parameters.retrieval.top_k * parameters.retrieval.chunk_words)
    return [(f"{request}{longest}", picture) for request, picture in requests]
