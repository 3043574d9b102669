"""A model folder handed over in a format that other tools read, checked against the model before it appears."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from core.engines.compress.export_checks import (
    CHECKED_TEXTS,
    check_gguf,
    check_language_onnx,
    check_language_reload,
    check_onnx,
    check_reload,
)
from core.engines.compress.gguf_export import GGUF_NAME, SUPPORTED, Precision, export_gguf
from core.engines.compress.onnx_export import export_onnx
from core.engines.durable import disk_full_told, sync_file
from core.engines.language.opening import open_language_model
from core.engines.models.card import format_of
from core.errors import UserError
from core.model_files import is_language_model_folder, weight_bytes
from core.paths import export_staging

Format = Literal["safetensors", "onnx", "gguf"]
_CHECKED_TEXTS = 128
_MAX_WORDS = 16
_SEED = 1


def export(
    model_folder: Path,
    format: Format,  # noqa: A002
    out: Path,
    inputs: Sequence[str] = (),
    precision: Precision = "f16",
) -> list[Path]:
    """Write the model of `model_folder` into the folder `out` as `format` and return the files, sorted.

    safetensors: a reload with `from_pretrained` must give the same logits to the last bit, of a language model the same
    weights. onnx: the same label on at least 99 % of `inputs` (else of random words of the tokenizer's vocabulary), of
    a language model the same next token at 99 % of their places; a quantised model is copied as it is. gguf, of a
    language model: the same tokens, and the same next token at 99 % of the places, or the same weights to the last bit
    in the precision `f32`. Nothing appears in `out` before the check has passed. Raises UserError for a format that the
    model cannot have, a failed check, and a full disk.
    """
    form = format_of(model_folder)
    language_model = is_language_model_folder(model_folder)
    _check_format(model_folder, form, format, language_model)
    staging = export_staging(out)
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with disk_full_told(out, weight_bytes(model_folder)):
            out.mkdir(parents=True, exist_ok=True)
            if form == "onnx":
                shutil.copytree(model_folder, staging)
            elif language_model:
                _language_model(model_folder, format, staging, inputs, precision)
            else:
                _classifier(model_folder, format, staging, inputs)
            return [_moved(file, out) for file in sorted(staging.iterdir())]
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _classifier(folder: Path, wanted: Format, staging: Path, inputs: Sequence[str]) -> None:
    texts = inputs or random_texts(folder)
    if wanted == "onnx":
        export_onnx(folder, staging)
        check_onnx(folder, staging, texts)
    else:
        shutil.copytree(folder, staging)
        check_reload(folder, staging, texts)


def _language_model(folder: Path, wanted: Format, staging: Path, inputs: Sequence[str], precision: Precision) -> None:
    # Few texts have few places, of which one would be more than 1 %.
    texts = [*inputs, *random_texts(folder, max(0, CHECKED_TEXTS - len(inputs)))]
    if wanted == "onnx":
        export_onnx(folder, staging)
        check_language_onnx(open_language_model(folder), staging, texts)
        return
    opened = open_language_model(folder)
    if wanted == "safetensors":
        shutil.copytree(folder, staging)
        check_language_reload(opened, staging, texts)
        return
    staging.mkdir()
    file = staging / GGUF_NAME
    export_gguf(opened, file, precision)
    sync_file(file)
    check_gguf(opened, file, precision, texts)


def _check_format(folder: Path, form: str, wanted: str, language_model: bool) -> None:
    own = ("safetensors", "onnx", "gguf") if language_model else ("safetensors", "onnx")
    possible = {"transformers": own, "onnx": ("onnx",)}.get(form)
    if possible is None:
        raise UserError("export.not_offered", path=str(folder), wanted=wanted)
    if wanted == "gguf" and not language_model:
        raise UserError("export.gguf_classifier", path=str(folder), supported=", ".join(SUPPORTED))
    if wanted not in possible:
        raise UserError(
            "export.format_unfit", path=str(folder), format=form, wanted=wanted, possible=", ".join(possible)
        )
    if form == "transformers" and _is_quantised(folder):
        raise UserError("export.quantised", path=str(folder), wanted=wanted)


def _is_quantised(folder: Path) -> bool:
    """Whether torchao or the like has packed the weights, which only the machine that did it can read again."""
    file = folder / "config.json"
    return file.is_file() and "quantization_config" in json.loads(file.read_text(encoding="utf-8"))


def _moved(file: Path, out: Path) -> Path:
    target = out / file.name
    file.replace(target)
    return target


def random_texts(model_folder: Path, count: int = _CHECKED_TEXTS) -> list[str]:
    """Texts of 1 to 16 random words of the folder's tokenizer, the same on every call."""
    path = model_folder / "tokenizer.json"
    if not path.is_file():
        raise UserError("model.tokenizer.missing", path=str(model_folder))
    vocabulary = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    words = sorted({_plain(entry if isinstance(entry, str) else entry[0]) for entry in vocabulary} - {""})
    generator = np.random.default_rng(_SEED)
    lengths = generator.integers(1, _MAX_WORDS + 1, size=count)
    return [" ".join(words[place] for place in generator.integers(0, len(words), size=length)) for length in lengths]


def _plain(token: str) -> str:
    """A vocabulary entry without the marks of WordPiece, SentencePiece and byte-level BPE."""
    return token.removeprefix("##").replace("▁", "").replace("Ġ", "").strip()
