"""What the plan and its checks know of judging: who judges, what it is told, and what must be there for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.domain import Role
from core.errors import UserError
from core.jobs.asked_task import plain_task
from core.jobs.model_sources import ready_model
from core.jobs.specs import BenchmarkParameters, CheckParameters, JudgeParameters
from core.jobs.vendor_prices import judge_price
from core.spec import Checks, EndpointModel, PredictionsModel, Study


def scores_predictions(study: Study) -> bool:
    """Whether predictions measured elsewhere are scored here where their file has no score."""
    return study.task.judge is not None or study.task.metric == "groundedness"


def judge_parameters(study: Study, base: Path, measured: BenchmarkParameters) -> JudgeParameters:
    """The scoring of a benchmark's answers. Raises UserError where the judge's file is missing."""
    judge, sha256 = study.task.judge, None
    if judge is not None:
        ready = ready_model(judge.model, base)
        sha256 = ready.sha256
        # A price changes no verdict.
        judge = judge.model_copy(update={"profile": None, "model": ready.ready})
    return JudgeParameters(
        task=plain_task(study),
        judge=judge,
        model_sha256=sha256,
        context_column=study.data.columns.context if study.task.metric == "groundedness" else None,
        pictures=judge is not None and study.data.columns.image is not None and not judge.text_only,
        predictions=measured.predictions,
        price=judge_price(study),
    )


def check_parameters(study: Study, checks: Checks, measured: BenchmarkParameters) -> CheckParameters:
    """The checking of a benchmark's answers."""
    return CheckParameters(
        task=measured.task,
        checks=checks,
        context_column=study.data.columns.context if checks.need_context else None,
        # Whoever is not asked again is no part of what was found.
        loadable=measured.loadable if checks.re_ask else None,
        model_sha256=measured.model_sha256 if checks.re_ask else None,
        imported=measured.predictions is not None,
        passages_prompt=None if measured.retrieval is None or not checks.re_ask else measured.retrieval.prompt,
        price=measured.price,
    )


def check_judging(study: Study) -> None:
    """Raises UserError where nobody can score the answers of the study's models."""
    own = [candidate.model for candidate in study.candidates if candidate.model is not None]
    measured_here = any(not isinstance(model, PredictionsModel) for model in own)
    if study.task.metric == "judge" and study.task.judge is None and measured_here:
        raise UserError("study.judge_missing", field="task.judge")
    _check_pictures(study)
    if not study.uses_context:
        return
    column = study.data.columns.context
    if column is None:
        bare = next((one.name for one in study.candidates if one.role is not Role.HYBRID and not one.retrieval), None)
        if bare is None:
            return
        raise UserError("study.context_missing", field="data.columns.context", name=bare)
    if measured_here and column not in study.task.prompt_columns:
        raise UserError("study.context_unasked", field="task.prompt", column=column)


def _check_pictures(study: Study) -> None:
    """A judge sees the pictures of the rows, or the study says that it needs none."""
    judge, shown = study.task.judge, study.data.columns.image is not None
    if judge is None:
        return
    if judge.text_only and not shown:
        raise UserError("study.judge_text_only", field="task.judge.text_only")
    takes_pictures = isinstance(judge.model, EndpointModel) and judge.model.images
    if shown and not takes_pictures and not judge.text_only:
        raise UserError("study.judge_blind", field="task.judge.model")


def passages_inputs(inputs: Mapping[str, str], benchmark: str, *, needed: bool) -> dict[str, str]:
    """The inputs by which a job reads what passages a benchmark with these `inputs` gave its candidate."""
    return {"found": benchmark, "index": inputs["index"]} if needed and "index" in inputs else {}
