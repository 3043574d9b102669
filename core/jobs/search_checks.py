"""What a search for a language model's student is refused, before anything is trained."""

from __future__ import annotations

from core.errors import UserError
from core.spec import Study, SweepModel, Train

SOFT_LABELS = ("auto", "soft_labels")
TECHNIQUES = (*SOFT_LABELS, "labels", "sequence")
"""How a search may use its teacher where answers are texts."""
IN_TEXT = ("labels", "sequence")
_RANGES = ("temperature", "alpha")


def check_text_search(study: Study, space: SweepModel, training: Train, field: str) -> None:
    """Raises UserError for what no search over language models can try, or judge its students by."""
    if study.task.scored_later:
        raise UserError("study.sweep_judged", field=f"{field}.model.source", metric=study.task.metric)
    if _asked_for(space, "trim_vocabulary") and True in space.trim_vocabulary:
        name = "trim_vocabulary"
        raise UserError("study.classification_only", field=f"{field}.model.{name}", what=name)
    if "int8_static" in space.quantize:
        raise UserError("study.classification_only", field=f"{field}.model.quantize", what="int8_static")
    if training.technique in IN_TEXT:
        for name in _RANGES:
            if _asked_for(space, name):
                values = {"what": name, "technique": training.technique}
                raise UserError("study.option_unfit_technique", field=f"{field}.model.{name}", **values)


def _asked_for(space: SweepModel, name: str) -> bool:
    return bool(getattr(space, name) != SweepModel.model_fields[name].default)
