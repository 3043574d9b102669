"""Answers that fail their checks are asked for once more, with what is wrong in the message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from answered_study import answered_study, tower
from job_context import RecordingContext, job_context
from scripted_endpoint import Reply, Request, completion, error, scripted_endpoint
from tiny_documents import index_parameters, made_index, write_documents
from tiny_language_models import write_language_model

from core.data.examples import read_examples, write_examples
from core.data.predictions import read_predictions, write_predictions
from core.domain import Picture, Prediction
from core.engines.checking.job import run
from core.engines.retrieval.given import FILE_NAME, Found, write_found
from core.jobs.results import CheckResult
from core.jobs.specs import CheckParameters
from core.model_files import fingerprint_weights
from core.spec import Checks, EndpointModel, LocalModel, Task
from core.worker.context import Stopped

TASK = Task(kind="generation", metric="exact_match", prompt="{passage}\n\nHow high is {text}?", max_output_tokens=8)
NUMBER = {"format": {"regex": r"\d+"}, "re_ask": True}
ROWS = 12

pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The jobs' folder: every third answer has words around its number, one is absent."""
    rows = []
    for row in range(ROWS):
        high = str(row + 10)
        said = None if row == 10 else f"It is {high} m." if row % 3 == 0 else high
        answer = Prediction(f"r{row}", said, float(said == high), 0.5, input_tokens=5, output_tokens=4, latency_ms=20.0)
        rows.append((tower(row, high, f"[1] Tower {row} is {high} m high."), answer))
    return answered_study(tmp_path, rows)


class Job:
    """A check job in a folder of its own, beside the data and the answers."""

    def __init__(
        self, study: Path, model: EndpointModel | LocalModel | None, checks: dict[str, Any] = NUMBER, **more: Any
    ) -> None:
        self.folder = study / more.pop("folder", "check")
        self.inputs = {"data": study / "data", "answers": study / "bench"}
        self.parameters = CheckParameters(
            task=more.pop("task", TASK), checks=Checks.model_validate(checks), context_column="passage", loadable=model,
            **more,
        )  # fmt: skip

    def run(self, stop_when: Callable[[RecordingContext], bool] = lambda context: False) -> CheckResult:
        self.context = job_context(self.folder, self.parameters, self.inputs, stop_when)
        return run(self.parameters, self.context)

    def rows(self) -> dict[str, Prediction]:
        return {one.example_id: one for one in read_predictions(self.folder)}


def mend(number: int, request: Request) -> Reply:
    """The number alone, but for tower 6, which stays as it was."""
    tower = int(request.message.split("How high is tower ")[1].split("?")[0])
    return Reply(completion("It is 16 m." if tower == 6 else str(tower + 10)))


def test_what_fails_is_asked_for_once_more_with_what_is_wrong(study: Path) -> None:
    with scripted_endpoint(mend) as server:
        job = Job(study, server.model())
        result = job.run()
        messages = sorted(server.messages())
    assert len(messages) == 4  # rows 0, 3, 6 and 9
    assert messages[0].startswith("[1] Tower 0 is 10 m high.\n\nHow high is tower 0?\n\nYou answered before:\n")
    assert "It is 10 m." in messages[0]
    assert r"it does not match the pattern \d+" in messages[0]
    assert (result.rows, result.failed, result.re_asked, result.corrected) == (5, 2, 2, 1)  # test rows with an answer
    assert [(one.check, one.failed, one.remaining) for one in result.by_check] == [("format", 2, 1)]
    assert result.score_before == pytest.approx(3 / 5)
    assert result.score_after == pytest.approx(4 / 5)


def test_the_second_answer_stands_where_it_passes_and_both_requests_are_paid_for(study: Path) -> None:
    with scripted_endpoint(mend) as server:
        job = Job(study, server.model())
        result = job.run()
    rows = job.rows()
    assert (rows["r0"].output, rows["r0"].score) == ("10", 1.0)
    assert (rows["r6"].output, rows["r6"].score) == ("It is 16 m.", 0.0)  # the first answer
    for name in ("r0", "r6"):
        assert (rows[name].input_tokens, rows[name].output_tokens) == (5 + 7, 4 + 3)
        latency = rows[name].latency_ms
        assert latency is not None
        assert latency > 20.0
    assert (rows["r1"].input_tokens, rows["r1"].latency_ms) == (5, 20.0)
    assert rows["r10"].output is None
    assert (result.second_requests, result.second_input_tokens, result.second_output_tokens) == (4, 28, 12)
    assert [one.example_id for one in result.re_asked_rows] == ["r0", "r6"]
    assert tuple(one.milliseconds for one in result.re_asked_rows) == result.second_ms
    assert job.context.sent == list(rows.values())


def test_a_second_request_that_is_refused_leaves_the_first_answer_and_is_told(study: Path) -> None:
    def refuse(number: int, request: Request) -> Reply:
        return error(400, "filtered") if "tower 0" in request.message else mend(number, request)

    with scripted_endpoint(refuse) as server:
        job = Job(study, server.model())
        result = job.run()
    assert (result.re_asked, result.corrected) == (2, 0)
    assert (result.second_requests, result.second_unanswered) == (4, 1)
    assert job.rows()["r0"].output == "It is 10 m."
    assert any("1 of 4 second requests got no answer" in line for line in job.context.logs)


