"""What must be said of scores that a judge gave, whom it may favour and where its verdicts hang on the order, and of
answers that fail their checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.decide.options import Option
from core.decide.outcome import Message, message
from core.domain import Role
from core.i18n import Value, listed
from core.jobs.results import JudgeResult
from core.spec import Candidate, CandidateModel, Study, TeacherLayers

TOLD_DISAGREEMENT_SHARE = 0.1
# So many rows with the same score say that a judge tells nothing apart; below so many rows it may be chance.
ONE_VERDICT_SHARE = 0.99
LEAST_TOLD_ROWS = 10
_RIGHT = 0.5
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
    notes = [message("decide.note.judge_is_near", names=listed(near))] if near else []
    notes += _uninformative(judged)
    judge = study.task.judge
    if judge is not None and judge.text_only and any(_is_judged(option) for option in judged):
        notes.append(message("decide.note.judge_blind"))
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


def _uninformative(judged: Sequence[Option]) -> list[Message]:
    """A note where a judge gives one score to all answers, or to nearly all though an exact match tells the candidates
    apart: by its verdicts all are alike, whatever they are worth."""
    found = [result for option in judged if (result := option.evidence.judging) is not None and result.judge]
    scores: Counter[float] = Counter()
    for result in found:
        scores.update({one.score: one.rows for one in result.by_score})
    rows = scores.total()
    if rows < LEAST_TOLD_ROWS:
        return []
    score, commonest = scores.most_common(1)[0]
    short = [result for result in found if result.exact_rows and result.exact_matches is not None]
    told_apart = len({(result.exact_matches or 0) / result.exact_rows for result in short}) > 1
    alike = commonest == rows and not (_all_exact(short) and (score > _RIGHT or _ties(short)))
    if not alike and not (told_apart and commonest >= ONE_VERDICT_SHARE * rows):
        return []
    verdicts: Counter[str] = Counter()
    for result in found:
        verdicts.update({one.verdict: one.count for one in result.by_verdict})
    values: dict[str, Value] = {"judge": found[0].judge or "", "share": commonest / rows, "rows": rows}
    values |= {"score": score, "verdict": verdicts.most_common(1)[0][0]}
    if len(found) > 1 and told_apart:
        return [message("decide.note.judge_uninformative_apart", **values)]
    return [message("decide.note.judge_uninformative", **values)]


def _all_exact(short: Sequence[JudgeResult]) -> bool:
    """Whether every answer is the reference to the letter: one verdict for all of them is then right."""
    return bool(short) and all(result.exact_matches == result.exact_rows == result.rows for result in short)


def _ties(short: Sequence[JudgeResult]) -> bool:
    """Whether a comparison found all answers as good as the reference, in either order."""
    return all(result.method == "pairwise" and not result.disagreements for result in short)


def _is_judged(option: Option) -> bool:
    found = option.evidence.judging
    return found is not None and found.judge is not None


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
