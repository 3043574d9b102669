"""What a job found, for its page: sentences, a table, and a chart where one says more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain import JobKind, JobRow, MetricPoint
from core.jobs.results import (
    CheckResult,
    CompressResult,
    IndexResult,
    JudgeResult,
    LabelResult,
    LoadResult,
    ProfileResult,
    SuiteResult,
    SweepResult,
    TrainResult,
)
from gui.i18n import Translator
from gui.models.job_words import JobFigures
from gui.models.making_result import MakingWords
from gui.models.measuring_result import MeasuringWords


def job_figures(
    translator: Translator,
    row: JobRow,
    result: Mapping[str, Any] | None,
    spec: Mapping[str, Any] | None = None,
    trials: tuple[Sequence[MetricPoint], Sequence[MetricPoint]] = ((), ()),
) -> JobFigures:
    """What to show of a job: of its result where it has one, of a running search's trials so far."""
    made, found = MakingWords(translator), MeasuringWords(translator)
    candidate = row.candidates[0] if row.candidates else ""
    if result is None:
        return made.search_so_far(candidate, *trials) if row.kind is JobKind.SWEEP else JobFigures()
    match row.kind:
        case JobKind.FINE_TUNE | JobKind.DISTILL:
            return made.training(TrainResult.model_validate(result))
        case JobKind.LABEL:
            return found.labels(LabelResult.model_validate(result))
        case JobKind.CHECK:
            return found.checks(CheckResult.model_validate(result))
        case JobKind.JUDGE:
            return found.verdicts(JudgeResult.model_validate(result))
        case JobKind.SWEEP:
            space = (spec or {}).get("parameters", {}).get("space", {})
            return made.search(candidate, SweepResult.model_validate(result), space.get("retain"))
        case JobKind.LOAD:
            return found.load(LoadResult.model_validate(result))
        case JobKind.COMPRESS:
            return made.compression(CompressResult.model_validate(result))
        case JobKind.INDEX:
            return found.index(IndexResult.model_validate(result))
        case JobKind.SUITE:
            return found.suite(SuiteResult.model_validate(result))
        case JobKind.PROFILE:
            return found.profile(ProfileResult.model_validate(result))
        case _:
            return JobFigures()
