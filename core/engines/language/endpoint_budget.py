"""What one job may spend at an endpoint: held against estimates before the first request, then against what is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from core.engines.language.endpoint_trouble import TransientTrouble
from core.engines.language.generator import Generation
from core.engines.language.question import Message
from core.engines.language.request_estimate import RequestEstimate, shown_money
from core.engines.language.token_guess import TokenGuess
from core.errors import UserError
from core.jobs.specs import VendorPrice

_LIKE_SPENT = 1e-9


class Budget:
    """Counts what a job spends. `spent` is money in the currency of `price`, which a cap needs; without a cap nothing
    is refused.

    The vendor's own counts (`usage`) are used where an answer has them. Answers under way are counted as expected, so
    that the cap is passed by no more than those turn out longer.
    """

    def __init__(self, cap: float | None, price: VendorPrice | None, guess: TokenGuess) -> None:
        self._cap = cap
        self._price = price
        self._guess = guess
        self._under_way = 0.0
        self.spent = 0.0

    def count_earlier(self, answered: Iterable[tuple[Message, Generation]]) -> None:
        """Count answers that earlier attempts of this job bought: a resumed job begins with no new budget."""
        for message, said in answered:
            self._settle(message, said)

    def check(self, expected: RequestEstimate) -> None:
        """Raises UserError where what is still to be sent is expected to cost more than the cap leaves."""
        if self._cap is None or self._price is None or not expected.requests:
            return
        money = expected.money(self._price)
        if self.spent + money > self._cap:
            raise UserError(
                "endpoint.cost_cap",
                requests=expected.requests,
                money=shown_money(money),
                spent=shown_money(self.spent),
                cap=shown_money(self._cap),
                currency=self._price.currency,
            )

    @contextmanager
    def spending(self, message: Message) -> Iterator[list[Generation]]:
        """One request: the list takes its answer. Raises UserError where the cap leaves no room for it.

        A request that broke off after it was sent counts as expected, for vendors charge what they wrote.
        """
        expected = self._expected(message)
        if self._cap is not None and self.spent + self._under_way + expected > self._cap * (1.0 + _LIKE_SPENT):
            raise self._reached()
        self._under_way += expected
        answers: list[Generation] = []
        try:
            yield answers
        except TransientTrouble as trouble:
            self.spent += expected if trouble.may_be_charged else 0.0
            raise
        finally:
            self._under_way -= expected
            for said in answers:
                self._settle(message, said)

    def _settle(self, message: Message, said: Generation) -> None:
        inputs = self._guess.input_tokens(message) if said.input_tokens is None else said.input_tokens
        outputs = self._guess.output_tokens if said.output_tokens is None else said.output_tokens
        self._guess.learn(message, said)
        if self._price is not None:
            self.spent += self._price.money(1, inputs, outputs)

    def _expected(self, message: Message) -> float:
        if self._price is None:
            return 0.0
        return self._price.money(1, self._guess.input_tokens(message), self._guess.output_tokens)

    def _reached(self) -> UserError:
        currency = "" if self._price is None else self._price.currency
        return UserError(
            "endpoint.cost_cap_reached",
            spent=shown_money(self.spent),
            cap=shown_money(self._cap or 0.0),
            currency=currency,
        )
