"""The times of single answers' tokens, gathered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.engines.language.generator import Generation
from core.jobs.results import TokenTimes

# Of more gaps than these so many quantiles are kept, evenly spaced: percentiles stay as they are.
KEPT_GAPS = 10_000


def token_times(answers: Sequence[Generation]) -> TokenTimes:
    """The times of single answers' tokens; an answer without a token of a kind has no time of that kind. A time of 0
    between tokens, which earlier versions kept of an answer in one chunk, was not measured."""

    def known(values: Sequence[float | None]) -> tuple[float, ...]:
        return tuple(value for value in values if value is not None)

    between = [answer.time_per_output_token_ms or None for answer in answers]
    gaps = [gap for answer in answers for gap in answer.inter_token_ms or ()]
    return TokenTimes(
        time_to_first_token_ms=known([answer.time_to_first_token_ms for answer in answers]),
        time_to_first_output_token_ms=known([answer.time_to_first_output_token_ms for answer in answers]),
        time_per_output_token_ms=known(between),
        further_untimed=sum(
            time is None and answer.time_to_first_token_ms is not None and _may_go_on(answer)
            for time, answer in zip(between, answers, strict=True)
        ),
        inter_token_ms=_thinned(gaps),
    )


def _may_go_on(answer: Generation) -> bool:
    """Whether more tokens may follow the first that is seen."""
    return answer.output_tokens is None or answer.output_tokens - (answer.hidden_tokens or 0) > 1


def _thinned(gaps: Sequence[float]) -> tuple[float, ...]:
    if len(gaps) <= KEPT_GAPS:
        return tuple(gaps)
    return tuple(float(gap) for gap in np.quantile(np.asarray(gaps), np.linspace(0.0, 1.0, KEPT_GAPS)))
