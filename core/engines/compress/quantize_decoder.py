"""The weights of an exported language model in 8 bits, for ONNX Runtime on the CPU.

Some neighbouring weights share a scale and a zero point (`com.microsoft.MatMulNBits`), and activations are quantised to
8 bits as they come, in pieces as long: a row's answer does not depend on its neighbours in a batch. Embeddings are
looked up in 8 bits too; where the head is their transpose, both read the same numbers.

Measured on SmolLM2-135M (one thread of a busy CPU with VNNI, the fastest of 96 tokens; in fp32 517 MiB, 95 ms a token
under ONNX Runtime and 159 ms under torch; 806 next tokens of short messages): with 64 weights a scale 142 MiB, 21 ms,
92.9 % of the parent's tokens; with 32 152 MiB, 29 ms, 94.4 %. ONNX Runtime's dynamic INT8, which scales the activations
of a whole batch alike, keeps 51.2 % at 133 MiB. Torch's export before it takes some four seconds a layer.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from core.domain import FloatArray
from core.engines.compress.onnx_export import MAX_ONE_FILE_BYTES
from core.engines.compress.quantize import quiet
from core.engines.durable import replaced_folder
from core.lazy import load
from core.model_files import ONNX_NAME, weight_bytes

_BITS = 8
_BLOCK = 64
# Of ONNX Runtime's MatMulNBits: activations are quantised to 8 bits as they come, as the fast kernels want them.
_ACTIVATIONS_INT8 = 4
_DOMAIN = "com.microsoft"


def write_int8_decoder(exported: Path, out: Path) -> None:
    """Write the model folder `out`: that of the export in the folder `exported`, in 8 bits. Raises UserError where the
    disk is full."""
    with replaced_folder(out, weight_bytes(exported) // 2) as partial:
        for file in exported.iterdir():
            if not file.name.startswith(ONNX_NAME):
                shutil.copyfile(file, partial / file.name)
        quantize_decoder_int8(exported / ONNX_NAME, partial / ONNX_NAME)


def quantize_decoder_int8(source: Path, target: Path) -> None:
    """Write `target`, the ONNX file `source` with the weights of products and look-ups in 8 bits.

    Weights of more than 1.9 GB lie in a file of their own beside it, as protobuf cannot hold them.
    """
    model = onnx.load(str(source))
    _Rewriting(model.graph).run()
    if all(opset.domain != _DOMAIN for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    large = model.ByteSize() > MAX_ONE_FILE_BYTES
    onnx.save(model, str(target), save_as_external_data=large, location=f"{ONNX_NAME}.data" if large else None)


@dataclass(frozen=True)
class _Blocks:
    """A matrix of shape (inputs, outputs) in 8 bits: the names of its numbers, of shape (outputs, blocks, 64), its
    scales and its zero points, each of shape (outputs, blocks)."""

    inputs: int
    outputs: int
    names: tuple[str, str, str]


@dataclass
class _Rewriting:
    """A graph whose products and look-ups are replaced one after the other; each matrix is quantised once."""

    graph: Any
    done: dict[str, _Blocks] = field(default_factory=dict)

    def run(self) -> None:
        """Replace the nodes, and drop what none of them reads any more."""
        nodes = [new for node in self.graph.node for new in self._replaced(node)]
        read = {name for node in nodes for name in node.input} | {output.name for output in self.graph.output}
        nodes = [node for node in nodes if node.op_type != "Transpose" or node.output[0] in read]
        read = {name for node in nodes for name in node.input}
        kept = [tensor for tensor in self.graph.initializer if tensor.name in read]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(nodes)
        self.graph.initializer.extend(kept)

    @cached_property
    def _arrays(self) -> dict[str, FloatArray]:
        """The matrices of floating-point numbers among the constants, by name."""
        floats = [tensor for tensor in self.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in floats if len(tensor.dims) == 2}

    @cached_property
    def _transposed(self) -> dict[str, str]:
        """The matrix that a name is the transpose of."""
        return {
            node.output[0]: node.input[0]
            for node in self.graph.node
            if node.op_type == "Transpose" and node.input[0] in self._arrays
        }

    @cached_property
    def _tables(self) -> list[str]:
        """The matrices that rows are looked up in."""
        looked_up = [node.input[0] for node in self.graph.node if node.op_type == "Gather" and _axis(node) == 0]
        return [name for name in dict.fromkeys(looked_up) if name in self._arrays]

    def _replaced(self, node: Any) -> Sequence[Any]:
        match node.op_type:
            case "MatMul":
                found = self._matrix(node.input[1])
                return [node] if found is None else [_product(node, node.output[0], found)]
            case "Gemm" if _attributes(node).keys() <= {"transB", "alpha", "beta"}:
                return self._sum(node)
            case "Gather" if node.input[0] in self._tables and _axis(node) == 0:
                return self._look_up(node)
        return [node]

    def _sum(self, node: Any) -> Sequence[Any]:
        """A product and the addition of its third input, where neither is scaled."""
        given = _attributes(node)
        found = self._matrix(node.input[1], turned=bool(given.get("transB", 0)))
        if found is None or given.get("alpha", 1.0) != 1.0 or given.get("beta", 1.0) != 1.0:
            return [node]
        if len(node.input) < 3:
            return [_product(node, node.output[0], found)]
        bare = f"{node.output[0]}_product"
        added = helper.make_node("Add", [bare, node.input[2]], [node.output[0]], f"{node.name}_sum")
        return [_product(node, bare, found), added]

    def _matrix(self, name: str, *, turned: bool = False) -> _Blocks | None:
        """The matrix that is multiplied with, in 8 bits; null where it is no constant."""
        if name in self._transposed:
            name, turned = self._transposed[name], not turned
        array = self._arrays.get(name)
        if array is None:
            return None
        products = array.T if turned else array
        table = next((one for one in self._tables if self._is_table(one, name, products)), None)
        return self._blocks(name if table is None else table, products)

    def _is_table(self, table: str, name: str, products: FloatArray) -> bool:
        own = self._arrays[table]
        return (table == name or own.shape[::-1] == products.shape) and np.array_equal(own.T, products)

    def _blocks(self, name: str, products: FloatArray) -> _Blocks:
        """The matrix `products`, of shape (inputs, outputs), in 8 bits under names made of `name`."""
        if name not in self.done:
            parts = ("_weights_8_bits", "_scales", "_zero_points")
            inputs, outputs = products.shape
            blocks = _Blocks(inputs, outputs, (f"{name}{parts[0]}", f"{name}{parts[1]}", f"{name}{parts[2]}"))
            arrays = _quantizer().qbits_block_quant(np.ascontiguousarray(products, dtype=np.float32))
            made = [numpy_helper.from_array(array, part) for part, array in zip(blocks.names, arrays, strict=True)]
            self.graph.initializer.extend(made)
            self.done[name] = blocks
        return self.done[name]

    def _look_up(self, node: Any) -> Sequence[Any]:
        """Rows of a table, taken out of its 8 bits: (number − zero point) · scale."""
        table, ids, out = node.input[0], node.input[1], node.output[0]
        blocks = self._blocks(table, self._arrays[table].T)
        numbers, scales, zeros = blocks.names
        constants = {f"{out}_last": [-1], f"{out}_all": [-1], f"{out}_width": [blocks.inputs], f"{out}_zero": [0]}
        self.graph.initializer.extend(
            numpy_helper.from_array(np.array(value, dtype=np.int64), name) for name, value in constants.items()
        )
        last = f"{out}_last"
        steps = [
            ("Gather", [numbers, ids], "numbers"),
            ("Gather", [zeros, ids], "zeros"),
            ("Gather", [scales, ids], "scales"),
            ("Cast", [f"{out}_numbers"], "floats"),
            ("Cast", [f"{out}_zeros"], "float_zeros"),
            ("Unsqueeze", [f"{out}_float_zeros", last], "own_zeros"),
            ("Unsqueeze", [f"{out}_scales", last], "own_scales"),
            ("Sub", [f"{out}_floats", f"{out}_own_zeros"], "shifted"),
            ("Mul", [f"{out}_shifted", f"{out}_own_scales"], "blocks"),
            ("Shape", [ids], "shape"),
            ("Concat", [f"{out}_shape", f"{out}_all"], "row_shape"),
            ("Reshape", [f"{out}_blocks", f"{out}_row_shape"], "padded"),
            ("Slice", [f"{out}_padded", f"{out}_zero", f"{out}_width", last], ""),
        ]
        more: dict[str, dict[str, Any]] = {"Cast": {"to": onnx.TensorProto.FLOAT}, "Concat": {"axis": 0}}
        return [
            helper.make_node(
                kind, inputs, [f"{out}_{name}" if name else out], f"{node.name}_{name}", **more.get(kind, {})
            )
            for kind, inputs, name in steps
        ]


def _product(node: Any, output: str, blocks: _Blocks) -> Any:
    return helper.make_node(
        "MatMulNBits",
        [node.input[0], *blocks.names],
        [output],
        f"{node.name}_8_bits",
        domain=_DOMAIN,
        K=blocks.inputs,
        N=blocks.outputs,
        bits=_BITS,
        block_size=_BLOCK,
        accuracy_level=_ACTIVATIONS_INT8,
    )


def _attributes(node: Any) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _axis(node: Any) -> int:
    return int(_attributes(node).get("axis", 0))


def _quantizer() -> Any:
    with quiet():
        module = load("onnxruntime.quantization.matmul_nbits_quantizer")
    settings = module.DefaultWeightOnlyQuantConfig(block_size=_BLOCK, is_symmetric=False, bits=_BITS)
    return module.DefaultWeightOnlyQuantizer(settings)
