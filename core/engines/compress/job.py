"""The handler of a compress job: a model in, its steps one after the other, the result compared with its parent."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.examples import read_examples
from core.domain import Example, Split
from core.engines.compress import INT4, INT8, INT8_STATIC, PRUNE, TRIM, ladder, quantize_step, trim_step
from core.engines.compress.parity import as_percent, choice_agreement
from core.engines.compress.work import Work
from core.engines.device import choose_device
from core.engines.durable import write_json
from core.engines.models import read_card
from core.engines.models.card import format_of
from core.engines.models.weights import resolve
from core.errors import UserError
from core.i18n import english
from core.jobs.results import CompressResult
from core.jobs.specs import CompressParameters
from core.model_files import weight_bytes
from core.spec import Prune, Quantize, TrimVocabulary
from core.worker.context import JobContext

MODEL_FOLDER = "model"
RESULT_NAME = "compression.json"
# Enough to tell 99 % from 98 % most of the time, at a few seconds for a small encoder.
MAX_COMPARED_ROWS = 512
_MIB = 2**20

Step = Prune | TrimVocabulary | Quantize


@dataclass(frozen=True)
class _Doing:
    """How a step is done: `run(source, out, step, work)` writes the model folder `out`; `comparisons` is how often a
    model answers the compared rows within it."""

    run: Callable[[Path, Path, Step, Work], None]
    comparisons: int


_DOING = {
    PRUNE: _Doing(ladder.run, ladder.COMPARISONS),
    TRIM: _Doing(trim_step.run, trim_step.COMPARISONS),
    INT8: _Doing(quantize_step.run, quantize_step.COMPARISONS),
    INT8_STATIC: _Doing(quantize_step.run, quantize_step.COMPARISONS),
    INT4: _Doing(quantize_step.run, quantize_step.COMPARISONS),
}


def run(parameters: CompressParameters, context: JobContext) -> CompressResult:
    """Do the steps in order and compare the result with the parent; the files stand in `model/` of the job's folder.

    Raises Stopped, and UserError where a step is not offered, the parent cannot take it, or an export answers
    differently.
    """
    done = _finished_before(context)
    if done is not None:
        return done
    begun = time.monotonic()
    names = _step_names(parameters)
    parent = _parent_source(parameters, context)
    comparisons = 2 + sum(_DOING[name].comparisons for name in names)
    examples = tuple(read_examples(context.input_folder("data")))
    compared = _compared_rows(examples, held_out=PRUNE in names)
    work = Work(context, parameters, parent, examples, compared, comparisons)
    for step in parameters.steps:
        if isinstance(step, Quantize):
            quantize_step.check(step, work)
    context.started(choose_device().description)
    wanted = work.choices(parent, "torch")
    model = _done(parameters.steps, names, work)
    agreement = choice_agreement(wanted, work.choices(model))
    result = _result(names, model, work, agreement, time.monotonic() - begun)
    record = {"job_id": context.spec.job_id, "result": result.model_dump(mode="json")}
    write_json(model / RESULT_NAME, record)
    ladder.clear(context.folder)
    return result


def _finished_before(context: JobContext) -> CompressResult | None:
    """The result of an earlier attempt that was killed before it could say so; null without one."""
    try:
        document = json.loads((context.folder / MODEL_FOLDER / RESULT_NAME).read_text(encoding="utf-8"))
        if document["job_id"] != context.spec.job_id:
            return None
        result = CompressResult.model_validate(document["result"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    ladder.clear(context.folder)
    context.started(choose_device().description)
    context.log(english("train.log.finished_before"))
    return result


def _done(steps: Sequence[Step], names: Sequence[str], work: Work) -> Path:
    """The folder `model/`, after all steps. What stood between two steps is removed, whatever happens."""
    places = [work.context.folder / f"after_{name}" for name in names[:-1]] + [work.context.folder / MODEL_FOLDER]
    source = work.parent
    try:
        for step, name, place in zip(steps, names, places, strict=True):
            _DOING[name].run(source, place, step, work)
            source = place
    finally:
        for place in places[:-1]:
            shutil.rmtree(place, ignore_errors=True)
    return source


def _step_names(parameters: CompressParameters) -> tuple[str, ...]:
    names = []
    for step in parameters.steps:
        name = step.quantize if isinstance(step, Quantize) else next(iter(step.model_dump()))
        names.append(name)
    if any(isinstance(step, Quantize) for step in parameters.steps[:-1]) or len(set(names)) < len(names):
        raise UserError("compress.step_order", steps=", ".join(names))
    return tuple(names)


def _parent_source(parameters: CompressParameters, context: JobContext) -> Path:
    if parameters.loadable is not None:
        return resolve(parameters.loadable, parameters.model_sha256)
    folder = context.input_folder("model") / MODEL_FOLDER
    form = format_of(folder)
    if form != "transformers":
        raise UserError("compress.not_quantisable", path=str(folder), format=form)
    return folder


def _compared_rows(examples: Sequence[Example], *, held_out: bool) -> tuple[Example, ...]:
    """Calibration rows, or train rows where there is no calibration part, at most `MAX_COMPARED_ROWS`.

    `held_out` says that a step learns from train rows; then about a tenth of them, of whole groups, is compared and not
    learned from. Raises UserError where there are no rows.
    """
    for split in (Split.CALIBRATION, Split.TRAIN):
        rows = [example for example in examples if example.split is split]
        if rows and held_out and split is Split.TRAIN:
            rows = _of_some_groups(rows, max(1, len(rows) // 10))
        if rows:
            # Evenly spread, for files are often sorted by class.
            return tuple(rows[:: max(1, -(-len(rows) // MAX_COMPARED_ROWS))])
    raise UserError("compress.no_rows")


def _of_some_groups(rows: Sequence[Example], wanted: int) -> list[Example]:
    """The rows of evenly spread groups, about `wanted` of them where groups are small."""
    groups = list(dict.fromkeys(row.group for row in rows))
    some = set(groups[:: max(1, -(-len(rows) // wanted))])
    return [row for row in rows if row.group in some]


def _result(steps: tuple[str, ...], model: Path, work: Work, agreement: float, seconds: float) -> CompressResult:
    size, parent_size = weight_bytes(model) / _MIB, weight_bytes(work.parent) / _MIB
    work.context.log(
        english(
            "compress.log.agreement",
            agreement=as_percent(agreement),
            rows=len(work.compared),
            size=f"{size:.1f}",
            parent_size=f"{parent_size:.1f}",
        )
    )
    return CompressResult(
        steps=steps,
        parameters=read_card(model).parameters or 0,
        model_size_mib=size,
        parent_size_mib=parent_size,
        label_agreement=agreement,
        rows=len(work.compared),
        rungs=tuple(work.rungs),
        seconds=seconds,
    )
