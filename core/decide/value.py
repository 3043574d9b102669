"""How sure a choice is: the chance to be best, the expected loss, and what perfect knowledge would be worth.

All in the unit of the net benefit (money a month). Wilson 2015 (A practical guide to value of information analysis) has
the same definitions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from core.decide.draws import Draws
from core.domain import FloatArray

Z_90 = 1.2815515655446004
Z_95_ONE_SIDED = 1.6448536269514722
MOST_EXAMPLES = 1_000_000


@dataclass(frozen=True)
class ValueOfInformation:
    """For each option its chance to be best and its expected loss; `evpi` is the expected value of perfect
    information: E[max] − max E, which is the expected loss of the option with the greatest mean."""

    probability_best: dict[str, float]
    expected_loss: dict[str, float]
    evpi: float


def value_of_information(net_benefit: Mapping[str, FloatArray]) -> ValueOfInformation:
    """Of options with paired draws of their net benefit, each shape (draws,); equal bests share a draw."""
    names = list(net_benefit)
    table = np.stack([net_benefit[name] for name in names])
    best = table.max(axis=0)
    wins = np.isclose(table, best, rtol=1e-9, atol=0.0)
    shares = (wins / wins.sum(axis=0)).mean(axis=1)
    losses = (best - table).mean(axis=1)
    return ValueOfInformation(
        {name: float(share) for name, share in zip(names, shares, strict=True)},
        {name: float(max(loss, 0.0)) for name, loss in zip(names, losses, strict=True)},
        float(max(best.mean() - table.mean(axis=1).max(), 0.0)),
    )


def partial_information(net_benefit: Mapping[str, FloatArray], name: str) -> float:
    """EVPPI of knowing one option's net benefit exactly, the others staying at their means."""
    others = [float(draws.mean()) for other, draws in net_benefit.items() if other != name]
    if not others:
        return 0.0
    fallback = max(others)
    known = np.maximum(net_benefit[name], fallback).mean()
    return float(max(known - max(float(net_benefit[name].mean()), fallback), 0.0))


def more_examples(figure: Draws, limit: float, rows: int, z: float = Z_95_ONE_SIDED) -> int | None:
    """About how many further examples separate a figure from a limit, if it stays where it is now.

    At n examples the rows leave open z · s ÷ √n, with s the standard deviation of one, and what they have not shown
    r ÷ n; both together, as the root of the sum of their squares, are to reach no further than the distance. Without
    the second that is n = (z · s ÷ distance)². What the seeds of a training leave open no example closes: the square of
    their reach is taken off that of the distance. Null where the figure sits on the limit or within the seeds' reach of
    it, or where more than a million would be needed.
    """
    distance = _without_seeds(figure, abs(figure.value - limit), z)
    seen = (z * figure.spread) ** 2 * rows
    unseen = figure.reach_of_unseen(limit, NormalDist().cdf(z)) * rows
    if distance <= 0.0 or (seen <= 0.0 and unseen <= 0.0):
        return None
    needed = (seen + math.hypot(seen, 2.0 * distance * unseen)) / (2.0 * distance**2)
    if needed > MOST_EXAMPLES:
        return None
    return max(_two_digits(needed - rows), 1)


def _without_seeds(figure: Draws, distance: float, z: float) -> float:
    if figure.of_rows is None:
        return distance
    reach = figure.reach_of_seeds(NormalDist().cdf(z))
    return math.sqrt(max(distance**2 - reach**2, 0.0))


def _two_digits(count: float) -> int:
    """Rounded up to two significant digits: nobody knows such a number better."""
    if count <= 10:
        return max(math.ceil(count), 1)
    unit: int = 10 ** (int(math.log10(count)) - 1)
    return math.ceil(count / unit) * unit
