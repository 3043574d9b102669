"""A load test that breaks off keeps its finished levels, and the next attempt goes on behind them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from job_context import RecordingContext, job_context
from scripted_endpoint import Reply, Request, Script, ScriptedEndpoint, completion, error, scripted_endpoint
from tiny_language_models import write_text_dataset

from core.engines.load import job
from core.engines.load.kept_levels import FILE_NAME, LoadSoFar, fingerprint_of, keep_levels, read_levels
from core.errors import UserError
from core.jobs.results import LoadResult
from core.jobs.specs import LoadParameters, VendorPrice
from core.spec import LoadPlan, Task
from core.spec.load import FIRST_REQUESTS
from core.worker.context import Stopped

WRITING = Task(kind="generation", metric="exact_match", prompt="Last word of: {text}", max_output_tokens=20)
# Two clients serve far more than one, and answers take long enough for that to be sure.
PLAN = LoadPlan(concurrency=[1, 2], requests=20, arrivals="constant", rates=[50.0])
PRICE = VendorPrice(currency="USD", per_million_requests=1e6)
FIRST_LEVEL, SECOND_LEVEL, OPEN_LEVEL = 21, 22, 22

pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("rows"))


def attempt(
    folder: Path,
    rows: Path,
    server: ScriptedEndpoint,
    stop_when: Callable[[RecordingContext], bool] = lambda context: False,
    plan: LoadPlan = PLAN,
    **model: Any,
) -> tuple[LoadResult, RecordingContext]:
    parameters = LoadParameters(task=WRITING, loadable=server.model(**model), plan=plan, price=PRICE)
    context = job_context(folder / "jobs" / "load", parameters, {"data": rows}, stop_when)
    return job.run(parameters, context), context


def said(number: int, request: Request) -> Reply:
    return Reply(completion("said"), delay_s=0.01)


def shape(result: LoadResult) -> list[tuple[str, int, float | None, int]]:
    return [(step.loop, step.concurrency, step.rate, len(step.latency_ms)) for step in result.steps]


def breaking_within_the_second_level(breaking: Reply) -> Script:
    """Breaks off behind the first level."""
    return lambda number, request: breaking if number >= FIRST_REQUESTS + FIRST_LEVEL + 5 else said(number, request)


@pytest.mark.parametrize(
    ("breaking", "code"),
    [
        (Reply({}, 429, {"Retry-After": "3600"}), "endpoint.long_wait"),
        (error(401, "expired"), "endpoint.key_refused"),
    ],
)
def test_a_test_that_the_endpoint_ended_goes_on_at_the_level_that_broke_off(
    tmp_path: Path, rows: Path, breaking: Reply, code: str
) -> None:
    with scripted_endpoint(breaking_within_the_second_level(breaking)) as server:
        with pytest.raises(UserError) as refusal:
            attempt(tmp_path, rows, server)
        assert refusal.value.code == code
        before, server.script = len(server.requests), said
        resumed, context = attempt(tmp_path, rows, server)
        assert len(server.requests) - before == FIRST_REQUESTS + SECOND_LEVEL + OPEN_LEVEL
        # Those of the level that broke off were sent too.
        assert resumed.requests == len(server.requests)
        whole, _ = attempt(tmp_path / "another", rows, server)
    assert shape(resumed) == shape(whole)
    assert any(line.startswith("1 level was finished by an earlier attempt") for line in context.logs)
    assert any(f"up to {FIRST_REQUESTS + SECOND_LEVEL + OPEN_LEVEL} requests" in line for line in context.logs)
    assert context.phases[0][1:] == (1, 3)


def test_a_test_that_was_stopped_goes_on_and_its_money_stays_spent(tmp_path: Path, rows: Path) -> None:
    with scripted_endpoint(said) as server:
        with pytest.raises(Stopped):
            attempt(tmp_path, rows, server, lambda context: context.phases[-1:] == [("phase.load", 1, 3)])
        before = len(server.requests)
        kept = LoadSoFar.model_validate_json((tmp_path / "jobs" / "load" / FILE_NAME).read_bytes())
        assert len(kept.steps) == 1
        assert kept.spent == pytest.approx(kept.requests, abs=2)
        # Each request costs one: what is left to be sent does not fit beside what was spent.
        with pytest.raises(UserError) as refusal:
            attempt(tmp_path, rows, server, max_cost=float(PLAN.most_requests - 2))
        assert (refusal.value.code, len(server.requests)) == ("endpoint.cost_cap", before)
        resumed, _ = attempt(tmp_path, rows, server)
    assert resumed.steps[0] == kept.steps[0]
    assert len(resumed.steps) == 3


def test_a_finished_test_is_not_sent_again_where_only_its_result_was_lost(tmp_path: Path, rows: Path) -> None:
    with scripted_endpoint(said) as server:
        first, _ = attempt(tmp_path, rows, server)
        before = len(server.requests)
        again, _ = attempt(tmp_path, rows, server)
        assert len(server.requests) == before
    assert (again.steps, again.requests) == (first.steps, first.requests)


@pytest.mark.parametrize("changed", [{"body": {"seed": 3}}, {"plan": PLAN.model_copy(update={"requests": 21})}])
def test_a_changed_setting_begins_anew(tmp_path: Path, rows: Path, changed: dict[str, Any]) -> None:
    with scripted_endpoint(breaking_within_the_second_level(error(401, "expired"))) as server:
        with pytest.raises(UserError):
            attempt(tmp_path, rows, server)
        before, server.script = len(server.requests), said
        attempt(tmp_path, rows, server, **changed)
        assert len(server.requests) - before >= FIRST_REQUESTS + FIRST_LEVEL + SECOND_LEVEL + OPEN_LEVEL


def test_a_test_most_of_whose_requests_failed_is_sent_again(tmp_path: Path, rows: Path) -> None:
    with scripted_endpoint(lambda n, request: said(n, request) if n < FIRST_REQUESTS else error(500, "down")) as server:
        with pytest.raises(UserError) as refusal:
            attempt(tmp_path, rows, server)
        assert refusal.value.code == "load.mostly_failed.status"
        server.script = said
        again, _ = attempt(tmp_path, rows, server)
    assert not any(step.failed for step in again.steps)


def test_what_cannot_be_read_or_is_of_another_test_counts_for_nothing(tmp_path: Path) -> None:
    mine, other = fingerprint_of(["mine"]), fingerprint_of(["other"])
    keep_levels(tmp_path, LoadSoFar(fingerprint=mine, requests=7))
    assert read_levels(tmp_path, mine).requests == 7
    assert read_levels(tmp_path, other) == LoadSoFar(fingerprint=other)
    (tmp_path / FILE_NAME).write_text("{torn", encoding="utf-8")
    assert read_levels(tmp_path, mine) == LoadSoFar(fingerprint=mine)
