"""The choice itself: among what passes the gates, the greatest net benefit, or the cheapest that is good enough.

With a value of one right answer: the greatest expected value · right answers − cost, on the Pareto front. Without: the
lowest cost of a right answer among those that are good enough. `min_quality`, where given, says what that is; without
it, or where `quality_margin` is given as well, a candidate must be shown to be non-inferior to the teacher by a
one-sided 95 % bound. Ties go to the smaller expected loss, then the cheaper, the better, the smaller one.

Inconclusive: nothing passes, but the data leave a chance constraint open; or the best is less than 90 % sure to be
best and the expected loss of choosing it is not negligible (1 % of the monthly budget; without a budget, of the money
at stake).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from core.decide.draws import Draws
from core.decide.front import Spot, dominators, efficiency_frontier, pareto_front, same
from core.decide.gates import CHANCE, is_undecided
from core.decide.outcome import FrontierStep, GateResult
from core.decide.value import Z_90, more_examples, value_of_information
from core.domain import BoolArray, Choice, Gate, Role
from core.spec import Study

NEGLIGIBLE = 0.01
_ROUNDING = 1e-12
Why = Literal[
    "clear", "nothing_measured", "no_cost", "none_passes", "gate_open", "policy_open", "too_close", "not_shown",
    "none_shown",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Contender:
    """One measured candidate as the choice sees it.

    `monthly` is null where its cost is not known, `net_benefit` (money a month) also without a value of a right answer.
    `routable` is false for a hybrid beside which one model alone does no worse; `proven` also for one whose policy is
    not shown to beat the baselines.
    """

    name: str
    role: Role
    quality: Draws
    success: Draws
    rows: int
    monthly: Draws | None
    net_benefit: Draws | None = None
    gates: tuple[GateResult, ...] = ()
    routable: bool = True
    proven: bool = True
    parameters: int | None = None
    model_size_mib: float | None = None

    @property
    def passes(self) -> bool:
        """Whether it passes every gate."""
        return all(gate.state == "pass" for gate in self.gates)

    @property
    def month(self) -> float:
        """Money a month; infinite where it is not known."""
        return math.inf if self.monthly is None else self.monthly.value

    @property
    def size_order(self) -> tuple[float, ...]:
        """Better first, then smaller; never by name or by place in the study."""
        return (-self.quality.value, self.parameters or math.inf, self.model_size_mib or math.inf)

    def gap(self, reference: Contender) -> Draws:
        """Quality minus the reference's, paired."""
        return self.quality.minus(reference.quality)

    def is_non_inferior(self, reference: Contender, margin: float) -> bool:
        """Whether the one-sided 95 % bound of the gap stays within the margin; the reference is its own equal."""
        return self is reference or self.gap(reference).lower_bound >= -margin - _ROUNDING


@dataclass(frozen=True, eq=False)
class Settled:
    """What was chosen and how surely. `leading` is the best so far where the data do not suffice, `rival` what it
    cannot be told from, `examples` about how many more would settle it (null where no plan would)."""

    choice: Choice
    candidate: str | None
    why: Why
    leading: str | None = None
    rival: str | None = None
    reference: str | None = None
    probability_best: dict[str, float] = field(default_factory=dict)
    expected_loss: dict[str, float] = field(default_factory=dict)
    evpi: float | None = None
    examples: int | None = None
    front: tuple[str, ...] = ()
    frontier: tuple[FrontierStep, ...] = ()
    dominated_by: dict[str, str | None] = field(default_factory=dict)


def settle(study: Study, contenders: Sequence[Contender]) -> Settled:
    """The choice among the measured candidates of a study."""
    if not contenders:
        return Settled(Choice.INCONCLUSIVE, None, "nothing_measured")
    reference = reference_of(contenders)
    name = None if reference is None else reference.name
    passing = [contender for contender in contenders if contender.passes]
    pool = [contender for contender in passing if contender.monthly is not None]
    if not pool:
        return _nothing_passes(study, contenders, passing, name)
    by_value = study.criteria.cost.value_per_success is not None
    eligible = [contender for contender in pool if contender.routable and (by_value or contender.proven)]
    if not eligible:
        return _hybrids_alone(pool, name)
    spots = [_spot(study, contender) for contender in eligible]
    base = Settled(
        choice=Choice.NONE,
        candidate=None,
        why="clear",
        reference=name,
        front=tuple(spot.name for spot in pareto_front(spots)),
        frontier=tuple(efficiency_frontier(spots)),
        dominated_by=dominators(spots),
    )
    return _by_net_benefit(study, eligible, base) if by_value else _by_cost(study, eligible, reference, base)


