"""What stands below one quality: each field of an extraction, or each of several labels, on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from core.decide.options import Option
from core.decide.outcome import CandidateDecision
from core.evidence import ScoredRows, StudyEvidence, TestRows
from core.metrics.fields import PartFigures, field_figures, label_figures
from core.spec import Study


def with_parts(
    evidence: StudyEvidence, study: Study, options: Sequence[Option], rows: Sequence[CandidateDecision]
) -> tuple[CandidateDecision, ...]:
    """The candidates' rows with the figures of each part, on the held-out rows of the first seed; as they are where the
    metric has no parts."""
    test = evidence.test
    several = study.task.kind == "multi_label"
    if test is None or not (several or study.task.metric == "field_f1"):
        return tuple(rows)
    return tuple(
        row if option.system is None else replace(row, parts=_parts(option.system.rows, test, several=several))
        for row, option in zip(rows, options, strict=True)
    )


@lru_cache(maxsize=64)
def _parts(rows: ScoredRows, test: TestRows, *, several: bool) -> tuple[PartFigures, ...]:
    """Empty where only scores are known."""
    if all(output is None for output in rows.outputs):
        return ()
    known = [row for row, target in enumerate(test.targets) if target]
    outputs = [rows.outputs[row] for row in known]
    targets, groups = ([column[row] for row in known] for column in (test.targets, test.groups))
    figures_of = label_figures if several else field_figures
    return figures_of(outputs, targets, groups, None if test.weights is None else test.weights[known])
