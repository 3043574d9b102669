"""An ONNX classifier small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tiny_models import LABELS, tiny_tokenizer

from core.engines.models import ModelCard, write_card


def write_sum_model(folder: Path, output: str = "logits") -> Path:
    """A model whose logits are the sums over a text's real tokens of one row each of a table, which stands beside it
    as `table.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    table = np.random.default_rng(0).normal(size=(16, len(LABELS))).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        helper.make_node("Mul", ["rows", "wide_mask"], ["real"]),
        helper.make_node("ReduceSum", ["real", "second"], [output], keepdims=0),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "tokens"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["rows", len(LABELS)])]
    constants = [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.array([2]), "last"),
        numpy_helper.from_array(np.array([1]), "second"),
    ]
    graph = helper.make_graph(nodes, "sums", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    tiny_tokenizer().save_pretrained(folder)
    write_card(folder, ModelCard(format="onnx", labels=LABELS, max_length=6, architecture="Sums"))
    np.save(folder / "table.npy", table)
    return folder
