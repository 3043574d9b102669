"""Options of a training that a study sets and that its technique does not read."""

from __future__ import annotations

from core.i18n import english
from core.jobs.specs import DistillParameters, FineTuneParameters
from core.spec import BaselineModel, Train
from core.worker.context import JobContext

_OF_STEPS = frozenset({"epochs", "learning_rate", "batch_size", "accumulate", "max_length", "gradient_checkpointing"})
_OF_PROBABILITIES = frozenset({"technique", "temperature", "alpha"})
_OF_NEXT_TOKENS = _OF_PROBABILITIES | {"top_k"}
# Of the options below, those that each technique reads. What is not below is read by all, or refused where it is not.
_READ: dict[str, frozenset[str]] = {
    "fine_tune": frozenset(),
    "targets": frozenset({"alpha"}),
    "labels": frozenset({"technique", "alpha"}),
    "soft_labels": _OF_PROBABILITIES,
    "logit": _OF_NEXT_TOKENS,
    "sliced_vocabulary": _OF_NEXT_TOKENS,
    "cross_tokenizer": _OF_NEXT_TOKENS,
    "sequence": frozenset({"technique", "reasoning"}),
    "on_policy": frozenset({"technique", "temperature"}),
}
_TOLD = (*sorted(_OF_STEPS), "technique", "temperature", "alpha", "reasoning", "top_k")
# The share of the teacher in a loss that knows no other one: who writes it has what was asked for.
_OWN_ALPHA = {"fine_tune": 0.0, "sequence": 1.0, "on_policy": 1.0}


def tell_unused(parameters: FineTuneParameters | DistillParameters, technique: str, context: JobContext) -> None:
    """Warn of each option that the study sets to something else than its default and that changes nothing here.

    A job whose options are another student's (`told_elsewhere`) says nothing of them.
    """
    if parameters.told_elsewhere:
        return
    settings, model = parameters.train, parameters.model
    floor = model if isinstance(model, BaselineModel) else None
    read = _OF_STEPS | _READ[technique] if floor is None else _read_by_floor(floor, settings, technique)
    for name in _TOLD:
        value = getattr(settings, name)
        meant = name == "alpha" and value == _OWN_ALPHA.get(technique)
        if name in read or meant or value == Train.model_fields[name].default:
            continue
        code = "train.log.option_unused" if floor is None else "train.log.option_unused_floor"
        context.log(english(code, option=name, technique=technique), "warning")


def _read_by_floor(floor: BaselineModel, settings: Train, technique: str) -> frozenset[str]:
    """A floor is solved for, not trained in steps; of its features embeddings alone learn at a temperature, where the
    teacher has a share."""
    if technique == "fine_tune":
        return frozenset()
    learns_shares = floor.kind != "tfidf_linear" and settings.alpha > 0.0
    return frozenset({"technique", "alpha", "temperature"} if learns_shares else {"technique", "alpha"})
