"""The answers that can be laid side by side: of every measured candidate, and of hybrids at their best policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.decide.options import options_of
from core.domain import JobState, Role
from core.errors import UserError
from core.evidence import StudyEvidence
from core.spec import Candidate, Study
from core.store import StudyStore
from core.store.evidence import DATA_PART, answering_job
from core.store.question import Facets, MeasuredSide, Question, RoutedSide, Show, Side

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
    found = measured_answers(store)
    return None if found is None else with_hybrids(evidence.study, found, hybrids_of(evidence, found.sides))


def measured_answers(store: StudyStore) -> DrillDown | None:
    """The answers as they are stored, which takes no decision: those of every candidate but the hybrids; null before
    anything is measured."""
    study, parts = store.study(), store.candidate_jobs()
    done = {row.job_id for row in store.jobs(superseded=True) if row.state is JobState.SUCCEEDED}
    data_job = parts.get(DATA_PART[0], {}).get(DATA_PART[1])
    own = tuple(
        MeasuredSide(candidate.name, job)
        for candidate in study.candidates
        if (job := answering_job(parts.get(candidate.name, {}))) in done and job is not None
    )
    if data_job is None or not own:
        return None
    return DrillDown(data_job, own, store.example_facets(data_job), study.task.kind != "classification")


def hybrids_of(evidence: StudyEvidence, sides: Sequence[Side]) -> tuple[RoutedSide, ...]:
    """The hybrids of these candidates whose policies are evaluated: which rows go to the teacher depends on prices and
    criteria."""
    if evidence.test is None or not any(candidate.route for candidate in evidence.candidates):
        return ()
    measured = {side.name: side for side in sides if isinstance(side, MeasuredSide)}
    found = []
    for option in options_of(evidence, evidence.study):
        best = next((policy for policy in option.policies if policy.decision is option.policy), None)
        teacher, student = (measured.get(name or "") for name in (option.candidate.teacher, option.candidate.student))
        if best is not None and teacher is not None and student is not None:
            ids = zip(evidence.test.example_ids, best.sent.tolist(), strict=True)
            found.append(RoutedSide(option.name, teacher, student, frozenset(own for own, sent in ids if sent)))
    return tuple(found)


def with_hybrids(study: Study, found: DrillDown, hybrids: Sequence[RoutedSide]) -> DrillDown:
    """The same with those hybrids whose two candidates it holds, in study order."""
    sides: dict[str, Side] = {side.name: side for side in found.sides}
    sides |= {one.name: one for one in hybrids if {one.teacher, one.student} <= set(found.sides)}
    return replace(found, sides=tuple(sides[one.name] for one in study.candidates if one.name in sides))


def usual_sides(study: Study, sides: Sequence[Side]) -> tuple[Side, ...]:
    """The teacher and the student that a reader most likely wants to compare: a hybrid's two, with the hybrid where it
    has answers; else the first teacher and the first student, else the first two candidates."""
    by_name = {side.name: side for side in sides}
    hybrid = next((side for side in sides if isinstance(side, RoutedSide)), None)
    if hybrid is not None:
        return (hybrid.teacher, hybrid.student, hybrid)
    for candidate in study.candidates:
        parts = _parts(candidate, by_name)
        if parts:
            return parts
    firsts = [
        next((by_name[one.name] for one in study.candidates if one.role is role and one.name in by_name), None)
        for role in (Role.TEACHER, Role.STUDENT)
    ]
    pair = tuple(side for side in firsts if side is not None)
    return pair if len(pair) == 2 else tuple(sides[:2])


def sides_with(study: Study, sides: Sequence[Side], name: str) -> tuple[Side, ...]:
    """The candidate of that name beside whom it is best compared with: a hybrid with its two models, a teacher with the
    usual student, any other with the usual teacher. Where it has no answers: a hybrid's two
    models, else the usual ones."""
    by_name = {side.name: side for side in sides}
    own = by_name.get(name)
    usual = usual_sides(study, sides)
    if own is None:
        named = next((candidate for candidate in study.candidates if candidate.name == name), None)
        return (named is not None and _parts(named, by_name)) or usual
    if isinstance(own, RoutedSide):
        return (own.teacher, own.student, own)
    measured = [side for side in usual if not isinstance(side, RoutedSide) and side.name != name]
    if not measured:
        return (own,)
    first = study.candidate(name).role is Role.TEACHER
    return with_hybrid(sides, *((own, measured[-1]) if first else (measured[0], own)))


def _parts(candidate: Candidate, sides: Mapping[str, Side]) -> tuple[Side, ...]:
    """The two that a hybrid sends rows to; empty for any other candidate, or where one has no answers."""
    pair = [sides.get(name) for name in (candidate.teacher, candidate.student) if name is not None]
    parts = tuple(side for side in pair if side is not None)
    return parts if candidate.role is Role.HYBRID and len(parts) == 2 else ()


def with_hybrid(sides: Sequence[Side], first: Side, second: Side) -> tuple[Side, ...]:
    """The two, and the hybrid of both where there is one."""
    parts = {first.name, second.name}
    hybrids = (one for one in sides if isinstance(one, RoutedSide) and {one.teacher.name, one.student.name} == parts)
    hybrid = next(hybrids, None)
    return (first, second) if hybrid is None else (first, second, hybrid)


@dataclass(frozen=True)
class Overview:
    """How two candidates compare on all test rows, as counts; those of one candidate where there is one."""

    rows: int
    both_right: int
    only_first: int
    only_second: int


def overview_of(store: StudyStore, data_job: str, sides: Sequence[Side]) -> Overview:
    """How the first two of some candidates compare."""
    whole, two = Question(data_job, tuple(sides[:2])), len(sides) > 1
    shows = (Show.ALL, Show.ONLY_FIRST, *((Show.ONLY_SECOND, Show.BOTH_RIGHT) if two else ()))
    counts = {show: store.example_count(replace(whole, show=show)) for show in shows}
    return Overview(
        rows=counts[Show.ALL],
        both_right=counts.get(Show.BOTH_RIGHT, 0),
        only_first=counts[Show.ONLY_FIRST],
        only_second=counts.get(Show.ONLY_SECOND, 0),
    )


def require_two_for(show: Show, sides: Sequence[Side]) -> None:
    """Nothing, where a filter has the candidates that it compares. Raises UserError otherwise."""
    if show in _NEEDS_TWO and len(sides) < 2:
        raise UserError("cli.examples.needs_two", filter=show.value)
