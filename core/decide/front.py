"""The Pareto front, the efficiency frontier and what one more right answer costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.decide.outcome import FrontierStep

_RELATIVE = 1e-9


@dataclass(frozen=True)
class Spot:
    """One option in the plane: higher `quality` and lower `cost` are better. `per_request` and `success_rate` are what
    the efficiency frontier is drawn in."""

    name: str
    quality: float
    cost: float
    per_request: float
    success_rate: float


def same(first: float, second: float) -> bool:
    """Whether two figures are equal but for rounding, whatever their unit."""
    return first == second or abs(first - second) <= _RELATIVE * max(abs(first), abs(second))


def dominates(first: Spot, second: Spot) -> bool:
    """Whether the first is nowhere worse and somewhere better, in quality and in cost."""
    no_worse = (first.quality > second.quality or same(first.quality, second.quality)) and (
        first.cost < second.cost or same(first.cost, second.cost)
    )
    return no_worse and not (same(first.quality, second.quality) and same(first.cost, second.cost))


def dominators(spots: Sequence[Spot]) -> dict[str, str | None]:
    """For each option the name of the best one that dominates it (the cheapest of the front), null on the front."""
    front = [spot for spot in spots if not any(dominates(other, spot) for other in spots)]
    found: dict[str, str | None] = {}
    for spot in spots:
        better = [other for other in front if dominates(other, spot)]
        found[spot.name] = min(better, key=lambda other: (other.cost, -other.quality)).name if better else None
    return found


def pareto_front(spots: Sequence[Spot]) -> list[Spot]:
    """The options that no other dominates, cheapest first."""
    by = dominators(spots)
    return sorted((spot for spot in spots if by[spot.name] is None), key=lambda spot: (spot.cost, spot.quality))


def efficiency_frontier(spots: Sequence[Spot]) -> list[FrontierStep]:
    """The front without what a mix of its neighbours dominates (extended dominance), with the cost of one more right
    answer between neighbours (ICER): each step is the choice for values of a right answer within its ICERs."""
    hull: list[Spot] = []
    for spot in sorted(pareto_front(spots), key=lambda item: (item.per_request, -item.success_rate)):
        if hull and spot.success_rate <= hull[-1].success_rate:
            continue
        while len(hull) > 1 and icer(hull[-2], hull[-1]) >= icer(hull[-1], spot) * (1.0 - _RELATIVE):
            hull.pop()
        hull.append(spot)
    ratios: list[float | None] = [None, *(icer(before, after) for before, after in pairwise(hull))]
    return [
        FrontierStep(
            candidate=spot.name,
            quality=spot.quality,
            per_request=spot.per_request,
            icer=ratios[index],
            value_from=ratios[index] or 0.0,
            value_to=ratios[index + 1] if index + 1 < len(hull) else None,
        )
        for index, spot in enumerate(hull)
    ]


def icer(before: Spot, after: Spot) -> float:
    """Incremental cost-effectiveness ratio: the extra money for one more right answer."""
    return (after.per_request - before.per_request) / (after.success_rate - before.success_rate)
