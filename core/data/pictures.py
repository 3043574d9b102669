"""The pictures that a column of the data names, by file or by address."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from core.domain import Picture
from core.errors import UserError
from core.i18n import Value
from core.lazy import load

_ADDRESSES = ("http://", "https://", "data:image/")
_MOST_BYTES = 20 * 1024 * 1024
_MIB = 1024 * 1024


def pictures_of(cells: Iterable[tuple[int, str]], data_file: Path) -> list[Picture | None]:
    """The picture of each (row number, cell), null where the cell is blank. Paths are relative to the data file's
    folder.

    Raises UserError naming the row of a file that is missing, too large, or no PNG, JPEG, GIF or WebP.
    """
    found: dict[str, Picture | None] = {"": None}
    pictures = []
    for row, cell in cells:
        name = cell.strip()
        if name not in found:
            found[name] = _picture(name, data_file, row)
        pictures.append(found[name])
    return pictures


def pictures_sha256(data_files: Mapping[str, Path], column: str) -> str:
    """The SHA-256 of what a column of each data file shows, row by row: another one once a picture's file holds other
    bytes, whatever its name. Addresses are told by themselves.

    Raises UserError where a data file cannot be read or lacks the column, and for what `pictures_of` refuses.
    """
    reading = load("core.data.formats")
    digest = hashlib.sha256()
    for key, path in sorted(data_files.items()):
        digest.update(f"{key}\0".encode())
        for block in reading.read_blocks(path, partial(_chosen, path, column)):
            cells = zip(block.row_numbers, block.cells[column], strict=True)
            for picture in pictures_of(cells, path):
                digest.update(f"{'' if picture is None else picture.identity}\0".encode())
    return digest.hexdigest()


def _chosen(path: Path, column: str, names: Sequence[str]) -> list[str]:
    if column not in names:
        raise load("core.data.reading").missing_column(path, "data.columns.image", column, names)
    return [column]


def _picture(cell: str, data_file: Path, row: int) -> Picture:
    if cell.startswith(_ADDRESSES):
        return Picture(cell)
    path = (data_file.parent / Path(cell).expanduser()).resolve()
    where: dict[str, Value] = {"file": data_file.name, "row": row, "path": str(path)}
    try:
        state = path.stat()
        if state.st_size > _MOST_BYTES:
            raise UserError("data.picture.large", size_mib=state.st_size // _MIB, most_mib=_MOST_BYTES // _MIB, **where)
        kind, sha256 = _read(path, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    except OSError as error:
        raise UserError("data.picture.missing", **where) from error
    if kind is None:
        raise UserError("data.picture.unknown", **where)
    return Picture(str(path), sha256)


@cache
def _read(path: Path, size: int, changed_ns: int, renamed_ns: int) -> tuple[str | None, str]:
    """Type and SHA-256 of a file, which one process reads once as long as size and times stay: planning meets each
    picture several times."""
    content = path.read_bytes()
    return picture_type(content), hashlib.sha256(content).hexdigest()


def picture_type(content: bytes) -> str | None:
    """The media type of a picture by its first bytes; null for what no endpoint takes."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    signs = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    return next((kind for sign, kind in signs.items() if content.startswith(sign)), None)
