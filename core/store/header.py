"""Whether a file is a study of ours, read from the first bytes, so that a foreign file is never opened for writing."""

from __future__ import annotations

from pathlib import Path

from core.errors import UserError
from core.store.schema import APPLICATION_ID, SCHEMA_VERSION

# https://www.sqlite.org/fileformat.html, "The Database Header"
_MAGIC = b"SQLite format 3\x00"
_USER_VERSION = slice(60, 64)
_APPLICATION_ID = slice(68, 72)


def check_header(path: Path) -> int:
    """The study's schema version. Raises UserError for a missing, foreign or newer file; the file is only read."""
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError as error:
        raise UserError("store.missing", path=str(path)) from error
    except (IsADirectoryError, PermissionError) as error:
        raise UserError("store.foreign", path=str(path)) from error
    if head[:16] != _MAGIC or len(head) < 100 or int.from_bytes(head[_APPLICATION_ID], "big") != APPLICATION_ID:
        raise UserError("store.foreign", path=str(path))
    version = int.from_bytes(head[_USER_VERSION], "big")
    if version > SCHEMA_VERSION:
        raise UserError("store.newer", path=str(path), found=version, known=SCHEMA_VERSION)
    return version
