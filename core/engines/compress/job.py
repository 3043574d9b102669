"""The handler of a compress job: a trained model in, a smaller one out, compared with its parent."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from core.data.examples import read_examples
from core.domain import FloatArray, Split
from core.engines.compress import INT8, SUPPORTED_STEPS, TRIM
from core.engines.compress.onnx_export import export_onnx
from core.engines.compress.parity import MINIMUM_AGREEMENT, answer_all, as_percent, label_agreement
from core.engines.compress.quantize import quantize_int8_dynamic
from core.engines.compress.trim import trim_vocabulary
from core.engines.durable import replaced_folder
from core.engines.models import Classifier, open_classifier, read_card
from core.engines.models.card import has_card
from core.engines.models.onnx_classifier import MODEL_NAME
from core.engines.models.weights import resolve
from core.errors import UserError
from core.i18n import english
from core.jobs.results import CompressResult
from core.jobs.specs import CompressParameters
from core.model_files import weight_bytes
from core.spec import Quantize
from core.worker.context import JobContext, Stopped

# Enough to tell 99 % from 98 % most of the time, at a few seconds for a small encoder.
MAX_COMPARED_ROWS = 512
_MIB = 2**20
_TRIMMED, _EXPORTED = "trimmed", "exported"
_PASSING = (_TRIMMED, _EXPORTED)


def run(parameters: CompressParameters, context: JobContext) -> CompressResult:
    """Trim the vocabulary, export the parent to ONNX, quantise it, compare; the files stand in `model/` of the folder.

    Raises Stopped, and UserError where a step is not offered, the parent cannot take it, or its ONNX export answers
    differently.
    """
    begun = time.monotonic()
    steps = _step_names(parameters)
    parent = _parent_folder(parameters, context)
    work = _Work(context, context.folder / "model", _compared_inputs(context), models=1 + len(steps) + (INT8 in steps))
    classifier = open_classifier(parent, "torch")
    context.started(classifier.device)
    wanted = work.answers(classifier)
    source = parent
    try:
        if TRIM in steps:
            source = _trimmed(source, work, last=steps == (TRIM,))
        if INT8 in steps:
            _quantised(source, wanted if source is parent else work.answers(open_classifier(source, "torch")), work)
    finally:
        for name in _PASSING:
            shutil.rmtree(context.folder / name, ignore_errors=True)
    agreement = label_agreement(wanted, work.answers(open_classifier(work.model)))
    return _result(steps, parent, work, agreement, time.monotonic() - begun)


@dataclass
class _Work:
    """A job's folder and rows; counts how many of the `models` have answered the rows."""

    context: JobContext
    model: Path
    inputs: list[str]
    models: int
    answered: int = 0

    def answers(self, classifier: Classifier) -> FloatArray:
        """Probabilities of all rows under one model. Raises Stopped."""
        before, total = self.answered * len(self.inputs), self.models * len(self.inputs)
        found = answer_all(classifier, self.inputs, lambda rows: self.tell("phase.compare", before + rows, total))
        self.answered += 1
        return found

    def tell(self, phase: str, step: int, total_steps: int) -> None:
        """Say how far a phase is. Raises Stopped."""
        self.context.progress(phase, step, total_steps)
        if self.context.should_stop():
            raise Stopped


def _trimmed(parent: Path, work: _Work, *, last: bool) -> Path:
    """The folder of the model with the vocabulary of the train rows; in `model/` where no step follows."""
    work.tell("phase.trim", 0, 1)
    texts = _texts_to_keep(work.context)
    out = work.model if last else work.context.folder / _TRIMMED
    before, after = trim_vocabulary(parent, texts, out)
    work.context.log(english("compress.log.trimmed", before=before, after=after, rows=len(texts)))
    work.tell("phase.trim", 1, 1)
    return out


def _quantised(source: Path, wanted: FloatArray, work: _Work) -> None:
    """Export `source`, whose answers are `wanted`, and quantise it into `model/`."""
    exported = work.context.folder / _EXPORTED
    work.tell("phase.export", 0, 1)
    export_onnx(source, exported)
    work.tell("phase.export", 1, 1)
    _check_parity(source, wanted, work.answers(open_classifier(exported)))
    work.tell("phase.quantize", 0, 1)
    _quantize(exported, work.model)
    work.tell("phase.quantize", 1, 1)


def _step_names(parameters: CompressParameters) -> tuple[str, ...]:
    names = []
    for step in parameters.steps:
        name = step.quantize if isinstance(step, Quantize) else next(iter(step.model_dump()))
        if name not in SUPPORTED_STEPS:
            raise UserError("compress.step_unsupported", step=name)
        names.append(name)
    if names != [name for name in SUPPORTED_STEPS if name in names]:
        raise UserError("compress.step_order", steps=", ".join(names), possible=", ".join(SUPPORTED_STEPS))
    return tuple(names)


def _parent_folder(parameters: CompressParameters, context: JobContext) -> Path:
    if parameters.loadable is not None:
        return resolve(parameters.loadable, parameters.model_sha256)
    folder = context.input_folder("model") / "model"
    form = read_card(folder).format if has_card(folder) else "transformers"
    if form != "transformers":
        raise UserError("compress.not_quantisable", path=str(folder), format=form)
    return folder


def _compared_inputs(context: JobContext) -> list[str]:
    """Calibration inputs, or train inputs where there is no calibration part. Raises UserError where both are empty."""
    examples = read_examples(context.input_folder("data"))
    for split in (Split.CALIBRATION, Split.TRAIN):
        inputs = [example.input for example in examples if example.split is split]
        if inputs:
            # Evenly spread, for files are often sorted by class.
            return inputs[:: max(1, -(-len(inputs) // MAX_COMPARED_ROWS))]
    raise UserError("compress.no_rows")


def _texts_to_keep(context: JobContext) -> list[str]:
    """Train inputs, or calibration inputs where nothing is trained; never test inputs. Raises UserError for none."""
    examples = read_examples(context.input_folder("data"))
    for split in (Split.TRAIN, Split.CALIBRATION):
        inputs = [example.input for example in examples if example.split is split]
        if inputs:
            return inputs
    raise UserError("compress.no_rows")


def _check_parity(parent: Path, wanted: FloatArray, exported: FloatArray) -> None:
    agreement = label_agreement(wanted, exported)
    if agreement < MINIMUM_AGREEMENT:
        raise UserError("compress.parity", path=str(parent), agreement=as_percent(agreement), rows=len(wanted))


def _quantize(exported: Path, model: Path) -> None:
    with replaced_folder(model, weight_bytes(exported) // 2) as partial:
        for file in exported.iterdir():
            if file.name != MODEL_NAME:
                shutil.copyfile(file, partial / file.name)
        quantize_int8_dynamic(exported / MODEL_NAME, partial / MODEL_NAME)


def _result(steps: tuple[str, ...], parent: Path, work: _Work, agreement: float, seconds: float) -> CompressResult:
    size, parent_size = weight_bytes(work.model) / _MIB, weight_bytes(parent) / _MIB
    work.context.log(
        english(
            "compress.log.agreement",
            agreement=as_percent(agreement),
            rows=len(work.inputs),
            size=f"{size:.1f}",
            parent_size=f"{parent_size:.1f}",
        )
    )
    return CompressResult(
        steps=steps,
        parameters=read_card(work.model).parameters or 0,
        model_size_mib=size,
        parent_size_mib=parent_size,
        label_agreement=agreement,
        rows=len(work.inputs),
        seconds=seconds,
    )
