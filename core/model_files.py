"""A model's files on disk: what may be loaded, where a packaged model lies, the hash of its weights; without torch."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from math import prod
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.gguf_header import MAGIC
from core.lazy import load

ONNX_NAME = "model.onnx"
WEIGHT_SUFFIXES = (".safetensors", ".onnx", ".onnx.data", ".npz")
PICKLED_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")
_DETERMINING_NAMES = frozenset(
    {
        "config.json",
        "chat_template.jinja",
        "generation_config.json",
        "tercet.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "vocabulary.json",
    }
)
_DETERMINING_STEMS = ("vocab", "merges", "added_tokens", "spiece", "sentencepiece", "spm")
_INDEX_NAME = "model.safetensors.index.json"
_CHUNK_BYTES = 1 << 20
# What safetensors call the types that are cast to that of a model as it is loaded.
_PLAIN_FLOATS = ("F64", "F32", "F16", "BF16")
# The endings of the class names that answer in text, by transformers' own habit (GPT-2's is older).
_LANGUAGE_MODEL_ENDINGS = ("ForCausalLM", "LMHeadModel")


def weight_files(folder: Path) -> list[Path]:
    """The files of a model folder that hold weights in a format without pickles, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name.endswith(WEIGHT_SUFFIXES))


def weight_bytes(source: Path) -> int:
    """The size of a model folder's weight files together, or of a GGUF file, in bytes."""
    files = [source] if is_gguf_file(source) else weight_files(source)
    return sum(path.stat().st_size for path in files)


def is_onnx_folder(path: Path) -> bool:
    """Whether a folder holds `model.onnx` and no safetensors weights: such a model answers and cannot be trained."""
    return (path / ONNX_NAME).is_file() and not any(path.glob("*.safetensors"))


def check_answering_folder(path: Path) -> None:
    """Return where `path` is a folder whose model can answer: one that can be loaded, or an ONNX model with its config
    and tokenizer. Raises UserError with one sentence otherwise."""
    if not (path.is_dir() and is_onnx_folder(path)):
        check_model_folder(path)
        return
    for name in ("config.json", "tokenizer.json"):
        own_config = name == "config.json" and (path / "tercet.json").is_file()
        if not (path / name).is_file() and not own_config:
            raise UserError("model.onnx.incomplete", path=str(path), file=name)


def check_model_folder(path: Path) -> None:
    """Return where `path` is a folder that can be loaded: a config and readable safetensors weights.

    Raises UserError with one sentence otherwise; pickled weights are refused, because loading them runs code.
    """
    if not path.is_dir():
        raise UserError("model.folder.missing", path=str(path))
    weights = sorted(path.glob("*.safetensors"))
    if not weights:
        _refuse_missing_weights(path)
    if not (path / "config.json").is_file():
        raise UserError("model.folder.no_config", path=str(path))
    _check_shards(path)
    for file in weights:
        _check_header(file)


def _refuse_missing_weights(path: Path) -> None:
    if (path / ONNX_NAME).is_file():
        raise UserError("model.onnx.only_answers", path=str(path))
    pickled = sorted(file.name for file in path.iterdir() if file.name.endswith(PICKLED_SUFFIXES))
    if pickled:
        raise UserError("model.folder.pickled", path=str(path), file=pickled[0])
    raise UserError("model.folder.no_weights", path=str(path))


def _check_shards(path: Path) -> None:
    index = path / _INDEX_NAME
    if not index.is_file():
        return
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise UserError("model.folder.broken_weights", path=str(index)) from error
    for name in names:
        if not (path / name).is_file():
            raise UserError("model.folder.missing_shard", path=str(path), file=str(name))


