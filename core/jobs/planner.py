"""Walks through a study's candidates and finds the jobs that make and measure each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.data.fingerprint import fingerprint
from core.data.pictures import pictures_sha256
from core.domain import Role
from core.errors import UserError
from core.jobs.asked_task import asked_task, plain_task
from core.jobs.graph import DATA_PART, PROFILE_PART, JobGraph
from core.jobs.judging import check_parameters, judge_parameters, passages_inputs, scores_predictions
from core.jobs.learning_curve import CURVE, curve_runs
from core.jobs.load_checks import tested_under_load
from core.jobs.model_jobs import ModelJobs
from core.jobs.model_sources import ModelPart, seeds_of
from core.jobs.preflight import needs_test_rows_of_its_own
from core.jobs.retrieval_jobs import planned_passages
from core.jobs.specs import (
    BenchmarkParameters,
    LoadParameters,
    PredictionsFile,
    PrepareParameters,
    ProfileParameters,
    RouteParameters,
)
from core.jobs.suite_jobs import plan_suites
from core.jobs.vendor_prices import vendor_price
from core.metrics.plugins import plugin_identity
from core.spec import BaselineModel, Candidate, PredictionsModel, Quantize, Study, Task
from core.study_file import resolve_path


@dataclass
class Planner:
    """Plans one study whose relative paths refer to `base`."""

    study: Study
    base: Path
    graph: JobGraph = field(default_factory=JobGraph)

    def planned(self) -> JobGraph:
        """Every job. Raises UserError for missing files and for models without safe weights."""
        data_job = self.graph.add(self._prepare_parameters(), {}, None, DATA_PART[1])
        models = ModelJobs(self.study, self.base, self.graph, data_job)
        own = self._own_candidates()
        for candidate in own:
            if not isinstance(candidate.model, PredictionsModel):
                for seed in seeds_of(self.study, candidate):
                    models.model(candidate, seed)
        benchmarks = {candidate.name: self._benchmarks(candidate, models, data_job) for candidate in own}
        for candidate in tested_under_load(self.study):
            self._load_test(candidate, models, data_job)
        for candidate in self.study.candidates:
            if candidate.role is Role.HYBRID and self.study.takes_inputs(candidate):
                self._route(candidate, benchmarks, data_job)
        plan_suites(self.study, self.base, self.graph, models)
        self._learning_curve(models, data_job)
        # What the words alone tell says little of rows with pictures.
        in_words = self._has_data_files() and self.study.data.columns.image is None
        if self.study.task.kind == "classification" and in_words:
            metric: Literal["accuracy", "macro_f1"] = "macro_f1" if self.study.task.metric == "macro_f1" else "accuracy"
            weighted = self.study.data.columns.weight is not None
            parameters = ProfileParameters(metric=metric, weighted=weighted)
            self.graph.add(parameters, {"data": data_job}, None, PROFILE_PART[1])
        return self.graph

    def _has_data_files(self) -> bool:
        return self.study.data.file is not None or self.study.data.files is not None

    def _own_candidates(self) -> list[Candidate]:
        """Those that are no hybrids, without what cannot take the study's inputs: it is excluded, and never made."""
        return [
            candidate
            for candidate in self.study.candidates
            if candidate.role is not Role.HYBRID and self.study.takes_inputs(candidate)
        ]

    def _prepare_parameters(self) -> PrepareParameters:
        data = self.study.data
        imported = [candidate.model for candidate in self.study.candidates]
        predictions = [model for model in imported if isinstance(model, PredictionsModel)]
        given = self._has_data_files()
        files = {} if data.files is None else {key: path for key, path in data.files.model_dump().items() if path}
        hybrids = any(candidate.role is Role.HYBRID for candidate in self.study.candidates)
        return PrepareParameters(
            task=plain_task(self.study),
            file=None if data.file is None else fingerprint(resolve_path(self.base, data.file)),
            files={key: fingerprint(resolve_path(self.base, path)) for key, path in files.items()},
            predictions=()
            if given
            else tuple(fingerprint(resolve_path(self.base, model.file)) for model in predictions),
            prediction_columns=() if given else tuple(predictions),
            columns=data.columns,
            split=needs_test_rows_of_its_own(data),
            overlap=data.overlap,
            needs_train=self._trains_anything(),
            prunes=any(self.study.prunes(candidate) for candidate in self._own_candidates()),
            set_calibration_aside=self.study.routing.folds == 0 and hybrids,
            judged=not given and scores_predictions(self.study),
            keep_context=self.study.uses_context,
            weigh_train=data.files is not None
            and any(self.study.training_of(candidate).weighted for candidate in self._own_candidates()),
            pictures_sha256=self._pictures_sha256(),
        )

    def _pictures_sha256(self) -> str | None:
        """What the column of pictures shows: a file replaced under its own name makes other data."""
        data = self.study.data
        if data.columns.image is None or not self._has_data_files():
            return None
        named = {"": data.file} if data.files is None else data.files.model_dump()
        files = {key: resolve_path(self.base, path) for key, path in named.items() if path}
        return pictures_sha256(files, data.columns.image)

    def _trains_anything(self) -> bool:
        return any(self.study.training_of(candidate).method != "none" for candidate in self._own_candidates())

    def _benchmarks(self, candidate: Candidate, models: ModelJobs, data_job: str) -> str:
        """One benchmark for each seed, one for the hard-label baseline, one for the model before it is compressed; the
        id of the first seed's."""
        seeds = seeds_of(self.study, candidate)
        first = self._benchmark(candidate, seeds[0], "benchmark", models, data_job)
        for seed in seeds[1:]:
            self._benchmark(candidate, seed, f"benchmark@{seed}", models, data_job)
        if self.study.training_of(candidate).hard_label_baseline:
            baseline = models.baseline(candidate, seeds[0])
            parameters = self._measuring(plain_task(self.study))
            inputs = {"data": data_job, **baseline.inputs}
            self._measure(candidate, parameters, inputs, "baseline_benchmark")
        # What is brought to 4 bits is mostly too large to run as it is.
        in_4_bits = any(isinstance(step, Quantize) and step.quantize == "int4" for step in candidate.compress)
        if self.study.compresses_its_own(candidate) and not in_4_bits:
            whole = models.uncompressed(candidate, seeds[0])
            asked = asked_task(self.study, candidate, self.base, compressed=False)
            parameters = self._measuring(asked, whole)
            inputs = {"data": data_job, **whole.inputs}
            self._measure(candidate, parameters, inputs, "uncompressed_benchmark")
        return first

    def _benchmark(self, candidate: Candidate, seed: int | None, part: str, models: ModelJobs, data_job: str) -> str:
        if isinstance(candidate.model, PredictionsModel):
            file = fingerprint(resolve_path(self.base, candidate.model.file))
            imported = PredictionsFile(file=file, columns=candidate.model)
            parameters = self._measuring(plain_task(self.study), predictions=imported)
            return self._measured(candidate, part, parameters, {"data": data_job})
        made = models.model(candidate, seed)
        if isinstance(made.ready, BaselineModel):
            raise UserError("study.no_ready_model", field=f"candidates: {candidate.name}")
        price = vendor_price(self.study, candidate, made.ready)
        parameters = self._measuring(asked_task(self.study, candidate, self.base), made)
        parameters = parameters.model_copy(update={"price": price})
        return self._measure(candidate, parameters, {"data": data_job, **made.inputs}, part)

    def _measure(
        self, candidate: Candidate, parameters: BenchmarkParameters, inputs: Mapping[str, str], part: str
    ) -> str:
        """The job that measures a part of a candidate, with passages of the index where it is given some."""
        passages = planned_passages(self.study, candidate, self.base, self.graph)
        if passages is None:
            return self._measured(candidate, part, parameters, inputs)
        retrieving = parameters.model_copy(update={"retrieval": passages.use})
        return self._measured(candidate, part, retrieving, {**inputs, "index": passages.index_job})

    def _measured(
        self, candidate: Candidate, part: str, parameters: BenchmarkParameters, inputs: Mapping[str, str]
    ) -> str:
        """The job whose predictions count: the benchmark, or what checks or scores its answers."""
        benchmark, task = self.graph.add(parameters, inputs, candidate.name, part), self.study.task
        answers = benchmark
        if task.checks is not None:
            checking = check_parameters(self.study, task.checks, parameters)
            model = {"model": inputs["model"]} if "model" in inputs and task.checks.re_ask else {}
            needed = task.checks.need_context or task.checks.re_ask
            passages = passages_inputs(inputs, benchmark, needed=needed)
            own = {"data": inputs["data"], "answers": answers, **model, **passages}
            answers = self.graph.add(checking, own, candidate.name, part.replace("benchmark", "check"))
        if task.scored_later:
            scoring = judge_parameters(self.study, self.base, parameters)
            passages = passages_inputs(inputs, benchmark, needed=task.metric == "groundedness")
            own = {"data": inputs["data"], "answers": answers, **passages}
            answers = self.graph.add(scoring, own, candidate.name, part.replace("benchmark", "judge"))
        return answers

    def _measuring(
        self, task: Task, made: ModelPart | None = None, predictions: PredictionsFile | None = None
    ) -> BenchmarkParameters:
        return BenchmarkParameters(
            task=task,
            loadable=None if made is None else made.ready,
            model_sha256=None if made is None else made.sha256,
            predictions=predictions,
            metric_package=None if task.plugin is None else plugin_identity(task.plugin),
            judged=predictions is not None and scores_predictions(self.study),
        )

    def _load_test(self, candidate: Candidate, models: ModelJobs, data_job: str) -> None:
        """The test of the first seed's model, which waits for its benchmark and leaves it as it is."""
        made = models.model(candidate, seeds_of(self.study, candidate)[0])
        if self.study.load is None or isinstance(made.ready, BaselineModel):
            raise ValueError("there is nothing to test under load")
        parameters = LoadParameters(
            task=asked_task(self.study, candidate, self.base),
            loadable=made.ready,
            model_sha256=made.sha256,
            plan=self.study.load.model_copy(update={"candidates": None}),
            price=vendor_price(self.study, candidate, made.ready),
        )
        wanted = (candidate.name, "benchmark")
        benchmark = next(job for owner, part, job in self.graph.parts if (owner, part) == wanted)
        inputs = {"data": data_job, "benchmark": benchmark, **made.inputs}
        self.graph.add(parameters, inputs, candidate.name, "load")

    def _learning_curve(self, models: ModelJobs, data_job: str) -> None:
        """A training and a benchmark of its quality for each size and seed that is not the student itself."""
        for run in curve_runs(self.study):
            if run.own or self.study.learning_curve is None:
                continue
            student = self.study.candidate(self.study.learning_curve.student)
            made = models.of_curve(student, run)
            parameters = self._measuring(asked_task(self.study, student, self.base), made)
            parameters = parameters.model_copy(update={"quality_only": True})
            inputs = {"data": data_job, **made.inputs}
            self._measure(student, parameters, inputs, f"{CURVE}benchmark{run.suffix}")

    def _route(self, candidate: Candidate, benchmarks: Mapping[str, str], data_job: str) -> None:
        teacher, student = candidate.teacher or "", candidate.student or ""
        imported = all(isinstance(self.study.candidate(name).model, PredictionsModel) for name in (teacher, student))
        parameters = RouteParameters(
            task=plain_task(self.study),
            policies=tuple(candidate.policies),
            folds=self.study.routing.folds,
            train_rows_usable=imported and not self._trains_anything(),
        )
        inputs = {"data": data_job, "teacher": benchmarks[teacher], "student": benchmarks[student]}
        self.graph.add(parameters, inputs, candidate.name, "route")
