"""Rows as JSON lines: written whole or not at all, read one by one."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from core.errors import UserError

Row = TypeVar("Row")


def write_rows(path: Path, rows: Sequence[Row], encode: Callable[[Row], dict[str, Any]]) -> None:
    """Write one JSON object a line to `path`: the file is complete and durable when this returns, or unchanged.

    Raises UserError (disk.full), after the partial file is removed, where the disk is full; ValueError for NaN.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            for row in rows:
                stream.write(_line(encode(row)))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        needed = sum(len(_line(encode(row)).encode("utf-8")) for row in rows)
        raise UserError("disk.full", path=str(path), needed_mib=needed // 2**20 + 1) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def read_rows(path: Path, decode: Callable[[dict[str, Any]], Row]) -> Iterator[Row]:
    """The rows of a file that `write_rows` wrote, in order."""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield decode(json.loads(line))
