"""What a candidate is worth a month: its right answers at their value, less what they cost."""

from __future__ import annotations

from core.decide.bills import Bill
from core.decide.draws import Draws
from core.decide.one_off import OneOff
from core.decide.systems import System
from core.spec import Study


def net_benefit_of(study: Study, system: System, bill: Bill, paid_once: OneOff | None) -> Draws | None:
    """Value · right answers − cost, money a month, with what is paid once spread over the horizon; null without a value
    of a right answer or without a bill."""
    criteria = study.criteria.cost
    value = criteria.value_per_success
    if value is None or bill.monthly is None:
        return None
    month = bill.monthly
    spread = (0.0 if paid_once is None else paid_once.total) / criteria.horizon_months
    worth = value * criteria.monthly_requests
    alone, unseen = system.success.of_rows, system.success.unseen
    return Draws(
        worth * system.success.value - month.value - spread,
        worth * system.success.draws - month.draws - spread,
        None if alone is None else worth * alone - month.draws - spread,
        None if unseen is None else worth * unseen,
    )
