"""Load on a real server and on threads: a stall shows in the open loop, and a server saturates where it must."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from job_context import RecordingContext, job_context
from scripted_endpoint import DONE, Reply, Request, Script, chunk, completion, error, scripted_endpoint, usage
from tiny_language_models import write_text_dataset

from core.data.examples import read_examples, write_examples
from core.decide.load import load_figures
from core.decide.outcome import LoadLimits
from core.domain import Picture
from core.engines.language.endpoint import Endpoint
from core.engines.load import job
from core.engines.load.levels import Level, closed_level, open_level
from core.engines.load.tasks import run_tasks
from core.engines.load.threads import run_threads
from core.errors import UserError
from core.jobs.results import LoadResult, LoadStep
from core.jobs.specs import LoadParameters, VendorPrice
from core.metrics.percentiles import percentiles
from core.spec import EndpointModel, LoadPlan, Task
from core.worker.context import Stopped

WRITING = Task(kind="generation", metric="exact_match", prompt="Last word of: {text}", max_output_tokens=20)
STALL_S = 0.6

pytestmark = pytest.mark.usefixtures("short_pauses")


class Stalling:
    """Answers at once, one request at a time, but for one in the middle, which holds up all others."""

    def __init__(self, stalls_at: int) -> None:
        self._stalls_at = stalls_at
        self._lock = threading.Lock()
        self.answered = 0

    def answer(self, requests: Sequence[str]) -> None:
        with self._lock:
            self.answered += 1
            if self.answered == self._stalls_at:
                time.sleep(STALL_S)


def p99(step: LoadStep) -> float:
    found = percentiles(step.latency_ms).p99
    assert found is not None
    return found


def test_a_stall_shows_in_the_p99_of_the_open_loop_and_not_in_that_of_a_closed_one() -> None:
    plan = LoadPlan(requests=300, arrivals="constant", rates=[400.0])
    naive = run_threads(closed_level(plan, 1), Stalling(200).answer, ["a"])
    assert max(naive.latency_ms) > STALL_S * 1000
    assert p99(naive) < STALL_S * 500
    opened = run_threads(open_level(plan, 400.0, 4), Stalling(200).answer, ["a"])
    # Everything that was due during the stall waited for its end.
    assert p99(opened) > STALL_S * 900
    assert len([one for one in opened.latency_ms if one > 100.0]) > 50


def test_an_error_of_the_model_ends_the_level_and_is_not_swallowed() -> None:
    def answer(requests: Sequence[str]) -> None:
        raise ArithmeticError("broken")

    with pytest.raises(ArithmeticError):
        run_threads(closed_level(LoadPlan(requests=20), 3), answer, ["a"])


@contextmanager
def loaded(script: Script) -> Iterator[Callable[[Level], LoadStep]]:
    """Runs a level on a server that answers by `script`."""
    with scripted_endpoint(script) as server, Endpoint(server.model(), 16, connections=64) as endpoint:

        def run(level: Level) -> LoadStep:
            return endpoint.under_load(lambda send: run_tasks(level, send, ["a", "b"], lambda: None))

        yield run


def test_requests_that_fail_are_not_sent_again() -> None:
    sent: list[int] = []

    def script(number: int, request: Request) -> Reply:
        sent.append(number)
        return error(500, "down") if number % 4 == 0 else Reply(completion("said"))

    with loaded(script) as run:
        step = run(closed_level(LoadPlan(requests=40), 2))
    assert len(sent) == 42
    assert step.failed == pytest.approx(10, abs=1)
    assert len(step.latency_ms) == 40 - step.failed


def test_each_failed_request_tells_its_cause() -> None:
    def script(number: int, request: Request) -> Reply:
        if number % 4 == 1:
            return error(429, f"too many requests, see {number}")
        if number % 8 == 3:
            return error(400, "no such parameter")
        return Reply(completion("said"))

    with loaded(script) as run:
        step = run(closed_level(LoadPlan(requests=40), 2))
    assert [(cause.kind, cause.status) for cause in step.causes] == [("busy", 429), ("status", 400)]
    assert step.causes[0].words.startswith("too many requests, see ")
    assert sum(cause.count for cause in step.causes) == step.failed
    assert not step.mostly_failed


def test_what_refuses_every_request_ends_the_level_with_its_own_sentence() -> None:
    with loaded(lambda number, request: error(401, "wrong key")) as run, pytest.raises(UserError) as refusal:
        run(closed_level(LoadPlan(requests=40), 4))
    assert refusal.value.code == "endpoint.key_refused"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("rows"))


def load_test(
    folder: Path,
    rows: Path,
    model: EndpointModel,
    plan: LoadPlan,
    price: VendorPrice | None = None,
    stop_when: Callable[[RecordingContext], bool] = lambda context: False,
) -> tuple[LoadResult, RecordingContext]:
    parameters = LoadParameters(task=WRITING, loadable=model, plan=plan, price=price)
    context = job_context(folder / "jobs" / "load", parameters, {"data": rows}, stop_when)
    return job.run(parameters, context), context


class TwoAtATime:
    """A server that answers two requests at a time, each in 80 ms: 25 a second at most."""

    def __init__(self) -> None:
        self._slots = threading.Semaphore(2)

    def __call__(self, number: int, request: Request) -> Reply:
        with self._slots:
            time.sleep(0.08)
        return Reply(completion("said"))


def test_a_server_saturates_at_its_known_rate(tmp_path: Path, rows: Path) -> None:
    plan = LoadPlan(concurrency=[1, 2, 4, 8], requests=20, arrivals="none")
    with scripted_endpoint(TwoAtATime()) as server:
        result, context = load_test(tmp_path, rows, server.model(), plan)
        assert result.requests == len(server.requests)
    figures = load_figures(result, LoadLimits(120.0))
    assert figures is not None
    # A busy machine adds to each request what four clients hide and two do not.
    assert figures.saturation_concurrency in (2, 4)
    assert figures.saturation_requests_per_second == pytest.approx(25.0, rel=0.25)
    assert figures.levels[0].requests_per_second is not None
    assert figures.levels[0].requests_per_second < 13.0
    # Two clients are answered in 80 ms, four in 160: beyond the limit.
    assert figures.levels[2].goodput is not None
    assert figures.best_goodput is not None
    assert figures.levels[2].goodput < 7.5 < figures.best_goodput
    assert figures.levels[0].latency.p95 is None, "20 samples carry no p95"
    assert context.phases[-1][1:] == (len(figures.levels), 4)
    assert any(f"sends up to {plan.most_requests} requests" in line for line in context.logs)


def test_answers_are_streamed_and_their_first_tokens_timed(tmp_path: Path, rows: Path) -> None:
    stream = [
        (0.0, chunk(role="assistant")),
        (0.02, chunk("sa")),
        (0.02, chunk("id", finish="stop")),
        (0.0, usage(2)),
        (0.0, DONE),
    ]
    plan = LoadPlan(concurrency=[1], requests=20, arrivals="constant", rates=[50.0])
    with scripted_endpoint(lambda number, request: Reply(stream=stream)) as server:
        result, _ = load_test(tmp_path, rows, server.model(), plan)
        assert {request.body["stream"] for request in server.requests} == {True}
    for step in result.steps:
        firsts, between = step.time_to_first_token_ms, step.time_per_output_token_ms
        assert firsts is not None
        assert between is not None
        assert step.output_tokens_per_second == pytest.approx(2 * step.requests_per_second), "two tokens each"
        for first, second, whole in zip(firsts, between, step.latency_ms, strict=True):
            assert first is not None
            assert second is not None
            # A first token that is read late on a busy machine leaves less to wait for the second: their sum is sure.
            assert 20.0 <= first < whole
            assert 40.0 <= first + second <= whole + 0.001


def test_an_endpoint_that_streams_nothing_has_no_first_tokens(tmp_path: Path, rows: Path) -> None:
    plan = LoadPlan(concurrency=[1], requests=20, arrivals="none")
    with scripted_endpoint(lambda number, request: Reply(completion("said"))) as server:
        result, _ = load_test(tmp_path, rows, server.model(), plan)
    assert [step.time_to_first_token_ms for step in result.steps] == [None]
    figures = load_figures(result, LoadLimits(time_to_first_token=60.0, time_per_output_token=1000.0))
    assert figures is not None
    assert figures.levels[0].time_to_first_token is None
    assert figures.best_goodput is None
    assert figures.unapplied == ("time_to_first_token", "time_per_output_token")


def test_pictures_go_along(tmp_path: Path) -> None:
    data = write_text_dataset(tmp_path / "data")
    pictured = [replace(row, picture=Picture(f"https://a.example/{row.target}")) for row in read_examples(data)]
    write_examples(data, pictured)
    plan = LoadPlan(concurrency=[1], requests=20, arrivals="none")
    with scripted_endpoint(lambda number, request: Reply(completion("cat"))) as server:
        load_test(tmp_path, data, server.model(images=True), plan)
        shown = [request.body["messages"][0]["content"] for request in server.requests]
    for words, picture in shown:
        assert picture["image_url"]["url"] == f"https://a.example/{words['text'].split()[-1]}"


def test_each_request_of_a_test_is_a_new_one_and_none_is_kept_as_an_answer(tmp_path: Path, rows: Path) -> None:
    plan = LoadPlan(concurrency=[1], requests=20, arrivals="none")
    with scripted_endpoint(lambda number, request: Reply(completion("said"))) as server:
        result, _ = load_test(tmp_path, rows, server.model(), plan)
        assert len(server.requests) == plan.most_requests == result.requests
    assert not (tmp_path / "answers").exists()


def test_a_test_most_of_whose_requests_failed_has_failed_with_the_cause_and_the_remedy(
    tmp_path: Path, rows: Path
) -> None:
    plan = LoadPlan(concurrency=[1, 2], requests=20, rates=[50.0])

    def script(number: int, request: Request) -> Reply:
        return Reply(completion("said")) if number < 10 or number % 4 == 0 else error(429, "slow down")

    with scripted_endpoint(script) as server:
        with pytest.raises(UserError) as refusal:
            load_test(tmp_path, rows, server.model(), plan)
        # Neither another level nor the open loop is bought.
        assert len(server.requests) == 10 + 21
    assert refusal.value.code == "load.mostly_failed.busy"
    assert "(status 429: slow down" in refusal.value.text


@pytest.mark.parametrize("caps", [{"max_requests": 30}, {"max_cost": 30.0}])
def test_a_test_beyond_the_caps_is_refused_before_the_first_request(
    tmp_path: Path, rows: Path, caps: dict[str, Any]
) -> None:
    price = VendorPrice(currency="USD", per_million_requests=1e6)
    plan = LoadPlan(concurrency=[1], requests=20, arrivals="none")
    with scripted_endpoint(lambda number, request: Reply(completion("said"))) as server:
        with pytest.raises(UserError) as refusal:
            load_test(tmp_path, rows, server.model(**caps), plan, price)
        assert refusal.value.code in ("endpoint.cap", "endpoint.cost_cap")
        assert not server.requests


def test_a_test_stops_within_a_level(tmp_path: Path, rows: Path) -> None:
    plan = LoadPlan(concurrency=[1], requests=300, arrivals="none")
    slow = Reply(completion("said"), delay_s=0.03)
    with scripted_endpoint(lambda number, request: slow) as server:
        with pytest.raises(Stopped):
            load_test(tmp_path, rows, server.model(), plan, stop_when=lambda context: len(server.requests) > 15)
        assert len(server.requests) < 100
