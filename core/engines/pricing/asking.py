"""The requests of a job to an endpoint, as the job itself words them: known to the letter, or bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.domain import Example, Split
from core.engines.benchmark.answering import as_messages
from core.engines.language.answer_store import AnswerStore, Asked, known_answers
from core.engines.language.endpoint_request import TOP_LOGPROBS, RequestForm
from core.engines.language.label_lists import label_names
from core.engines.language.labelling import label_rows
from core.engines.language.question import Message, Question, pictures_of, question_of_row, text_of
from core.engines.language.request_estimate import RequestEstimate, estimate, repeated
from core.engines.language.token_guess import TokenGuess
from core.i18n import Value
from core.jobs.specs import BenchmarkParameters, LabelParameters, LoadParameters
from core.spec import EndpointModel

AskingParameters = LabelParameters | BenchmarkParameters | LoadParameters


@dataclass(frozen=True)
class Bound:
    """Why requests are not known to the letter, as the code of a sentence with its values. `counted` false means that
    nothing bounds their number."""

    code: str
    values: dict[str, Value] = field(default_factory=dict)
    counted: bool = True


@dataclass(frozen=True)
class Asking:
    """The messages of one job, with the names of their answers; `known` of them were answered before. `model` stands at
    `model_field` of the study file (of a candidate, or the whole name).

    Where it is known how many `requests` there are whatever was answered before, they go round through the messages:
    those of a load test, and those that `bound` tells of. Null elsewhere.
    """

    model: EndpointModel
    messages: tuple[Message, ...]
    keys: tuple[str, ...]
    max_output_tokens: int
    names_labels: bool
    store: AnswerStore
    requests: int | None = None
    bound: Bound | None = None
    model_field: str = "model"

    @property
    def known(self) -> int:
        """How many answers are there."""
        return sum(key in self.store for key in self.keys)

    def estimate(self, elsewhere: set[str]) -> RequestEstimate:
        """What the job will still send; what other jobs buy (`elsewhere`, names of answers) it does not."""
        if self.requests == 0:
            return RequestEstimate(0, 0.0, 0.0, 0, 0)
        if self.requests is not None:
            guess = TokenGuess(self.max_output_tokens, self.names_labels)
            for message, key in zip(self.messages, self.keys, strict=True):
                if key in self.store:
                    guess.learn(message, self.store.get(key).generation)
            return repeated(self.requests, self.messages, guess, self.max_output_tokens)
        pairs = [pair for pair in zip(self.messages, self.keys, strict=True) if pair[1] not in elsewhere]
        messages, keys = [message for message, _ in pairs], [key for _, key in pairs]
        return estimate(messages, keys, self.store, self.max_output_tokens, self.names_labels)


def asking_of(parameters: AskingParameters, examples: Sequence[Example], answers: Path) -> Asking | None:
    """What a job on a dataset will ask an endpoint, whose answers lie in the folder `answers`; null for a job that asks
    none. Raises UserError where it cannot ask anything."""
    model, task = parameters.loadable, parameters.task
    if not isinstance(model, EndpointModel):
        return None
    labels = label_names(task, examples)
    weighed = task.kind == "classification"
    asked = asked_of(model, task.max_output_tokens, TOP_LOGPROBS if weighed else 0)
    messages = {asked.key(message): message for message in _messages(parameters, examples, labels)}
    return Asking(
        model,
        tuple(messages.values()),
        tuple(messages),
        task.max_output_tokens,
        weighed,
        known_answers(answers, asked),
        parameters.plan.most_requests if isinstance(parameters, LoadParameters) else None,
    )


def asked_of(model: EndpointModel, max_output_tokens: int, top_logprobs: int = 0) -> Asked:
    """What names the answers of an endpoint, as jobs that ask it name them."""
    return RequestForm(model, max_output_tokens, top_logprobs, lambda text: None).asked()


def _messages(parameters: AskingParameters, examples: Sequence[Example], labels: Sequence[str]) -> list[Message]:
    if isinstance(parameters, LabelParameters):
        return list(label_rows(examples, parameters.task).row_messages)
    asked = as_messages(examples, parameters.task, labels)
    if isinstance(parameters, LoadParameters):
        return [question_of_row(example) for example in asked if example.split is Split.TEST]
    requests = [question_of_row(example) for example in asked]
    if parameters.retrieval is None:
        return requests
    # Which passages will stand there is not known before the index is made, only how long they can be.
    longest = " passage" * (parameters.retrieval.top_k * parameters.retrieval.chunk_words)
    return [Question(f"{text_of(request)}{longest}", pictures_of(request)) for request in requests]
