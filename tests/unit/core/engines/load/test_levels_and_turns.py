"""What a load test sends at each level, how long it goes on, and which figures its requests give."""

from __future__ import annotations

from typing import Any

import pytest

from core.engines.benchmark.plan import NOISY_FOREIGN_SHARE
from core.engines.load.causes import Failure, causes_of, check_usable
from core.engines.load.levels import Level, closed_level, open_level, run_levels
from core.engines.load.noise import with_noise
from core.engines.load.turns import Turns
from core.errors import UserError
from core.jobs.results import LoadStep
from core.spec import LoadPlan


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def step(level: Level, rate: float, failed: int = 0) -> LoadStep:
    return LoadStep(
        loop=level.loop, concurrency=level.clients, rate=level.rate, requests_per_second=rate, latency_ms=(1.0,),
        failed=failed, warm_up_requests=level.warm_up, seconds=1.0,
    )  # fmt: skip


def levels_run(plan: LoadPlan, served: dict[int, float], failed: int = 0, open_clients: int | None = None) -> list[Any]:
    seen: list[Level] = []

    def run(level: Level) -> LoadStep:
        seen.append(level)
        return step(level, served.get(level.clients, 1.0), failed if level.rate is None else 0)

    run_levels(plan, run, lambda one: None, open_clients)
    return [(level.loop, level.clients, level.rate) for level in seen]


def test_the_closed_loop_ends_at_the_saturation_point_and_the_open_loop_goes_below_it() -> None:
    plan = LoadPlan(concurrency=[1, 2, 4, 8, 16])
    assert levels_run(plan, {1: 50.0, 2: 100.0, 4: 104.0}) == [
        ("closed", 1, None),
        ("closed", 2, None),
        ("closed", 4, None),
        ("poisson", 4, 52.0),
        ("poisson", 4, pytest.approx(83.2)),
    ]


def test_rates_of_the_study_are_taken_as_they_are_and_an_open_loop_may_be_left_out() -> None:
    plan = LoadPlan(concurrency=[1], arrivals="constant", rates=[7.0])
    assert levels_run(plan, {1: 50.0}, open_clients=99) == [("closed", 1, None), ("constant", 99, 7.0)]
    assert levels_run(LoadPlan(concurrency=[1], arrivals="none"), {1: 50.0}) == [("closed", 1, None)]


def test_a_level_whose_requests_fail_is_the_last_of_the_closed_loop() -> None:
    plan = LoadPlan(concurrency=[1, 2, 4], arrivals="none")
    assert levels_run(plan, {1: 50.0, 2: 100.0, 4: 200.0}, failed=3) == [("closed", 1, None)]


def test_where_most_requests_failed_from_the_first_no_open_loop_is_sent() -> None:
    plan = LoadPlan(concurrency=[1, 2, 4], rates=[5.0])
    assert levels_run(plan, {1: 50.0}, failed=2) == [("closed", 1, None)]
    # One of two is no more than half.
    assert levels_run(plan, {1: 50.0}, failed=1, open_clients=8) == [("closed", 1, None), ("poisson", 8, 5.0)]


def test_rates_are_taken_of_a_level_that_has_figures() -> None:
    plan = LoadPlan(concurrency=[1, 2])
    seen: list[Level] = []

    def run(level: Level) -> LoadStep:
        seen.append(level)
        broken = level.clients == 2 and level.rate is None
        return step(level, 400.0 if broken else 10.0, 9 if broken else 0)

    run_levels(plan, run, lambda one: None, None)
    assert [level.rate for level in seen] == [None, None, 5.0, 8.0]


def test_the_cause_seen_most_comes_first_in_the_words_of_its_first_request() -> None:
    failures = [
        Failure("status", 500, "down"),
        Failure("busy", 429, "request 1"),
        Failure("timeout", None, "5"),
        Failure("busy", 429, "request 2"),
    ]
    assert [(cause.kind, cause.words, cause.count) for cause in causes_of(failures)] == [
        ("busy", "request 1", 2),
        ("status", "down", 1),
        ("timeout", "5", 1),
    ]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Failure("busy", 429, "slow down"), ("status 429: slow down", "lower load.concurrency")),
        (Failure("status", 500, "down"), ("status 500 (down)", "from the server")),
        (Failure("timeout", None, "5"), ("within 5 s", "model.timeout_s")),
        (Failure("unreachable", None, "refused"), ("(refused)", "the network")),
        (Failure("broken", None, "-"), ("broke off", "check the server")),
    ],
)
def test_a_test_without_any_figures_is_refused_with_the_cause_and_the_remedy(
    failure: Failure, words: tuple[str, str]
) -> None:
    level = closed_level(LoadPlan(requests=20), 1)
    lost = step(level, 1.0, failed=3).model_copy(update={"causes": causes_of([failure] * 3)})
    with pytest.raises(UserError) as refusal:
        check_usable([lost])
    assert refusal.value.code == f"load.mostly_failed.{failure.kind}"
    assert "(3 of 4)" in refusal.value.text
    for part in words:
        assert part in refusal.value.text
    check_usable([lost, step(level, 1.0)])


def test_the_number_of_requests_is_known_before_the_test() -> None:
    plan = LoadPlan(concurrency=[1, 2], requests=100, rates=[5.0, 10.0, 20.0])
    assert plan.most_requests == 10 + (100 + 1) + (100 + 2) + 3 * 110
    assert plan.levels == 5
    assert LoadPlan(concurrency=[64], requests=20, arrivals="none").most_requests == 10 + 64 + 3 * 64


