"""How candidates are tested under load."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from core.spec.base import PositiveFloat, Seed, SpecModel

MOST_CLIENTS = 512
# Before the first level, so that no level pays for what only a first request does.
FIRST_REQUESTS = 10
# Every client answers this many requests that count, however few a level asks for.
_REQUESTS_PER_CLIENT = 3
_COUNTED_PER_WARM_UP = 10
_LEAST_OPEN_REQUESTS = 20
# Where the study names no rates: shares of the most that the closed loop served.
_RATE_SHARES = (0.5, 0.8)


class LoadPlan(SpecModel):
    """A load test: latency and requests per second as more requests come at once.

    Closed loop: `concurrency` lists how many clients ask, each its next request when the last is answered; the test
    ends at the saturation point, where the next level serves less than 10 % more. Open loop: requests come at `rates` a
    second however long answers take, evenly (`constant`) or at random (`poisson`); null means half and four fifths of
    the most that the closed loop served. Each level counts `requests`, within `seconds`. `candidates` null tests all.
    """

    concurrency: Annotated[list[Annotated[int, Field(ge=1, le=MOST_CLIENTS)]], Field(min_length=1)] = Field(
        default=[1, 2, 4, 8, 16, 32]
    )
    arrivals: Literal["poisson", "constant", "none"] = "poisson"
    rates: Annotated[list[PositiveFloat], Field(min_length=1)] | None = None
    requests: Annotated[PositiveInt, Field(ge=20)] = 300
    seconds: PositiveFloat = 30.0
    candidates: Annotated[list[str], Field(min_length=1)] | None = None
    seed: Seed = 1

    @model_validator(mode="after")
    def _levels_ascend(self) -> LoadPlan:
        if sorted(set(self.concurrency)) != self.concurrency:
            raise ValueError("concurrency must ascend, each level once, such as [1, 2, 4, 8]")
        if self.arrivals == "none" and self.rates is not None:
            raise ValueError("rates need arrivals: poisson or constant")
        return self

    def rates_at(self, served: float) -> list[float]:
        """The rates of the open loop, where the closed loop served so many requests a second at most."""
        if self.arrivals == "none":
            return []
        return self.rates or [share * served for share in _RATE_SHARES]

    def closed_requests(self, clients: int) -> tuple[int, int]:
        """The requests of a level of the closed loop, and how many of them are warm-up: the first of each client."""
        return max(self.requests, _REQUESTS_PER_CLIENT * clients) + clients, clients

    def open_requests(self, rate: float) -> tuple[int, int]:
        """The requests of a level of the open loop, and how many of them are warm-up: the first eleventh."""
        most = self.requests + self.requests // _COUNTED_PER_WARM_UP
        within = math.floor(min(most, rate * self.seconds))
        count = max(_LEAST_OPEN_REQUESTS, within)
        return count, count // (_COUNTED_PER_WARM_UP + 1)

    @property
    def levels(self) -> int:
        """The levels of a test whose closed loop goes through all of them."""
        return len(self.concurrency) + len(self.rates_at(1.0))

    @property
    def most_requests(self) -> int:
        """The requests of a test whose closed loop goes through all its levels, warm-up included."""
        closed = sum(self.closed_requests(clients)[0] for clients in self.concurrency)
        return FIRST_REQUESTS + closed + len(self.rates_at(1.0)) * self.open_requests(math.inf)[0]
