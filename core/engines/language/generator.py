"""What everything that answers in text offers, wherever it runs; nothing here loads torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from core.domain import FloatArray

# How an answer ended: by itself; at the limit of its tokens; held back by the server; not begun, because the request
# does not fit into the model's context; or with none that can be used.
FinishReason = Literal["stop", "length", "content_filter", "too_long", "failed"]


@dataclass(frozen=True)
class Generation:
    """One answer.

    `text` is without the reasoning, which stands apart (null where there is none). Tokens are counted by the model's
    own tokenizer or its server; `output_tokens` include reasoning and the end token. `hidden_tokens` are those of them
    that an endpoint counts as reasoning and shows nowhere; null where there are none.
    `choice_log_probabilities` are natural logarithms, by the text of the answer's alternatives, and
    `mean_log_probability` is the mean over the tokens of the answer, where the model gives them.
    Times are milliseconds from the moment of sending: `latency_ms` to the end, the others to the first token that is
    not empty, and to the first one after the reasoning; `time_per_output_token_ms` is (last − first) ÷ (tokens − 1)
    without hidden tokens, `inter_token_ms` are the gaps between tokens, or between the chunks that an endpoint sends
    them in. They are null where they were not measured, as further tokens are of an answer in one chunk.
    """

    text: str
    reasoning: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    hidden_tokens: int | None = None
    finish_reason: FinishReason = "stop"
    choice_log_probabilities: Mapping[str, float] | None = None
    mean_log_probability: float | None = None
    latency_ms: float | None = None
    time_to_first_token_ms: float | None = None
    time_to_first_output_token_ms: float | None = None
    time_per_output_token_ms: float | None = None
    inter_token_ms: tuple[float, ...] | None = None


class Generator(Protocol):
    """A model that answers messages with text. `runtime` and `device` are words for the user."""

    runtime: str
    device: str

    def generate(self, messages: Sequence[str], max_output_tokens: int) -> list[Generation]:
        """One answer for each message, in their order; each ends after `max_output_tokens` at the latest."""


class LocalGenerator(Generator, Protocol):
    """A model on this machine, which can also weigh given answers. `weight_bytes` are of weight files;
    `context_tokens` is what it can see at once, null where it has no limit."""

    context_tokens: int | None
    parameters: int
    weight_bytes: int

    def share_opening(self, messages: Sequence[str]) -> None:
        """Get ready for these requests: what all of them begin with may be read once, where that changes no answer."""

    def classify(self, messages: Sequence[str], labels: Sequence[str]) -> FloatArray:
        """The probability of each label as the whole answer, among the labels, shape (messages, labels)."""

    def token_counts(self, messages: Sequence[str]) -> list[int]:
        """The tokens of each request, chat template included."""
