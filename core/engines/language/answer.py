"""One answer of a language model as it is kept: what was said, and how probable the alternatives were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.engines.language.generator import Generation


@dataclass(frozen=True)
class TokenStep:
    """One token of an answer and the likeliest ones at its place (itself among them), with natural logarithms of their
    probabilities. A token that ends within a character carries lone surrogates (`surrogateescape`)."""

    token: str
    log_probability: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a language model said to one message.

    `steps` are the tokens of the answer without its reasoning, where an endpoint told them; `label_probabilities` are
    of a model on this machine, which weighs every label exactly.
    """

    generation: Generation
    steps: tuple[TokenStep, ...] = ()
    label_probabilities: Mapping[str, float] | None = None


def answer_document(answer: Answer) -> dict[str, Any]:
    """The answer as plain JSON, without what is null."""
    generation = {name: value for name, value in asdict(answer.generation).items() if value is not None}
    document: dict[str, Any] = {"generation": generation}
    if answer.steps:
        document["steps"] = [
            [step.token, step.log_probability, [list(pair) for pair in step.alternatives]] for step in answer.steps
        ]
    if answer.label_probabilities is not None:
        document["label_probabilities"] = dict(answer.label_probabilities)
    return document


def answer_of(document: Mapping[str, Any]) -> Answer:
    """The answer of a document. Raises KeyError, TypeError or ValueError where it is none."""
    steps = tuple(
        TokenStep(str(token), float(value), tuple((str(other), float(own)) for other, own in alternatives))
        for token, value, alternatives in document.get("steps", ())
    )
    generation = dict(document["generation"])
    if "inter_token_ms" in generation:
        generation["inter_token_ms"] = tuple(generation["inter_token_ms"])
    return Answer(Generation(**generation), steps, document.get("label_probabilities"))