def reference_of(contenders: Sequence[Contender]) -> Contender | None:
    """What quality is compared with: the best measured teacher, without one the best measured model."""
    teachers = [contender for contender in contenders if contender.role is Role.TEACHER]
    models = teachers or [contender for contender in contenders if contender.role is not Role.HYBRID]
    return min(models, key=lambda model: (-model.quality.value, model.month, *model.size_order), default=None)


def needs_margin(study: Study) -> bool:
    """Whether, without a value of a right answer, good enough means non-inferior: without a floor, or with a margin
    that the study states beside it."""
    service = study.criteria.service
    return service.min_quality is None or "quality_margin" in service.model_fields_set


def _by_net_benefit(study: Study, eligible: Sequence[Contender], base: Settled) -> Settled:
    benefits = {contender.name: contender.net_benefit for contender in eligible if contender.net_benefit is not None}
    found = value_of_information({name: draws.draws for name, draws in benefits.items()})
    front = [contender for contender in eligible if contender.name in base.front]
    greatest = max(benefits[contender.name].value for contender in front)
    tied = [contender for contender in front if same(benefits[contender.name].value, greatest)]
    best = min(tied, key=lambda one: (found.expected_loss[one.name], one.month, *one.size_order))
    settled = replace(
        base,
        leading=best.name,
        probability_best=found.probability_best,
        expected_loss=found.expected_loss,
        evpi=found.evpi,
    )
    unsure = found.probability_best[best.name] < CHANCE
    if not unsure or found.expected_loss[best.name] <= NEGLIGIBLE * _stake(study, best):
        return replace(settled, choice=_choice_of(best), candidate=best.name)
    rivals = [contender for contender in eligible if contender is not best]
    rival = max(rivals, key=lambda one: (found.probability_best[one.name], benefits[one.name].value))
    difference = benefits[best.name].minus(benefits[rival.name])
    examples = more_examples(difference, 0.0, best.rows, z=Z_90)
    return replace(settled, choice=Choice.INCONCLUSIVE, why="too_close", examples=examples, rival=rival.name)


def _by_cost(study: Study, eligible: Sequence[Contender], reference: Contender | None, base: Settled) -> Settled:
    margin = study.criteria.service.quality_margin
    yardstick = reference if needs_margin(study) else None
    front = [contender for contender in eligible if contender.name in base.front]
    shown = [one for one in front if yardstick is None or one.is_non_inferior(yardstick, margin)]
    undecided = [one for one in front if yardstick and one not in shown and one.gap(yardstick).upper_bound > -margin]
    if not shown:
        if not undecided or yardstick is None:
            return replace(base, why="none_shown")
        leading = min(undecided, key=lambda one: (_cost_of_success(study, one), *one.size_order))
        return _not_shown(base, leading, leading, yardstick, margin)
    by_cost = sorted([*shown, *undecided], key=lambda one: (_cost_of_success(study, one), *one.size_order))
    best = next(one for one in by_cost if one in shown)
    enough = [_enough(study, one, yardstick, margin) for one in by_cost]
    chances = _chances([one.name for one in by_cost], enough)
    settled = replace(base, leading=best.name, probability_best=chances)
    cheaper = by_cost[: by_cost.index(best)]
    if cheaper and yardstick is not None and chances[best.name] < CHANCE:
        rival = max(cheaper, key=lambda one: chances[one.name])
        overspent = chances[rival.name] * (best.month - rival.month)
        if overspent > NEGLIGIBLE * (study.criteria.cost.monthly_budget or best.month):
            return _not_shown(settled, best, rival, yardstick, margin)
    return replace(settled, choice=_choice_of(best), candidate=best.name)


