"""Why: the headline and the reasons of a decision, each a code with its values."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.choice import Contender, Settled, needs_margin
from core.decide.options import Option, missing_measurements
from core.decide.outcome import Exclusion, Message, message
from core.decide.told_together import told_together
from core.domain import Choice, Verdict
from core.i18n import Value, listed
from core.spec import Study

POINTS = 100.0

_LEAST_MONEY = 0.005  # money a month that no reader would call a difference


def headline_of(settled: Settled, options: Sequence[Option]) -> Message:
    """One sentence: what to deploy, or why that cannot be said yet."""
    by_name = {option.name: option for option in options}
    if settled.candidate is None:
        return _no_choice(settled)
    option = by_name[settled.candidate]
    if settled.choice is not Choice.HYBRID or option.policy is None:
        return message(f"decide.headline.{settled.choice.value}", candidate=option.name)
    return message(
        f"decide.headline.{option.policy.kind.value}",
        candidate=option.name,
        student=option.candidate.student,
        teacher=option.candidate.teacher,
        share=option.policy.strong_share,
    )


def reasons_of(study: Study, settled: Settled, options: Sequence[Option]) -> tuple[Message, ...]:
    """The reasons, the weightiest first: for the choice, against the others, and what is still open."""
    contenders = {contender.name: contender for option in options if (contender := option.contender)}
    reasons: list[Message] = []
    best = contenders.get(settled.candidate or settled.leading or "")
    if best is not None:
        reasons += _for(study, settled, best, contenders)
    if settled.candidate is None and settled.why not in ("nothing_measured",):
        reasons.append(_no_choice(settled))
    for option in options:
        contender = contenders.get(option.name)
        if contender is not None and contender is not best and contender.passes:
            reasons += _against(study, settled, option, contender, best, contenders)
    waiting = [option.name for option in missing_measurements(study, options)]
    if waiting and contenders:
        reasons.append(message("decide.reason.provisional", names=listed(waiting)))
    return told_together(reasons)


def exclusions_of(options: Sequence[Option]) -> tuple[Exclusion, ...]:
    """Every gate that a candidate does not pass, in study order."""
    return tuple(
        Exclusion(option.name, gate.gate, gate.rule, gate.message)
        for option in options
        for gate in option.gates
        if gate.state != "pass"
    )


def ineligible_because(study: Study, option: Option) -> Message | None:
    """Why a measured candidate may not be chosen whatever the gates say, null where it may."""
    if option.bill.monthly is None:
        return message(f"decide.reason.unpriced.{option.bill.lacks}", candidate=option.name)
    if option.policy is None:
        return None
    if option.idle:
        model = option.candidate.teacher if option.policy.strong_share > 0.0 else option.candidate.student
        return message("decide.reason.idle", candidate=option.name, model=model)
    if option.policy.verdict is Verdict.NO_LEARNED_ROUTER:
        return message("decide.reason.not_routable", candidate=option.name)
    if option.policy.verdict is Verdict.INCONCLUSIVE and study.criteria.cost.value_per_success is None:
        return message("decide.reason.unproven_policy", candidate=option.name)
    return None


def _no_choice(settled: Settled) -> Message:
    values: dict[str, Value] = {"candidate": settled.leading, "rival": settled.rival, "reference": settled.reference}
    code = f"decide.headline.{settled.why}"
    if settled.why in ("gate_open", "too_close", "not_shown"):
        if settled.why == "not_shown" and settled.rival == settled.leading:
            code += ".alone"
        if settled.examples is None:
            return message(f"{code}.no_plan", **values)
        return message(f"{code}.examples", examples=settled.examples, **values)
    return message(code, **values)


def _for(study: Study, settled: Settled, best: Contender, contenders: dict[str, Contender]) -> list[Message]:
    currency = study.criteria.cost.currency
    value = study.criteria.cost.value_per_success
    reasons = []
    if best.net_benefit is not None and value is not None:
        sign = "greatest_benefit" if best.net_benefit.value >= 0.0 else "least_loss"
        reasons.append(
            message(
                f"decide.reason.{sign}",
                candidate=best.name, benefit=abs(best.net_benefit.value), value=value, currency=currency,
            )
        )  # fmt: skip
    elif settled.candidate is not None:
        reasons.append(message("decide.reason.cheapest", candidate=best.name, cost=best.month, currency=currency))
    reference = contenders.get(settled.reference or "")
    if reference is not None and reference is not best:
        reasons.append(_standing(study, best, reference))
    if best.passes and best.gates:
        reasons.append(message("decide.reason.meets_limits", candidate=best.name))
    if not best.proven:
        reasons.append(message("decide.reason.unproven_policy", candidate=best.name))
    return reasons


def _standing(study: Study, contender: Contender, reference: Contender) -> Message:
    """How a candidate's quality stands to the reference's."""
    margin = study.criteria.service.quality_margin
    gap = contender.gap(reference)
    values: dict[str, Value] = {
        "candidate": contender.name, "reference": reference.name, "margin": margin * POINTS,
        "gap": gap.value * POINTS, "short": max(-gap.value, 0.0) * POINTS, "bound": gap.lower_bound * POINTS,
    }  # fmt: skip
    if contender.is_non_inferior(reference, margin):
        return message("decide.reason.non_inferior", **values)
    if gap.upper_bound < -margin:
        return message("decide.reason.inferior", **values)
    return message("decide.reason.undecided", **values)


def _is_undecided(settled: Settled, contender: Contender) -> bool:
    return settled.candidate is None and settled.why == "too_close" and contender.name == settled.rival


def _against(
    study: Study,
    settled: Settled,
    option: Option,
    contender: Contender,
    best: Contender | None,
    contenders: dict[str, Contender],
) -> list[Message]:
    barred = ineligible_because(study, option)
    if barred is not None:
        return [barred]
    currency = study.criteria.cost.currency
    dominator = settled.dominated_by.get(contender.name)
    if dominator is not None and _is_undecided(settled, contender):
        return []  # that the data cannot tell it from the leader is said already, and the point figures prove nothing
    if dominator is not None:
        return [message("decide.reason.dominated", candidate=contender.name, by=dominator)]
    if best is None:
        return []
    if contender.net_benefit is not None and best.net_benefit is not None:
        less = best.net_benefit.value - contender.net_benefit.value
        if abs(less) < _LEAST_MONEY:
            return [message("decide.reason.same_benefit", candidate=contender.name)]
        return [message("decide.reason.less_benefit", candidate=contender.name, less=less, currency=currency)]
    reference = contenders.get(settled.reference or "")
    if reference is not None and needs_margin(study) and contender is not reference:
        standing = _standing(study, contender, reference)
        if standing.code != "decide.reason.non_inferior":
            return [standing]
    if contender.month >= best.month:
        more = contender.month - best.month
        if more < _LEAST_MONEY and contender.quality.value <= best.quality.value:
            return [message("decide.reason.same_cost", candidate=contender.name, by=best.name)]
        return [message("decide.reason.dearer", candidate=contender.name, more=more, by=best.name, currency=currency)]
    return []
