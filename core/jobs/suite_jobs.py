"""Standard suites in a plan: who is measured on which task of lm-eval, and what is refused before that."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from core.data.fingerprint import folder_sha256
from core.domain import Role
from core.errors import UserError
from core.i18n import listed
from core.jobs.graph import JobGraph
from core.jobs.llama_cpp_checks import llama_cpp_source
from core.jobs.model_jobs import ModelJobs
from core.jobs.model_sources import answers_in_text, seeds_of
from core.jobs.specs import DataFile, SuiteParameters
from core.jobs.vendor_prices import vendor_price
from core.lazy import is_installed, missing_library
from core.spec import BaselineModel, Candidate, CandidateModel, PredictionsModel, Quantize, Study, Suite
from core.study_file import resolve_path

LIBRARY = "lm_eval"
SUITE_PART = "suite:"


def check_suites(study: Study, base: Path) -> None:
    """Raises UserError where lm-eval is not installed, a suite names a candidate that answers in no text or is not
    there, or stands twice, or its folder of tasks is missing."""
    if study.suites and not is_installed(LIBRARY):
        raise missing_library(LIBRARY)
    seen: set[str] = set()
    for place, suite in enumerate(study.suites):
        field = f"suites[{place}]"
        if suite.task in seen:
            raise UserError("study.suite_twice", field=f"{field}.task", task=suite.task)
        seen.add(suite.task)
        if suite.include_path is not None and not resolve_path(base, suite.include_path).is_dir():
            raise UserError("suites.folder_missing", field=f"{field}.include_path", path=suite.include_path)
        for name in suite.candidates or ():
            _check_candidate(study, base, f"{field}.candidates", name)
        if not list(_measured(study, suite, base)):
            raise UserError("study.suite_for_none", field=field)


def _check_candidate(study: Study, base: Path, field: str, name: str) -> None:
    names = [candidate.name for candidate in study.candidates]
    if name not in names:
        raise UserError("study.candidate_unknown", field=field, name=name, names=listed(names))
    if _for_onnx_runtime(study, study.candidate(name)):
        raise UserError("study.suite_quantised", field=field, name=name)
    if llama_cpp_source(study, name) is not None:
        raise UserError("study.suite_llama_cpp", field=field, name=name)
    if not _is_asked(study, study.candidate(name), base):
        raise UserError("study.suite_classifier", field=field, name=name)


def _is_asked(study: Study, candidate: Candidate, base: Path) -> bool:
    """Whether a candidate is a language model or endpoint. One with retrieval has the weights of another: suites bring
    no documents. One that answers under llama.cpp is not asked, for lm-eval would open it with torch."""
    if candidate.role is Role.HYBRID or candidate.retrieval or llama_cpp_source(study, candidate.name) is not None:
        return False
    if isinstance(candidate.model, PredictionsModel | BaselineModel) or _for_onnx_runtime(study, candidate):
        return False
    return answers_in_text(study, candidate, base)


def _for_onnx_runtime(study: Study, candidate: Candidate) -> bool:
    """Whether a candidate's weights are quantised for ONNX Runtime, which lm-eval does not ask."""
    if any(isinstance(step, Quantize) and step.quantize != "int4" for step in candidate.compress):
        return True
    model = candidate.model
    return isinstance(model, CandidateModel) and _for_onnx_runtime(study, study.candidate(model.name))


def _measured(study: Study, suite: Suite, base: Path) -> Iterator[Candidate]:
    for candidate in study.candidates:
        if (suite.candidates is None or candidate.name in suite.candidates) and _is_asked(study, candidate, base):
            yield candidate


def plan_suites(study: Study, base: Path, graph: JobGraph, models: ModelJobs) -> None:
    """A job for each suite and each candidate that it measures, by the candidate's first seed."""
    for suite in study.suites:
        for candidate in _measured(study, suite, base):
            if not study.takes_inputs(candidate):
                continue
            made = models.model(candidate, seeds_of(study, candidate)[0])
            if isinstance(made.ready, BaselineModel):
                continue
            parameters = SuiteParameters(
                task=suite.task,
                limit=suite.limit,
                num_fewshot=suite.num_fewshot,
                chat_template=suite.chat_template,
                include=_own_tasks(suite, base),
                library=f"lm-eval {metadata.version(LIBRARY)}",
                loadable=made.ready,
                model_sha256=made.sha256,
                price=vendor_price(study, candidate, made.ready),
            )
            graph.add(parameters, made.inputs, candidate.name, f"{SUITE_PART}{suite.task}")


def _own_tasks(suite: Suite, base: Path) -> DataFile | None:
    if suite.include_path is None:
        return None
    path = resolve_path(base, suite.include_path)
    return DataFile(path=str(path), sha256=folder_sha256(path))
