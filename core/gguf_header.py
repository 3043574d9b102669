"""The scalar metadata at the head of a GGUF file, in milliseconds.

The `gguf` package's reader takes seconds, for it lays out every token of the vocabulary; plans are made while a user
waits.

The layout is that of the GGUF specification, versions 2 and 3 (ggml, docs/gguf.md): magic, version, the numbers of
tensors and of entries, then the entries, little-endian.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

MAGIC = b"GGUF"
Scalar = int | float | bool | str

_STRING, _ARRAY = 8, 9
_TOKENIZER = "tokenizer."
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
# Longer than any key or name; more means that the file is broken.
_LONGEST_BYTES = 1 << 20


def scalars_of(path: Path) -> dict[str, Scalar]:
    """The entries before those of the tokenizer, which stand last, without arrays.

    Raises ValueError where the file is no GGUF file or is cut off within them.
    """
    found: dict[str, Scalar] = {}
    with path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise ValueError(f"{path.name} is no GGUF file")
        _, _, entries = _unpacked(stream, "<IQQ")
        for _ in range(entries):
            key, (kind,) = _text(stream), _unpacked(stream, "<I")
            if key.startswith(_TOKENIZER):
                break
            if kind == _ARRAY:
                _skip_array(stream)
            else:
                found[key] = _text(stream) if kind == _STRING else _scalar(stream, kind)
    return found


def _skip_array(stream: BinaryIO) -> None:
    kind, count = _unpacked(stream, "<IQ")
    if kind in _SCALARS:
        stream.seek(count * struct.calcsize(_SCALARS[kind]), 1)
        return
    if kind != _STRING:
        raise ValueError(f"an array of the unknown kind {kind}")
    for _ in range(count):
        _text(stream)


def _scalar(stream: BinaryIO, kind: int) -> Scalar:
    if kind not in _SCALARS:
        raise ValueError(f"an entry of the unknown kind {kind}")
    value: Scalar = _unpacked(stream, _SCALARS[kind])[0]
    return value


def _text(stream: BinaryIO) -> str:
    (count,) = _unpacked(stream, "<Q")
    if count > _LONGEST_BYTES:
        raise ValueError(f"a text of {count} bytes")
    return _exactly(stream, count).decode("utf-8")


def _unpacked(stream: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, _exactly(stream, struct.calcsize(layout)))


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise ValueError("the file is cut off")
    return data
