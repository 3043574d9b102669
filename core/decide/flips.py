"""What would change the recommendation: the value of each assumption at which it flips, and how far each moves it.

Every value tried is decided on in full, policies of hybrids cut anew, so that what stands in the recommendation flips
it when entered again. A flip is looked for outwards from today's value, both ways at once and up to a thousandfold, and
is closed in on by bisection. An answer that holds only between two neighbours of the factors tried can be missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from core.decide.assumptions import unit_of, words_for
from core.decide.outcome import Flip
from core.decide.overrides import with_value
from core.domain import Choice
from core.prices import Assumption
from core.spec import Study

SEARCH_FACTORS = (1.05, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0, 100.0, 300.0, 1000.0)
BISECTIONS = 12
CLOSE_ENOUGH = 0.004
LOW_FACTOR, HIGH_FACTOR = 0.8, 1.2
_DIGITS = (3, 4, 6)
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
AnswerAt = Callable[[float], Answer]


def flips_of(study: Study, assumptions: Sequence[Assumption], now: Answer, decide: Decide) -> tuple[Flip, ...]:
    """For each assumption that is above 0 its flip, those that take the least change first."""
    found = [
        _flip(study, assumption, now, decide)
        for assumption in assumptions
        if assumption.value > 0.0 and assumption.name.rsplit(".", 1)[-1] not in _NOT_SEARCHED
    ]
    return tuple(sorted(found, key=_change))


def _change(flip: Flip) -> tuple[float, str]:
    if flip.flips_at is None:
        return (math.inf, flip.path)
    return (abs(math.log(flip.flips_at / flip.value)), flip.path)


def _flip(study: Study, assumption: Assumption, now: Answer, decide: Decide) -> Flip:
    path, value = assumption.name, assumption.value

    @cache
    def at(value: float) -> Answer:
        return decide(with_value(study, path, value))

    flips_at, answer = _nearest(path, value, now, at)
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


def _nearest(path: str, value: float, now: Answer, at: AnswerAt) -> tuple[float | None, Answer | None]:
    """The nearest flip below or above; nulls where there is none."""
    below = above = value
    for factor in SEARCH_FACTORS:
        brackets = []
        higher, lower = _within(path, value * factor), _within(path, value / factor)
        if higher != above and at(higher).differs_from(now):
            brackets.append((above, higher))
        if lower != below and at(lower).differs_from(now):
            brackets.append((below, lower))
        if brackets:
            ends = [_bisect(*bracket, now, at) for bracket in brackets]
            return _in_few_digits(path, value, min(ends, key=lambda one: abs(math.log(one / value))), now, at)
        above, below = higher, lower
    return None, None


def _bisect(same: float, other: float, now: Answer, at: AnswerAt) -> float:
    """The nearest value found that gives another answer."""
    for _ in range(BISECTIONS):
        if abs(math.log(other / same)) < CLOSE_ENOUGH:
            break
        middle = math.sqrt(same * other)
        if at(middle).differs_from(now):
            other = middle
        else:
            same = middle
    return other


def _in_few_digits(path: str, value: float, found: float, now: Answer, at: AnswerAt) -> tuple[float, Answer]:
    """The flip in as few digits as still flip it, rounded away from today's value, and what it flips to."""
    for digits in _DIGITS:
        wanted = _within(path, _rounded(found, digits, upwards=found > value))
        if at(wanted).differs_from(now):
            return wanted, at(wanted)
    return found, at(found)


def _rounded(value: float, digits: int, *, upwards: bool) -> float:
    unit = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
    steps = math.ceil(value / unit - 1e-9) if upwards else math.floor(value / unit + 1e-9)
    return float(f"{steps * unit:.8g}")


def _within(path: str, value: float) -> float:
    """Shares end at 1, and a load never peaks below its mean."""
    leaf = path.rsplit(".", 1)[-1]
    if leaf in _SHARES:
        return min(value, 1.0)
    return max(value, 1.0) if leaf == "peak_to_mean_load" else value
