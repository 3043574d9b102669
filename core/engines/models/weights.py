"""Where a study's model lies on this disk: a hub id, a folder, or a package that carries a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.engines.durable import disk_full_told
from core.errors import UserError
from core.lazy import load
from core.model_files import (
    check_answering_folder,
    check_gguf_file,
    check_model_folder,
    file_sha256,
    fingerprint_weights,
    is_gguf_file,
    sample_path,
)
from core.spec import GgufModel, HubModel, LocalModel, SampleModel

# Never the pickled formats; the folder of an ONNX or other variant is not needed either.
_HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")


def resolve(model: HubModel | LocalModel | SampleModel | GgufModel, expected_sha256: str | None = None) -> Path:
    """The folder of the model, with safetensors weights or `model.onnx`; of a GGUF model, and of a package that carries
    one, the file.

    A hub model comes from the local cache, and is downloaded where it is not there yet and HF_HUB_OFFLINE is unset.
    Raises UserError where the weights are missing, pickled, unreachable, or not those of `expected_sha256`.
    """
    if isinstance(model, GgufModel):
        return _gguf_file(Path(model.file), expected_sha256)
    if isinstance(model, HubModel):
        folder = _hub_folder(model.id)
    elif isinstance(model, SampleModel):
        folder = sample_path(model.id)
        if is_gguf_file(folder):
            return _gguf_file(folder, expected_sha256)
    else:
        folder = Path(model.path)
    check_answering_folder(folder)
    if expected_sha256 is not None and fingerprint_weights(folder) != expected_sha256:
        raise UserError("model.weights_changed", path=str(folder))
    return folder


def _gguf_file(path: Path, expected_sha256: str | None) -> Path:
    check_gguf_file(path)
    if expected_sha256 is not None and file_sha256(path) != expected_sha256:
        raise UserError("model.weights_changed", path=str(path))
    return path


def _hub_folder(hub_id: str) -> Path:
    errors: Any = load("huggingface_hub.errors")
    try:
        folder = _snapshot(hub_id, offline=True)
        check_model_folder(folder)
    except errors.HFValidationError as error:
        raise UserError("model.hub.bad_id", id=hub_id) from error
    except (errors.LocalEntryNotFoundError, UserError):
        if load("huggingface_hub").constants.is_offline_mode():
            raise UserError("model.hub.not_cached", id=hub_id) from None
        return _download(hub_id, errors)
    return folder


def _download(hub_id: str, errors: Any) -> Path:
    try:
        with disk_full_told(Path(load("huggingface_hub").constants.HF_HUB_CACHE), needed_bytes=0):
            return _snapshot(hub_id, offline=False)
    except errors.GatedRepoError as error:
        raise UserError("model.hub.gated", id=hub_id) from error
    except errors.RepositoryNotFoundError as error:
        raise UserError("model.hub.not_found", id=hub_id) from error
    except (errors.HTTPError, errors.LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        raise UserError("model.hub.unreachable", id=hub_id) from error


def _snapshot(hub_id: str, offline: bool) -> Path:
    hub: Any = load("huggingface_hub")
    return Path(hub.snapshot_download(hub_id, allow_patterns=list(_HUB_FILES), local_files_only=offline))
