"""The step `quantize` of a compress job: fewer bits a weight.

A model becomes an ONNX export that answers as its parent does, and is quantised then; it runs under ONNX Runtime on the
CPU. To 4 bits a language model is brought by torchao, where there is an NVIDIA GPU.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from core.domain import IntArray
from core.engines.compress.onnx_process import export_decoder_apart, export_onnx_apart, write_int8_decoder_apart
from core.engines.compress.parity import MINIMUM_AGREEMENT, as_percent, choice_agreement
from core.engines.compress.quantize import Feed, quantize_int4, quantize_int8_dynamic, quantize_int8_static
from core.engines.compress.quantize_language import check_int4, check_int8, quantize_language_int4
from core.engines.compress.work import Work
from core.engines.device import choose_device
from core.engines.durable import replaced_folder
from core.engines.models.onnx_classifier import OnnxClassifier
from core.errors import UserError
from core.model_files import ONNX_NAME, weight_bytes
from core.spec import Prune, Quantize, TrimVocabulary

# The model before the export, and the export.
COMPARISONS = 2
# Ranges of activations hardly grow after the first hundred requests.
_CALIBRATION_ROWS = 256
_EXPORTED = "exported"


def check(step: Quantize, work: Work) -> None:
    """Return where this machine can do the step. Raises UserError before any work otherwise."""
    if not work.language_model:
        return
    if step.quantize == "int4":
        check_int4(work.parent, choose_device())
    else:
        check_int8(work.parent, step.quantize, work.context)


def run(source: Path, out: Path, step: Prune | TrimVocabulary | Quantize, work: Work) -> None:
    """Write the model folder `out`: the model of `source` with its weights quantised.

    Raises Stopped, and UserError where the export answers differently or the disk is full.
    """
    if not isinstance(step, Quantize):
        raise TypeError("the step quantises nothing")
    if work.language_model and step.quantize == "int4":
        work.tell("phase.quantize", 0, 1)
        quantize_language_int4(source, out, choose_device())
        work.tell("phase.quantize", 1, 1)
        return
    exported = work.context.folder / _EXPORTED
    try:
        wanted = work.choices(source, "torch")
        work.tell("phase.export", 0, 1)
        export = export_decoder_apart if work.language_model else export_onnx_apart
        export(source, exported, lambda: work.tell("phase.export", 0, 1))
        work.tell("phase.export", 1, 1)
        _check_parity(source, wanted, work.choices(exported))
        _quantize(exported, out, step, work)
    finally:
        shutil.rmtree(exported, ignore_errors=True)


def _check_parity(parent: Path, wanted: IntArray, exported: IntArray) -> None:
    agreement = choice_agreement(wanted, exported)
    if agreement < MINIMUM_AGREEMENT:
        raise UserError("compress.parity", path=str(parent), agreement=as_percent(agreement), rows=len(wanted))


def _quantize(exported: Path, out: Path, step: Quantize, work: Work) -> None:
    work.tell("phase.quantize", 0, 1)
    if work.language_model:
        write_int8_decoder_apart(exported, out, lambda: work.tell("phase.quantize", 0, 1))
        work.tell("phase.quantize", 1, 1)
        return
    with replaced_folder(out, weight_bytes(exported) // 2) as partial:
        for file in exported.iterdir():
            if not file.name.startswith(ONNX_NAME):
                shutil.copyfile(file, partial / file.name)
        whole, quantised = exported / ONNX_NAME, partial / ONNX_NAME
        if step.quantize == "int8_static":
            requests = _requests(exported, work)
            count = len(requests)
            quantize_int8_static(whole, quantised, requests, lambda row: work.tell("phase.ranges", row, count))
        elif step.quantize == "int4":
            quantize_int4(whole, quantised)
        else:
            quantize_int8_dynamic(whole, quantised)
    work.tell("phase.quantize", 1, 1)


def _requests(exported: Path, work: Work) -> list[Feed]:
    """Train rows that are not compared, evenly spread, else the compared ones, each a request of its own."""
    texts = [example.input for example in work.train_examples] or work.inputs
    spread = texts[:: max(1, -(-len(texts) // _CALIBRATION_ROWS))]
    model = OnnxClassifier(exported)
    return [model.feed([text]) for text in spread]
