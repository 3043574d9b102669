"""What a reader must know of the data that the figures rest on."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.data_limits import accuracy_ceiling
from core.decide.outcome import CandidateDecision, Message, message
from core.evidence import StudyEvidence
from core.i18n import Value
from core.metrics.effective import effective_rows
from core.spec import Study
from core.spec.secrets import writes_password, writes_secret
from core.study_checks import endpoints_of

CUT_WORTH_TELLING = 0.03


def weight_notes(evidence: StudyEvidence, study: Study) -> list[Message]:
    """How test rows are weighted, what they are worth, and which intervals hold then."""
    column, test = study.data.columns.weight, evidence.test
    if column is None or test is None:
        return []
    if test.weights is None:
        return [message("decide.note.weights_equal", column=column)]
    worth = effective_rows(test.groups, test.weights)
    return [message("decide.note.weighted", column=column, count=len(test.groups), worth=round(worth))]


def time_notes(evidence: StudyEvidence, study: Study) -> list[Message]:
    """Parts of a split by time whose share is far from the one asked for."""
    plan, data = study.data.split, evidence.dataset
    if plan is None or plan.time is None or data is None:
        return []
    return [
        message(f"decide.note.time_share.{part}", column=plan.time, share=share, wanted=getattr(plan, part))
        for part, share in data.missed_shares(plan).items()
    ]


def ceiling_notes(evidence: StudyEvidence, study: Study) -> list[Message]:
    """The ceiling that wrong labels set, where they are found, and a floor of quality that lies above it."""
    noise = None if evidence.profile is None else evidence.profile.label_noise
    if noise is None or noise.disagreeing_rows == 0:
        return []
    ceiling = accuracy_ceiling(noise)
    values = {"rate": noise.rate, "low": noise.low, "high": noise.high}
    notes = [message("decide.note.label_noise", count=noise.suspected, ceiling=ceiling.value, **values)]
    floor = study.criteria.service.min_quality
    if study.task.metric == "accuracy" and floor is not None and ceiling.high is not None and floor > ceiling.high:
        notes.append(message("decide.note.floor_above_ceiling", floor=floor, ceiling=ceiling.high))
    return notes


def secret_notes(study: Study) -> list[Message]:
    """Passwords and keys that a study of an earlier version holds in plain text."""
    fields = [
        f"{field}.{part}"
        for field, model in endpoints_of(study)
        for part, written in (
            ("proxy", writes_password(model.proxy)),
            ("base_url", writes_password(model.base_url)),
            *((f"headers.{name}", writes_secret(name, value)) for name, value in model.headers.items()),
        )
        if written
    ]
    return [message("decide.note.password_written", field=field) for field in fields]


def unknown_row_notes(evidence: StudyEvidence) -> list[Message]:
    """Candidates whose predictions file has rows that are not in the data: it may belong to other data."""
    notes = []
    for candidate in evidence.candidates:
        unknown = None if candidate.benchmark is None else candidate.benchmark.unknown_rows
        if unknown is not None:
            values: dict[str, Value] = {"count": unknown.count, "row": unknown.first_row, "first": unknown.first}
            notes.append(message("decide.note.rows_unknown", candidate=candidate.name, **values))
    return notes


def cut_notes(rows: Sequence[CandidateDecision]) -> list[Message]:
    """Candidates that did not see more than a few per cent of the test rows whole."""
    notes = []
    for row in rows:
        cut = row.cut_inputs
        if cut is None or cut.share < CUT_WORTH_TELLING:
            continue
        if cut.cut:
            notes.append(
                message(
                    "decide.note.inputs_cut",
                    candidate=row.name,
                    share=cut.shares[0],
                    count=cut.cut,
                    limit=cut.max_length,
                )
            )
        if cut.unfit:
            values = {"share": cut.shares[1], "count": cut.unfit}
            notes.append(message("decide.note.inputs_unfit", candidate=row.name, **values))
    return notes
