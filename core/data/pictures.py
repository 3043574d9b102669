"""The pictures that a column of the data names, by file or by address."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from core.domain import Picture
from core.errors import UserError
from core.i18n import Value

_ADDRESSES = ("http://", "https://", "data:image/")
_MOST_BYTES = 20 * 1024 * 1024
_MIB = 1024 * 1024


def pictures_of(frame: pd.DataFrame, column: str, data_file: Path) -> list[Picture | None]:
    """Each row's picture, null where its cell is blank. Paths are relative to the data file's folder.

    Raises UserError naming the row of a file that is missing, too large, or no PNG, JPEG, GIF or WebP.
    """
    found: dict[str, Picture | None] = {"": None}
    pictures = []
    for row, cell in zip(frame.index.tolist(), frame[column].str.strip(), strict=True):
        if cell not in found:
            found[cell] = _picture(cell, data_file, row)
        pictures.append(found[cell])
    return pictures


def _picture(cell: str, data_file: Path, row: int) -> Picture:
    if cell.startswith(_ADDRESSES):
        return Picture(cell)
    path = (data_file.parent / Path(cell).expanduser()).resolve()
    where: dict[str, Value] = {"file": data_file.name, "row": row, "path": str(path)}
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise UserError("data.picture.large", size_mib=size // _MIB, most_mib=_MOST_BYTES // _MIB, **where)
        content = path.read_bytes()
    except OSError as error:
        raise UserError("data.picture.missing", **where) from error
    if picture_type(content) is None:
        raise UserError("data.picture.unknown", **where)
    return Picture(str(path), hashlib.sha256(content).hexdigest())


def picture_type(content: bytes) -> str | None:
    """The media type of a picture by its first bytes; null for what no endpoint takes."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    signs = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    return next((kind for sign, kind in signs.items() if content.startswith(sign)), None)
