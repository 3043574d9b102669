"""The task as a job is told it: with examples in the prompt only for models that are asked without being trained."""

from __future__ import annotations

from pathlib import Path

from core.jobs.model_sources import answers_in_text
from core.spec import Candidate, CandidateModel, Prune, Study, Task


def plain_task(study: Study) -> Task:
    """The task without what only changes how an untrained model is asked, and without what is done with answers."""
    return study.task.model_copy(update={"few_shot": None, "judge": None, "checks": None})


def asked_task(study: Study, candidate: Candidate, base: Path, *, compressed: bool = True) -> Task:
    """The task as a candidate's model is asked it. A model that was trained here is asked as it was trained.

    `compressed` false means the model before the candidate's own compression.
    """
    unchanged = is_untrained(study, candidate, compressed=compressed)
    shots = study.task.few_shot if unchanged and answers_in_text(study, candidate, base) else None
    return plain_task(study).model_copy(update={"few_shot": shots})


def is_untrained(study: Study, candidate: Candidate, *, compressed: bool = True) -> bool:
    """Whether nothing was learnt here: neither by the candidate nor by what it is made from, pruning's recovery
    included."""
    recovered = compressed and any(isinstance(step, Prune) for step in candidate.compress)
    if recovered or study.training_of(candidate).method != "none":
        return False
    return not isinstance(candidate.model, CandidateModel) or is_untrained(study, study.candidate(candidate.model.name))