def _check_header(file: Path) -> None:
    """Refuse a cut-off file, a git-lfs pointer and the like: safetensors begin with the length of their header."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        header_bytes = int.from_bytes(stream.read(8), "little")
        if size < 8 or header_bytes > size - 8:
            raise UserError("model.folder.broken_weights", path=str(file))
        try:
            header = json.loads(stream.read(header_bytes))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise UserError("model.folder.broken_weights", path=str(file)) from error
    if max(ends, default=0) != size - 8 - header_bytes:
        raise UserError("model.folder.broken_weights", path=str(file))


def is_gguf_file(path: Path) -> bool:
    """Whether `path` is meant as a GGUF file, by its name."""
    return path.suffix.lower() == ".gguf"


def check_gguf_file(path: Path) -> None:
    """Return where `path` is a GGUF file by its first bytes. Raises UserError otherwise."""
    if not path.is_file():
        raise UserError("model.gguf.missing", path=str(path))
    with path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise UserError("model.gguf.not_one", path=str(path))


def is_language_model_folder(path: Path) -> bool:
    """Whether the folder's model answers in text, as its `tercet.json` says, else its config's architecture."""
    card = _document(path / "tercet.json")
    if card is not None:
        return card.get("kind") == "language_model"
    config = _document(path / "config.json") or {}
    names = config.get("architectures")
    return isinstance(names, list) and any(str(name).endswith(_LANGUAGE_MODEL_ENDINGS) for name in names)


def _document(path: Path) -> dict[str, object] | None:
    """The JSON object in a file; null where there is none, for other checks say what is wrong with it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def sample_folder(sample_id: str) -> Path:
    """The folder with config and safetensors weights inside the installed package `sample_id`, without importing it.

    Raises UserError where the package is not installed or carries no such folder.
    """
    path = sample_path(sample_id)
    if is_gguf_file(path):
        raise UserError("model.sample.packed", id=sample_id)
    return path


def sample_path(sample_id: str) -> Path:
    """What the installed package `sample_id` carries: its folder with config and safetensors, else its GGUF file.

    Raises UserError where the package is not installed or carries neither.
    """
    try:
        distribution = metadata.distribution(sample_id)
    except (metadata.PackageNotFoundError, ValueError) as error:
        raise UserError("model.sample.not_installed", id=sample_id) from error
    files = distribution.files or []
    with_weights = {file.parent for file in files if file.name.endswith(".safetensors")}
    folders = [file.parent for file in files if file.name == "config.json" and file.parent in with_weights]
    packed = [file for file in files if file.suffix.lower() == ".gguf"]
    candidates = sorted(folders or packed, key=lambda path: (len(path.parts), str(path)))
    if not candidates:
        raise UserError("model.sample.no_weights", id=sample_id)
    return Path(str(distribution.locate_file(candidates[0])))


def fingerprint_weights(folder: Path) -> str:
    """The SHA-256, in hex, of all files of a model folder that determine its answers: weights, configs, tokenizer, chat
    template."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file() and _determines_answers(path.name)):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(bytes.fromhex(file_sha256(path)))
    return digest.hexdigest()


def _determines_answers(name: str) -> bool:
    return name in _DETERMINING_NAMES or name.endswith(WEIGHT_SUFFIXES) or name.startswith(_DETERMINING_STEMS)


def weight_count(source: Path) -> int:
    """How many weights a model folder or GGUF file has, read from the headers alone."""
    if is_gguf_file(source):
        return sum(int(tensor.n_elements) for tensor in load("gguf").GGUFReader(source).tensors)
    return sum(prod(entry["shape"]) for entry in _tensors(source))


def loaded_bytes(source: Path, bytes_per_weight: int) -> int:
    """What the weights of a model folder or GGUF file take once they are loaded with so many bytes each, read from the
    headers alone. A GGUF file is unpacked; packed tensors of a folder and an ONNX file stay as they are stored."""
    if is_gguf_file(source):
        return weight_count(source) * bytes_per_weight
    counted = sum(
        prod(entry["shape"]) * bytes_per_weight
        if entry["dtype"] in _PLAIN_FLOATS
        else entry["data_offsets"][1] - entry["data_offsets"][0]
        for entry in _tensors(source)
    )
    return counted or sum(file.stat().st_size for file in source.glob("*.onnx*"))


def _tensors(folder: Path) -> list[dict[str, Any]]:
    """What the headers of a folder's safetensors files say of each tensor."""
    return [
        entry
        for file in sorted(folder.glob("*.safetensors"))
        for name, entry in _header(file).items()
        if name != "__metadata__"
    ]


def matrix_names(folder: Path) -> list[str]:
    """The names of a model folder's matrices but for embeddings, read from the headers alone."""
    return [
        name
        for file in sorted(folder.glob("*.safetensors"))
        for name, entry in _header(file).items()
        if name != "__metadata__" and len(entry["shape"]) == 2 and "embed" not in name.lower()
    ]


def _header(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        document: dict[str, Any] = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return document


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
