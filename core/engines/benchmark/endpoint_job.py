"""Measuring a model behind an address: each row is asked once, one at a time, and timed at this end of the line."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.domain import Example, Prediction, Split
from core.engines.benchmark import environment, plan
from core.engines.benchmark.answering import PutOff, as_messages, reader_of, text_prediction
from core.engines.benchmark.first_answers import FirstAnswers
from core.engines.benchmark.quality import answer_all
from core.engines.benchmark.retrieved import LaterAnswers, Retrieved, retrieve_rows, with_figures
from core.engines.benchmark.token_times import token_times
from core.engines.language.answer import Answer
from core.engines.language.answer_store import AnswerStore, answers_folder, open_answers
from core.engines.language.endpoint import Endpoint
from core.engines.language.endpoint_request import TOP_LOGPROBS
from core.engines.language.label_lists import label_names
from core.engines.language.label_text import LabelText
from core.engines.language.question import Message, question_of_row
from core.engines.language.request_estimate import estimate, told_estimate
from core.engines.retrieval.messages import later
from core.i18n import english
from core.jobs.results import BenchmarkResult, Environment, LatencySamples, RuntimeFigures, TokenTimes
from core.jobs.specs import RetrievalUse, VendorPrice
from core.metrics.scoring import label_scorer, row_scorer
from core.spec import EndpointModel, Task
from core.worker.context import JobContext, Stopped

_UNTIMED: dict[str, Any] = dict.fromkeys(
    (
        "latency_ms",
        "time_to_first_token_ms",
        "time_to_first_output_token_ms",
        "time_per_output_token_ms",
        "inter_token_ms",
    )
)


def measure_endpoint(
    model: EndpointModel,
    task: Task,
    examples: Sequence[Example],
    context: JobContext,
    price: VendorPrice | None = None,
    retrieval: RetrievalUse | None = None,
) -> BenchmarkResult:
    """Ask all rows outside the train split, with passages where there is `retrieval`; `examples` are those of the
    dataset, whose targets are the labels.

    What was bought before is not bought again. Raises Stopped, and UserError where the endpoint cannot be used.
    """
    begun = time.monotonic()
    load_average = environment.load_average()
    names = label_names(task, examples)
    evaluated = [example for example in examples if example.split is not Split.TRAIN]
    asked = as_messages(examples, task, names)
    retrieved = None if retrieval is None else retrieve_rows(retrieval, evaluated, context)
    if retrieved is not None:
        asked = retrieved.messages(asked)
    top = TOP_LOGPROBS if task.kind == "classification" else 0

    def warn(text: str) -> None:
        context.log(text, "warning")

    def wait() -> None:
        if context.should_stop():
            raise Stopped

    with (
        Endpoint(model, task.max_output_tokens, top, warn, context.should_stop, price, streams=True) as endpoint,
        open_answers(answers_folder(context.folder), endpoint.asked(), wait) as store,
    ):
        answerer = EndpointAnswers(endpoint, store, task, names, context.spec.job_id)
        answerer.announce(asked, context, price)
        answering = answerer if retrieved is None else LaterAnswers(answerer, retrieved)
        foreign = environment.ForeignLoad(server_address=model.base_url)
        predictions = answer_all(answering, asked, context)
        # Answers that were bought before say nothing of the machine's state now.
        noisy = endpoint.sent > 0 and _told_noisy(foreign.known_share(), context)
        answerer.tell_missing(asked, predictions, context)
        device, tokens = endpoint.device, answerer.token_times(asked, retrieved)
        latency = answerer.latency(asked, predictions)
    result = _result(predictions, evaluated, latency, tokens, device, load_average, noisy, time.monotonic() - begun)
    return result if retrieved is None else with_figures(result, retrieved, task, context)


class EndpointAnswers:
    """Rows answered by an endpoint, or by what it said before; satisfies `answering.RowAnswerer`."""

    # A bought answer is kept at once: there is nothing to gain by larger batches.
    batch_rows: int | None = 1

    def __init__(self, endpoint: Endpoint, store: AnswerStore, task: Task, labels: Sequence[str], job_id: str) -> None:
        self._endpoint = endpoint
        self._store = store
        self._asked = endpoint.asked()
        self._texts = LabelText(labels) if task.kind == "classification" else None
        self._limit = task.max_output_tokens
        self._label_scorer = label_scorer(task)
        self._scorer = row_scorer(task) if self._texts is None else None
        self._read = reader_of(task, labels)
        self._job_id = job_id
        self._connected = False
        self._first = FirstAnswers(lambda key, answer: store.put(key, answer, job_id))
        self._failed: set[str] = set()
        self.device = endpoint.device

    def announce(self, examples: Sequence[Example], context: JobContext, price: VendorPrice | None) -> None:
        """Say how many answers are known already, and what the others will take. Raises UserError where those are more
        than may be asked or paid."""
        messages = {self._asked.key(one): one for one in map(question_of_row, examples)}
        known = [key for key in messages if key in self._store]
        earlier = [key for key in known if self._store.bought_by(key) == self._job_id]
        self._endpoint.check_cap(len(messages) - len(known))
        self._endpoint.answered_before([messages[key] for key in known])
        self._endpoint.budget.count_earlier((messages[key], self._store.get(key).generation) for key in earlier)
        texts, keys = list(messages.values()), list(messages)
        expected = estimate(texts, keys, self._store, self._limit, self._texts is not None)
        self._endpoint.budget.check(expected)
        if known:
            self._first.trust()
            context.log(english("benchmark.log.answers_kept", count=len(known), rows=len(messages)))
        if expected.requests:
            context.log(told_estimate(expected, price))

    def latency(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> LatencySamples:
        """One time for each request that was timed, however many rows have its answer. A request that was answered
        without being timed paid for a connection: it warmed up."""
        keys = [self._asked.key(question_of_row(example)) for example in examples]
        answered = {
            key: prediction.latency_ms
            for key, prediction in zip(keys, predictions, strict=True)
            if key in self._store  # neither failed nor refused
        }
        times = tuple(milliseconds for milliseconds in answered.values() if milliseconds is not None)
        return LatencySamples(milliseconds=times, warm_up_requests=len(answered) - len(times))

    def token_times(self, examples: Sequence[Example], retrieved: Retrieved | None = None) -> TokenTimes | None:
        """The times of the tokens of all answers that were streamed, earlier ones included, later by what the search
        of their passages took; null where none was."""
        rows = {self._asked.key(question_of_row(example)): example.example_id for example in examples}
        answers = {key: self._store.get(key).generation for key in rows if key in self._store}
        times = token_times(
            [
                said if retrieved is None else later(said, retrieved.milliseconds(rows[key]))
                for key, said in answers.items()
            ]
        )
        return times if times.time_to_first_token_ms else None

    def token_counts(self, examples: Sequence[Example]) -> None:
        """Null: only the server counts its tokens."""
        return

    def answer(self, examples: Sequence[Example], tokens: Sequence[int] | None) -> list[Prediction]:
        """The answers to some rows, whose inputs are whole messages. Raises Stopped, UserError, and PutOff for a row
        that the endpoint failed to answer, and for empty answers until one has any text."""
        return [self._prediction(example, self._answer(example)) for example in examples]

    def _answer(self, example: Example) -> Answer:
        message = question_of_row(example)
        key = self._asked.key(message)
        if key in self._store:
            return self._store.get(key)
        self._first.check_turn(key)
        answer = self._said(message)
        finish = answer.generation.finish_reason
        if finish == "failed" and key not in self._failed:
            self._failed.add(key)
            raise PutOff
        if not self._first.take(key, example.example_id, answer):
            raise PutOff
        return answer

    def _said(self, message: Message) -> Answer:
        heard: list[Answer] = []
        whole = self._endpoint.ask([message], lambda place, answer: heard.append(answer))
        if not whole and not heard:
            raise Stopped
        answer = heard[0]
        if not self._connected:  # the first request pays for the connection, which the others share
            answer = replace(answer, generation=replace(answer.generation, **_UNTIMED))
            self._connected = True
        return answer

    def tell_missing(self, examples: Sequence[Example], predictions: Sequence[Prediction], context: JobContext) -> None:
        """Say how many rows count as wrong without an answer, and how many answers may have been cut off."""
        keys = [self._asked.key(question_of_row(example)) for example in examples]
        ends = [self._store.get(key).generation.finish_reason if key in self._store else None for key in keys]
        rows, cut = len(keys), ends.count("length")
        if cut:
            context.log(english("benchmark.log.cut_off", count=cut, rows=rows, limit=self._limit), "warning")
        missing = [one.example_id for one in predictions if not one.output and not one.score]
        if missing:
            context.log(english("benchmark.log.missing", count=len(missing), rows=rows, row=missing[0]), "warning")

    def _prediction(self, example: Example, answer: Answer) -> Prediction:
        said = answer.generation
        if self._texts is None:
            return replace(text_prediction(example, said, self._scorer, self._read), latency_ms=said.latency_ms)
        told = text_prediction(example, said, None)
        label = self._texts.label_of(said.text) if told.output is not None else None
        spread = None if label is None else self._texts.distribution(answer.steps)
        return replace(
            told,
            output=label,
            score=0.0 if label is None else self._label_scorer(label, example.target, example.example_id),
            confidence=None if spread is None or label is None else spread.get(label, 0.0),
            latency_ms=said.latency_ms,
        )


def _told_noisy(foreign_share: float | None, context: JobContext) -> bool:
    """Whether other programs kept this machine busy while the endpoint was timed from it, which the log is told."""
    if foreign_share is None or foreign_share <= plan.NOISY_FOREIGN_SHARE:
        return False
    context.log(english("benchmark.log.busy", foreign=f"{foreign_share:.0%}"), "warning")
    return True


def _result(
    predictions: Sequence[Prediction],
    examples: Sequence[Example],
    latency: LatencySamples,
    tokens: TokenTimes | None,
    device: str,
    load_average: float | None,
    noisy: bool,
    seconds: float,
) -> BenchmarkResult:
    rows = Counter(example.split for example in examples)
    figures = RuntimeFigures(runtime="endpoint", latency=latency, requests_per_second=None, tokens=tokens)
    return BenchmarkResult(
        origin="measured",
        rows_test=rows[Split.TEST],
        rows_calibration=rows[Split.CALIBRATION],
        runtimes=(figures,) if latency.milliseconds else (),
        peak_memory_mib=None,
        model_size_mib=None,
        parameters=None,
        joules_per_request=None,
        energy_source="not measured",
        unanswered=sum(not prediction.output for prediction in predictions),
        environment=Environment(
            machine=environment.machine(),
            device=device,
            cores=environment.cores(),
            load_average=load_average,
            timing_coefficient_of_variation=None,
            noisy=noisy,
        ),
        seconds=seconds,
    )
