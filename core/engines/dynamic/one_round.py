"""One round: the teacher's answers, a training on new and replayed rows, and the verdict on the averaged student.

Two held-out sets judge it, old rows and new ones: the averaged student takes over only where it loses more than the
margin on neither of them. What a round has learnt that was rolled back is not replayed later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.engines.distill.job import LEARNING_RATE
from core.engines.distill.label_losses import soft_objective
from core.engines.distill.rows import TrainingRows
from core.engines.distill.training_job import (
    MODEL_FOLDER,
    Material,
    begin,
    finished_before,
    run_training,
    tokenized,
)
from core.engines.dynamic.average import WeightAverage
from core.engines.dynamic.records import TEACHER_FOLDER, DoneRound, round_folder
from core.engines.dynamic.rounds import RoundRows
from core.engines.dynamic.stream import StreamRow
from core.engines.dynamic.teacher import Teacher, check_apart, refreshed
from core.engines.held_out import HeldOut
from core.engines.models import open_classifier
from core.engines.models.starting import load_starting_model, load_tokenizer
from core.engines.part_context import PartContext
from core.engines.random_state import seed_all
from core.i18n import english
from core.jobs.results import RoundRecord, TrainResult
from core.model_files import fingerprint_weights
from core.spec import Dynamic, Train
from core.worker.context import JobContext, Stopped

PHASE = "phase.round"
OLD_OUTPUTS = "old_outputs"
# Fewer targets than these, new or of before, say nothing of a drift.
DRIFT_ROWS = 10
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Standing:
    """How things stand when a round begins.

    `service` is the folder of the student in service. `pool` may be replayed; the rows named in `untold` have their
    targets from the teacher. `old` judges by train rows that no round learns, `new_before` by what earlier rounds held
    out, of which `told_before` have a target of their own. `unseen` are rows that the teacher never learnt, and may be
    none.
    """

    number: int
    rounds: int
    service: Path
    teacher: Teacher
    pool: TrainingRows
    untold: frozenset[str]
    old: HeldOut
    new_before: HeldOut
    told_before: HeldOut
    unseen: HeldOut

    @property
    def teacher_unseen(self) -> bool:
        """Whether there are enough rows that the teacher never learnt to know its quality by."""
        return len(self.unseen.inputs) >= DRIFT_ROWS


@dataclass(frozen=True)
class Judged:
    """Quality on the old and on the new held-out rows, 0 to 1; null where there are no rows."""

    old: float
    new: float | None

    def loses_more_than(self, margin: float, before: Judged) -> bool:
        """Whether either is below what it was before by more than the margin."""
        pairs = ((before.old, self.old), (before.new, self.new))
        return any(was is not None and now is not None and now < was - margin - _ROUNDING for was, now in pairs)


def run_round(standing: Standing, rows: RoundRows, settings: Train, dynamic: Dynamic, context: JobContext) -> DoneRound:
    """Do one round; its model stands in `model/` of its folder. Raises Stopped, UserError."""
    if context.should_stop():
        raise Stopped
    own = _Round(standing, rows, settings, dynamic, context)
    before, teacher_quality = own.teacher_quality_before(), own.teacher_quality_new()
    told = sum(row.target is not None for row in (*rows.learnt, *rows.held_out))
    if teacher_quality is not None and told >= DRIFT_ROWS and teacher_quality < before - dynamic.drift_margin:
        old, new = f"{before:.1%}", f"{teacher_quality:.1%}"
        code = "dynamic.log.drift" if standing.teacher_unseen else "dynamic.log.drift_learnt"
        context.log(english(code, number=standing.number, old=old, new=new, rows=told), "warning")
        return DoneRound(record=None, drifted=True)
    return own.done(teacher_quality)


@dataclass
class _Round:
    standing: Standing
    rows: RoundRows
    settings: Train
    dynamic: Dynamic
    context: JobContext

    @property
    def folder(self) -> Path:
        """The round's folder."""
        return round_folder(self.context.folder, self.standing.number)

    def part(self, name: str | None = None) -> PartContext:
        """The context of the student's training, or of the one in the folder `name` before it."""
        steps = 2 if self.dynamic.refresh_teacher else 1
        done = (self.standing.number - 1) * steps + (steps - 1 if name is None else 0)
        folder = self.folder if name is None else self.folder / name
        return PartContext(self.context, folder, PHASE, done, self.standing.rounds * steps)

    def teacher_quality_before(self) -> float:
        """The teacher's quality on rows of before that it has not learnt, for it has not learnt the new ones either;
        where they are too few, on the old held-out rows, which flatter it."""
        standing = self.standing
        rows = standing.unseen if standing.teacher_unseen else standing.old
        return rows.quality(standing.teacher.choices(rows.inputs, self.context.folder / OLD_OUTPUTS, self.part()))

    def teacher_quality_new(self) -> float | None:
        """The teacher's quality on the targets of this round's rows, none of which it has learnt; null without any."""
        told = _told((*self.rows.learnt, *self.rows.held_out), self.standing.old.metric)
        if not told.inputs:
            return None
        return told.quality(self.standing.teacher.choices(told.inputs, self.folder / "told_outputs", self.part()))

    def done(self, teacher_quality: float | None) -> DoneRound:
        """The round from here on."""
        standing = self.standing
        replayed = self._replayed()
        teacher = self._refreshed_teacher(replayed)
        check_apart(teacher.folder, standing.service)
        learnt_targets = self._targets(teacher, self.rows.learnt, "learnt_outputs")
        held_targets = self._targets(teacher, self.rows.held_out, "held_out_outputs")
        learnt = _joined(_training_rows(self.rows.learnt, learnt_targets), replayed)
        new = _with(standing.new_before, self.rows.held_out, held_targets)
        trained = self._trained(teacher, learnt)
        before = _judged(standing.service, standing.old, new)
        after = _judged(self.folder / MODEL_FOLDER, standing.old, new)
        promoted = not after.loses_more_than(self.dynamic.margin, before)
        record = RoundRecord(
            round=standing.number,
            rows_new=len(self.rows.learnt),
            rows_replayed=len(replayed.names),
            quality_old_before=before.old,
            quality_old_after=after.old,
            quality_new_before=before.new or 0.0,
            quality_new_after=after.new or 0.0,
            teacher_quality_new=teacher_quality,
            promoted=promoted,
            held_out_new=len(new.inputs),
            held_out_new_told=len(standing.told_before.inputs) + len(_told(self.rows.held_out, new.metric).inputs),
        )
        return DoneRound(
            record=record,
            teacher_refreshed=teacher.folder != standing.teacher.folder,
            learnt_targets=learnt_targets,
            held_out_targets=held_targets,
            steps=trained.steps,
            rows=len(learnt.names),
            seconds=trained.seconds,
            final_loss=trained.final_loss,
            resumed_steps=trained.resumed_steps,
        )

    def _replayed(self) -> TrainingRows:
        """Old rows at random, so many that they are the wanted share of what the round learns."""
        pool, share = self.standing.pool, self.dynamic.replay
        count = min(len(pool.names), round(len(self.rows.learnt) * share / (1.0 - share)))
        random = np.random.default_rng([self.settings.seed, self.standing.number])
        return _chosen(pool, sorted(random.permutation(len(pool.names))[:count].tolist()))

    def _refreshed_teacher(self, replayed: TrainingRows) -> Teacher:
        """The teacher of this round: refreshed where that is asked for, there are targets, and it loses nothing."""
        teacher, told = self.standing.teacher, _told(self.rows.learnt, self.standing.old.metric)
        if not self.dynamic.refresh_teacher or not told.inputs:
            return teacher
        names = tuple(row.name for row in self.rows.learnt if row.target is not None)
        # Its own labels would teach it nothing.
        known = [place for place, name in enumerate(replayed.names) if name not in self.standing.untold]
        rows = _joined(TrainingRows(names, told.inputs, told.targets), _chosen(replayed, known))
        folder = refreshed(teacher, rows, self.settings, self.part(TEACHER_FOLDER))
        new = self.standing.told_before
        held = _told(self.rows.held_out, new.metric)
        new = HeldOut((*new.inputs, *held.inputs), (*new.targets, *held.targets), new.metric)
        before, after = (_judged(place, self.standing.old, new) for place in (teacher.folder, folder))
        number = self.standing.number
        if after.loses_more_than(self.dynamic.margin, before):
            self.context.log(english("dynamic.log.teacher_kept", number=number), "warning")
            return teacher
        self.context.log(english("dynamic.log.teacher_refreshed", number=number, rows=len(names)))
        return Teacher(folder, teacher.labels)

    def _targets(self, teacher: Teacher, rows: Sequence[StreamRow], cache: str) -> tuple[str, ...]:
        """The rows' own targets, and the teacher's label where a row has none."""
        untold = [row.input for row in rows if row.target is None]
        labels = iter(teacher.choices(untold, self.folder / cache, self.part()))
        return tuple(next(labels) if row.target is None else row.target for row in rows)

    def _trained(self, teacher: Teacher, rows: TrainingRows) -> TrainResult:
        """The student in service, trained on the rows and averaged; in `model/` of the round's folder."""
        part = self.part()
        done = finished_before(part)
        if done is not None:
            return done
        settings, service, labels = self.settings, self.standing.service, teacher.labels
        attempt = begin(part)
        seed_all(settings.seed)
        model, fresh = load_starting_model(service, labels)
        material = Material(model, load_tokenizer(service), labels, fingerprint_weights(service), fresh)
        soft = teacher.log_probabilities(rows.inputs, self.folder / "teacher_outputs", part)
        tokens = tokenized(material, rows, settings.max_length, part)
        objective = soft_objective(settings, rows.label_indices(labels), soft)
        rate = settings.learning_rate or LEARNING_RATE
        average = WeightAverage(model, self.dynamic.ema_decay)
        return run_training("distill", material, tokens, settings, rate, objective, attempt, part, average)