def test_second_answers_are_bought_once(study: Path) -> None:
    with scripted_endpoint(mend) as server:
        with pytest.raises(Stopped):
            Job(study, server.model()).run(lambda context: context.steps("phase.re_ask") >= 1)
        again = Job(study, server.model())
        again.run()
        Job(study, server.model(), folder="other").run()
        assert len(server.requests) == 4


def test_answers_that_all_pass_ask_nobody(study: Path) -> None:
    model = EndpointModel(source="endpoint", base_url="http://127.0.0.1:1/v1", model="m")
    job = Job(study, model, {"format": {"regex": ".+"}, "re_ask": True})
    result = job.run()
    assert (result.failed, result.re_asked) == (0, 0)
    assert list(job.rows().values()) == read_predictions(study / "bench")


@pytest.mark.parametrize(("checks", "imported"), [({**NUMBER, "re_ask": False}, False), (NUMBER, True)])
def test_without_a_second_request_failures_are_counted_and_answers_left_alone(
    study: Path, checks: dict[str, Any], imported: bool
) -> None:
    job = Job(study, None, checks, imported=imported)
    result = job.run()
    assert (result.rows, result.failed, result.re_asked) == (5, 2, 0)
    assert list(job.rows().values()) == read_predictions(study / "bench")


def test_groundedness_and_citations_are_held_against_the_row_s_own_context(study: Path) -> None:
    job = Job(study, None, {"groundedness": {"at_least": 1.0}, "citations": {"required": True}})
    assert [(one.check, one.failed) for one in job.run().by_check] == [("citations", 5), ("groundedness", 0)]


def test_a_model_on_this_machine_is_asked_again_one_request_at_a_time(study: Path, tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "model", seed=1)
    model = LocalModel(source="local", path=str(folder))
    task = TASK.model_copy(update={"prompt": "{text}"})
    job = Job(study, model, task=task, model_sha256=fingerprint_weights(folder))
    result = job.run()
    assert result.second_requests == 4
    assert all(milliseconds > 0.0 for milliseconds in result.second_ms)
    again = Job(study, model, task=task, model_sha256=fingerprint_weights(folder), folder="again")
    assert again.run().second_ms == result.second_ms  # kept with the answers
    assert again.rows() == job.rows()


def test_a_first_request_that_was_not_timed_leaves_no_time_of_the_second_alone(study: Path) -> None:
    untimed = [replace(one, latency_ms=None) for one in read_predictions(study / "bench")]
    write_predictions(study / "bench", untimed)
    with scripted_endpoint(mend) as server:
        job = Job(study, server.model())
        job.run()
    assert {one.latency_ms for one in job.rows().values()} == {None}


def test_answers_that_are_judged_later_get_no_score_here(study: Path) -> None:
    with scripted_endpoint(mend) as server:
        job = Job(study, server.model(), task=TASK.model_copy(update={"metric": "judge"}))
        result = job.run()
    assert (result.score_before, result.score_after) == (None, None)
    assert job.rows()["r0"].score == 0.0


def test_citations_are_held_against_the_passages_given_and_the_second_request_carries_them(
    study: Path, tmp_path: Path
) -> None:
    documents = {f"{row}.txt": f"Tower {row} was built in {1900 + row}." for row in range(ROWS)}
    made_index(study / "index", index_parameters(write_documents(tmp_path / "docs", documents)))
    write_found(study / "bench" / FILE_NAME, [Found(f"r{row}", 1.0, (0, 1)) for row in range(ROWS)])
    said = {0: "It is high [2].", 1: "It is high [3]."}
    first = read_predictions(study / "bench")
    write_predictions(study / "bench", [replace(one, output=said.get(row, "")) for row, one in enumerate(first)])

    with scripted_endpoint(lambda number, request: Reply(completion("It is high [1]."))) as server:
        checks = {"citations": {"quotes": False}, "re_ask": True}
        job = Job(study, server.model(), checks, passages_prompt="{request}\n\nRead:\n{context}")
        job.inputs |= {"found": study / "bench", "index": study / "index"}
        job.run()
        (message,) = server.messages()
    assert "[1] Tower 1 is 11 m high.\n\nHow high is tower 1?\n\nRead:\n[1] Tower 0 was built in 1900." in message
    assert "it cites [3], but the passages are [1], [2]" in message
    assert (job.rows()["r0"].output, job.rows()["r1"].output) == ("It is high [2].", "It is high [1].")


def test_a_second_request_shows_the_picture_again(study: Path) -> None:
    rows = read_examples(study / "data")
    write_examples(study / "data", [replace(rows[0], picture=Picture("https://host/tower.png")), *rows[1:]])
    with scripted_endpoint(lambda number, request: Reply(completion("10"))) as server:
        Job(study, server.model(images=True)).run()
        contents = [request.body["messages"][0]["content"] for request in server.requests]
    assert sum(not isinstance(one, str) for one in contents) == 1
