"""When what the choice costs once has paid itself back against the others."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.cost import break_even_months, break_even_volume
from core.decide.options import Option
from core.decide.outcome import BreakEven
from core.spec import Study


def break_even_of(study: Study, chosen: str | None, options: Sequence[Option]) -> tuple[BreakEven, ...]:
    """Against each other measured candidate, in study order: requests and months, null for never.

    The saving is the difference of the monthly bills at the stated load. Empty without a choice, or where what the
    choice costs once is not known.
    """
    best = next((option for option in options if option.name == chosen), None)
    if best is None or best.bill.monthly is None or best.one_off is None:
        return ()
    requests = study.criteria.cost.monthly_requests
    found = []
    for option in options:
        if option is best or option.bill.monthly is None:
            continue
        saving = (option.bill.monthly.value - best.bill.monthly.value) / requests
        volume = break_even_volume(best.one_off.total, saving)
        found.append(BreakEven(option.name, volume, break_even_months(volume, requests)))
    return tuple(found)
