"""ONNX weights in 8 or 4 bits instead of 32, for ONNX Runtime on the CPU.

Measured on a six-layer encoder with 77 classes (MiniLM-L6 trained on Banking77, 770 test rows, one thread of a CPU with
VNNI; 87.3 MiB and 5.3 ms a request in fp32): dynamic INT8 22.4 MiB, 1.8 ms, 99.2 % of the parent's labels; static INT8
22.5 MiB, 2.1 ms, 99.4 %; INT4 15.1 MiB, 4.4 ms, 99.5 %. Which one is worth its place is for the benchmark to say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.preprocess import quant_pre_process

from core.domain import IntArray
from core.engines.device import int8_products_saturate
from core.lazy import load

Feed = Mapping[str, IntArray]
_PRODUCTS = ["MatMul", "Gemm"]
# Embeddings are most of a small encoder's weights; without them the size falls by a third only.
_LOOK_UPS = ["Gather"]
# Weights that share a scale. 128 a scale would be 15 % smaller and some 20 % faster, and keeps 0.6 points fewer labels.
_INT4_BLOCK = 32
# Of ONNX Runtime's MatMulNBits: activations are quantised to 8 bits as they come, as the fast kernels want them.
_INT4_ACTIVATIONS_INT8 = 4
# The first one with 4-bit tensors. From 20 to 21 operators gained types; only GroupNormalization changed its meaning,
# which no text model has (github.com/onnx/onnx, docs/Changelog.md).
_INT4_OPSET = 21


def quantize_int8_dynamic(source: Path, target: Path) -> None:
    """Write `target`, the ONNX file `source` with INT8 weights; activations are quantised as they come.

    One scale for each output channel: on a six-layer encoder with 77 classes that keeps 97 % of the parent's labels
    before any further training, where one scale for each matrix keeps 95 %, at the same size and within 10 % of the
    speed.
    """
    prepared = _prepared(source, target)
    try:
        _dynamic(prepared, target, _PRODUCTS + _LOOK_UPS)
    finally:
        prepared.unlink(missing_ok=True)


def quantize_int8_static(
    source: Path, target: Path, requests: Sequence[Feed], on_request: Callable[[int], None]
) -> None:
    """Write `target`, the ONNX file `source` with INT8 weights and activations whose ranges `requests` have shown.

    Each request is one feed of the model; `on_request` hears before each how many were taken, and may raise. Products
    with weights take unsigned 8-bit activations and give floating-point numbers, the smallest and largest values seen
    being the range: quantising the results too loses 0.3 points of labels and a tenth of the speed, and percentiles
    need requests of one length.
    """
    prepared = _prepared(source, target)
    ranged = target.with_name(f"{target.name}.ranged")
    try:
        quantize_static(
            str(prepared),
            str(ranged),
            _Requests(requests, on_request),
            quant_format=QuantFormat.QDQ,
            calibrate_method=CalibrationMethod.MinMax,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=_PRODUCTS,
            per_channel=True,
            reduce_range=int8_products_saturate(),
            extra_options={"MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": _PRODUCTS},
        )
        _dynamic(ranged, target, _LOOK_UPS)
    finally:
        prepared.unlink(missing_ok=True)
        ranged.unlink(missing_ok=True)


def quantize_int4(source: Path, target: Path) -> None:
    """Write `target`, the ONNX file `source` with weights of 4 bits in blocks of 32 with a scale and a zero point each.

    The embeddings are of 4 bits too, the small classifier on top of 8.
    """
    prepared = _prepared(source, target)
    packed = target.with_name(f"{target.name}.packed")
    try:
        model = onnx.load(str(prepared))
        for opset in model.opset_import:
            if opset.domain in ("", "ai.onnx"):
                opset.version = max(opset.version, _INT4_OPSET)
        model.ir_version = max(model.ir_version, 10)
        # A block of zeros, such as the padding token's, has no scale; the division by it is thrown away again.
        with quiet(), np.errstate(invalid="ignore"):
            quantizer = load("onnxruntime.quantization.matmul_nbits_quantizer").MatMulNBitsQuantizer(
                model,
                bits=4,
                block_size=_INT4_BLOCK,
                is_symmetric=False,
                accuracy_level=_INT4_ACTIVATIONS_INT8,
                op_types_to_quantize=("MatMul", "Gather"),
                quant_axes=(("MatMul", 0), ("Gather", 1)),
            )
            quantizer.process()
        onnx.save(quantizer.model.model, str(packed))
        _dynamic(packed, target, ["Gemm"])
    finally:
        prepared.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)


def _prepared(source: Path, target: Path) -> Path:
    """The file with constants folded and nodes fused: ONNX Runtime's own advice, and some 10 % faster afterwards."""
    prepared = target.with_name(f"{target.name}.prepared")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    return prepared


def _dynamic(source: Path, target: Path, operators: Sequence[str]) -> None:
    with quiet():
        quantize_dynamic(
            str(source),
            str(target),
            op_types_to_quantize=list(operators),
            per_channel=True,
            weight_type=QuantType.QInt8,
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Within it, ONNX Runtime neither warns that some of a model is quantised already, which is as it should be, nor
    tells of every node; its 4-bit module sets up the whole process's logging when it is loaded, which is undone."""
    root, disabled = logging.root, logging.root.manager.disable
    level, handlers = root.level, list(root.handlers)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        root.setLevel(level)
        root.handlers[:] = handlers


class _Requests(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime is untyped
    """The feeds one after the other, as ONNX Runtime asks for them."""

    def __init__(self, requests: Sequence[Feed], on_request: Callable[[int], None]) -> None:
        self._requests = requests
        self._on_request = on_request
        self._taken = 0

    def get_next(self) -> Feed | None:
        """The next feed; null after the last."""
        self._on_request(self._taken)
        if self._taken == len(self._requests):
            return None
        self._taken += 1
        return self._requests[self._taken - 1]
