"""The step `prune` of a compress job: cut, let the unpruned model teach, cut again, until the wanted share is gone.

The share is of all parameters of the model that the job starts from, its embeddings counted, and tokens that an earlier
`trim_vocabulary` dropped count as gone. Each rung removes the same share of what is left (gradual pruning with
retraining between the cuts: Han et al. 2015, "Learning both Weights and Connections"; with distillation as in
Muralidharan et al. 2024, "Compact Language Models via Pruning and Knowledge Distillation"). Each rung's model is kept
on disk until the job ends, and a stopped one goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.domain import IntArray
from core.engines.checkpoint import Checkpoints
from core.engines.compress.describe import parameters_of
from core.engines.compress.ladder_classifier import ClassifierSubject
from core.engines.compress.ladder_context import RungContext
from core.engines.compress.ladder_language import LanguageSubject
from core.engines.compress.ladder_subject import Subject
from core.engines.compress.narrow import narrowed
from core.engines.compress.parity import as_percent, choice_agreement
from core.engines.compress.prune_anatomy import anatomy_of
from core.engines.compress.prune_importance import importance
from core.engines.compress.prune_shape import Shape, choose, least_parameters, parameters_around
from core.engines.compress.work import Work
from core.engines.device import choose_device
from core.engines.distill.fit_check import splits_that_fit
from core.engines.distill.loop import train
from core.engines.distill.training import Training, TrainingPlan
from core.engines.models.weights import resolve
from core.engines.random_state import seed_all
from core.errors import UserError
from core.i18n import english
from core.jobs.results import RungRecord
from core.spec import Prune, Quantize, TrimVocabulary

COMPARISONS = 0
LADDER_FOLDER = "ladder"
# The most that one rung takes of what is left.
STEEPEST = 0.3
SEED = 1
_RECORD = "rung.json"
_PRUNED, _RECOVERED, _TEACHER = "pruned", "recovered", "teacher_outputs"


def run(source: Path, out: Path, step: Prune | TrimVocabulary | Quantize, work: Work) -> None:
    """Write the model folder `out`: the model of `source`, pruned and recovered; `work.rungs` are filled.

    Raises Stopped, and UserError where the model's family is not known, the share cannot be reached, or there are no
    rows to recover on.
    """
    if not isinstance(step, Prune):
        raise TypeError(f"not a step that prunes: {step}")
    subject = _subject(source, step, work)
    subject.need_rows()
    model = subject.load(source)
    whole = parameters_of(work.parent, work.language_model)
    ladder = _Ladder(subject, step, whole, _targets(model, step, whole, source), subject.choices(model), work)
    del model
    last = source
    for number in range(1, len(ladder.targets) + 1):
        last = ladder.climbed(number, last)
    subject.save(out, subject.load(last))


def clear(job_folder: Path) -> None:
    """Remove the rungs: the job's result is written and nothing will be gone on with."""
    shutil.rmtree(job_folder / LADDER_FOLDER, ignore_errors=True)


def _subject(source: Path, step: Prune, work: Work) -> Subject:
    kind = LanguageSubject if work.language_model else ClassifierSubject
    return kind(source, choose_device(), work, _teacher(source, work) if step.epochs > 0 else source)


def _teacher(source: Path, work: Work) -> Path:
    """What the recovery learns from: the model that the study names, else the unpruned one."""
    context, parameters = work.context, work.parameters
    if parameters.teacher_in_text:
        context.log(english("prune.log.teacher_in_text"), "warning")
    if parameters.teacher_model is not None:
        return resolve(parameters.teacher_model, parameters.teacher_sha256)
    return context.input_folder("teacher") / "model" if "teacher" in context.spec.inputs else source


def _targets(model: Any, step: Prune, whole: int, source: Path) -> list[int]:
    """The most parameters that are left after each rung; none where so many are gone already.

    Raises UserError, naming the largest share that can go, where the wanted one cannot.
    """
    anatomy = anatomy_of(model)
    now = sum(parameter.numel() for parameter in model.parameters())
    final = round((1.0 - step.prune) * whole)
    if final >= now:
        return []
    least = least_parameters(model, anatomy)
    if least > final:
        raise UserError(
            "prune.unreachable",
            path=str(source),
            largest=as_percent(1.0 - least / whole),
            wanted=as_percent(step.prune),
            embeddings=as_percent(parameters_around(model, anatomy) / whole),
        )
    # Of the share itself: rounded to whole parameters it may lie a hair below 0.7, which would cost a rung more.
    rungs = step.rungs or rungs_for((1.0 - step.prune) * whole / now)
    return [round(now * (final / now) ** (rung / rungs)) for rung in range(1, rungs + 1)]


def rungs_for(left: float) -> int:
    """How many rungs lead to the share `left`, each taking at most `STEEPEST` of what is left."""
    # The tiny share off keeps 0.7² at two rungs, whatever its logarithm is rounded to.
    return max(1, math.ceil(math.log(left) / math.log(1.0 - STEEPEST) - 1e-9))


