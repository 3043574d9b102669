"""Options of a training that a study sets and that its technique does not read."""

from __future__ import annotations

from collections.abc import Iterable

from core.i18n import english
from core.spec import Train
from core.worker.context import JobContext

OF_TEXT_TEACHERS = ("reasoning", "top_k")
"""What belongs to a teacher's texts and to its next-token distributions, and to nothing else."""


def tell_unused(settings: Train, names: Iterable[str], technique: str, context: JobContext) -> None:
    """Warn of each option of `names` that the study sets to something else than its default, for it changes nothing."""
    for name in names:
        if getattr(settings, name) != Train.model_fields[name].default:
            context.log(english("train.log.option_unused", option=name, technique=technique), "warning")
