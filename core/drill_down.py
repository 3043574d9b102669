"""The answers that can be laid side by side: of every measured candidate, and of hybrids at their best policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.decide.options import options_of
from core.domain import JobState, Role
from core.errors import UserError
from core.evidence import StudyEvidence
from core.spec import Study
from core.store import StudyStore
from core.store.drill_down import Facets, MeasuredSide, RoutedSide, Show, Side
from core.store.evidence import DATA_PART, answering_job

_NEEDS_TWO = (Show.DISAGREE, Show.ONLY_SECOND)


@dataclass(frozen=True)
class DrillDown:
    """The candidates of a study that have answers, in study order, and what their test rows can be narrowed to.

    `by_score` says that answers are more than the name of a class, so that they disagree by their scores.
    """

    data_job: str
    sides: tuple[Side, ...]
    facets: Facets
    by_score: bool

    def side(self, name: str) -> Side:
        """The candidate of that name. Raises UserError naming those with answers."""
        for side in self.sides:
            if side.name == name:
                return side
        raise UserError("cli.examples.no_answers", name=name, names=", ".join(one.name for one in self.sides))


def drill_down_of(store: StudyStore, evidence: StudyEvidence) -> DrillDown | None:
    """What can be laid side by side; null before anything is measured. `evidence` is the store's own."""
    parts = store.candidate_jobs()
    done = {row.job_id for row in store.jobs(superseded=True) if row.state is JobState.SUCCEEDED}
    data_job = parts.get(DATA_PART[0], {}).get(DATA_PART[1])
    own = [
        MeasuredSide(candidate.name, job)
        for candidate in evidence.study.candidates
        if (job := answering_job(parts.get(candidate.name, {}))) in done and job is not None
    ]
    if data_job is None or not own:
        return None
    measured = {side.name: side for side in own}
    routed = {side.name: side for side in _routed(evidence, measured)}
    sides: dict[str, Side] = {**measured, **routed}
    ordered = tuple(sides[one.name] for one in evidence.study.candidates if one.name in sides)
    by_score = evidence.study.task.kind != "classification"
    return DrillDown(data_job, ordered, store.example_facets(data_job), by_score)


def _routed(evidence: StudyEvidence, measured: dict[str, MeasuredSide]) -> list[RoutedSide]:
    """The hybrids whose policies are evaluated: which rows go to the teacher depends on prices and criteria."""
    if evidence.test is None or not any(candidate.route for candidate in evidence.candidates):
        return []
    found = []
    for option in options_of(evidence, evidence.study):
        best = next((policy for policy in option.policies if policy.decision is option.policy), None)
        teacher, student = (measured.get(name or "") for name in (option.candidate.teacher, option.candidate.student))
        if best is not None and teacher is not None and student is not None:
            ids = zip(evidence.test.example_ids, best.sent.tolist(), strict=True)
            found.append(RoutedSide(option.name, teacher, student, frozenset(own for own, sent in ids if sent)))
    return found


def usual_sides(study: Study, sides: Sequence[Side]) -> tuple[Side, ...]:
    """The teacher and the student that a reader most likely wants to compare: a hybrid's two, with the hybrid; else the
    first teacher and the first student, else the first two candidates."""
    by_name = {side.name: side for side in sides}
    hybrid = next((side for side in sides if isinstance(side, RoutedSide)), None)
    if hybrid is not None:
        return (hybrid.teacher, hybrid.student, hybrid)
    firsts = [
        next((by_name[one.name] for one in study.candidates if one.role is role and one.name in by_name), None)
        for role in (Role.TEACHER, Role.STUDENT)
    ]
    pair = tuple(side for side in firsts if side is not None)
    return pair if len(pair) == 2 else tuple(sides[:2])


def sides_with(study: Study, sides: Sequence[Side], name: str) -> tuple[Side, ...]:
    """The candidate of that name beside whom it is best compared with: a hybrid with its two models, a teacher with the
    usual student, any other with the usual teacher. The usual ones where it has no answers."""
    own = next((side for side in sides if side.name == name), None)
    usual = usual_sides(study, sides)
    if own is None:
        return usual
    if isinstance(own, RoutedSide):
        return (own.teacher, own.student, own)
    measured = [side for side in usual if not isinstance(side, RoutedSide) and side.name != name]
    if not measured:
        return (own,)
    first = study.candidate(name).role is Role.TEACHER
    return with_hybrid(sides, *((own, measured[-1]) if first else (measured[0], own)))


def with_hybrid(sides: Sequence[Side], first: Side, second: Side) -> tuple[Side, ...]:
    """The two, and the hybrid of both where there is one."""
    parts = {first.name, second.name}
    hybrids = (one for one in sides if isinstance(one, RoutedSide) and {one.teacher.name, one.student.name} == parts)
    hybrid = next(hybrids, None)
    return (first, second) if hybrid is None else (first, second, hybrid)


def require_two_for(show: Show, sides: Sequence[Side]) -> None:
    """Nothing, where a filter has the candidates that it compares. Raises UserError otherwise."""
    if show in _NEEDS_TWO and len(sides) < 2:
        raise UserError("cli.examples.needs_two", filter=show.value)
