"""How a language model is used as a teacher: chosen by what it gives, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.engines.distill.causal_model import same_tokenizer, shared_vocabulary
from core.engines.language.opening import open_language_tokenizer
from core.errors import UserError
from core.jobs.specs import DistillParameters


@dataclass(frozen=True)
class Technique:
    """A technique's name, the message code of its reason (`train.reason.…`), and how many tokens both models share."""

    name: str
    reason: str
    shared_vocabulary: int | None = None


def choose_technique(
    parameters: DistillParameters, teacher: Path | None, answered: bool, student_tokenizer: Any, student: Any
) -> Technique:
    """The technique for this teacher and student; `answered` says whether the teacher's answers are there to learn.

    Raises UserError where the technique that was asked for cannot be had.
    """
    settings = parameters.train
    if settings.alpha == 0.0:
        return Technique("targets", "train.reason.targets")
    if teacher is None:
        if settings.technique in ("soft_labels", "on_policy"):
            raise UserError("train.technique_unfit", technique=settings.technique)
        return Technique("sequence", "train.reason.text_only")
    if settings.technique in ("labels", "sequence"):
        if not answered:
            raise UserError("train.no_answers", technique=settings.technique)
        return Technique("sequence", "train.reason.asked")
    tokenizer, config = open_language_tokenizer(teacher)
    if not same_tokenizer(tokenizer, student_tokenizer):
        if settings.technique == "on_policy":
            raise UserError("train.tokenizers_differ", technique=settings.technique)
        return Technique("cross_tokenizer", "train.reason.other_tokenizer")
    shared = shared_vocabulary(student_tokenizer, config, student.config)
    if settings.technique == "on_policy":
        return Technique("on_policy", "train.reason.asked", shared)
    sizes = {int(one.get_text_config().vocab_size) for one in (config, student.config)}
    if len(sizes) > 1:
        return Technique("sliced_vocabulary", "train.reason.padded_vocabulary", shared)
    return Technique("logit", "train.reason.same_vocabulary", shared)