def test_an_open_level_sends_no_more_than_its_time_allows() -> None:
    level = open_level(LoadPlan(requests=300, seconds=10.0), 5.0, 4)
    assert (level.requests, level.warm_up) == (50, 4)
    assert open_level(LoadPlan(requests=300, seconds=10.0), 0.1, 4).requests == 20


def test_a_request_of_the_open_loop_counts_from_when_it_was_due() -> None:
    clock = Clock()
    turns = Turns(Level("constant", 1, 3, 0, 60.0, 1, 10.0, (0.0, 0.1, 0.2)), clock)
    for _ in range(3):
        turn = turns.take()
        assert turn is not None
        clock.now += max(turn[1], 0.0)
        sent = clock.now
        clock.now += 0.5
        turns.over(turn[0], sent)
    assert turns.take() is None
    assert turns.step().latency_ms == pytest.approx((500.0, 900.0, 1300.0))


def test_a_request_of_the_closed_loop_counts_from_when_it_was_sent_and_warm_up_is_left_out() -> None:
    clock = Clock()
    turns = Turns(closed_level(LoadPlan(requests=20), 1), clock)
    while (turn := turns.take()) is not None:
        sent = clock.now
        clock.now += 0.5 if turn[0] else 29.0
        turns.over(turn[0], sent)
    found = turns.step()
    assert found.warm_up_requests == 1
    assert set(found.latency_ms) == {500.0}
    assert found.requests_per_second == pytest.approx(2.0)


def test_a_slow_level_ends_with_its_time_but_gives_each_client_an_answer_that_counts() -> None:
    clock = Clock()
    turns = Turns(closed_level(LoadPlan(requests=300, seconds=5.0), 2), clock)
    sent = 0
    while (turn := turns.take()) is not None:
        clock.now += 10.0
        turns.over(turn[0], clock.now - 10.0)
        sent += 1
    assert sent == 4
    assert len(turns.step().latency_ms) == 2


def test_failed_requests_are_counted_and_have_no_latency() -> None:
    clock = Clock()
    turns = Turns(closed_level(LoadPlan(requests=20), 1), clock)
    while (turn := turns.take()) is not None:
        clock.now += 0.1
        turns.over(turn[0], clock.now - 0.1, Failure("busy", 429, f"request {turn[0]}") if turn[0] % 2 else None)
    found = turns.step()
    assert (found.failed, len(found.latency_ms)) == (10, 10)
    assert [(cause.kind, cause.status, cause.count) for cause in found.causes] == [("busy", 429, 10)]
    assert found.requests_per_second == pytest.approx(5.0, rel=0.15)


def test_requests_that_were_due_and_not_sent_in_time_are_told_with_their_wait() -> None:
    clock = Clock()
    turns = Turns(Level("constant", 1, 5, 0, 1.0, 1, 2.0, (0.0, 0.5, 1.0, 1.5, 9.0)), clock)
    turn = turns.take()
    assert turn is not None
    clock.now += 2.0
    turns.over(turn[0], clock.now - 2.0)
    assert turns.take() is None
    found = turns.step()
    assert found.latency_ms == pytest.approx((2000.0,))
    assert found.cut_off_ms == pytest.approx((1500.0, 1000.0, 500.0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency": []}, "at least 1 item"),
        ({"concurrency": [4, 2]}, "ascend"),
        ({"concurrency": [2, 2]}, "ascend"),
        ({"concurrency": [0]}, "greater than or equal to 1"),
        ({"concurrency": [1000]}, "less than or equal to 512"),
        ({"rates": [0.0]}, "greater than 0"),
        ({"arrivals": "none", "rates": [5.0]}, "rates need arrivals"),
        ({"arrivals": "bursts"}, "poisson"),
        ({"requests": 5}, "greater than or equal to 20"),
        ({"seconds": 0}, "greater than 0"),
    ],
)
def test_options_that_make_no_test_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LoadPlan.model_validate(options)


def test_output_tokens_a_second_are_of_the_answers_that_the_rate_counts() -> None:
    def shown(tokens: list[int | None]) -> LoadStep:
        clock = Clock()
        turns = Turns(Level("closed", 1, len(tokens), 1, 60.0, 2), clock)
        for place, written in enumerate(tokens):
            turns.take()
            sent = clock.now
            clock.now += 0.5
            turns.over(place, sent, tokens=written)
        return turns.step()

    # The first answer begins the time, and the last one ends behind it.
    counted = shown([100, 4, 6, 8, 100])
    assert counted.requests_per_second == pytest.approx(2.0)
    assert counted.output_tokens_per_second == pytest.approx(12.0)
    assert shown([100, 4, None, 8, 100]).output_tokens_per_second is None, "one that is not known"
    assert shown([None] * 5).output_tokens_per_second is None


def test_a_level_is_noisy_where_other_programs_took_more_of_the_processor_than_a_local_timing_bears() -> None:
    plan = LoadPlan(concurrency=[1])
    calm = step(closed_level(plan, 1), 5.0)
    assert with_noise(calm, NOISY_FOREIGN_SHARE + 0.01).noisy
    assert not with_noise(calm, NOISY_FOREIGN_SHARE).noisy
    assert not with_noise(calm, None).noisy
