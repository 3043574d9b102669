"""The learning rate of a step, from the step's number alone."""

from __future__ import annotations

import math

WARM_UP_SHARE = 0.1
_START_SHARE = 1 / 25
_END_SHARE = 1e-4


def one_cycle(step: int, total_steps: int, peak: float) -> float:
    """The learning rate at `step` of `total_steps`: a cosine rise to `peak` over the first tenth, then a cosine fall.

    One-cycle policy (Smith, Topin 2018), without its swing of momentum. Stateless: a resumed run needs no scheduler.
    """
    warm_up = max(1, round(WARM_UP_SHARE * total_steps))
    if step < warm_up:
        return _cosine(peak * _START_SHARE, peak, step / warm_up)
    return _cosine(peak, peak * _END_SHARE, (step - warm_up) / max(1, total_steps - 1 - warm_up))


def _cosine(begin: float, end: float, share: float) -> float:
    return end + (begin - end) * (1.0 + math.cos(math.pi * min(1.0, share))) / 2.0