def _not_shown(base: Settled, leading: Contender, rival: Contender, reference: Contender, margin: float) -> Settled:
    return replace(
        base,
        choice=Choice.INCONCLUSIVE,
        why="not_shown",
        leading=leading.name,
        rival=rival.name,
        examples=more_examples(rival.gap(reference), -margin, rival.rows),
    )


def _nothing_passes(
    study: Study, measured: Sequence[Contender], passing: Sequence[Contender], reference: str | None
) -> Settled:
    if passing:
        return Settled(Choice.INCONCLUSIVE, None, "no_cost", reference=reference)
    hopeful = [
        contender
        for contender in measured
        if contender.routable and all(gate.state == "pass" or is_undecided(gate) for gate in contender.gates)
    ]
    if not hopeful:
        return Settled(Choice.NONE, None, "none_passes", reference=reference)
    leading = min(hopeful, key=lambda one: (-_least_chance(one), one.month, *one.size_order))
    floor = study.criteria.service.min_quality
    on_quality = any(gate.gate is Gate.QUALITY and gate.state != "pass" for gate in leading.gates)
    examples = more_examples(leading.quality, floor, leading.rows, z=Z_90) if on_quality and floor is not None else None
    return Settled(Choice.INCONCLUSIVE, None, "gate_open", leading=leading.name, reference=reference, examples=examples)


def _hybrids_alone(pool: Sequence[Contender], reference: str | None) -> Settled:
    """Only hybrids pass, and none of them is shown to be better than a rule that needs no router."""
    hopeful = [contender for contender in pool if contender.routable]
    if not hopeful:
        return Settled(Choice.NONE, None, "none_passes", reference=reference)
    leading = min(hopeful, key=lambda one: (one.month, *one.size_order))
    return Settled(Choice.INCONCLUSIVE, None, "policy_open", leading=leading.name, reference=reference)


def _least_chance(contender: Contender) -> float:
    return min((gate.probability or 0.0 for gate in contender.gates if gate.state != "pass"), default=1.0)


def _enough(study: Study, contender: Contender, reference: Contender | None, margin: float) -> BoolArray:
    """In which draws the candidate is good enough, shape (draws,)."""
    floor = study.criteria.service.min_quality
    quality = contender.quality.draws
    good = np.ones(len(quality), dtype=np.bool_) if floor is None else quality >= floor - _ROUNDING
    if reference is None or contender is reference:
        return good
    return np.asarray(good & (contender.gap(reference).draws >= -margin - _ROUNDING))


def _chances(by_cost: Sequence[str], enough: Sequence[BoolArray]) -> dict[str, float]:
    """In which share of the draws each candidate is the cheapest that is good enough; the cheapest comes first."""
    free = np.ones(len(enough[0]), dtype=np.bool_)
    chances = {}
    for name, good in zip(by_cost, enough, strict=True):
        chances[name] = float(np.mean(free & good))
        free = free & ~good
    return chances


def _stake(study: Study, best: Contender) -> float:
    """What the expected loss is held against: the budget, else the month's right answers in money."""
    criteria = study.criteria.cost
    if criteria.monthly_budget is not None:
        return criteria.monthly_budget
    return max((criteria.value_per_success or 0.0) * criteria.monthly_requests * best.success.value, best.month)


def _spot(study: Study, contender: Contender) -> Spot:
    return Spot(
        name=contender.name,
        quality=contender.quality.value,
        cost=_cost_of_success(study, contender),
        per_request=contender.month / study.criteria.cost.monthly_requests,
        success_rate=contender.success.value,
    )


def _cost_of_success(study: Study, contender: Contender) -> float:
    """Money for one right answer, infinite where nothing is right; rounded, so that rounding breaks no tie."""
    success = contender.success.value
    if success <= 0.0:
        return math.inf
    return float(f"{contender.month / study.criteria.cost.monthly_requests / success:.12g}")


def _choice_of(contender: Contender) -> Choice:
    return Choice(contender.role.value)
