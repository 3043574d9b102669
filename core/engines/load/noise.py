"""Whether this machine was too busy with other programs while a level ran: by the measure that timings go by."""

from __future__ import annotations

from core.engines.benchmark import plan
from core.jobs.results import LoadStep


def with_noise(step: LoadStep, foreign_share: float | None) -> LoadStep:
    """The step with the share of the processor that other programs used; null where that cannot be told."""
    noisy = foreign_share is not None and foreign_share > plan.NOISY_FOREIGN_SHARE
    return step.model_copy(update={"foreign_share": foreign_share, "noisy": noisy})
