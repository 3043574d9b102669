"""Measuring a model behind an address: every row bought once, whatever happens in between."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, cast

import pytest
from job_context import RecordingContext, job_context
from own_metric import install_metric
from tiny_documents import index_parameters, made_index, use_of, write_documents, write_question_rows
from tiny_language_models import write_text_dataset

from core.data.examples import read_examples, write_examples
from core.data.predictions import read_predictions
from core.domain import Example, Picture, Split
from core.engines.benchmark import endpoint_job, environment, job, retrieved
from core.engines.language.answer import Answer, TokenStep
from core.engines.language.answer_store import Asked, open_answers
from core.engines.language.endpoint_budget import Budget
from core.engines.language.few_shot import draw_shots
from core.engines.language.generator import Generation
from core.engines.language.question import Message, Question, text_of
from core.engines.language.token_guess import TokenGuess
from core.engines.pricing.asking import asking_of
from core.errors import UserError
from core.jobs.results import BenchmarkResult
from core.jobs.specs import BenchmarkParameters, VendorPrice
from core.spec import EndpointModel, FewShot, Task
from core.worker.context import Stopped

MODEL = EndpointModel(source="endpoint", base_url="http://localhost:1/v1", model="big")
WRITING = Task(kind="generation", metric="exact_match", prompt="Last word of: {text}")
NAMING = Task(kind="classification", metric="accuracy", prompt="Last word of: {text}")


class FakeEndpoint:
    """Says the last word of a message, takes 5, 6, 7 … ms, and remembers what it was asked."""

    asked_messages: list[str]

    def __init__(
        self,
        model: EndpointModel,
        limit: int,
        top: int,
        log: Any,
        should_stop: Callable[[], bool],
        price: VendorPrice | None,
        streams: bool,
    ) -> None:
        assert streams, "times of tokens are measured"
        self._model, self._top, self._should_stop = model, top, should_stop
        self.budget = Budget(model.max_cost, price, TokenGuess(limit, top > 0))
        self.device = f"{model.model} @ localhost"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    @property
    def sent(self) -> int:
        return len(self.asked_messages)

    def asked(self) -> Asked:
        return Asked(self._model.base_url, self._model.model, {"top": self._top})

    def answered_before(self, messages: Sequence[Any]) -> None:
        pass

    def check_cap(self, rows: int) -> None:
        if self._model.max_requests is not None and rows > self._model.max_requests:
            raise UserError("endpoint.cap", rows=rows, cap=self._model.max_requests)

    def ask(self, messages: Sequence[Message], on_answer: Callable[[int, Answer], None]) -> bool:
        assert len(messages) == 1, "one request at a time"
        if self._should_stop():
            return False
        message = text_of(messages[0])
        self.asked_messages.append(message)
        on_answer(0, self.say(message.split()[-1], 4.0 + len(self.asked_messages)))
        return True

    def say(self, word: str, latency_ms: float) -> Answer:
        if word == "now":
            return Answer(Generation("", finish_reason="failed"))
        steps = (TokenStep(word, math.log(0.95), (("?", math.log(0.05)),)),) if self._top else ()
        said = (
            Generation(f"{word}.", input_tokens=9, output_tokens=2, latency_ms=latency_ms)
            if self._top
            else (Generation(word, reasoning="hm", input_tokens=9, output_tokens=2, latency_ms=latency_ms))
        )
        return Answer(said, steps)


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch) -> type[FakeEndpoint]:
    FakeEndpoint.asked_messages = []
    monkeypatch.setattr(endpoint_job, "Endpoint", FakeEndpoint)
    return FakeEndpoint


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("rows"))


def run(
    study: Path,
    name: str,
    task: Task,
    rows: Path,
    model: EndpointModel = MODEL,
    stop_when: Callable[[RecordingContext], bool] = lambda context: False,
    price: VendorPrice | None = None,
) -> tuple[BenchmarkResult, RecordingContext]:
    parameters = BenchmarkParameters(task=task, loadable=model, price=price)
    context = job_context(study / "jobs" / name, parameters, {"data": rows}, stop_when)
    return job.run(parameters, context), context


def held_out(rows: Path) -> list[Any]:
    return [example for example in read_examples(rows) if example.split is not Split.TRAIN]


def test_every_held_out_row_is_asked_once_alone_and_timed_but_for_the_first(tmp_path: Path, rows: Path) -> None:
    result, context = run(tmp_path, "a", WRITING, rows)
    predictions = read_predictions(context.folder)
    messages = {f"Last word of: {example.input}" for example in held_out(rows)}
    assert sorted(set(FakeEndpoint.asked_messages)) == sorted(messages)
    times = {one.latency_ms for one in predictions if one.latency_ms is not None}
    assert result.runtimes[0].runtime == "endpoint"
    assert sorted(result.runtimes[0].latency.milliseconds) == sorted(times)
    assert min(times) >= 6.0, "the first request, of 5 ms, warmed up"
    assert len(predictions) - len(times) > 1, "there are rows without an answer"
    assert result.runtimes[0].latency.warm_up_requests == 1
    assert result.runtimes[0].requests_per_second is None
    assert (result.model_size_mib, result.peak_memory_mib, result.parameters) == (None, None, None)


@pytest.mark.parametrize(("foreign_share", "noisy"), [(0.86, True), (0.15, False), (None, False)])
def test_a_timing_is_noisy_where_other_programs_kept_this_machine_busy(
    tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch, foreign_share: float | None, noisy: bool
) -> None:
    monkeypatch.setattr(environment.ForeignLoad, "known_share", lambda self: foreign_share)
    result, context = run(tmp_path, "busy", WRITING, rows)
    assert result.environment is not None
    assert result.environment.noisy is noisy
    assert any("other programs used 86% of the processor" in line for line in context.logs) is noisy
    FakeEndpoint.asked_messages = []
    failed_again, _ = run(tmp_path, "again", WRITING, rows)
    assert failed_again.environment is not None
    assert failed_again.environment.noisy is (noisy and bool(FakeEndpoint.asked_messages))


def test_rows_with_the_same_message_are_one_sample_of_latency(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(10)]
    examples = [
        Example(f"{word}-{copy}", Split.TEST, word, word, word, fields=(("text", word),))
        for word in words
        for copy in range(8)
    ]
    write_examples(tmp_path, examples)
    result, context = run(tmp_path, "same", WRITING, tmp_path)
    assert len(FakeEndpoint.asked_messages) == 10
    assert len(read_predictions(context.folder)) == 80
    latency = result.runtimes[0].latency
    assert sorted(latency.milliseconds) == [5.0 + place for place in range(1, 10)]
    assert latency.warm_up_requests == 1


def test_rows_that_were_refused_or_too_long_are_no_warm_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends: dict[str, Any] = {"three": "failed", "four": "too_long", "five": "too_long"}

    def say(self: FakeEndpoint, word: str, latency_ms: float) -> Answer:
        if word in ends:
            return Answer(Generation("", finish_reason=ends[word]))
        return Answer(Generation(word, latency_ms=latency_ms))

    monkeypatch.setattr(FakeEndpoint, "say", say)
    words = ("one", "two", "three", "four", "five", "six")
    write_examples(tmp_path, [Example(word, Split.TEST, word, word, word, fields=(("text", word),)) for word in words])
    result, _ = run(tmp_path, "ends", WRITING, tmp_path)
    assert result.unanswered == 3
    assert len(result.runtimes[0].latency.milliseconds) == 2
    assert result.runtimes[0].latency.warm_up_requests == 1


def test_examples_from_train_stand_before_every_question_and_the_same_before_all(tmp_path: Path, rows: Path) -> None:
    task = WRITING.model_copy(update={"few_shot": FewShot(examples=2)})
    run(tmp_path, "shots", task, rows)
    shots = draw_shots(task, read_examples(rows)).drawn[:2]
    assert {shot.split for shot in shots} == {Split.TRAIN}
    before = [f"Last word of: {shot.input}\n\nRight answer: {shot.target}" for shot in shots]
    assert FakeEndpoint.asked_messages
    for message in FakeEndpoint.asked_messages:
        assert [message.count(text) for text in before] == [1, 1]
        assert message.splitlines()[-1].startswith("Last word of: ")


def test_several_labels_are_read_from_the_list_in_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"one": 'Sure: ["loan", "card", "weather"]', "two": "[]", "three": "I do not know"}

    def say(self: FakeEndpoint, word: str, latency_ms: float) -> Answer:
        return Answer(Generation(answers[word]))

    monkeypatch.setattr(FakeEndpoint, "say", say)
    targets = ('["card", "loan"]', '["card"]', "[]")
    examples = [
        Example(word, Split.TEST, word, f"about {word}", target, fields=(("text", f"about {word}"),))
        for word, target in zip(answers, targets, strict=True)
    ]
    write_examples(tmp_path, examples)
    task = Task(kind="multi_label", metric="micro_f1", prompt="Last word of: {text}")
    _, context = run(tmp_path, "several", task, tmp_path)
    found = {one.example_id: (one.output, one.score) for one in read_predictions(context.folder)}
    assert found == {"one": ('["card", "loan"]', 1.0), "two": ("[]", 0.0), "three": (None, 0.0)}


def test_a_metric_of_the_users_own_scores_texts_and_labels(
    tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_metric(tmp_path / "packages", monkeypatch, "return len(output) / 100")
    for kind in ("generation", "classification"):
        task = Task(kind=kind, metric="plugin:near", prompt="Last word of: {text}")
        _, context = run(tmp_path, kind, task, rows)
        told = [one for one in read_predictions(context.folder) if one.output is not None]
        assert told
        assert [one.score for one in told] == [len(one.output or "") / 100 for one in told]


def test_what_was_said_is_scored_without_its_reasoning_and_what_was_not_counts_as_wrong(
    tmp_path: Path, rows: Path
) -> None:
    result, context = run(tmp_path, "a", WRITING, rows)
    unanswered = 0
    for example, prediction in zip(held_out(rows), read_predictions(context.folder), strict=True):
        failed = example.target == "now"
        unanswered += failed
        assert prediction.output == (None if failed else example.target)
        assert prediction.score == float(not failed)
        assert prediction.output_tokens == (None if failed else 2)
    assert result.unanswered == unanswered > 0


def test_a_classification_takes_the_label_that_is_named_with_the_probability_of_its_tokens(
    tmp_path: Path, rows: Path
) -> None:
    _, context = run(tmp_path, "a", NAMING, rows)
    for example, prediction in zip(held_out(rows), read_predictions(context.folder), strict=True):
        if example.target != "now":
            assert (prediction.output, prediction.score) == (example.target, 1.0)
            assert prediction.confidence == pytest.approx(1.0)
        else:
            assert (prediction.output, prediction.score, prediction.confidence) == (None, 0.0, None)


def test_bought_answers_are_not_bought_again_by_a_stopped_job_or_another_one(tmp_path: Path, rows: Path) -> None:
    run(tmp_path / "whole", "a", WRITING, rows)
    wanted = [(one.example_id, one.output, one.score) for one in read_predictions(tmp_path / "whole/jobs/a")]
    FakeEndpoint.asked_messages.clear()
    with pytest.raises(Stopped):
        run(tmp_path / "cut", "a", WRITING, rows, stop_when=lambda context: len(context.sent) >= 3)
    first = list(FakeEndpoint.asked_messages)
    _, again = run(tmp_path / "cut", "a", WRITING, rows)
    assert [(one.example_id, one.output, one.score) for one in read_predictions(again.folder)] == wanted
    answered = [message for message in FakeEndpoint.asked_messages if not message.endswith("now")]
    assert len(answered) == len(set(answered))
    assert again.starts[0][1] == 3 >= len(first)
    FakeEndpoint.asked_messages.clear()
    _, other = run(tmp_path / "cut", "b", WRITING, rows)
    assert all(message.endswith("now") for message in FakeEndpoint.asked_messages)
    assert any("are not bought again" in line for line in other.logs)


def test_more_requests_than_the_study_allows_are_refused_before_the_first(tmp_path: Path, rows: Path) -> None:
    capped = MODEL.model_copy(update={"max_requests": 2})
    with pytest.raises(UserError):
        run(tmp_path, "a", WRITING, rows, capped)
    assert FakeEndpoint.asked_messages == []


def test_more_money_than_the_study_allows_is_refused_before_the_first(tmp_path: Path, rows: Path) -> None:
    price = VendorPrice(currency="USD", per_million_requests=1e6)
    count = len({example.input for example in held_out(rows)})
    enough, short = (MODEL.model_copy(update={"max_cost": cap}) for cap in (float(count), count - 0.5))
    with pytest.raises(UserError) as refusal:
        run(tmp_path, "a", WRITING, rows, short, price=price)
    assert refusal.value.code == "endpoint.cost_cap"
    assert FakeEndpoint.asked_messages == []
    _, context = run(tmp_path, "b", WRITING, rows, enough, price=price)
    assert any(f"about {count}.00 USD" in line for line in context.logs)


def test_with_retrieval_the_passages_are_in_the_message_and_the_search_in_the_latency(
    tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_index(tmp_path / "index", index_parameters(write_documents(tmp_path / "docs", {"a.txt": "my card is lost"})))
    monkeypatch.setattr(retrieved.Retrieved, "milliseconds", lambda self, example_id: 1000.0)
    parameters = BenchmarkParameters(
        task=WRITING, loadable=MODEL, retrieval=use_of("bm25", prompt="{context}|{request}")
    )
    context = job_context(tmp_path / "jobs" / "a", parameters, {"data": rows, "index": tmp_path / "index"})
    result = job.run(parameters, context)
    with_card = [message for message in FakeEndpoint.asked_messages if message.startswith("[1] my card is lost|Last")]
    shared = {word for example in held_out(rows) for word in example.input.split()} & {"my", "card", "is", "lost"}
    assert bool(with_card) == bool(shared)
    times = [one.latency_ms for one in read_predictions(context.folder) if one.latency_ms is not None]
    assert all(1005.0 <= time <= 1030.0 for time in times)
    assert sorted(result.runtimes[0].latency.milliseconds) == sorted(set(times))
    assert result.retrieval is not None
    assert result.retrieval.right_by == "answer"


def test_where_no_named_document_is_in_the_index_nobody_is_asked(tmp_path: Path) -> None:
    made_index(tmp_path / "index", index_parameters(write_documents(tmp_path / "docs", {"a.txt": "my card is lost"})))
    rows = write_question_rows(tmp_path / "rows")
    task = WRITING.model_copy(update={"prompt": None})
    parameters = BenchmarkParameters(task=task, loadable=MODEL, retrieval=use_of(document_column="doc"))
    context = job_context(tmp_path / "jobs" / "a", parameters, {"data": rows, "index": tmp_path / "index"})
    with pytest.raises(UserError) as caught:
        job.run(parameters, context)
    assert caught.value.code == "retrieval.documents_unknown"
    assert FakeEndpoint.asked_messages == []


def test_a_dry_run_counts_passages_as_long_as_they_can_be(tmp_path: Path, rows: Path) -> None:
    examples = read_examples(rows)
    plain, helped = (
        asking_of(BenchmarkParameters(task=WRITING, loadable=MODEL, retrieval=use), examples, tmp_path)
        for use in (None, use_of("bm25", top_k=3))
    )
    assert plain is not None
    assert helped is not None
    assert [text_of(message).replace(" passage" * 120, "") for message in helped.messages] == list(plain.messages)
    assert helped.estimate(set()).input_tokens > plain.estimate(set()).input_tokens + 100 * len(plain.messages)


def test_tokens_of_answers_about_pictures_are_timed_too(tmp_path: Path) -> None:
    endpoint = FakeEndpoint(MODEL, 16, 0, print, lambda: False, None, streams=True)
    asked = endpoint.asked()
    picture = Picture("https://host/a.png")
    row = Example("r", Split.TEST, "g", "what?", "cat", picture=picture)
    timed = Generation("cat", time_to_first_token_ms=12.0)
    with open_answers(tmp_path, asked) as store:
        store.put(asked.key(Question("what?", (picture,))), Answer(timed), "j")
        answers = endpoint_job.EndpointAnswers(cast(Any, endpoint), store, WRITING, [], "j")
        times = answers.token_times([row])
    assert times is not None
    assert times.time_to_first_token_ms == (12.0,)
