"""Checkpoints: complete or not there, verified before use, and free of pickles.

A checkpoint is written into a temporary folder, flushed, described by a manifest with the hash of each file, renamed,
and only then marked COMPLETE. Tensors are safetensors, all else is JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from core.engines.durable import disk_full, disk_full_told, sync_file, sync_folder, write_json
from core.errors import UserError, told
from core.i18n import english
from core.model_files import file_sha256

FOLDER_NAME = "checkpoints"
KEPT = 2
MINIMUM_INTERVAL_S = 20.0
# Writing may take at most one part in this many of the time.
INTERVAL_PER_WRITE = 20.0
INTERVAL_VARIABLE = "TERCET_CHECKPOINT_SECONDS"
_VERSION = 1
_STATE, _MANIFEST, _COMPLETE = "state.json", "manifest.json", "COMPLETE"

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was verified: its step, its folder and the JSON part of its state."""

    step: int
    folder: Path
    state: dict[str, Any]

    def tensors(self, name: str, device: torch.device | None = None) -> dict[str, torch.Tensor]:
        """The tensors of the part `name`, as they were saved."""
        return load_file(self.folder / f"{name}.safetensors", device=str(device or "cpu"))


class Checkpoints:
    """The checkpoints of one job, below its folder; `log` takes lines about those that are passed over."""

    def __init__(self, job_folder: Path, job_id: str, log: Callable[[str], None]) -> None:
        self.folder = job_folder / FOLDER_NAME
        self._job_id = job_id
        self._log = log
        self._asked_interval_s = asked_interval_s()
        self._last_write_s = 0.0
        self._last_end = time.monotonic()

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint of this job whose files are all as its manifest says; null where there is none.

        What a killed attempt left half-written is removed.
        """
        for partial in self.folder.glob(".partial-*"):
            shutil.rmtree(partial, ignore_errors=True)
        for folder in reversed(self._folders()):
            try:
                return self._verified(folder)
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._log(english("train.log.checkpoint_ignored", name=folder.name, problem=told(error)))
        return None

    def due(self) -> bool:
        """Whether enough time has passed since the last checkpoint to write the next one."""
        interval_s = self._asked_interval_s
        if interval_s is None:
            interval_s = max(MINIMUM_INTERVAL_S, INTERVAL_PER_WRITE * self._last_write_s)
        return time.monotonic() - self._last_end >= interval_s

    def save(self, step: int, parts: Mapping[str, Tensors], state: Mapping[str, Any]) -> Path:
        """Write the checkpoint of `step`, keep the newest two, and return the new one's folder.

        Raises UserError (disk.full) with nothing of it left behind, and the older ones untouched.
        """
        begin = time.monotonic()
        folder = self.folder / f"step-{step:09d}"
        partial = self.folder / f".partial-{folder.name}"
        needed = sum(tensor.numel() * tensor.element_size() for part in parts.values() for tensor in part.values())
        try:
            with disk_full_told(self.folder, needed):
                partial.mkdir(parents=True, exist_ok=True)
                if shutil.disk_usage(partial).free < needed:
                    raise disk_full(self.folder, needed)
                self._fill(partial, step, parts, state)
                shutil.rmtree(folder, ignore_errors=True)
                partial.rename(folder)
                sync_folder(self.folder)
                _mark_complete(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        for older in self._folders()[:-KEPT]:
            shutil.rmtree(older, ignore_errors=True)
        self._last_end = time.monotonic()
        self._last_write_s = self._last_end - begin
        return folder

    def clear(self) -> None:
        """Remove all checkpoints: the job's result is written and nothing will be resumed."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"))

    def _fill(self, partial: Path, step: int, parts: Mapping[str, Tensors], state: Mapping[str, Any]) -> None:
        files = []
        for name, tensors in parts.items():
            file = partial / f"{name}.safetensors"
            save_file({key: tensor.detach().contiguous() for key, tensor in tensors.items()}, file)
            sync_file(file)
            files.append(file)
        write_json(partial / _STATE, state)
        files.append(partial / _STATE)
        hashes = {file.name: {"bytes": file.stat().st_size, "sha256": file_sha256(file)} for file in files}
        manifest = {"version": _VERSION, "job_id": self._job_id, "step": step, "files": hashes}
        write_json(partial / _MANIFEST, manifest)
        sync_folder(partial)

    def _verified(self, folder: Path) -> Checkpoint:
        """The checkpoint in `folder`. Raises OSError, ValueError, KeyError or TypeError where it is not as written."""
        if (folder / _COMPLETE).read_text(encoding="ascii") != file_sha256(folder / _MANIFEST):
            raise ValueError(english("train.checkpoint.manifest_changed"))
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["version"] != _VERSION or manifest["job_id"] != self._job_id:
            raise ValueError(english("train.checkpoint.foreign"))
        for name, expected in manifest["files"].items():
            if file_sha256(folder / name) != expected["sha256"]:
                raise ValueError(english("train.checkpoint.file_changed", name=name))
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        return Checkpoint(int(manifest["step"]), folder, state)


def _mark_complete(folder: Path) -> None:
    marker = folder / _COMPLETE
    marker.write_text(file_sha256(folder / _MANIFEST), encoding="ascii")
    sync_file(marker)
    sync_folder(folder)


def asked_interval_s() -> float | None:
    """The seconds between checkpoints that the environment asks for; null where it says nothing. Raises UserError."""
    text = os.environ.get(INTERVAL_VARIABLE)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise UserError("train.checkpoint_seconds", name=INTERVAL_VARIABLE, value=text)
    return seconds
