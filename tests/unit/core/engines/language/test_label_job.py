"""A language model labels the train rows: each row is asked once, whatever happens in between."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from job_context import RecordingContext, job_context
from scripted_endpoint import (
    KEY,
    KEY_VARIABLE,
    Reply,
    Request,
    completion,
    error,
    scripted_endpoint,
    token,
)
from tiny_language_models import write_language_model, write_language_model_job

from core.data.examples import read_examples, write_examples
from core.domain import Example, Split
from core.engines.language import labelling, torch_generator
from core.engines.language.answers import read_answers
from core.engines.language.endpoint import CONCURRENT_REQUESTS
from core.engines.language.generator import Generation
from core.engines.language.label_job import run
from core.engines.language.labelling import HOPELESS_ANSWERS
from core.engines.language.respondents import LocalRespondent
from core.engines.language.torch_generator import TorchGenerator
from core.errors import UserError
from core.jobs.folder import write_spec
from core.jobs.results import LabelResult
from core.jobs.specs import JobSpec, LabelParameters
from core.metrics.label_sets import written
from core.spec import EndpointModel, FewShot, LocalModel, Task
from core.worker.context import Stopped

CLASSES = Task(kind="classification", metric="accuracy", max_output_tokens=8)
TEXTS = Task(kind="generation", metric="exact_match", prompt="Repeat: {text}", max_output_tokens=8)
LABELS = ("card", "loan", "rate")
ROWS = 30

pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a prepare job: thirty train rows, and test rows that no one may ever send."""
    folder = tmp_path / "study.tercet.d" / "jobs" / "data"
    folder.mkdir(parents=True)
    examples = []
    for row in range(ROWS + 6):
        text, target = f"question {row} about a {LABELS[row % 3]}", LABELS[row % 3]
        split = Split.TRAIN if row < ROWS else Split.TEST
        examples.append(Example(f"r{row}", split, f"g{row}", text, target, fields=(("text", text),)))
    write_examples(folder, examples)
    return folder


def answer(number: int, request: Request) -> Reply:
    """The label at the end of the question, with probabilities."""
    label = next(name for name in LABELS if f"about a {name}" in request.message)
    others = {name: 0.1 for name in LABELS if name != label}
    return Reply(completion(label, logprobs=[token(label, 0.8, **others)]))


class Job:
    """A label job in a folder of its own, beside the data's."""

    def __init__(self, data: Path, model: EndpointModel | LocalModel | None, task: Task = CLASSES, **more: Any) -> None:
        self.folder = data.parent / more.pop("folder", "label")
        self.inputs = {"data": data, **more.pop("inputs", {})}
        self.parameters = LabelParameters(task=task, loadable=model, **more)

    def run(self, stop_after: int | None = None) -> LabelResult:
        def stop(context: RecordingContext) -> bool:
            return stop_after is not None and context.steps("phase.label") >= stop_after

        self.context = job_context(self.folder, self.parameters, self.inputs, stop)
        return run(self.parameters, self.context)


def test_every_train_row_is_asked_once_and_no_test_row_ever(data: Path) -> None:
    with scripted_endpoint(answer) as server:
        job = Job(data, server.model())
        result = job.run()
        assert len(server.requests) == ROWS
        assert not any("question 3" + digit in message for digit in "012345" for message in server.messages())
    assert (result.rows, result.bought, result.kept, result.unusable, result.soft_rows) == (ROWS, ROWS, 0, 0, ROWS)
    assert (result.input_tokens, result.output_tokens) == (7 * ROWS, 3 * ROWS)
    assert result.agreement_with_targets == 1.0
    assert job.context.phases[-1] == ("phase.label", ROWS, ROWS)
    assert any(f"{ROWS} requests will be sent" in line for line in job.context.logs)


