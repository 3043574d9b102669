"""A model folder handed over in a format that other tools read, checked against the model before it appears."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from core.engines.compress.onnx_export import export_onnx
from core.engines.compress.parity import MINIMUM_AGREEMENT, answer_all, as_percent, label_agreement
from core.engines.device import choose_device
from core.engines.durable import disk_full_told
from core.engines.models import open_classifier, read_card
from core.engines.models.card import has_card
from core.engines.models.torch_classifier import TorchClassifier
from core.errors import UserError
from core.model_files import weight_bytes

Format = Literal["safetensors", "onnx"]
_CHECKED_TEXTS = 128
_MAX_WORDS = 16
_SEED = 1


def export(model_folder: Path, format: Format, out: Path, inputs: Sequence[str] = ()) -> list[Path]:  # noqa: A002
    """Write the model of `model_folder` into the folder `out` as `format` and return the files, sorted.

    safetensors: a reload with `from_pretrained` must give the same logits to the last bit. onnx: the same label on at
    least 99 % of `inputs` (else of random words of the tokenizer's vocabulary); a quantised model is copied as it is.
    Nothing appears in `out` before the check has passed. Raises UserError for a format that the model cannot have, a
    failed check, and a full disk.
    """
    form = read_card(model_folder).format if has_card(model_folder) else "transformers"
    _check_format(model_folder, form, format)
    staging = out / ".partial-export"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with disk_full_told(out, weight_bytes(model_folder)):
            out.mkdir(parents=True, exist_ok=True)
            if form == "transformers" and format == "onnx":
                export_onnx(model_folder, staging)
                _check_onnx(model_folder, staging, inputs or random_texts(model_folder))
            else:
                shutil.copytree(model_folder, staging)
                if format == "safetensors":
                    _check_reload(model_folder, staging, inputs or random_texts(model_folder))
            return [_moved(file, out) for file in sorted(staging.iterdir())]
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_format(folder: Path, form: str, wanted: str) -> None:
    possible = {"transformers": ("safetensors", "onnx"), "onnx": ("onnx",)}.get(form)
    if possible is None:
        raise UserError("export.not_offered", path=str(folder), wanted=wanted)
    if wanted not in possible:
        raise UserError(
            "export.format_unfit", path=str(folder), format=form, wanted=wanted, possible=", ".join(possible)
        )


def _check_onnx(folder: Path, exported: Path, inputs: Sequence[str]) -> None:
    agreement = label_agreement(
        answer_all(open_classifier(folder, "torch"), inputs), answer_all(open_classifier(exported), inputs)
    )
    if agreement < MINIMUM_AGREEMENT:
        raise UserError("compress.parity", path=str(folder), agreement=as_percent(agreement), rows=len(inputs))


def _check_reload(folder: Path, exported: Path, inputs: Sequence[str]) -> None:
    """Equal probabilities in double precision of logits in single precision: equal logits."""
    device = choose_device("cpu")
    first, second = (answer_all(TorchClassifier(place, device), inputs) for place in (folder, exported))
    difference = float(np.abs(first - second).max())
    if difference > 0.0:
        raise UserError("export.reload_differs", path=str(folder), difference=difference)


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
