"""A real server that fails in the middle of a measurement: no row is counted as wrong for it, and none bought twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from job_context import RecordingContext, job_context
from scripted_endpoint import DONE, Reply, Request, Script, ScriptedEndpoint, chunk, error, scripted_endpoint, usage
from tiny_language_models import write_text_dataset

from core.data.examples import write_examples
from core.data.predictions import read_predictions
from core.domain import Example, Split
from core.engines.benchmark import job
from core.engines.benchmark.first_answers import HOPELESS_ANSWERS
from core.engines.language.endpoint import ATTEMPTS
from core.errors import UserError
from core.jobs.results import BenchmarkResult
from core.jobs.specs import BenchmarkParameters
from core.spec import Task
from core.worker.context import Stopped

TASK = Task(kind="generation", metric="exact_match", prompt="Last word of: {text}")
ROWS = 10  # held out by write_text_dataset
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("rows"))


@pytest.fixture
def server() -> Iterator[ScriptedEndpoint]:
    with scripted_endpoint(lambda number, request: said(request)) as endpoint:
        yield endpoint


def said(request: Request, finish: str = "stop") -> Reply:
    """The last word of a message, streamed."""
    pieces = [chunk(role="assistant"), chunk(request.message.split()[-1]), chunk(finish=finish), usage(), DONE]
    return Reply(stream=[(0.0, piece) for piece in pieces])


def nothing(finish: str = "stop") -> Reply:
    return Reply(stream=[(0.0, chunk("")), (0.0, chunk(finish=finish)), (0.0, usage(0)), (0.0, DONE)])


def run(
    study: Path,
    name: str,
    rows: Path,
    server: ScriptedEndpoint,
    stop_when: Callable[[RecordingContext], bool] = lambda context: False,
) -> tuple[BenchmarkResult, RecordingContext]:
    parameters = BenchmarkParameters(task=TASK, loadable=server.model())
    context = job_context(study / "jobs" / name, parameters, {"data": rows}, stop_when)
    return job.run(parameters, context), context


def refusal(study: Path, rows: Path, server: ScriptedEndpoint) -> UserError:
    with pytest.raises(UserError) as caught:
        run(study, "a", rows, server)
    return caught.value


def down_after(answers: int) -> Script:
    return lambda number, request: said(request) if number < answers else error(503, "overloaded")


@pytest.mark.parametrize("answers", [1, 4, ROWS - 2])
def test_rows_of_an_outage_are_asked_again_by_the_next_run_and_count_as_they_are_then(
    tmp_path: Path, rows: Path, server: ScriptedEndpoint, answers: int
) -> None:
    server.script = down_after(answers)
    while (number := len(server.requests)) < answers + 20:
        assert refusal(tmp_path, rows, server).code == "endpoint.server_error"
        assert len(server.requests) > number
    server.script = lambda number, request: said(request)
    bought = server.messages()[:answers]
    asked = len(server.requests)
    _, context = run(tmp_path, "a", rows, server)
    again = server.messages()[asked:]
    assert not set(again) & set(bought)
    assert len(again) == len(set(again))
    assert [one.score for one in read_predictions(context.folder)] == [1.0] * ROWS


def test_a_row_that_failed_for_a_while_is_right_in_the_end(
    tmp_path: Path, rows: Path, server: ScriptedEndpoint
) -> None:
    server.script = lambda number, request: error(500, "odd") if 3 <= number < 3 + ATTEMPTS else said(request)
    result, context = run(tmp_path, "a", rows, server)
    assert result.unanswered == 0
    assert [one.score for one in read_predictions(context.folder)] == [1.0] * ROWS


def test_a_row_that_always_fails_counts_as_wrong_behind_all_others_and_is_told(
    tmp_path: Path, rows: Path, server: ScriptedEndpoint
) -> None:
    run(tmp_path / "before", "a", rows, server)
    unlucky = server.messages()[3]
    server.requests.clear()
    server.script = lambda number, request: error(500, "odd") if request.message == unlucky else said(request)
    result, context = run(tmp_path / "now", "a", rows, server)
    asked = Counter(server.messages())
    assert asked.pop(unlucky) == 2 * ATTEMPTS
    # Each time one that was answered is asked once more, to see whether anybody answers.
    assert sorted(asked.values())[:-2] == [1] * (ROWS - 3)
    assert server.messages()[-1 - ATTEMPTS : -1] == [unlucky] * ATTEMPTS
    assert result.unanswered == sum(one.score == 0.0 for one in read_predictions(context.folder)) >= 1
    assert any(f"{result.unanswered} of {ROWS} rows have no answer" in line for line in context.logs)


def test_a_row_that_always_fails_does_not_hold_up_the_next_attempt(
    tmp_path: Path, rows: Path, server: ScriptedEndpoint
) -> None:
    run(tmp_path / "before", "a", rows, server)
    unlucky = server.messages()[1]
    server.requests.clear()
    server.script = lambda number, request: error(500, "odd") if request.message == unlucky else said(request)
    with pytest.raises(Stopped):
        run(tmp_path / "now", "a", rows, server, stop_when=lambda context: len(context.sent) == 2)
    server.requests.clear()
    result, _ = run(tmp_path / "now", "a", rows, server)
    assert server.messages()[0] != unlucky
    assert server.messages()[-2] == unlucky
    assert result.unanswered >= 1


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_server_that_says_nothing_is_not_measured_and_asked_again_once_it_is_mended(
    tmp_path: Path, rows: Path, server: ScriptedEndpoint, finish: str
) -> None:
    server.script = lambda number, request: nothing(finish)
    told = refusal(tmp_path, rows, server)
    assert told.code == "label.none_said"
    assert f"it ended with {finish}" in told.text
    assert len(server.requests) <= ROWS
    server.script = lambda number, request: said(request)
    _, context = run(tmp_path, "a", rows, server)
    assert [one.score for one in read_predictions(context.folder)] == [1.0] * ROWS


def test_no_more_than_twenty_empty_answers_are_bought(tmp_path: Path, server: ScriptedEndpoint) -> None:
    texts = [f"number {place}" for place in range(2 * HOPELESS_ANSWERS)]
    examples = [Example(text, Split.TEST, text, text, "x", fields=(("text", text),)) for text in texts]
    write_examples(tmp_path, examples)
    server.script = lambda number, request: nothing()
    assert f"none of {HOPELESS_ANSWERS} answers" in refusal(tmp_path / "study", tmp_path, server).text
    assert len(server.requests) == HOPELESS_ANSWERS


def test_some_empty_answers_are_answers_and_bought_once(tmp_path: Path, rows: Path, server: ScriptedEndpoint) -> None:
    server.script = lambda number, request: nothing() if number < 2 or number == 5 else said(request)
    result, context = run(tmp_path, "a", rows, server)
    assert result.unanswered >= 3
    assert any("have no answer that can be used" in line for line in context.logs)
    asked = len(server.requests)
    assert asked == len(set(server.messages()))
    run(tmp_path, "b", rows, server)
    assert len(server.requests) == asked


def test_answers_that_were_cut_off_are_told(tmp_path: Path, rows: Path, server: ScriptedEndpoint) -> None:
    server.script = lambda number, request: said(request, "length" if number == 2 else "stop")
    _, context = run(tmp_path, "a", rows, server)
    assert any("may have been cut off" in line for line in context.logs)
