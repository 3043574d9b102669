"""What a trained classifier is worth in one of its forms: quality on the held-out rows, speed on this machine, size.

Timed as the benchmark times (`core.engines.benchmark.timing`): single requests one after the other, then batches, with
tokenisation; a student that is not quantised under torch and, on the CPU, under ONNX Runtime too, the faster one
counting. Students of one shape and form do the same arithmetic, so that only the first of them is timed: what would
differ between the others is the machine's noise, and the search would take it for speed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.engines.benchmark import plan, timing
from core.engines.compress.onnx_export import export_onnx
from core.engines.compress.parity import MINIMUM_AGREEMENT, answer_all, as_percent, label_agreement
from core.engines.compress.quantize import quantize_int8_dynamic, quantize_int8_static
from core.engines.durable import replaced_folder
from core.engines.held_out import HeldOut
from core.engines.models import Classifier, open_classifier
from core.engines.models.onnx_classifier import OnnxClassifier
from core.engines.sweep.figures import PLAIN, Figures, Speed
from core.errors import UserError
from core.lazy import is_installed
from core.metrics.percentiles import percentiles
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

    @property
    def exported(self) -> Path:
        """The ONNX export; made where it is not there yet. Raises UserError where torch cannot make it."""
        folder = self.workplace / _EXPORTED
        if not folder.is_dir():
            export_onnx(self.model, folder)
        return folder


def measure(
    student: Student, quantize: str, held_out: HeldOut, known: Speed | None, tell: Callable[[], None]
) -> Figures:
    """The figures of a student in the form `quantize`; `known` is what students of this shape and form are known to do.

    `tell` is called between the steps and may raise. Raises UserError where an export answers differently.
    """
    if quantize == PLAIN:
        classifier = open_classifier(student.model, "torch")
        quality, size = held_out.quality_of(classifier), weight_bytes(student.model)
        return Figures(quality, known or _plain_speed(student, classifier, held_out, tell), size / _MIB)
    folder = student.workplace / quantize
    write_quantised(student, quantize, folder, held_out.inputs)
    tell()
    quantised = open_classifier(folder)
    quality = held_out.quality_of(quantised)
    tell()
    figures = Figures(quality, known or _speed(quantised, held_out.inputs), weight_bytes(folder) / _MIB)
    shutil.rmtree(folder)
    return figures


def write_quantised(student: Student, quantize: str, out: Path, compared: Sequence[str]) -> None:
    """Write the ONNX model folder `out`: the student with its weights in 8 bits.

    Raises UserError where the export, not quantised yet, gives other labels than the student on the texts `compared`.
    """
    exported = student.exported
    _check_parity(student, compared)
    with replaced_folder(out, weight_bytes(exported) // 2) as partial:
        for file in exported.iterdir():
            if file.name != ONNX_NAME:
                shutil.copyfile(file, partial / file.name)
        if quantize == "int8_static":
            spread = student.learnt[:: max(1, -(-len(student.learnt) // _RANGE_ROWS))]
            model = OnnxClassifier(exported)
            feeds = [model.feed([text]) for text in spread]
            quantize_int8_static(exported / ONNX_NAME, partial / ONNX_NAME, feeds, lambda taken: None)
        else:
            quantize_int8_dynamic(exported / ONNX_NAME, partial / ONNX_NAME)


def _check_parity(student: Student, compared: Sequence[str]) -> None:
    answers = [answer_all(open_classifier(folder), compared) for folder in (student.model, student.exported)]
    agreement = label_agreement(*answers)
    if agreement < MINIMUM_AGREEMENT:
        raise UserError("compress.parity", path=str(student.model), agreement=as_percent(agreement), rows=len(compared))


def _plain_speed(student: Student, classifier: Classifier, held_out: HeldOut, tell: Callable[[], None]) -> Speed:
    """Under the fastest runtime that can run the student as it is."""
    speeds = [_speed(classifier, held_out.inputs)]
    tell()
    if classifier.device.startswith("CPU") and all(is_installed(name) for name in _EXPORT_LIBRARIES):
        _check_parity(student, held_out.inputs)
        speeds.append(_speed(open_classifier(student.exported), held_out.inputs))
        tell()
    return max(speeds, key=lambda speed: speed.requests_per_second)


def _speed(classifier: Classifier, inputs: Sequence[str]) -> Speed:
    requests = [inputs[row] for row in plan.timing_sample(len(inputs))]
    timing.warm_up(classifier, requests)
    latency = timing.single_requests(classifier, requests)
    rate, _ = timing.requests_per_second(classifier, requests)
    return Speed(rate, percentiles(latency.milliseconds).p95)