def _judged(folder: Path, old: HeldOut, new: HeldOut) -> Judged:
    classifier = open_classifier(folder)
    return Judged(old.quality_of(classifier), new.quality_of(classifier) if new.inputs else None)


def _told(rows: Sequence[StreamRow], metric: str) -> HeldOut:
    """The rows that have a target of their own."""
    return HeldOut(
        tuple(row.input for row in rows if row.target is not None),
        tuple(row.target for row in rows if row.target is not None),
        metric,
    )


def _with(before: HeldOut, rows: Sequence[StreamRow], targets: Sequence[str]) -> HeldOut:
    inputs = (*before.inputs, *(row.input for row in rows))
    return HeldOut(inputs, (*before.targets, *targets), before.metric)


def _training_rows(rows: Sequence[StreamRow], targets: Sequence[str]) -> TrainingRows:
    return TrainingRows(tuple(row.name for row in rows), tuple(row.input for row in rows), tuple(targets))


def _joined(first: TrainingRows, second: TrainingRows) -> TrainingRows:
    return TrainingRows(first.names + second.names, first.inputs + second.inputs, first.targets + second.targets)


def _chosen(rows: TrainingRows, places: Sequence[int]) -> TrainingRows:
    names, inputs, targets = (
        tuple(column[place] for place in places) for column in (rows.names, rows.inputs, rows.targets)
    )
    return TrainingRows(names, inputs, targets)