@dataclass(frozen=True)
class _Ladder:
    """The rungs of one job; `whole` and `targets` are parameters, `wanted` is what the unpruned model chooses."""

    subject: Subject
    step: Prune
    whole: int
    targets: Sequence[int]
    wanted: IntArray
    work: Work

    def climbed(self, number: int, below: Path) -> Path:
        """The model folder of rung `number`, made of the model `below` it unless an earlier attempt finished it."""
        self.work.tell("phase.rung", number - 1, len(self.targets))
        folder = self.work.context.folder / LADDER_FOLDER / f"rung-{number:02d}"
        done = folder / _RECOVERED
        if done.is_dir():
            self._say("prune.log.kept", number)
            self.work.rungs.append(RungRecord.model_validate(_read(done)))
            return done
        if not (folder / _PRUNED).is_dir():
            self._cut(number, below, folder / _PRUNED)
        model = self.subject.load(folder / _PRUNED)
        before = float(_read(folder / _PRUNED)["agreement_pruned"])
        after = before
        if self.step.epochs > 0:
            self._recover(model, number, folder)
            after = choice_agreement(self.wanted, self.subject.choices(model))
        record = self._record(model, before, after)
        self.subject.save(done, model, {_RECORD: record.model_dump(mode="json")})
        for name in (_PRUNED, "checkpoints"):
            shutil.rmtree(folder / name, ignore_errors=True)
        self._say(
            "prune.log.recovered",
            number,
            before=as_percent(before),
            after=as_percent(after),
            latency=f"{record.latency_ms:.2f}",
        )
        self.work.rungs.append(record)
        return done

    def _cut(self, number: int, below: Path, out: Path) -> None:
        """Write the model of `below` without its least important parts."""
        model = self.subject.load(below)
        anatomy = anatomy_of(model)
        self.work.tell("phase.prune", number - 1, len(self.targets))
        measured = importance(model, anatomy, self.subject.measured_batches(), self.subject.loss)
        chosen = choose(model, anatomy, measured, self.targets[number - 1 :], self.whole)
        if chosen is None:
            raise ValueError(f"rung {number} has no shape, though the smallest one was checked")
        shape, kept = chosen
        smaller = narrowed(model, kept)
        self._say_shape(number, shape, smaller, anatomy.queries_per_group)
        agreement = choice_agreement(self.wanted, self.subject.choices(smaller))
        self.subject.save(out, smaller, {_RECORD: {"agreement_pruned": agreement}})
        self.work.tell("phase.prune", number, len(self.targets))

    def _recover(self, model: Any, number: int, folder: Path) -> None:
        """Train the pruned model on what the teacher says. Raises Stopped after a checkpoint."""
        subject, context = self.subject, self.work.context
        objective = subject.objective(context.folder / LADDER_FOLDER / _TEACHER)
        rate = self.step.learning_rate or subject.learning_rate
        plan = TrainingPlan(self.step.epochs, subject.batch_rows, rate, SEED + number)
        training = Training(model, subject.tokens, subject.pad_id, subject.names, objective, plan, subject.device)
        checkpoints = Checkpoints(folder, context.spec.job_id, lambda text: context.log(text, "warning"))
        resumed = checkpoints.newest()
        if resumed is not None:
            context.log(english("train.log.resumed", step=resumed.step))
        rung = RungContext(context, number - 1, len(self.targets), training.total_steps)
        # A step learns from the same number of rows however it is cut, so a checkpoint's steps stay what they were.
        splits = splits_that_fit(training, rung)
        plan = replace(plan, batch_size=plan.batch_size // splits, accumulate=splits)
        seed_all(plan.seed)
        train(replace(training, plan=plan), checkpoints, resumed, rung)

    def _record(self, model: Any, before: float, after: float) -> RungRecord:
        parameters = sum(parameter.numel() for parameter in model.parameters())
        return RungRecord(
            removed_share=1.0 - parameters / self.whole,
            parameters=parameters,
            agreement_pruned=before,
            agreement_recovered=after,
            latency_ms=self.subject.latency_ms(model),
        )

    def _say_shape(self, number: int, shape: Shape, model: Any, queries_per_group: int) -> None:
        parameters = sum(parameter.numel() for parameter in model.parameters())
        self._say(
            "prune.log.rung",
            number,
            layers=shape.layers,
            heads=shape.groups * queries_per_group,
            neurons=shape.neurons,
            hidden=shape.hidden,
            parameters=parameters,
            removed=as_percent(1.0 - parameters / self.whole),
        )

    def _say(self, code: str, number: int, **values: str | int) -> None:
        self.work.context.log(english(code, rung=number, rungs=len(self.targets), **values))


def _read(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    return document
