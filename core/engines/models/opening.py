"""A model folder opened for answering, under the runtime that fits its format."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from core.engines.models.card import format_of
from core.engines.models.protocol import Classifier, Runtime
from core.errors import UserError
from core.lazy import load
from core.model_files import ONNX_NAME


def open_classifier(folder: Path, runtime: Runtime | None = None) -> Classifier:
    """The classifier in `folder`, ready to answer; `runtime` null means the one of its format.

    A folder without `tercet.json` is taken as a classifier of someone else's making, of transformers or, where it has
    no other weights, as `model.onnx`. A transformers folder that also holds `model.onnx` opens under either runtime.
    Raises UserError where the folder is not a classifier, or `runtime` cannot run it.
    """
    form = format_of(folder)
    floor = form in ("tfidf_linear", "embedding_linear")
    chosen = runtime or ("sklearn" if floor else {"transformers": "torch", "onnx": "onnxruntime"}[form])
    if chosen == "sklearn" and floor:
        return cast(Classifier, load("core.engines.baseline.model").load(folder))
    if chosen == "torch" and form == "transformers":
        return cast(Classifier, load("core.engines.models.torch_classifier").TorchClassifier(folder))
    if chosen.startswith("onnxruntime") and not floor and (folder / ONNX_NAME).is_file():
        return cast(Classifier, load("core.engines.models.onnx_classifier").OnnxClassifier(folder, runtime=chosen))
    raise UserError("model.runtime_unfit", path=str(folder), format=form, runtime=chosen)
