"""Times of tokens are those that were measured; an answer whose further tokens were not says so."""

from __future__ import annotations

import pytest

from core.engines.benchmark.token_times import token_times
from core.engines.language.generator import Generation


@pytest.mark.parametrize(
    ("said", "times", "untimed"),
    [
        (Generation("a b", output_tokens=2, time_to_first_token_ms=5.0, time_per_output_token_ms=3.0), (3.0,), 0),
        (Generation("a", output_tokens=1, time_to_first_token_ms=5.0), (), 0),
        (Generation("a", output_tokens=9, hidden_tokens=8, time_to_first_token_ms=5.0), (), 0),
        (Generation("a b", output_tokens=2, time_to_first_token_ms=5.0), (), 1),
        (Generation("a b", time_to_first_token_ms=5.0), (), 1),
        (Generation("a b", output_tokens=2, time_to_first_token_ms=5.0, time_per_output_token_ms=0.0), (), 1),
        (Generation("a b", output_tokens=2), (), 0),
    ],
    ids=["timed", "one token", "one seen", "one chunk", "not counted", "one chunk, kept as 0", "not streamed"],
)
def test_further_tokens_are_timed_absent_or_untimed(said: Generation, times: tuple[float, ...], untimed: int) -> None:
    found = token_times([said])
    assert found.time_per_output_token_ms == times
    assert found.further_untimed == untimed
