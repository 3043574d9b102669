"""What would change the recommendation: the value of each assumption at which it flips, and how far each moves it.

A flip is looked for outwards from today's value, up to a thousandfold either way, and is closed in on by bisection.
Policies of hybrids are kept as they are while searching, and every value found is then decided on in full: what stands
in the recommendation flips it when entered again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.decide.assumptions import unit_of, words_for
from core.decide.outcome import Flip
from core.decide.overrides import with_value
from core.decide.prices import Assumption
from core.domain import Choice
from core.spec import Study

SEARCH_FACTORS = (1.1, 1.25, 1.6, 2.5, 4.0, 10.0, 30.0, 100.0, 1000.0)
BISECTIONS = 12
CLOSE_ENOUGH = 0.004
LOW_FACTOR, HIGH_FACTOR = 0.8, 1.2
_WIDEN = (1.0, 1.05, 1.25, 2.0)
_SHARES = ("min_quality", "quality_margin")
_NOT_SEARCHED = ("horizon_months", "memory_gib", "power_usage_effectiveness", "life_months")


@dataclass(frozen=True)
class Answer:
    """What a decision comes to: the choice, and the candidate and its net benefit where there is one."""

    choice: Choice
    candidate: str | None
    net_benefits: Mapping[str, float]

    def differs_from(self, other: Answer) -> bool:
        """Whether the recommendation is another one."""
        return (self.choice, self.candidate) != (other.choice, other.candidate)


Decide = Callable[[Study], Answer]


def flips_of(
    study: Study, assumptions: Sequence[Assumption], now: Answer, quick: Decide, full: Decide
) -> tuple[Flip, ...]:
    """For each assumption that is above 0 its flip, those that take the least change first.

    `quick` decides nearly right, `full` as the recommendation itself is decided.
    """
    found = [
        _flip(study, assumption, now, quick, full)
        for assumption in assumptions
        if assumption.value > 0.0 and assumption.name.rsplit(".", 1)[-1] not in _NOT_SEARCHED
    ]
    return tuple(sorted(found, key=_change))


def _change(flip: Flip) -> tuple[float, str]:
    if flip.flips_at is None:
        return (math.inf, flip.path)
    return (abs(math.log(flip.flips_at / flip.value)), flip.path)


def _flip(study: Study, assumption: Assumption, now: Answer, quick: Decide, full: Decide) -> Flip:
    path, value = assumption.name, assumption.value

    def at(value: float, decide: Decide = quick) -> Answer:
        return decide(with_value(study, path, value))

    flips_at, answer = _nearest(path, value, now, at, lambda value: at(value, full))
    ends = [_net_benefit(at(_within(path, value * factor)), now) for factor in (LOW_FACTOR, HIGH_FACTOR)]
    return Flip(
        assumption=words_for(path).text,
        path=path,
        value=value,
        unit=unit_of(study, path),
        flips_at=flips_at,
        to=None if answer is None else answer.choice,
        to_candidate=None if answer is None else answer.candidate,
        net_benefit_low=ends[0],
        net_benefit_high=ends[1],
    )


def _net_benefit(answer: Answer, now: Answer) -> float | None:
    """The net benefit of today's choice under another value."""
    return None if now.candidate is None else answer.net_benefits.get(now.candidate)


def _nearest(
    path: str, value: float, now: Answer, quick: Callable[[float], Answer], full: Callable[[float], Answer]
) -> tuple[float | None, Answer | None]:
    """The nearest flip below or above, verified; nulls where there is none."""
    candidates = []
    for factors in (SEARCH_FACTORS, [1.0 / factor for factor in SEARCH_FACTORS]):
        bracket = _bracket(path, value, factors, now, quick)
        if bracket is not None:
            candidates.append(_bisect(*bracket, now, quick))
    for flips_at in sorted(candidates, key=lambda one: abs(math.log(one / value))):
        verified = _verified(path, value, flips_at, now, full)
        if verified is not None:
            return verified
    return None, None


def _bracket(
    path: str, value: float, factors: Sequence[float], now: Answer, decide: Callable[[float], Answer]
) -> tuple[float, float] | None:
    """Two neighbouring values, the first with today's answer and the second with another."""
    before = value
    for factor in factors:
        after = _within(path, value * factor)
        if after == before:
            return None
        if decide(after).differs_from(now):
            return before, after
        before = after
    return None


def _bisect(same: float, other: float, now: Answer, decide: Callable[[float], Answer]) -> float:
    """The nearest value found that gives another answer, in as few digits as tell it from its neighbour."""
    for _ in range(BISECTIONS):
        if abs(math.log(other / same)) < CLOSE_ENOUGH:
            break
        middle = math.sqrt(same * other)
        if decide(middle).differs_from(now):
            other = middle
        else:
            same = middle
    return other


def _verified(
    path: str, value: float, flips_at: float, now: Answer, full: Callable[[float], Answer]
) -> tuple[float, Answer] | None:
    """The flip in three digits, rounded away from today's value, and what it flips to when decided in full.

    Where the full decision does not flip there, it is tried somewhat further out.
    """
    upwards = flips_at > value
    for widen in _WIDEN:
        wanted = _within(path, _rounded(flips_at * widen if upwards else flips_at / widen, upwards))
        answer = full(wanted)
        if answer.differs_from(now):
            return wanted, answer
    return None


def _rounded(value: float, upwards: bool) -> float:
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    steps = math.ceil(value / unit - 1e-9) if upwards else math.floor(value / unit + 1e-9)
    return float(f"{steps * unit:.6g}")


def _within(path: str, value: float) -> float:
    """Shares end at 1, and a load never peaks below its mean."""
    leaf = path.rsplit(".", 1)[-1]
    if leaf in _SHARES:
        return min(value, 1.0)
    return max(value, 1.0) if leaf == "peak_to_mean_load" else value
