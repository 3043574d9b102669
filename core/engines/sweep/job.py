"""The handler of a sweep job: trainings one after the other, each measured in every form, the best one trained again.

A trial is one training in one form: as it is, or quantised. Trainings see a part of the train rows, are judged on the
rest, and never see calibration or test rows. The chosen setting is trained again on all train rows at the end, so that
its quality is measured by its own benchmark on rows that took no part in the choice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from core.engines.device import choose_device
from core.engines.distill.training_job import MODEL_FOLDER
from core.engines.distill.training_job import RESULT_NAME as TRAINING_NAME
from core.engines.durable import replaced_folder, write_json
from core.engines.part_context import PartContext
from core.engines.sweep.classifiers import ClassifierStudents
from core.engines.sweep.figures import PLAIN
from core.engines.sweep.objective import best_trial
from core.engines.sweep.pooling import as_fast
from core.engines.sweep.records import TrialLine, read_trials, trainings_of
from core.engines.sweep.rows import OUTPUTS_FOLDER, UNPACKED_FOLDER
from core.engines.sweep.searching import DIVERGED, OF_ONE_FORM, PHASE, TRIALS_FOLDER, Search
from core.engines.sweep.students import Students
from core.errors import UserError
from core.i18n import english, listed
from core.jobs.results import SweepResult
from core.jobs.specs import SweepParameters
from core.lazy import load
from core.model_files import weight_bytes
from core.worker.context import JobContext

RESULT_NAME = "sweep.json"
CHOSEN_FOLDER = "chosen"


def run(parameters: SweepParameters, context: JobContext) -> SweepResult:
    """Search, and train the chosen student on all train rows; its files stand in `model/` of the job's folder.

    Raises Stopped, and UserError where the space asks for what the teacher does not have, or no trial came to its end.
    """
    device = choose_device()
    done = _finished_before(context)
    lines = read_trials(context.folder)
    context.started(device.description, len(trainings_of(lines)))
    if done is not None:
        context.log(english("train.log.finished_before"))
        _clear(context.folder)
        return done
    search = Search(context, _students(parameters, context), lines)
    search.go_on()
    result = _finished(search)
    _clear(context.folder)
    return result


def _students(parameters: SweepParameters, context: JobContext) -> Students:
    """Language models where answers are texts, else classifiers."""
    if parameters.task.writes:
        writers: Students = load("core.engines.sweep.writers").open_writers(parameters, context)
        return writers
    return ClassifierStudents(context.input_folder("teacher") / MODEL_FOLDER, parameters, context)


def _finished_before(context: JobContext) -> SweepResult | None:
    """The result of an earlier attempt that was killed before it could say so; null without one."""
    try:
        document = json.loads((context.folder / MODEL_FOLDER / RESULT_NAME).read_text(encoding="utf-8"))
        return SweepResult.model_validate(document["result"]) if document["job_id"] == context.spec.job_id else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _clear(folder: Path) -> None:
    """Remove what nothing will be gone on with; the trials' figures stay."""
    for name in (TRIALS_FOLDER, CHOSEN_FOLDER, OUTPUTS_FOLDER, UNPACKED_FOLDER):
        shutil.rmtree(folder / name, ignore_errors=True)


def _finished(search: Search) -> SweepResult:
    """Train the best setting on all train rows and write `model/`; the next best one where that goes wrong with it.
    Raises UserError where no trial is complete, or all that are went wrong."""
    left = search.trials
    if search.best is None:
        raise UserError("sweep.none_complete", count=len(search.lines))
    while True:
        line = _best_of(left)
        _tell_choice(search, left, line)
        try:
            return _trained_again(search, left, line)
        except UserError as error:
            if error.code in DIVERGED:
                left = [one for one in left if one.training != line.training]
            elif error.code in OF_ONE_FORM:
                left = [one for one in left if one is not line]
            else:
                raise
            if best_trial([one.record for one in left]) is None:
                raise
            search.context.log(error.text, "warning")
            number, other = line.record.number, _best_of(left).record.number
            search.context.log(english("sweep.log.next_best", number=number, other=other), "warning")


def _best_of(lines: Sequence[TrialLine]) -> TrialLine:
    best = best_trial([line.record for line in lines])
    return next(line for line in lines if best is not None and line.record.number == best.number)


def _tell_choice(search: Search, left: Sequence[TrialLine], line: TrialLine) -> None:
    best, context = line.record, search.context
    if not best.feasible:
        context.log(english("sweep.log.none_feasible", number=best.number), "warning")
    elif len(left) == len(search.lines):
        context.log(english("sweep.log.chosen", number=best.number))
    rivals = as_fast(left, best.number)
    if rivals:
        others = listed(str(number) for number in rivals)
        context.log(english("sweep.as_fast", number=best.number, others=others), "warning")


def _trained_again(search: Search, left: Sequence[TrialLine], line: TrialLine) -> SweepResult:
    """The student of a trial, the best of those that are `left`, trained on all train rows; `model/` is written."""
    best, context, data, tried = line.record, search.context, search.data, search.trials
    trials, students = search.parameters.space.trials, search.students
    folder = context.folder / CHOSEN_FOLDER / f"training-{line.training:04d}"
    part = PartContext(context, folder, PHASE, trials, trials + 1)
    trained = students.train(line.settings, data.all_rows, None, part)
    result = SweepResult(
        trials=tuple(one.record for one in tried),
        chosen=best.number,
        teacher_quality=data.teacher_quality,
        rows_held_out=len(data.held_out),
        metric=data.metric,
        seconds=sum(one.record.seconds for one in tried) + trained.seconds,
        as_fast=as_fast(left, best.number),
        teacher_knows_rows=search.parameters.teacher_knows_rows,
    )
    source = folder / MODEL_FOLDER
    if line.quantize not in (None, PLAIN):
        source = students.write(folder, str(line.quantize), partial(search.tell, part))
    _write(source, context, result)
    context.progress(PHASE, 1, 1)
    return result


def _write(source: Path, context: JobContext, result: SweepResult) -> None:
    """The folder `model/` with the result in it, whole or not at all."""
    with replaced_folder(context.folder / MODEL_FOLDER, weight_bytes(source)) as partial_folder:
        for file in source.iterdir():
            if file.name != TRAINING_NAME:
                shutil.copyfile(file, partial_folder / file.name)
        document = {"job_id": context.spec.job_id, "result": result.model_dump(mode="json")}
        write_json(partial_folder / RESULT_NAME, document)
