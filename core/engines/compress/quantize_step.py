"""The step `quantize` of a compress job: an ONNX export that answers as its parent does, then fewer bits a weight."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.domain import IntArray
from core.engines.compress.onnx_export import export_onnx
from core.engines.compress.parity import MINIMUM_AGREEMENT, as_percent, choice_agreement
from core.engines.compress.quantize import quantize_int8_dynamic
from core.engines.compress.work import Work
from core.engines.durable import replaced_folder
from core.engines.models.onnx_classifier import MODEL_NAME
from core.errors import UserError
from core.model_files import weight_bytes
from core.spec import Prune, Quantize, TrimVocabulary

# The model before the export, and the export.
COMPARISONS = 2
_EXPORTED = "exported"


def run(source: Path, out: Path, step: Prune | TrimVocabulary | Quantize, work: Work) -> None:
    """Export `source` to ONNX and write the model folder `out`, its weights quantised.

    Raises UserError where the export answers differently.
    """
    exported = work.context.folder / _EXPORTED
    try:
        wanted = work.choices(source, "torch")
        work.tell("phase.export", 0, 1)
        export_onnx(source, exported)
        work.tell("phase.export", 1, 1)
        _check_parity(source, wanted, work.choices(exported))
        work.tell("phase.quantize", 0, 1)
        _quantize(exported, out)
        work.tell("phase.quantize", 1, 1)
    finally:
        shutil.rmtree(exported, ignore_errors=True)


def _check_parity(parent: Path, wanted: IntArray, exported: IntArray) -> None:
    agreement = choice_agreement(wanted, exported)
    if agreement < MINIMUM_AGREEMENT:
        raise UserError("compress.parity", path=str(parent), agreement=as_percent(agreement), rows=len(wanted))


def _quantize(exported: Path, model: Path) -> None:
    with replaced_folder(model, weight_bytes(exported) // 2) as partial:
        for file in exported.iterdir():
            if file.name != MODEL_NAME:
                shutil.copyfile(file, partial / file.name)
        quantize_int8_dynamic(exported / MODEL_NAME, partial / MODEL_NAME)
