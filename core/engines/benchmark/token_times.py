"""The times of single answers' tokens, gathered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.engines.language.generator import Generation
from core.jobs.results import TokenTimes

# Of more gaps than these so many quantiles are kept, evenly spaced: percentiles stay as they are.
KEPT_GAPS = 10_000


def token_times(answers: Sequence[Generation]) -> TokenTimes:
    """The times of single answers' tokens; an answer without a token of a kind has no time of that kind."""

    def known(values: Sequence[float | None]) -> tuple[float, ...]:
        return tuple(value for value in values if value is not None)

    gaps = [gap for answer in answers for gap in answer.inter_token_ms or ()]
    return TokenTimes(
        time_to_first_token_ms=known([answer.time_to_first_token_ms for answer in answers]),
        time_to_first_output_token_ms=known([answer.time_to_first_output_token_ms for answer in answers]),
        time_per_output_token_ms=known([answer.time_per_output_token_ms for answer in answers]),
        inter_token_ms=_thinned(gaps),
    )


def _thinned(gaps: Sequence[float]) -> tuple[float, ...]:
    if len(gaps) <= KEPT_GAPS:
        return tuple(gaps)
    return tuple(float(gap) for gap in np.quantile(np.asarray(gaps), np.linspace(0.0, 1.0, KEPT_GAPS)))
