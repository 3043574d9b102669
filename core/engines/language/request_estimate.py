"""What asking an endpoint will cost before the first request goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.engines.language.answer_store import AnswerStore
from core.engines.language.question import Message
from core.engines.language.token_guess import TokenGuess
from core.i18n import english
from core.jobs.specs import VendorPrice

_CENT = 0.01


@dataclass(frozen=True)
class RequestEstimate:
    """Requests still to be sent and their tokens. `measured_rows` is how many earlier answers the tokens are scaled
    by; 0 means that they are guessed from characters. `most_output_tokens` is what the limit of an answer allows."""

    requests: int
    input_tokens: float
    output_tokens: float
    most_output_tokens: int
    measured_rows: int

    def money(self, price: VendorPrice) -> float:
        """The expected price, in the currency of `price`."""
        return price.money(self.requests, self.input_tokens, self.output_tokens)

    def most_money(self, price: VendorPrice) -> float:
        """The price where every answer is as long as its limit allows."""
        return price.money(self.requests, self.input_tokens, self.most_output_tokens)


def estimate(
    messages: Sequence[Message],
    keys: Sequence[str],
    store: AnswerStore | None,
    max_output_tokens: int,
    names_labels: bool,
) -> RequestEstimate:
    """What the messages without an answer in `store` will take; `keys` name the answers to `messages`.

    Input tokens are those that the endpoint counted per character of earlier messages, output tokens the mean of
    earlier answers, where there are any.
    """
    guess = TokenGuess(max_output_tokens, names_labels)
    missing = {}
    for message, key in zip(messages, keys, strict=True):
        if store is not None and key in store:
            guess.learn(message, store.get(key).generation)
        else:
            missing[key] = message
    inputs = sum(guess.input_tokens(message) for message in missing.values())
    outputs = len(missing) * guess.output_tokens
    return RequestEstimate(len(missing), inputs, outputs, len(missing) * max_output_tokens, guess.rows)


def told_estimate(expected: RequestEstimate, price: VendorPrice | None) -> str:
    """What an endpoint's vendor will count, in a sentence for the log, with the money where the price is known."""
    code = "label.log.expected" if expected.measured_rows else "label.log.guessed"
    told = english(
        code,
        requests=expected.requests,
        input_tokens=round(expected.input_tokens),
        output_tokens=round(expected.output_tokens),
        most_output_tokens=expected.most_output_tokens,
        rows=expected.measured_rows,
    )
    if price is None:
        return told
    money, most = shown_money(expected.money(price)), shown_money(expected.most_money(price))
    return english(
        "words.then", before=told, part=english("endpoint.log.money", money=money, most=most, currency=price.currency)
    )


def shown_money(amount: float) -> str:
    """An amount for a sentence: cents, and as many digits as a smaller one needs."""
    return f"{amount:,.2f}" if amount == 0.0 or amount >= _CENT else f"{amount:.2g}"


def repeated(count: int, messages: Sequence[Message], guess: TokenGuess, max_output_tokens: int) -> RequestEstimate:
    """What `count` requests will take that go round and round through the messages."""
    rounds = [guess.input_tokens(messages[place % len(messages)]) for place in range(count)]
    return RequestEstimate(count, sum(rounds), count * guess.output_tokens, count * max_output_tokens, guess.rows)
