"""The handler of a distill job with a stream: a trained student goes on learning, round by round.

Old held-out rows are a part of the train split that no round learns. Student and teacher have learnt them before, so
that their quality there is flattering, before as after a round: it shows what is forgotten. A drift is another
question: a teacher is always worse on rows that it has not learnt, so `drift_margin` is held against its quality on
calibration rows, which nothing learns, and against that on old held-out rows only where those are too few. Test rows
stay unseen.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.data.examples import read_examples
from core.data.grouping import normalise
from core.domain import Split
from core.engines.device import choose_device
from core.engines.distill.class_teaching import teacher_folder
from core.engines.distill.rows import TrainingRows, read_training_rows
from core.engines.distill.training_job import MODEL_FOLDER, RESULT_NAME, finished_before
from core.engines.durable import replaced_folder, write_json
from core.engines.dynamic.one_round import OLD_OUTPUTS, PHASE, Standing, run_round
from core.engines.dynamic.records import (
    ROUNDS_FOLDER,
    DoneRound,
    drop_superseded,
    promoted_model,
    read_rounds,
    refreshed_teacher,
    round_folder,
    write_round,
)
from core.engines.dynamic.rounds import RoundRows, plan_rounds
from core.engines.dynamic.stream import JudgedRows, Stream, judged_rows, read_stream
from core.engines.dynamic.teacher import Teacher, check_apart
from core.engines.held_out import HeldOut, held_out_rows
from core.engines.models import read_card
from core.errors import UserError
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import DistillParameters
from core.model_files import weight_bytes
from core.spec import Dynamic, Train
from core.worker.context import JobContext


def run(parameters: DistillParameters, context: JobContext) -> TrainResult:
    """Go through the stream; the student that is in service at the end stands in `model/` of the job's folder.

    Raises Stopped, and UserError where student, teacher and stream do not fit each other.
    """
    done = finished_before(context)
    if done is not None:
        _clear(context.folder)
        return done
    learning = _prepared(parameters, context)
    learning.go_on()
    result = learning.finished()
    _clear(context.folder)
    return result


def _clear(folder: Path) -> None:
    """Remove what nothing will be gone on with."""
    for name in (ROUNDS_FOLDER, OLD_OUTPUTS):
        shutil.rmtree(folder / name, ignore_errors=True)


@dataclass
class _Learning:
    """A stream that is being learnt: `done` are the rounds behind, `pool` the old rows that may be replayed."""

    context: JobContext
    settings: Train
    dynamic: Dynamic
    device: str
    student: Path
    first_teacher: Teacher
    old: HeldOut
    unseen: HeldOut
    pool: TrainingRows
    stream: Stream
    rounds: tuple[RoundRows, ...]
    waiting: int
    done: list[DoneRound] = field(default_factory=list)

    @property
    def service(self) -> Path:
        """The folder of the student in service."""
        return promoted_model(self.context.folder, self.done, self.student)

    @property
    def teacher(self) -> Teacher:
        """The teacher as it stands."""
        first = self.first_teacher
        return Teacher(refreshed_teacher(self.context.folder, self.done, first.folder), first.labels)

    @property
    def ended(self) -> str | None:
        """Why the stream is not gone on with, `drift` or `rollbacks`; null while it is."""
        if self.done and self.done[-1].drifted:
            return "drift"
        last = self.done[-self.dynamic.stop_after_rollbacks :]
        rolled_back = [done.record is not None and not done.record.promoted for done in last]
        return "rollbacks" if len(last) == self.dynamic.stop_after_rollbacks and all(rolled_back) else None

    def go_on(self) -> None:
        """Do the rounds that are left. Raises Stopped between and within them."""
        for number in range(len(self.done) + 1, len(self.rounds) + 1):
            if self.ended is not None:
                break
            done = run_round(self._standing(number), self.rounds[number - 1], self.settings, self.dynamic, self.context)
            self._tell(done)
            folder = round_folder(self.context.folder, number)
            folder.mkdir(parents=True, exist_ok=True)
            write_round(folder, done)
            self.done.append(done)
            drop_superseded(self.context.folder, self.done, {self.service, self.teacher.folder})
        if self.ended == "rollbacks":
            count = self.dynamic.stop_after_rollbacks
            self.context.log(english("dynamic.log.rollbacks", count=count), "warning")

    def _standing(self, number: int) -> Standing:
        behind = list(zip(self.rounds, self.done, strict=False))
        held = [pair for rows, done in behind for pair in zip(rows.held_out, done.held_out_targets, strict=False)]
        return Standing(
            number=number,
            rounds=len(self.rounds),
            service=self.service,
            teacher=self.teacher,
            pool=self._pool(behind),
            untold=frozenset(row.name for rows, _ in behind for row in rows.learnt if row.target is None),
            old=self.old,
            new_before=HeldOut(
                tuple(row.input for row, _ in held), tuple(target for _, target in held), self.old.metric
            ),
            told_before=HeldOut(
                tuple(row.input for row, _ in held if row.target is not None),
                tuple(row.target for row, _ in held if row.target is not None),
                self.old.metric,
            ),
            unseen=self.unseen,
        )

    def _pool(self, behind: Sequence[tuple[RoundRows, DoneRound]]) -> TrainingRows:
        """The old rows, and what the rounds that were kept have learnt."""
        names, inputs, targets = list(self.pool.names), list(self.pool.inputs), list(self.pool.targets)
        for rows, done in behind:
            if done.record is not None and done.record.promoted:
                names += [row.name for row in rows.learnt]
                inputs += [row.input for row in rows.learnt]
                targets += done.learnt_targets
        return TrainingRows(tuple(names), tuple(inputs), tuple(targets))

    def _tell(self, done: DoneRound) -> None:
        """One line, and the quality of the student in service, before the round counts as done."""
        record = done.record
        if record is None:
            return
        kept = record.promoted
        old = record.quality_old_after if kept else record.quality_old_before
        new = record.quality_new_after if kept else record.quality_new_before
        self.context.metric("quality_old", record.round, old)
        self.context.metric("quality_new", record.round, new)
        text = english(
            "dynamic.log.promoted" if kept else "dynamic.log.rolled_back",
            number=record.round,
            rounds=len(self.rounds),
            rows=record.rows_new,
            replayed=record.rows_replayed,
            old_before=f"{record.quality_old_before:.1%}",
            old_after=f"{record.quality_old_after:.1%}",
            new_before=f"{record.quality_new_before:.1%}",
            new_after=f"{record.quality_new_after:.1%}",
        )
        self.context.log(text, "info" if kept else "warning")

    def finished(self) -> TrainResult:
        """Write `model/`: the student in service, with the result in it, whole or not at all."""
        result = self._result()
        service = self.service
        with replaced_folder(self.context.folder / MODEL_FOLDER, weight_bytes(service)) as partial:
            for file in sorted(path for path in service.iterdir() if path.is_file()):
                if file.name != RESULT_NAME:
                    shutil.copyfile(file, partial / file.name)
            document = {"job_id": self.context.spec.job_id, "result": result.model_dump(mode="json")}
            write_json(partial / RESULT_NAME, document)
        self.context.progress(PHASE, 1, 1)
        return result

    def _result(self) -> TrainResult:
        trained = [done for done in self.done if done.record is not None]
        seconds = sum(done.seconds for done in trained)
        examples = self.settings.epochs * sum(done.rows for done in trained)
        records = tuple(done.record for done in trained if done.record is not None)
        return TrainResult(
            method="distill",
            device=self.device,
            steps=sum(done.steps for done in trained),
            epochs=self.settings.epochs,
            final_loss=trained[-1].final_loss if trained else None,
            parameters=read_card(self.service).parameters or 0,
            examples=examples,
            examples_per_second=examples / seconds if seconds > 0 else None,
            seconds=seconds,
            resumed_steps=tuple(step for done in trained for step in done.resumed_steps),
            technique="soft_labels",
            reason="train.reason.stream",
            rounds=records,
            details={
                "rows_stream": len(self.stream.rows),
                "rows_dropped": self.stream.dropped,
                "rows_waiting": self.waiting,
                "rows_labelled_by_teacher": len(self.stream.rows) - self.stream.labelled,
                "rows_held_out_old": len(self.old.inputs),
                "rounds_promoted": sum(record.promoted for record in records),
                "ended_by": self.ended,
            },
        )


def _prepared(parameters: DistillParameters, context: JobContext) -> _Learning:
    """The stream in rounds, the rows to replay and those to judge by, and the rounds behind."""
    settings, file, columns = parameters.train, parameters.stream, parameters.columns
    dynamic = settings.dynamic
    if dynamic is None or file is None or columns is None:
        raise ValueError("the job has no stream")
    if "model" not in context.spec.inputs:
        raise UserError("dynamic.no_student")
    teacher, student = teacher_folder(parameters, context), context.input_folder("model") / MODEL_FOLDER
    if teacher is None:
        raise UserError("train.no_model")
    check_apart(teacher, student)
    done = read_rounds(context.folder)
    device = choose_device()
    context.started(device.description, len(done))
    labels = read_card(student).labels
    old, pool, judged = _old_rows(context, labels, settings.seed, parameters.metric, columns.group)
    stream = read_stream(file, columns, labels, judged)
    if dynamic.refresh_teacher and stream.labelled == 0:
        raise UserError("dynamic.refresh_without_targets", column=columns.target)
    rounds, waiting = plan_rounds(stream.rows, {normalise(text) for text in pool.inputs}, dynamic, settings.seed)
    if not rounds:
        raise UserError("dynamic.too_few_rows", count=len(stream.rows))
    _say(context, stream, rounds, waiting)
    if settings.hidden_weight > 0.0:
        context.log(english("dynamic.log.hidden_unused"), "warning")
    return _Learning(
        context, settings, dynamic, device.description, student, Teacher(teacher, labels), old,
        _unlearnt_rows(context, parameters.metric), pool, stream, rounds, waiting, done,
    )  # fmt: skip


def _old_rows(
    context: JobContext, labels: Sequence[str], seed: int, metric: str, group_column: str | None
) -> tuple[HeldOut, TrainingRows, JudgedRows]:
    """The old rows to judge by, those to replay, and all rows on which models are judged."""
    data = context.input_folder("data")
    rows, examples = read_training_rows(data), read_examples(data)
    rows.label_indices(labels)
    train = [example for example in examples if example.split is Split.TRAIN]
    groups = [example.group for example in train]
    held = set(held_out_rows(rows.targets, groups, seed).tolist())
    if not held:
        raise UserError("dynamic.too_few_old_rows", count=len(rows.names))
    places = range(len(rows.names))
    old = HeldOut(
        tuple(rows.inputs[place] for place in places if place in held),
        tuple(rows.targets[place] for place in places if place in held),
        metric,
    )
    kept = [place for place in places if place not in held]
    names, inputs, targets = (
        tuple(column[place] for place in kept) for column in (rows.names, rows.inputs, rows.targets)
    )
    judging = [example for example in examples if example.split is not Split.TRAIN]
    judging += [train[place] for place in sorted(held)]
    if group_column is not None and not any(example.group_values for example in examples):
        context.log(english("dynamic.log.groups_unknown", column=group_column), "warning")
    return old, TrainingRows(names, inputs, targets), judged_rows(judging, group_column)


def _unlearnt_rows(context: JobContext, metric: str) -> HeldOut:
    """The calibration rows, from which neither teacher nor student has learnt."""
    examples = [row for row in read_examples(context.input_folder("data")) if row.split is Split.CALIBRATION]
    return HeldOut(tuple(row.input for row in examples), tuple(row.target for row in examples), metric)


def _say(context: JobContext, stream: Stream, rounds: Sequence[RoundRows], waiting: int) -> None:
    context.log(english("dynamic.log.begun", rows=len(stream.rows), rounds=len(rounds)))
    if stream.dropped:
        context.log(english("dynamic.log.dropped", count=stream.dropped), "warning")
    untold = len(stream.rows) - stream.labelled
    if untold:
        context.log(english("dynamic.log.teacher_labels", count=untold))
    if waiting:
        context.log(english("dynamic.log.waiting", count=waiting))
