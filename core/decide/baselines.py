"""What a student kept of its teacher, and what distillation added against the same student on the targets alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from core.decide.choice import Contender
from core.decide.draws import Draws
from core.decide.outcome import Retained
from core.decide.systems import (
    ONE_SEED,
    SharedRows,
    System,
    draws_of,
    mixing_of,
    outcomes_on_unseen,
    seeded_rows,
)
from core.domain import Role
from core.evidence import ScoredRows
from core.metrics.quality import QualityEstimate
from core.metrics.seeds import SeededRows, estimate_seeded
from core.spec import Candidate, CandidateModel, Study, SweepModel, TeacherLayers


@dataclass(frozen=True, eq=False)
class HardLabels:
    """The same student on the targets alone: its quality, and the distilled student's minus that, paired."""

    quality: QualityEstimate
    added: Draws


@lru_cache(maxsize=64)
def hard_labels(shared: SharedRows, system: System, rows: ScoredRows) -> HardLabels:
    """The baseline behind `rows` beside the distilled `system`.

    The baseline is trained once. Where the student was trained with several seeds, the baseline's own spread between
    seeds is taken to be the student's: the interval says how much a further training might differ.
    """
    metric = seeded_rows(shared, (rows,), ONE_SEED)
    estimate = estimate_seeded(metric, shared.test.groups, shared.weights)
    base = draws_of(shared, metric, outcomes_on_unseen(shared, rows), estimate.value)
    runs = system.seeded.runs
    if len(runs) > 1:
        apart = SeededRows(runs, mixing_of((rows,), len(runs), len(base.draws)))
        base = replace(base, draws=base.draws + apart.one_training(shared.weights)[1:], of_rows=base.draws)
    return HardLabels(estimate, system.quality_draws.minus(base))


def retained(
    study: Study, candidate: Candidate, contenders: Mapping[str, Contender], reference: str | None
) -> Retained | None:
    """The share of quality that a student or a compressed variant kept, with the interval of the paired ratio.

    It is held against the teacher that taught it or what it was made from; without one against the reference, where
    that is a teacher; else against its parent. Null where none of them is measured, and for teachers and hybrids.
    """
    own = contenders.get(candidate.name)
    if own is None:
        return None
    for name in _yardsticks(study, candidate, reference):
        whole = contenders.get(name)
        if whole is None or name == candidate.name:
            continue
        share = own.quality.share_of(whole.quality)
        return None if share is None else Retained(name, share)
    return None


def _yardsticks(study: Study, candidate: Candidate, reference: str | None) -> list[str]:
    """What a candidate may be held against, the first that is measured counts."""
    parent = candidate.model.name if isinstance(candidate.model, CandidateModel) else None
    if candidate.role is Role.HYBRID:
        return []
    if candidate.role is Role.TEACHER:
        return [parent] if parent is not None else []
    general = reference if reference is not None and study.candidate(reference).role is Role.TEACHER else None
    return [name for name in (_taught_by(study, candidate), general, parent) if name is not None]


def _taught_by(study: Study, candidate: Candidate) -> str | None:
    """The teacher in a candidate's making; null where it learnt from the targets alone and took nothing of one."""
    while True:
        if study.training_of(candidate).method == "distill" or isinstance(candidate.model, TeacherLayers | SweepModel):
            return study.teacher_of(candidate)
        if not isinstance(candidate.model, CandidateModel):
            return None
        candidate = study.candidate(candidate.model.name)


def is_distilled(study: Study, candidate: Candidate) -> bool:
    """Whether a teacher taught the candidate itself: then the same student on hard labels belongs beside it."""
    training = study.training_of(candidate)
    return candidate.role is not Role.HYBRID and training.method == "distill" and training.alpha > 0.0
