"""An answer as its tokens came, one after the other, told as a `Generation`."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.engines.language.generator import Generation
from core.metrics.reasoning import CLOSING, split_reasoning


@dataclass(frozen=True)
class Decoded:
    """The tokens of one answer, the stop token included where it came, and the natural logarithm of their joint
    probability."""

    tokens: list[int]
    log_probability: float


def told(
    prompt_tokens: int,
    decoded: Decoded,
    moments: Sequence[float],
    ended: bool,
    text_of: Callable[[Sequence[int]], str],
) -> Generation:
    """The answer with its times: `moments` are the milliseconds from sending to each token, `ended` says that the last
    one is a stop token, `text_of` writes tokens without special ones."""
    answer = decoded.tokens
    written = text_of(answer)
    reasoning, text = split_reasoning(written)
    first = first_place(answer, "", text_of) if written.strip() else None
    first_output = first_place(answer, CLOSING if CLOSING in written else "", text_of) if text else None
    return Generation(
        text=text,
        reasoning=reasoning,
        input_tokens=prompt_tokens,
        output_tokens=len(answer),
        finish_reason="stop" if ended else "length",
        mean_log_probability=decoded.log_probability / len(answer),
        latency_ms=moments[-1],
        time_to_first_token_ms=None if first is None else moments[first],
        time_to_first_output_token_ms=None if first_output is None else moments[first_output],
        time_per_output_token_ms=None if len(moments) < 2 else (moments[-1] - moments[0]) / (len(moments) - 1),
        inter_token_ms=tuple(later - earlier for earlier, later in itertools.pairwise(moments)),
    )


def first_place(answer: Sequence[int], after: str, text_of: Callable[[Sequence[int]], str]) -> int:
    """The place of the token with which something beyond white space stands behind the last `after`."""

    def shows(place: int) -> bool:
        written = text_of(answer[: place + 1])
        if not after:
            return bool(written.strip())
        _, mark, behind = written.rpartition(after)
        return bool(mark and behind.strip())

    return bisect_left(range(len(answer)), True, key=shows)
