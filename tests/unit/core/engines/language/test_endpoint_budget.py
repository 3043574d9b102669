"""A cap in money is held against what is expected before the first request, and against what is used afterwards."""

from __future__ import annotations

import pytest
from scripted_endpoint import Reply, Request, Script, completion, error, scripted_endpoint

from core.engines.language.answer import Answer
from core.engines.language.endpoint import Endpoint
from core.engines.language.endpoint_budget import Budget
from core.engines.language.endpoint_trouble import TransientTrouble
from core.engines.language.generator import Generation
from core.engines.language.request_estimate import RequestEstimate
from core.engines.language.token_guess import TokenGuess
from core.errors import UserError
from core.jobs.specs import VendorPrice

# A dollar for each token, whichever way it goes.
PRICE = VendorPrice(currency="USD", per_million_input_tokens=1e6, per_million_output_tokens=1e6)
MESSAGE = "m" * 16  # 4 tokens by its characters, and 16 of the chat template

pytestmark = pytest.mark.usefixtures("short_pauses")


def echo(number: int, request: Request) -> Reply:
    return Reply(completion("said"))  # 7 tokens in, 3 out: 10 dollars


def asked(script: Script, cap: float | None, rows: int = 20) -> tuple[float, int, UserError | None, int]:
    """What was spent, how many answers came, how it ended, and how many requests went out."""
    answers: list[Answer] = []
    refusal = None
    with scripted_endpoint(script) as server, Endpoint(server.model(max_cost=cap), 16, price=PRICE) as endpoint:
        try:
            endpoint.ask([f"m{row}" for row in range(rows)], lambda place, answer: answers.append(answer))
        except UserError as told:
            refusal = told
        return endpoint.budget.spent, len(answers), refusal, len(server.requests)


def test_what_is_spent_follows_the_usage_of_the_answers() -> None:
    spent, answers, refusal, _ = asked(echo, None)
    assert (answers, refusal) == (20, None)
    assert spent == pytest.approx(200.0)


def test_nothing_more_is_sent_once_the_next_answer_would_pass_the_cap_and_all_answers_are_handed_over() -> None:
    spent, answers, refusal, requests = asked(echo, 100.0)
    assert refusal is not None
    assert refusal.code == "endpoint.cost_cap_reached"
    assert spent <= 100.0 + 8 * 10.0  # those under way
    assert answers == requests == round(spent / 10.0) < 20


def test_a_cap_that_suffices_stops_nothing() -> None:
    assert asked(echo, 300.0)[1:3] == (20, None)


def test_tokens_that_the_endpoint_does_not_count_are_guessed() -> None:
    document = completion("said")
    del document["usage"]
    spent, answers, _, _ = asked(lambda number, request: Reply(document), None, rows=1)
    assert answers == 1
    assert spent == pytest.approx(1 + 16 + 16)


def budget(cap: float | None) -> Budget:
    return Budget(cap, PRICE, TokenGuess(16, names_labels=True))


def expected(requests: int) -> RequestEstimate:
    return RequestEstimate(requests, requests * 20.0, requests * 8.0, requests * 16, 0)


def test_an_estimate_above_the_cap_is_refused_before_the_first_request() -> None:
    budget(28.0 * 4).check(expected(4))
    with pytest.raises(UserError) as refusal:
        budget(28.0 * 4).check(expected(5))
    assert refusal.value.code == "endpoint.cost_cap"
    assert "140.00 USD" in str(refusal.value)
    assert "112.00" in str(refusal.value)


def test_a_resumed_job_counts_what_it_spent_before() -> None:
    resumed = budget(28.0 * 4)
    resumed.count_earlier([(MESSAGE, Generation("x", input_tokens=20, output_tokens=8))])
    with pytest.raises(UserError):
        resumed.check(expected(4))


def test_what_is_known_already_is_never_refused() -> None:
    full = budget(1.0)
    full.count_earlier([(MESSAGE, Generation("x", input_tokens=20, output_tokens=8))])
    full.check(expected(0))


@pytest.mark.parametrize(
    ("code", "charged"),
    [("endpoint.timeout", True), ("endpoint.cut_off", True), ("endpoint.busy", False), ("endpoint.unreachable", False)],
)
def test_an_answer_that_was_lost_on_its_way_counts_and_a_request_that_was_not_taken_does_not(
    code: str, charged: bool
) -> None:
    counted = budget(None)
    with pytest.raises(TransientTrouble), counted.spending(MESSAGE):
        raise TransientTrouble(code)
    assert counted.spent == (28.0 if charged else 0.0)


def test_requests_that_are_refused_cost_nothing() -> None:
    def script(number: int, request: Request) -> Reply:
        return error(500, "down") if number < 3 else echo(number, request)

    spent, answers, _, requests = asked(script, None, rows=4)
    assert (answers, requests) == (4, 7)
    assert spent == pytest.approx(40.0)


def test_without_a_price_nothing_is_counted() -> None:
    free = Budget(None, None, TokenGuess(16, names_labels=True))
    with free.spending(MESSAGE) as answers:
        answers.append(Generation("x", input_tokens=20, output_tokens=8))
    assert free.spent == 0.0
