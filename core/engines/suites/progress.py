"""How many of a suite's requests are answered: lm-eval tells its cache of each answer, and here that is who counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

REQUEST_TYPES = ("loglikelihood", "loglikelihood_rolling", "generate_until")
Tell = Callable[[int, int], None]
"""Takes how many requests are answered, and of how many."""


class RequestCount:
    """Satisfies lm-eval's `CacheHook`, which is told of each answer as it comes; keeps none of them."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._done, self._total = 0, 0

    def expect(self, requests: int) -> None:
        """So many requests come on top."""
        self._total += requests
        self._tell(self._done, self._total)

    def add_partial(self, attr: str, req: object, res: object) -> None:
        """One request is answered."""
        self._done = min(self._done + 1, self._total)
        self._tell(self._done, self._total)


def count_requests(model: Any, tell: Tell) -> None:
    """Let a model of lm-eval's tell how many of the requests that it is handed are answered."""
    count = RequestCount(tell)
    model.set_cache_hook(count)
    for name in REQUEST_TYPES:
        setattr(model, name, _expecting(getattr(model, name), count))


def _expecting(answer: Callable[..., Any], count: RequestCount) -> Callable[..., Any]:
    def call(requests: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        count.expect(len(requests))
        return answer(requests, *arguments, **options)

    return call
