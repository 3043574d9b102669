"""Which character encoding a text file is in, found by reading all of it once in blocks."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from core.errors import UserError

_BLOCK = 1 << 20
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


def detect_encoding(path: Path) -> str:
    """The codec name of a text file: by its byte order mark, else UTF-8 where all bytes are, else GB18030 or cp1252.

    Raises UserError where none of them fits.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
    for mark, name in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            if name == "utf-8-sig" and not _decodes(path, "utf-8"):
                raise UserError("data.file.encoding_unknown", file=path.name)
            return name
    if _decodes(path, "utf-8"):
        return "utf-8"
    if _decodes(path, "gb18030") and _high_bytes_come_in_runs(path):
        return "gb18030"
    if _decodes(path, "cp1252"):
        return "cp1252"
    raise UserError("data.file.encoding_unknown", file=path.name)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    with path.open("rb") as stream:
        try:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _high_bytes_come_in_runs(path: Path) -> bool:
    """Whether bytes above 127 mostly stand side by side: two to a Chinese character, where an accented letter of a
    western text stands alone between plain ones."""
    alone = together = 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            for run in _HIGH_RUN.findall(block):
                if len(run) == 1:
                    alone += 1
                else:
                    together += len(run)
    return together > alone
