"""The jobs that make a candidate's model: trained on targets or by a teacher, in stages, searched for, compressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.data.fingerprint import fingerprint
from core.errors import UserError
from core.jobs.asked_task import asked_task, plain_task
from core.jobs.graph import JobGraph
from core.jobs.learning_curve import CURVE, CurveRun
from core.jobs.model_sources import ModelPart, answers_in_text, ready_model, seeds_of
from core.jobs.specs import (
    DISTILL_LEARNING_RATE,
    CompressParameters,
    DistillParameters,
    FineTuneParameters,
    LabelParameters,
    Parameters,
    SweepParameters,
    TrainPart,
)
from core.jobs.sweep_limits import sweep_limits
from core.jobs.teachers import TEXT_TECHNIQUES, Recipe, Teachers, Teaching, on_this_machine
from core.lazy import load
from core.spec import (
    BaselineModel,
    Candidate,
    CandidateModel,
    PredictionsModel,
    Prune,
    Study,
    SweepModel,
    Task,
    TeacherLayers,
    Train,
)
from core.study_file import resolve_path

BASELINE = "baseline_"


@dataclass
class ModelJobs:
    """Plans models into `graph`, each candidate and seed once."""

    study: Study
    base: Path
    graph: JobGraph
    data_job: str
    known: dict[tuple[str, int | None], ModelPart] = field(default_factory=dict)
    teachers: Teachers = field(init=False)

    def __post_init__(self) -> None:
        self.teachers = Teachers(self.study, self.base, self.graph, self.data_job, self.model)

    def model(self, candidate: Candidate, seed: int | None) -> ModelPart:
        """The model of a candidate under one of its seeds. Raises UserError where a file that it names is unfit."""
        key = (candidate.name, seed)
        if key not in self.known:
            first = seed == seeds_of(self.study, candidate)[0]
            recipe = Recipe(candidate, self._training(candidate, seed), seed, "" if first else f"@{seed}")
            self.known[key] = self._made(recipe)
        return self.known[key]

    def baseline(self, candidate: Candidate, seed: int | None) -> ModelPart:
        """The same student made of the targets alone."""
        of_teachers = ("technique", "hidden_weight", "reasoning", "top_k")
        plain: dict[str, object] = {"alpha": 0.0} | {name: Train.model_fields[name].default for name in of_teachers}
        training = self._training(candidate, seed)
        if not isinstance(candidate.model, TeacherLayers):
            plain["method"] = "fine_tune"
            if not isinstance(candidate.model, BaselineModel) and training.technique != "on_policy":
                # A training on targets has another rate of its own, and the two would differ by that as well.
                plain["learning_rate"] = training.learning_rate or DISTILL_LEARNING_RATE
        return self._made(Recipe(candidate, training.model_copy(update=plain), seed, prefix=BASELINE))

    def of_curve(self, candidate: Candidate, run: CurveRun) -> ModelPart:
        """The student as its learning curve wants it: by the seed of the run, of its part of the train rows."""
        rows = None if run.share == 1.0 else TrainPart(share=run.share, seed=run.seed)
        training = self._training(candidate, run.seed)
        return self._made(Recipe(candidate, training, run.seed, run.suffix, CURVE, rows))

    def uncompressed(self, candidate: Candidate, seed: int | None) -> ModelPart:
        """What a candidate that is trained and then compressed was before: the same training job makes it."""
        return self._trained(Recipe(candidate, self._training(candidate, seed), seed))

    def _training(self, candidate: Candidate, seed: int | None) -> Train:
        """The training without what determines no result: names, and what the plan itself acts on."""
        training = self.study.training_of(candidate)
        own = training.seed if seed is None else seed
        return training.model_copy(update={"teacher": None, "seeds": None, "seed": own, "hard_label_baseline": False})

    def _made(self, recipe: Recipe) -> ModelPart:
        part = self._trained(recipe)
        return self._compressed(recipe, part) if recipe.candidate.compress else part

    def _trained(self, recipe: Recipe) -> ModelPart:
        model, training = recipe.candidate.model, recipe.training
        if isinstance(model, SweepModel):
            return self._searched(recipe, model)
        if isinstance(model, TeacherLayers):
            # Layers trained on the targets alone are distillation without the teacher's share of the loss.
            plain = {"method": "distill", "alpha": 0.0}
            return self._distilled(recipe, training.model_copy(update=plain if training.method == "fine_tune" else {}))
        start = self._start(recipe)
        if training.method == "distill":
            return self._distilled(recipe, training, start)
        if training.method == "none":
            return start
        embeddings = self.teachers.embeddings(recipe.candidate)
        parameters = FineTuneParameters(
            model=on_this_machine(start),
            model_sha256=start.sha256,
            task=self._task(),
            train=training,
            embeddings_model=embeddings.model,
            embeddings_sha256=embeddings.sha256,
            part=recipe.rows,
            told_elsewhere=recipe.prefix == BASELINE,
        )
        inputs = {"data": self.data_job, **start.inputs, **embeddings.inputs}
        return ModelPart(self._add(recipe, parameters, inputs, "train"))

    def _start(self, recipe: Recipe) -> ModelPart:
        """What the training starts from: another candidate's model of the same seed, or a ready one."""
        model = recipe.candidate.model
        if isinstance(model, CandidateModel):
            parent = self.study.candidate(model.name)
            seeds = seeds_of(self.study, parent)
            return self.model(parent, recipe.seed if recipe.seed in seeds else seeds[0])
        if model is None or isinstance(model, PredictionsModel | TeacherLayers | SweepModel):
            raise UserError("study.no_ready_model", field=f"candidates: {recipe.candidate.name}")
        return ready_model(model, self.base)

    def _distilled(self, recipe: Recipe, training: Train, start: ModelPart | None = None) -> ModelPart:
        if training.dynamic is not None:
            return self._learnt_on(recipe, training, start)
        teaching = self.teachers.teaching(recipe, training)
        for number, stage in enumerate(training.stages, 1):
            layers = TeacherLayers(source="teacher", layers=stage.layers, feed_forward=stage.feed_forward)
            own = training.model_copy(update={"stages": [], "epochs": stage.epochs or training.epochs})
            parameters = DistillParameters(
                layers=layers,
                teacher_model=teaching.model,
                teacher_sha256=teaching.sha256,
                task=self._task(),
                train=own,
                part=recipe.rows,
            )
            assistant = self._add(recipe, parameters, {"data": self.data_job, **teaching.inputs}, f"stage{number}")
            teaching = Teaching({"teacher": assistant})
            if training.technique in TEXT_TECHNIQUES and self.study.task.writes:
                labels = self.teachers.asked(
                    recipe, ModelPart(assistant), training, plain_task(self.study), f"label{number}"
                )
                teaching = Teaching({"teacher": assistant, "labels": labels})
        parameters = DistillParameters(
            model=None if start is None else on_this_machine(start),
            model_sha256=None if start is None else start.sha256,
            layers=recipe.candidate.model if isinstance(recipe.candidate.model, TeacherLayers) else None,
            teacher_model=teaching.model,
            teacher_sha256=teaching.sha256,
            task=self._task(),
            train=training.model_copy(update={"stages": []}),
            part=recipe.rows,
            told_elsewhere=recipe.prefix == BASELINE,
        )
        inputs = {"data": self.data_job, **teaching.inputs, **({} if start is None else start.inputs)}
        return ModelPart(self._add(recipe, parameters, inputs, "train"))

    def _learnt_on(self, recipe: Recipe, training: Train, start: ModelPart | None) -> ModelPart:
        """A student that goes on learning from a stream; one that no job has made yet is distilled first."""
        dynamic = training.dynamic
        if dynamic is None:
            raise ValueError("the training has no stream")
        if start is None or start.job is None:
            before = Recipe(recipe.candidate, training, recipe.seed, recipe.suffix, f"{recipe.prefix}first_")
            start = self._distilled(before, training.model_copy(update={"dynamic": None}), start)
        teaching = self.teachers.teaching(recipe, training)
        stream = resolve_path(self.base, dynamic.stream)
        load("core.data.reading").require_column(stream, self.study.data.columns.input, "data.columns.input")
        parameters = DistillParameters(
            teacher_model=teaching.model,
            teacher_sha256=teaching.sha256,
            stream=fingerprint(stream),
            # Streams are learnt from and never measured: weights are no part of the job.
            columns=self.study.data.columns.model_copy(update={"weight": None}),
            metric="macro_f1" if self.study.task.metric == "macro_f1" else "accuracy",
            train=training.model_copy(update={"stages": [], "dynamic": dynamic.model_copy(update={"stream": ""})}),
        )
        inputs = {"data": self.data_job, **teaching.inputs, **start.inputs}
        return ModelPart(self._add(recipe, parameters, inputs, "train"))

    def _searched(self, recipe: Recipe, space: SweepModel) -> ModelPart:
        teacher = self.study.candidate(self.study.teacher_of(recipe.candidate) or "")
        part = self.model(teacher, seeds_of(self.study, teacher)[0])
        writes = self.study.task.writes
        if part.job is None and not writes:
            raise UserError("study.sweep_teacher_untrained", field=f"candidates: {recipe.candidate.name}")
        teaching = self.teachers.teaching(recipe, recipe.training)
        asked = asked_task(self.study, teacher, self.base)
        parameters = SweepParameters(
            task=plain_task(self.study),
            space=space,
            limits=sweep_limits(self.study, recipe.candidate),
            train=recipe.training,
            teacher_model=teaching.model,
            teacher_sha256=teaching.sha256,
            teacher_task=asked if writes and asked.few_shot is not None else None,
        )
        reference = {} if part.job is None else self._reference(recipe, part.job)
        if part.job is not None and self._knows_rows(part.job):
            parameters = parameters.model_copy(update={"teacher_knows_rows": True})
        inputs = {"data": self.data_job, **teaching.inputs, **reference}
        return ModelPart(self._add(recipe, parameters, inputs, "sweep"))

    def _reference(self, recipe: Recipe, teacher_job: str) -> dict[str, str]:
        """The teacher's training once more, without the rows that students are judged by: it knows its own rows by
        heart, so that a share of its quality on them is no fair bar. Empty where it was not trained on the targets."""
        trained = self.graph.specs[teacher_job]
        if not isinstance(trained.parameters, FineTuneParameters):
            return {}
        parameters = trained.parameters.model_copy(update={"held_out_seed": recipe.training.seed})
        return {"reference": self._add(recipe, parameters, trained.inputs, "reference")}

    def _knows_rows(self, job: str) -> bool:
        """Whether train rows were learnt on the way to a teacher that `_reference` does not leave out: by any training
        but the last one, or by the last one where it is none on the targets."""
        spec = self.graph.specs[job]
        own = not isinstance(spec.parameters, FineTuneParameters) and _learns(spec.parameters)
        before = spec.inputs.get("model")
        if own or before is None:
            return own
        return _learns(self.graph.specs[before].parameters) or self._knows_rows(before)

    def _compressed(self, recipe: Recipe, parent: ModelPart) -> ModelPart:
        model = on_this_machine(parent)
        # The baseline on the targets alone hears no teacher after pruning either.
        teacher = Teaching({}) if recipe.prefix == BASELINE else self.teachers.recovery_teacher(recipe.candidate)
        parameters = CompressParameters(
            loadable=None if isinstance(model, BaselineModel) else model,
            model_sha256=parent.sha256,
            task=plain_task(self.study) if answers_in_text(self.study, recipe.candidate, self.base) else None,
            steps=tuple(recipe.candidate.compress),
            teacher_model=teacher.model,
            teacher_sha256=teacher.sha256,
            teacher_in_text=teacher.in_text,
        )
        inputs = {"data": self.data_job, **parent.inputs, **teacher.inputs}
        return ModelPart(self._add(recipe, parameters, inputs, "compress"))

    def _task(self) -> Task | None:
        """The task of a language model's training, or of rows with several labels; a classifier's needs none."""
        return None if self.study.task.kind == "classification" else plain_task(self.study)

    def _add(
        self,
        recipe: Recipe,
        parameters: FineTuneParameters | DistillParameters | LabelParameters | SweepParameters | CompressParameters,
        inputs: Mapping[str, str],
        part: str,
    ) -> str:
        return self.graph.add(parameters, inputs, recipe.candidate.name, recipe.part(part))


def _learns(parameters: Parameters) -> bool:
    """Whether such a job learns train rows: of what makes models smaller, only the recovery after pruning does."""
    if isinstance(parameters, CompressParameters):
        return any(isinstance(step, Prune) and step.epochs > 0 for step in parameters.steps)
    return isinstance(parameters, FineTuneParameters | DistillParameters | SweepParameters)
