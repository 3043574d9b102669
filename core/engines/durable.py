"""Files and folders that are whole or absent: written aside, flushed to the disk, then renamed."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import UserError

_FULL = (errno.ENOSPC, errno.EDQUOT)
# safetensors and tokenizers write through Rust, whose errors carry the number in their text only.
_FULL_TEXTS = ("os error 28)", "os error 122)")


@contextmanager
def disk_full_told(path: Path, needed_bytes: int) -> Iterator[None]:
    """Turn "no space left" from within, whichever library says it, into UserError (disk.full) about `path`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not _is_disk_full(error):
            raise
        raise disk_full(path, needed_bytes) from error


def disk_full(path: Path, needed_bytes: int) -> UserError:
    """The error that says that `needed_bytes` more are needed on the disk of `path`."""
    return UserError("disk.full", path=str(path), needed_mib=needed_bytes // 2**20 + 1)


def _is_disk_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    return any(text in str(error) for text in _FULL_TEXTS)


def sync_file(path: Path) -> None:
    """Flush a written file to the disk."""
    # Windows flushes only through a handle that may write.
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to the disk, where the system offers that (Windows does not)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document and flush it to the disk. Raises ValueError for NaN and infinity."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    sync_file(path)


@contextmanager
def replaced_folder(folder: Path, needed_bytes: int) -> Iterator[Path]:
    """A new empty folder to fill; on leaving it is flushed and takes the place of `folder`, whole.

    On an error nothing of it remains and `folder` is as it was. Raises UserError (disk.full); `needed_bytes` is the
    estimate that this sentence names.
    """
    partial = _partial(folder)
    clear_partial(folder)
    try:
        with disk_full_told(folder, needed_bytes):
            partial.mkdir(parents=True)
            yield partial
            for path in sorted(partial.rglob("*")):
                if path.is_file():
                    sync_file(path)
            sync_folder(partial)
            # rename() cannot replace a folder that has entries.
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
            sync_folder(folder.parent)
    except BaseException:
        clear_partial(folder)
        raise


def clear_partial(folder: Path) -> None:
    """Remove what a process that was killed within `replaced_folder` left of the new `folder`."""
    shutil.rmtree(_partial(folder), ignore_errors=True)


def _partial(folder: Path) -> Path:
    return folder.with_name(f".partial-{folder.name}")
