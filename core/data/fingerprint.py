"""The identity of a data file: the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.errors import UserError
from core.jobs.specs import DataFile


def fingerprint(path: Path) -> DataFile:
    """The absolute path of a file and the SHA-256 of its bytes, read in blocks.

    Raises UserError where the file is missing, is a folder, or may not be read.
    """
    require_file(path)
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
    return DataFile(path=str(path.absolute()), sha256=digest)


def folder_sha256(folder: Path | str) -> str:
    """The SHA-256 of all names and bytes of the files below a folder; hidden and compiled ones are no part of it.

    Raises UserError where a file may not be read.
    """
    digest = hashlib.sha256()
    root = Path(folder)
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in parts):
            digest.update(f"{'/'.join(parts)}\0{fingerprint(path).sha256}\0".encode())
    return digest.hexdigest()


def require_file(path: Path) -> None:
    """Nothing, where `path` is a file. Raises UserError, naming the path, where it is missing or a folder."""
    if path.is_dir():
        raise UserError("data.file.is_folder", path=str(path))
    if not path.exists():
        raise UserError("data.file.missing", path=str(path))


def unreadable(path: Path, error: OSError) -> UserError:
    """The refusal for a file that the system does not let us read."""
    return UserError("data.file.unreadable", path=str(path), reason=error.strerror or type(error).__name__)
