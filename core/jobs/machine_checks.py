"""What this machine cannot do of the jobs that are still to be done, told before the first of them begins."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import UserError
from core.gpu import other_device
from core.jobs.plan import PlannedJob
from core.jobs.specs import CompressParameters
from core.spec import Quantize


def check_machine(jobs: Iterable[PlannedJob]) -> None:
    """Raises UserError where a language model is to be brought to 4 bits and no NVIDIA GPU is here.

    Jobs that are done or not asked for are none of `jobs`: they may run, or have run, on another machine.
    """
    for job in jobs:
        parameters = job.spec.parameters
        # The job of a classifier has no task.
        if not isinstance(parameters, CompressParameters) or parameters.task is None:
            continue
        in_4_bits = any(isinstance(step, Quantize) and step.quantize == "int4" for step in parameters.steps)
        device = other_device() if in_4_bits else None
        if device is not None:
            named = f"candidates: {', '.join(job.candidates)}"
            raise UserError("compress.language_int4_needs_gpu", path=named, device=device)
