"""The levels of a load test: closed loop up to the saturation point, then open loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.jobs.results import LoadStep
from core.metrics.load import arrival_times, saturation_point
from core.spec import LoadPlan
from core.spec.load import FIRST_REQUESTS


@dataclass(frozen=True)
class Level:
    """One level: `requests` in all, the first `warm_up` of which are not counted; none is sent after `seconds`, but at
    least `least`. `due` are seconds after the start in an open loop, null in a closed one. `clients` send at once."""

    loop: Literal["closed", "poisson", "constant"]
    clients: int
    requests: int
    warm_up: int
    seconds: float
    least: int
    rate: float | None = None
    due: tuple[float, ...] | None = None


def closed_level(plan: LoadPlan, clients: int) -> Level:
    """A level of the closed loop. However slow a model is, each client has an answer that counts."""
    requests, warm_up = plan.closed_requests(clients)
    return Level("closed", clients, requests, warm_up, plan.seconds, 2 * clients)


def open_level(plan: LoadPlan, rate: float, clients: int) -> Level:
    """A level of the open loop. Where answers fall behind, sending ends after twice `seconds`."""
    requests, warm_up = plan.open_requests(rate)
    arrivals: Literal["poisson", "constant"] = "constant" if plan.arrivals == "constant" else "poisson"
    due = tuple(arrival_times(rate, requests, arrivals, plan.seed))
    return Level(arrivals, clients, requests, warm_up, 2.0 * plan.seconds, warm_up + 1, rate, due)


def run_levels(
    plan: LoadPlan,
    run: Callable[[Level], LoadStep],
    on_step: Callable[[LoadStep], None],
    open_clients: int | None,
    kept: Sequence[LoadStep] = (),
) -> tuple[LoadStep, ...]:
    """The steps of a test: closed loop until the saturation point or until requests fail, then open loop, unless most
    requests failed from the first.

    `open_clients` is how many requests an open loop may have under way; null means as many as the best closed level.
    `kept` are the first steps, which an earlier attempt finished: those levels are not run again.
    """
    steps = _Steps(run, on_step, list(kept))
    closed: list[LoadStep] = []
    for clients in plan.concurrency:
        closed.append(steps.of(closed_level(plan, clients)))
        if closed[-1].failed or saturation_point([step.requests_per_second for step in closed]) is not None:
            break
    usable = [step for step in closed if not step.mostly_failed and step.requests_per_second > 0.0]
    if not usable:
        return tuple(closed)
    best = max(usable, key=lambda step: step.requests_per_second)
    served = open_clients or best.concurrency
    rates = plan.rates_at(best.requests_per_second)
    return (*closed, *(steps.of(open_level(plan, rate, served)) for rate in rates))


@dataclass
class _Steps:
    """Runs levels, but for the first ones, which were kept."""

    run: Callable[[Level], LoadStep]
    on_step: Callable[[LoadStep], None]
    kept: list[LoadStep] = field(default_factory=list)

    def of(self, level: Level) -> LoadStep:
        """What a level showed, now or before."""
        if self.kept:
            return self.kept.pop(0)
        step = self.run(level)
        self.on_step(step)
        return step


def most_requests_left(plan: LoadPlan, kept: Sequence[LoadStep]) -> int:
    """The requests that a test still sends at most, the first ones included, where the `kept` levels are done."""
    if not kept:
        return plan.most_requests
    closed = [step for step in kept if step.rate is None]
    opened = len(kept) - len(closed)
    over = opened or closed[-1].failed or saturation_point([step.requests_per_second for step in closed]) is not None
    sent = 0 if over else sum(plan.closed_requests(clients)[0] for clients in plan.concurrency[len(closed) :])
    sent += (len(plan.rates_at(1.0)) - opened) * plan.open_requests(math.inf)[0]
    return FIRST_REQUESTS + sent if sent else 0
