"""From a study to its jobs: which work is needed, in which order, and which job makes which part of a candidate.

The plan needs the files that the study names, for their hashes are part of the jobs' identity, but it starts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.data.fingerprint import fingerprint
from core.domain import JobKind, Role
from core.errors import UserError
from core.jobs.identity import job_id
from core.jobs.preflight import check_supported, check_weights, needs_test_rows_of_its_own
from core.jobs.specs import (
    BenchmarkParameters,
    CompressParameters,
    DistillParameters,
    FineTuneParameters,
    JobSpec,
    Parameters,
    PredictionsFile,
    PrepareParameters,
    RouteParameters,
)
from core.model_files import fingerprint_weights, sample_folder
from core.spec import (
    BaselineModel,
    Candidate,
    CandidateModel,
    HubModel,
    LocalModel,
    PredictionsModel,
    SampleModel,
    Study,
    TeacherLayers,
    Train,
)
from core.study_file import resolve_path

DATA_PART = ("", "data")


@dataclass(frozen=True)
class PlannedJob:
    """One job of the plan; several candidates may share it."""

    spec: JobSpec
    candidates: tuple[str, ...]
    position: int

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.spec.job_id

    @property
    def kind(self) -> JobKind:
        """The kind of work."""
        return self.spec.kind

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Ids of the jobs whose results it takes."""
        return tuple(self.spec.inputs.values())


@dataclass(frozen=True)
class Plan:
    """Every job that a study needs, each after those it depends on, and the parts (candidate, part, job id)."""

    jobs: tuple[PlannedJob, ...]
    parts: tuple[tuple[str, str, str], ...]

    def job(self, wanted: str) -> PlannedJob:
        """The job of that id. Raises KeyError."""
        for job in self.jobs:
            if job.job_id == wanted:
                return job
        raise KeyError(wanted)


def build_plan(study: Study, base: Path) -> Plan:
    """The plan of a study whose relative paths refer to `base`.

    Raises UserError for what this version does not run, for missing files, for model folders without safe weights and
    for missing libraries: nothing is started then.
    """
    check_supported(study)
    return _Planner(study, base).build()


