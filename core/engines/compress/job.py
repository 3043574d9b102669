"""The handler of a compress job: a trained model in, a smaller one out, compared with its parent."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from core.data.examples import read_examples
from core.domain import FloatArray, Split
from core.engines.compress import SUPPORTED_STEPS
from core.engines.compress.onnx_export import export_onnx
from core.engines.compress.parity import MINIMUM_AGREEMENT, answer_all, as_percent, label_agreement
from core.engines.compress.quantize import quantize_int8_dynamic
from core.engines.durable import replaced_folder
from core.engines.models import Classifier, ModelCard, open_classifier, read_card
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


def run(parameters: CompressParameters, context: JobContext) -> CompressResult:
    """Export the parent to ONNX, quantise it, compare; the files stand in `model/` of the job's folder.

    Raises Stopped, and UserError where a step is not offered, the parent cannot be quantised, or its ONNX export
    answers differently.
    """
    begun = time.monotonic()
    steps = _step_names(parameters)
    parent = _parent_folder(parameters, context)
    inputs = _compared_inputs(context)
    classifier = open_classifier(parent, "torch")
    context.started(classifier.device)
    wanted = _answers(classifier, inputs, 0, context)
    exported = context.folder / "exported"
    try:
        _tell(context, "phase.export", 0, 1)
        card = export_onnx(parent, exported)
        _tell(context, "phase.export", 1, 1)
        _check_parity(parent, wanted, _answers(open_classifier(exported), inputs, 1, context))
        _tell(context, "phase.quantize", 0, 1)
        model = context.folder / "model"
        _quantize(exported, model)
    finally:
        shutil.rmtree(exported, ignore_errors=True)
    _tell(context, "phase.quantize", 1, 1)
    agreement = label_agreement(wanted, _answers(open_classifier(model), inputs, 2, context))
    return _result(steps, parent, model, card, agreement, len(inputs), time.monotonic() - begun, context)


def _step_names(parameters: CompressParameters) -> tuple[str, ...]:
    names = []
    for step in parameters.steps:
        name = step.quantize if isinstance(step, Quantize) else next(iter(step.model_dump()))
        if name not in SUPPORTED_STEPS:
            raise UserError("compress.step_unsupported", step=name)
        names.append(name)
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


def _answers(classifier: Classifier, inputs: Sequence[str], models_done: int, context: JobContext) -> FloatArray:
    """Probabilities of all inputs under one of the three models compared."""
    before, total = models_done * len(inputs), 3 * len(inputs)

    def on_rows(rows: int) -> None:
        _tell(context, "phase.compare", before + rows, total)

    return answer_all(classifier, inputs, on_rows)


def _tell(context: JobContext, phase: str, step: int, total_steps: int) -> None:
    context.progress(phase, step, total_steps)
    if context.should_stop():
        raise Stopped


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


def _result(
    steps: tuple[str, ...],
    parent: Path,
    model: Path,
    card: ModelCard,
    agreement: float,
    rows: int,
    seconds: float,
    context: JobContext,
) -> CompressResult:
    size, parent_size = weight_bytes(model) / _MIB, weight_bytes(parent) / _MIB
    context.log(
        english(
            "compress.log.agreement",
            agreement=as_percent(agreement),
            rows=rows,
            size=f"{size:.1f}",
            parent_size=f"{parent_size:.1f}",
        )
    )
    return CompressResult(
        steps=steps,
        parameters=card.parameters or 0,
        model_size_mib=size,
        parent_size_mib=parent_size,
        label_agreement=agreement,
        rows=rows,
        seconds=seconds,
    )
