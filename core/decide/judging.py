"""What must be said of scores that a judge gave, whom it may favour and where its verdicts hang on the order, and of
answers that fail their checks."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.options import Option
from core.decide.outcome import Message, message
from core.domain import Role
from core.i18n import Value
from core.spec import Candidate, CandidateModel, Study, TeacherLayers

TOLD_DISAGREEMENT_SHARE = 0.1
_IDENTITY = ("source", "id", "path", "file", "base_url", "model")


def is_near_judge(study: Study, candidate: Candidate) -> bool:
    """Whether the judge is a candidate's own model, what it was made from, or its teacher: models rate their own manner
    higher (Panickssery et al. 2024, arXiv:2404.13076)."""
    if study.task.judge is None:
        return False
    if candidate.role is Role.HYBRID:
        return any(
            is_near_judge(study, study.candidate(name)) for name in (candidate.teacher, candidate.student) if name
        )
    if candidate.model is not None and _identity(candidate.model) == _identity(study.task.judge.model):
        return True
    parents = [candidate.model.name] if isinstance(candidate.model, CandidateModel) else []
    teacher = study.teacher_of(candidate)
    if teacher is not None and (
        study.training_of(candidate).method == "distill" or isinstance(candidate.model, TeacherLayers)
    ):
        parents.append(teacher)
    return any(is_near_judge(study, study.candidate(name)) for name in parents)


def judge_notes(study: Study, options: Sequence[Option]) -> list[Message]:
    """Candidates that the judge is near to, verdicts that changed with the order, and answers without any."""
    judged = [option for option in options if option.evidence.judging is not None and option.system is not None]
    near = [option.name for option in judged if is_near_judge(study, option.candidate)]
    notes = [message("decide.note.judge_is_near", names=", ".join(near))] if near else []
    for option in judged:
        found = option.evidence.judging
        if found is None:
            continue
        if found.both_orders and found.disagreements > TOLD_DISAGREEMENT_SHARE * found.both_orders:
            share = found.disagreements / found.both_orders
            notes.append(message("decide.note.judge_order", candidate=option.name, share=share, rows=found.both_orders))
        if found.unreadable_rows:
            notes.append(message("decide.note.judge_silent", candidate=option.name, count=found.unreadable_rows))
    return notes


def check_notes(options: Sequence[Option]) -> list[Message]:
    """How many answers fail their checks, and how many a second request mends."""
    notes = []
    for option in options:
        found = option.evidence.checking
        if found is None or option.system is None or not found.failed:
            continue
        values: dict[str, Value] = {"candidate": option.name, "share": found.failed / found.rows, "rows": found.rows}
        if found.re_asked:
            left = found.failed - found.corrected
            values |= {"corrected": found.corrected, "asked": found.re_asked, "left": left}
            notes.append(message("decide.note.checks_asked_again", **values))
        else:
            notes.append(message("decide.note.checks_failed", **values))
    return notes


def _identity(model: object) -> dict[str, object]:
    return {name: value for name in _IDENTITY if (value := getattr(model, name, None)) is not None}