@dataclass
class _Planner:
    study: Study
    base: Path
    specs: dict[str, JobSpec] = field(default_factory=dict)
    users: dict[str, list[str]] = field(default_factory=dict)
    parts: list[tuple[str, str, str]] = field(default_factory=list)
    models: dict[str, str | None] = field(default_factory=dict)
    data_job: str = ""

    def build(self) -> Plan:
        self.data_job = self._add(self._prepare_parameters(), {}, None, DATA_PART[1])
        for candidate in self.study.candidates:
            if candidate.role is not Role.HYBRID:
                self._model_job(candidate)
        benchmarks = {
            candidate.name: self._benchmark(candidate)
            for candidate in self.study.candidates
            if candidate.role is not Role.HYBRID
        }
        for candidate in self.study.candidates:
            if candidate.role is Role.HYBRID:
                self._route(candidate, benchmarks)
        jobs = tuple(
            PlannedJob(spec, tuple(self.users[spec.job_id]), position) for position, spec in enumerate(self._ordered())
        )
        return Plan(jobs, tuple(self.parts))

    def _ordered(self) -> list[JobSpec]:
        """Each candidate is measured as soon as it is made, so that first figures come early."""
        ordered: dict[str, JobSpec] = {}

        def visit(identifier: str) -> None:
            if identifier not in ordered:
                for other in self.specs[identifier].inputs.values():
                    visit(other)
                ordered[identifier] = self.specs[identifier]

        visit(self.data_job)
        final = [identifier for identifier, spec in self.specs.items() if spec.kind is JobKind.BENCHMARK]
        for identifier in [*final, *self.specs]:
            visit(identifier)
        return list(ordered.values())

    def _add(self, parameters: Parameters, inputs: Mapping[str, str], candidate: str | None, part: str) -> str:
        identifier = job_id(parameters, inputs)
        self.specs.setdefault(identifier, JobSpec(job_id=identifier, parameters=parameters, inputs=dict(inputs)))
        users = self.users.setdefault(identifier, [])
        if candidate is not None and candidate not in users:
            users.append(candidate)
        self.parts.append((candidate or DATA_PART[0], part, identifier))
        return identifier

    def _prepare_parameters(self) -> PrepareParameters:
        data = self.study.data
        imported = [candidate.model for candidate in self.study.candidates]
        predictions = [model for model in imported if isinstance(model, PredictionsModel)]
        given = data.file is not None or data.files is not None
        files = {} if data.files is None else {key: path for key, path in data.files.model_dump().items() if path}
        return PrepareParameters(
            task=self.study.task,
            file=None if data.file is None else fingerprint(resolve_path(self.base, data.file)),
            files={key: fingerprint(resolve_path(self.base, path)) for key, path in files.items()},
            predictions=()
            if given
            else tuple(fingerprint(resolve_path(self.base, model.file)) for model in predictions),
            prediction_columns=() if given else tuple(predictions),
            columns=data.columns,
            split=needs_test_rows_of_its_own(data),
            overlap=data.overlap,
            needs_train=any(self._training(candidate).method != "none" for candidate in self._own_candidates()),
            set_calibration_aside=self.study.routing.folds == 0 and self._has_hybrid(),
        )

    def _own_candidates(self) -> list[Candidate]:
        return [candidate for candidate in self.study.candidates if candidate.role is not Role.HYBRID]

    def _has_hybrid(self) -> bool:
        return any(candidate.role is Role.HYBRID for candidate in self.study.candidates)

    def _training(self, candidate: Candidate) -> Train:
        return self.study.training_of(candidate)

    def _model_job(self, candidate: Candidate) -> str | None:
        """The job that makes the candidate's model; null where its weights are ready or imported."""
        if candidate.name not in self.models:
            identifier = self._trained(candidate)
            if candidate.compress:
                identifier = self._compressed(candidate, identifier)
            self.models[candidate.name] = identifier
        return self.models[candidate.name]

    def _trained(self, candidate: Candidate) -> str | None:
        model, training = candidate.model, self._training(candidate)
        if isinstance(model, TeacherLayers):
            # Layers trained on the targets alone are distillation without the teacher's share of the loss.
            plain = training.method == "fine_tune"
            training = training.model_copy(update={"method": "distill", **({"alpha": 0.0} if plain else {})})
            return self._distil(candidate, DistillParameters(layers=model, train=_anonymous(training)), {})
        start: dict[str, str] = {}
        if isinstance(model, CandidateModel):
            parent = self._model_job(self.study.candidate(model.name))
            if parent is not None:
                start = {"model": parent}
            if training.method == "none":
                return parent
        loadable = self._loadable(candidate)
        digest = None if loadable is None else self._weights(loadable, candidate)
        if training.method == "distill":
            parameters = DistillParameters(model=loadable, model_sha256=digest, train=_anonymous(training))
            return self._distil(candidate, parameters, start)
        if training.method == "fine_tune":
            tuned = FineTuneParameters(model=loadable, model_sha256=digest, train=_anonymous(training))
            return self._add(tuned, {"data": self.data_job, **start}, candidate.name, "train")
        return None

    def _distil(self, candidate: Candidate, parameters: DistillParameters, start: dict[str, str]) -> str:
        teacher_name = self.study.teacher_of(candidate)
        teacher = self._model_job(self.study.candidate(teacher_name or ""))
        if teacher is None:
            raise UserError("study.no_ready_model", field=f"candidates: {teacher_name}")
        return self._add(parameters, {"data": self.data_job, "teacher": teacher, **start}, candidate.name, "train")

    def _compressed(self, candidate: Candidate, parent: str | None) -> str:
        loadable = self._loadable(candidate) if parent is None else None
        if isinstance(loadable, BaselineModel):
            loadable = None
        digest = None if loadable is None else self._weights(loadable, candidate)
        parameters = CompressParameters(loadable=loadable, model_sha256=digest, steps=tuple(candidate.compress))
        inputs = {"data": self.data_job} | ({} if parent is None else {"model": parent})
        return self._add(parameters, inputs, candidate.name, "compress")

    def _loadable(self, candidate: Candidate) -> HubModel | LocalModel | SampleModel | BaselineModel | None:
        model = candidate.model
        while isinstance(model, CandidateModel) and self.models.get(model.name) is None:
            model = self.study.candidate(model.name).model
        if isinstance(model, LocalModel):
            return LocalModel(source="local", path=str(resolve_path(self.base, model.path)))
        return model if isinstance(model, HubModel | SampleModel | BaselineModel) else None

    def _weights(self, model: HubModel | LocalModel | SampleModel | BaselineModel, candidate: Candidate) -> str | None:
        check_weights(model, candidate.name)
        if isinstance(model, LocalModel):
            return fingerprint_weights(Path(model.path))
        return fingerprint_weights(sample_folder(model.id)) if isinstance(model, SampleModel) else None

    def _benchmark(self, candidate: Candidate) -> str:
        model, made = candidate.model, self._model_job(candidate)
        if isinstance(model, PredictionsModel):
            file = PredictionsFile(file=fingerprint(resolve_path(self.base, model.file)), columns=model)
            parameters = BenchmarkParameters(task=self.study.task, predictions=file)
        elif made is not None:
            parameters = BenchmarkParameters(task=self.study.task)
        else:
            loadable = self._loadable(candidate)
            if loadable is None or isinstance(loadable, BaselineModel):
                raise UserError("study.no_ready_model", field=f"candidates: {candidate.name}")
            digest = self._weights(loadable, candidate)
            parameters = BenchmarkParameters(task=self.study.task, loadable=loadable, model_sha256=digest)
        inputs = {"data": self.data_job} | ({} if made is None else {"model": made})
        return self._add(parameters, inputs, candidate.name, "benchmark")

    def _route(self, candidate: Candidate, benchmarks: Mapping[str, str]) -> None:
        teacher, student = candidate.teacher or "", candidate.student or ""
        imported = all(isinstance(self.study.candidate(name).model, PredictionsModel) for name in (teacher, student))
        parameters = RouteParameters(
            task=self.study.task,
            policies=tuple(candidate.policies),
            folds=self.study.routing.folds,
            train_rows_usable=imported and not self._trains_anything(),
        )
        inputs = {"data": self.data_job, "teacher": benchmarks[teacher], "student": benchmarks[student]}
        self._add(parameters, inputs, candidate.name, "route")

    def _trains_anything(self) -> bool:
        return any(self._training(candidate).method != "none" for candidate in self._own_candidates())


def _anonymous(training: Train) -> Train:
    """The training without the teacher's name: the teacher is an input, and a name determines no result."""
    return training.model_copy(update={"teacher": None})