def test_rows_with_several_labels_are_answered_by_lists_of_them(data: Path) -> None:
    """The labels are told in the question; what is listed is read, and a list of none is an answer."""
    examples = [replace(row, target=written([row.target])) for row in read_examples(data)]
    write_examples(data, examples)
    task = Task(kind="multi_label", metric="micro_f1", max_output_tokens=16)

    def script(number: int, request: Request) -> Reply:
        label = next(name for name in LABELS if f"about a {name}" in request.message)
        said = {"card": 'They are ["loan", "card", "boat"].', "loan": "[]", "rate": "I do not know"}
        return Reply(completion(said[label]))

    with scripted_endpoint(script) as server:
        job = Job(data, server.model(), task)
        result = job.run()
        assert all(all(label in message for label in LABELS) for message in server.messages())
    answers = read_answers(job.folder)
    assert answers.labels == LABELS
    assert {row.label for row in answers.rows.values()} == {'["card", "loan"]', "[]"}
    assert (result.unusable, result.soft_rows) == (ROWS // 3, 0)
    assert result.agreement_with_targets == pytest.approx((2 / 3 + 0) / 2)


def test_a_row_is_never_shown_as_an_example_of_itself(data: Path) -> None:
    task = CLASSES.model_copy(update={"few_shot": FewShot(examples=3)})
    with scripted_endpoint(lambda number, request: Reply(completion("card"))) as server:
        Job(data, server.model(), task).run()
        messages = server.messages()
    assert len(messages) == ROWS
    for message in messages:
        shown, asked = message.split("Text: ")[1:-1], message.split("Text: ")[-1].splitlines()[0]
        assert len(shown) == 3
        assert not any(example.startswith(asked + "\n") for example in shown)
    assert len({message.rpartition("Text: ")[0] for message in messages}) > 1  # the shown rows themselves saw another


def test_what_is_handed_on_is_aligned_with_the_labels(data: Path) -> None:
    with scripted_endpoint(answer) as server:
        job = Job(data, server.model())
        job.run()
    answers = read_answers(job.folder)
    assert answers.labels == LABELS
    assert list(answers.rows) == [f"r{row}" for row in range(ROWS)]
    assert answers.rows["r4"].text == "loan"
    assert answers.rows["r4"].label == "loan"
    matrix = answers.distributions(["r4", "r0"])
    assert matrix.tolist() == [pytest.approx([0.1, 0.8, 0.1]), pytest.approx([0.8, 0.1, 0.1])]


@pytest.mark.parametrize("seed", range(4))
def test_stopped_at_random_rows_and_gone_on_with_no_row_is_asked_twice(data: Path, seed: int) -> None:
    draw = random.Random(seed)
    with scripted_endpoint(answer) as server:
        whole = Job(data, server.model())
        whole.run()
        server.requests.clear()
        # The other job's answers must not be found: it is another study.
        elsewhere = data.parent.parent.parent / "other.tercet.d" / "jobs" / "data"
        elsewhere.mkdir(parents=True)
        (elsewhere / "examples.jsonl").write_bytes((data / "examples.jsonl").read_bytes())
        job = Job(elsewhere, server.model())
        stops = 0
        for stop_after in sorted(draw.sample(range(1, ROWS - CONCURRENT_REQUESTS), 3)):
            try:
                job.run(stop_after)
            except Stopped:
                stops += 1
        result = job.run()
        assert stops > 0
        assert Counter(server.messages()).most_common(1)[0][1] == 1
        assert len(server.requests) == ROWS
    assert (result.bought, result.kept) == (ROWS, 0)
    assert (job.folder / "answers.jsonl").read_bytes() == (whole.folder / "answers.jsonl").read_bytes()


def worker(folder: Path, model: EndpointModel, data: Path) -> subprocess.Popen[bytes]:
    """The real worker process of a label job."""
    parameters = LabelParameters(task=CLASSES, loadable=model)
    write_spec(folder, JobSpec(job_id=folder.name, parameters=parameters, inputs={"data": data.name}))
    return subprocess.Popen(
        [sys.executable, "-m", "core.worker", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[5],
        env={**os.environ, KEY_VARIABLE: KEY},
    )


def kept(data: Path) -> set[str]:
    """The keys of the answers on the disk now."""
    found = set()
    for path in (data.parent.parent / "answers").glob("*.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        found |= {json.loads(line)["key"] for line in lines if line.endswith(b"\n")}
    return found


def ended(process: subprocess.Popen[bytes]) -> int:
    process.wait(timeout=60)
    if process.stdin is not None:
        process.stdin.close()
    return process.returncode


def test_killed_and_run_again_only_what_was_under_way_is_asked_again(data: Path) -> None:
    def slow(number: int, request: Request) -> Reply:
        reply = answer(number, request) if number != 3 else error(500, f"trouble with {KEY}")
        return Reply(reply.document, reply.status, delay_s=0.05)

    folder = data.parent / "0123456789abcdef"
    with scripted_endpoint(slow) as server:
        model = server.model(key_env=KEY_VARIABLE)
        process = worker(folder, model, data)
        deadline = time.monotonic() + 60
        while len(kept(data)) < 7 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        ended(process)
        before = kept(data)
        asked_before = len(server.requests)
        assert 7 <= len(before) < ROWS
        assert ended(worker(folder, model, data)) == 0
        assert len(server.requests) - asked_before == ROWS - len(before)
        assert len(server.requests) <= ROWS + CONCURRENT_REQUESTS + 1
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert before < kept(data)
    assert len(read_answers(folder).rows) == ROWS
    holding = [path for path in data.parent.parent.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert not holding


def test_a_killed_worker_that_had_finished_asks_nothing_again(data: Path) -> None:
    with scripted_endpoint(answer) as server:
        job = Job(data, server.model())
        first = job.run()
        server.requests.clear()
        assert job.run() == first
        assert not server.requests


def test_another_job_finds_the_answers_and_buys_the_rest_only(data: Path) -> None:
    with scripted_endpoint(answer) as server:
        with pytest.raises(Stopped):
            Job(data, server.model()).run(stop_after=5)
        bought = len(server.requests)
        job = Job(data, server.model(), reasoning="keep", folder="label2")
        context = job_context(job.folder, job.parameters, job.inputs)
        context.spec = context.spec.model_copy(update={"job_id": "another"})
        result = run(job.parameters, context)
        assert len(server.requests) == ROWS
    assert (result.kept, result.bought) == (bought, ROWS - bought)


def test_rows_with_the_same_message_are_asked_once(tmp_path: Path) -> None:
    folder = tmp_path / "study.tercet.d" / "jobs" / "data"
    folder.mkdir(parents=True)
    texts = ["about a card", "about a loan", "about a card"]
    write_examples(folder, [Example(f"r{n}", Split.TRAIN, "g", text, text[8:]) for n, text in enumerate(texts)])
    with scripted_endpoint(answer) as server:
        result = Job(folder, server.model()).run()
        assert len(server.requests) == 2
    assert (result.rows, result.bought) == (3, 2)
    assert [row.label for row in read_answers(folder.parent / "label").rows.values()] == ["card", "loan", "card"]


def test_answers_that_name_no_label_are_counted_and_told(data: Path) -> None:
    def script(number: int, request: Request) -> Reply:
        return Reply(completion("no idea")) if "question 2 " in request.message else answer(number, request)

    def worse(number: int, request: Request) -> Reply:
        return Reply(completion("no idea")) if "question 1" in request.message else answer(number, request)

    with scripted_endpoint(script) as server:
        job = Job(data, server.model())
        assert job.run().unusable == 1
        assert not any("cannot be used" in line for line in job.context.logs)
    answers = read_answers(job.folder)
    assert answers.unusable == ("r2",)
    assert "r2" not in answers.rows
    with scripted_endpoint(worse) as server:
        job = Job(data, server.model(), folder="label2")
        result = job.run()
    assert result.unusable == 11
    assert result.agreement_with_targets == 1.0
    assert any("11 of 30" in line and "r1" in line for line in job.context.logs)


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (completion("no idea"), "label.none_names_a_label", "no idea"),
        (completion("", "length"), "label.none_said", "length"),
        (completion("<think>I wonder", "length"), "label.none_said", "length"),
    ],
)
def test_answers_that_are_all_useless_stop_the_job_early(data: Path, document: Any, code: str, words: str) -> None:
    with scripted_endpoint(lambda number, request: Reply(document)) as server:
        with pytest.raises(UserError) as refusal:
            Job(data, server.model()).run()
        assert len(server.requests) <= HOPELESS_ANSWERS + CONCURRENT_REQUESTS < ROWS
    assert refusal.value.code == code
    assert words in str(refusal.value)


def test_useless_answers_bought_before_are_no_reason_to_buy_the_rest(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "HOPELESS_ANSWERS", 3)
    with scripted_endpoint(lambda number, request: Reply(completion("no idea"))) as server:
        for _ in range(2):
            with pytest.raises(UserError, match="names none of the labels"):
                Job(data, server.model()).run()
        assert len(server.requests) <= 2 * (3 + CONCURRENT_REQUESTS) < ROWS


def test_answers_that_are_all_useless_in_a_small_study_name_a_row(tmp_path: Path) -> None:
    folder = tmp_path / "study.tercet.d" / "jobs" / "data"
    folder.mkdir(parents=True)
    write_examples(folder, [Example(f"r{n}", Split.TRAIN, "g", f"text {n}", LABELS[n]) for n in range(3)])
    with (
        scripted_endpoint(lambda number, request: Reply(completion(""))) as server,
        pytest.raises(UserError) as refusal,
    ):
        Job(folder, server.model()).run()
    assert refusal.value.code == "label.none_said"
    assert "row r0" in str(refusal.value)


def test_no_train_rows_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "study.tercet.d" / "jobs" / "data"
    folder.mkdir(parents=True)
    write_examples(folder, [Example("r0", Split.TEST, "g", "text", "card")])
    with scripted_endpoint(answer) as server, pytest.raises(UserError) as refusal:
        Job(folder, server.model()).run()
    assert refusal.value.code == "train.no_rows"


def test_a_key_that_is_missing_is_named_before_anything_is_sent(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with scripted_endpoint(answer) as server:
        with pytest.raises(UserError) as refusal:
            Job(data, server.model(key_env=KEY_VARIABLE)).run()
        assert not server.requests
    assert KEY_VARIABLE in str(refusal.value)


def test_a_cap_below_the_missing_rows_is_told_before_anything_is_sent(data: Path) -> None:
    with scripted_endpoint(answer) as server:
        with pytest.raises(UserError) as refusal:
            Job(data, server.model(max_requests=ROWS - 1)).run()
        assert not server.requests
        assert refusal.value.code == "endpoint.cap"
        with pytest.raises(Stopped):
            Job(data, server.model()).run(stop_after=3)
        assert Job(data, server.model(max_requests=ROWS - 3)).run().rows == ROWS


def test_texts_are_learnt_with_or_without_their_reasoning(data: Path) -> None:
    def script(number: int, request: Request) -> Reply:
        assert request.message.startswith("Repeat: question")
        assert "top_logprobs" not in request.body
        return Reply(completion(f"said {request.message[8:]}", reasoning_content="hm"))

    with scripted_endpoint(script) as server:
        stripped = Job(data, server.model(), TEXTS)
        assert stripped.run().agreement_with_targets == 0.0
        kept_too = Job(data, server.model(), TEXTS, reasoning="keep", folder="label2")
        kept_too.run()
        assert len(server.requests) == ROWS
    text = "said question 0 about a card"
    assert read_answers(stripped.folder).rows["r0"].text == text
    assert read_answers(kept_too.folder).rows["r0"].text == f"<think>\nhm\n</think>\n\n{text}"
    assert read_answers(stripped.folder).labels == ()


def test_a_text_that_was_cut_off_is_not_learnt(data: Path) -> None:
    def script(number: int, request: Request) -> Reply:
        return Reply(completion("half", "length") if "question 5 " in request.message else completion("whole"))

    with scripted_endpoint(script) as server:
        job = Job(data, server.model(), TEXTS)
        assert job.run().unusable == 1
    assert read_answers(job.folder).unusable == ("r5",)


def test_without_probabilities_the_label_alone_is_learnt(data: Path) -> None:
    with scripted_endpoint(lambda number, request: Reply(completion("loan"))) as server:
        job = Job(data, server.model())
        result = job.run()
    assert result.soft_rows == 0
    assert result.agreement_with_targets == pytest.approx(1 / 3)
    assert read_answers(job.folder).distributions(["r0"]).tolist() == [[0.0, 1.0, 0.0]]


def test_a_model_on_this_machine_weighs_the_labels_exactly_and_is_run_once(data: Path, tmp_path: Path) -> None:
    source = write_language_model(tmp_path / "model")
    model = LocalModel(source="local", path=str(source), language_model=True)
    with pytest.raises(Stopped):
        Job(data, model).run(stop_after=9)
    job = Job(data, model)
    result = job.run()
    assert (result.rows, result.bought, result.soft_rows, result.unusable) == (ROWS, ROWS, ROWS, 0)
    assert job.context.starts[0][1] > 0
    whole = Job(data, model, folder="label2")
    assert whole.run().kept == 0
    assert (whole.folder / "answers.jsonl").read_bytes() == (job.folder / "answers.jsonl").read_bytes()
    answers = read_answers(job.folder)
    documents = [json.loads(line) for line in (job.folder / "answers.jsonl").read_text("utf-8").splitlines()]
    lines = "\n".join(f"- {label}" for label in LABELS)
    text = "question 4 about a loan"
    message = (
        f"Classify the text into exactly one of these categories:\n{lines}\n\nText: {text}\n\n"
        "Answer with the name of the category and nothing else."
    )
    expected = TorchGenerator(source).classify([message], LABELS)[0]
    assert answers.rows["r4"].distribution == pytest.approx(expected.tolist(), abs=1e-6)
    assert answers.rows["r4"].label == LABELS[int(expected.argmax())]
    assert documents[4]["tokens"]["input"] > 100


def test_a_model_on_this_machine_is_asked_in_the_same_batches_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[list[str]] = []

    class Recorder:
        def __init__(self, source: Path, on_step: Any) -> None:
            pass

        def share_opening(self, messages: list[str]) -> None:
            pass

        def token_counts(self, messages: list[str]) -> list[int]:
            return [len(message) for message in messages]

        def generate(self, messages: list[str], max_output_tokens: int) -> list[Generation]:
            batches.append(list(messages))
            return [Generation(message) for message in messages]

    monkeypatch.setattr(torch_generator, "TorchGenerator", Recorder)
    messages = ["m" * (1 + (7 * row) % 20) for row in range(20)]
    respondent = LocalRespondent(tmp_path, (), 8, lambda: False)
    respondent.ask(messages, range(20), lambda place, answer: None)
    whole = list(batches)
    batches.clear()
    heard: dict[int, str] = {}
    missing = [place for place, message in enumerate(messages) if len(message) in (1, 9, 20)]
    respondent.ask(messages, missing, lambda place, answer: heard.update({place: answer.generation.text}))
    assert [len(batch) for batch in whole] == [8, 8, 4]
    assert batches == whole
    assert heard == {place: messages[place] for place in missing}


def test_a_model_that_another_job_made_writes_texts(data: Path, tmp_path: Path) -> None:
    made = write_language_model_job(data.parent / "made", write_language_model(tmp_path / "model", seed=6))
    task = TEXTS.model_copy(update={"max_output_tokens": 32})
    job = Job(data, None, task, inputs={"model": made})
    job.run()
    answers = read_answers(job.folder)
    messages = [f"Repeat: question {row} about a {LABELS[row % 3]}" for row in range(ROWS)]
    said = TorchGenerator(made / "model").generate(messages, 32)
    whole = {
        f"r{row}": answer.text for row, answer in enumerate(said) if answer.finish_reason == "stop" and answer.text
    }
    assert 0 < len(whole) < ROWS
    assert {name: row.text for name, row in answers.rows.items()} == whole
