"""What a trained classifier is worth in one of its forms: quality on the held-out rows, speed on this machine, size.

Timed in turns (`turns`): single requests one after the other, then batches, with tokenisation; a student that is not
quantised under torch and, on the CPU, under ONNX Runtime too, the faster one counting. Exports run in a process of
their own, and all else asks between batches: a stop is heard within two seconds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.engines.compress.onnx_process import export_onnx_apart
from core.engines.compress.parity import MINIMUM_AGREEMENT, answer_all, as_percent, label_agreement
from core.engines.compress.quantize import quantize_int8_dynamic, quantize_int8_static
from core.engines.durable import replaced_folder
from core.engines.held_out import HeldOut
from core.engines.models import open_classifier
from core.engines.models.onnx_classifier import OnnxClassifier
from core.engines.models.protocol import Runtime
from core.engines.sweep.figures import PLAIN, Figures
from core.engines.sweep.turns import timed
from core.errors import UserError
from core.lazy import is_installed
from core.model_files import ONNX_NAME, weight_bytes

_EXPORTED = "exported"
_EXPORT_LIBRARIES = ("onnx", "onnxscript", "onnxruntime")
# Ranges of activations hardly grow after the first hundred requests.
_RANGE_ROWS = 256
_MIB = 2**20


@dataclass(frozen=True)
class Student:
    """A trained student: its model folder, the texts that it learnt from, and a folder for what is made of it."""

    model: Path
    learnt: Sequence[str]
    workplace: Path

    def exported(self, tell: Callable[[], None]) -> Path:
        """The ONNX export; made where it is not there yet. `tell` is called several times a second meanwhile and may
        raise. Raises UserError where torch cannot make it."""
        folder = self.workplace / _EXPORTED
        if not folder.is_dir():
            export_onnx_apart(self.model, folder, tell)
        return folder


def measure(student: Student, quantize: str, held_out: HeldOut, turns: int, tell: Callable[[], None]) -> Figures:
    """The figures of a student in the form `quantize`, timed in so many turns.

    `tell` is called often and may raise. Raises UserError where an export answers differently.
    """
    if quantize == PLAIN:
        quality = held_out.quality_of(open_classifier(student.model, "torch"), tell)
        classifiers = [open_classifier(folder, runtime) for folder, runtime in _plain(student, held_out, tell)]
        answers = [classifier.probabilities for classifier in classifiers]
        speeds = timed(answers, held_out.inputs, turns, tell)
        fastest = max(speeds, key=lambda speed: speed.requests_per_second)
        return Figures(quality, fastest, weight_bytes(student.model) / _MIB)
    folder = student.workplace / quantize
    write_quantised(student, quantize, folder, held_out.inputs, tell)
    quantised = open_classifier(folder)
    quality = held_out.quality_of(quantised, tell)
    (speed,) = timed([quantised.probabilities], held_out.inputs, turns, tell)
    figures = Figures(quality, speed, weight_bytes(folder) / _MIB)
    shutil.rmtree(folder)
    return figures


def write_quantised(
    student: Student, quantize: str, out: Path, compared: Sequence[str], tell: Callable[[], None]
) -> None:
    """Write the ONNX model folder `out`: the student with its weights in 8 bits.

    `tell` is called often and may raise. Raises UserError where the export, not quantised yet, gives other labels than
    the student on the texts `compared`.
    """
    exported = student.exported(tell)
    _check_parity(student, compared, tell)
    with replaced_folder(out, weight_bytes(exported) // 2) as partial:
        for file in exported.iterdir():
            if file.name != ONNX_NAME:
                shutil.copyfile(file, partial / file.name)
        if quantize == "int8_static":
            spread = student.learnt[:: max(1, -(-len(student.learnt) // _RANGE_ROWS))]
            model = OnnxClassifier(exported)
            feeds = [model.feed([text]) for text in spread]
            quantize_int8_static(exported / ONNX_NAME, partial / ONNX_NAME, feeds, lambda taken: tell())
        else:
            quantize_int8_dynamic(exported / ONNX_NAME, partial / ONNX_NAME)


def _check_parity(student: Student, compared: Sequence[str], tell: Callable[[], None]) -> None:
    folders = (student.model, student.exported(tell))
    answers = [answer_all(open_classifier(folder), compared, lambda rows: tell()) for folder in folders]
    agreement = label_agreement(*answers)
    if agreement < MINIMUM_AGREEMENT:
        raise UserError("compress.parity", path=str(student.model), agreement=as_percent(agreement), rows=len(compared))


def _plain(student: Student, held_out: HeldOut, tell: Callable[[], None]) -> list[tuple[Path, Runtime | None]]:
    """What can run the student as it is: folders, with a runtime where the folder allows several."""
    found: list[tuple[Path, Runtime | None]] = [(student.model, "torch")]
    on_cpu = open_classifier(student.model, "torch").device.startswith("CPU")
    if on_cpu and all(is_installed(name) for name in _EXPORT_LIBRARIES):
        exported = student.exported(tell)
        _check_parity(student, held_out.inputs, tell)
        found.append((exported, None))
    return found
