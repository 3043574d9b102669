"""A data file as a table of text, with the columns that the study names checked to be there and filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from core.data.formats import read_blocks
from core.errors import UserError

_LISTED_COLUMNS = 30


def read_table(path: Path, required: Mapping[str, str], optional: Sequence[str] = ()) -> pd.DataFrame:
    """The wanted columns of a file as text, indexed by the row numbers that the user sees; never without rows.

    `required` maps a field of the study file, such as `data.columns.input`, to the column that it names; the
    `optional` columns are there where the file has them. Raises UserError, naming file, field or row.
    """

    def choose(names: Sequence[str]) -> list[str]:
        for field, column in required.items():
            if column not in names:
                raise missing_column(path, field, column, names)
        return [name for name in dict.fromkeys([*required.values(), *optional]) if name in names]

    frames = [
        pd.DataFrame(block.cells, index=pd.Index(block.row_numbers), dtype="str") for block in read_blocks(path, choose)
    ]
    if not frames:
        raise UserError("data.file.no_rows", file=path.name)
    return pd.concat(frames)


def read_whole_table(path: Path, most_rows: int) -> pd.DataFrame:
    """All columns of a file's first rows, some more than `most_rows` at most; never without rows."""
    frames: list[pd.DataFrame] = []
    rows = 0
    for block in read_blocks(path, list):
        frames.append(pd.DataFrame(block.cells, index=pd.Index(block.row_numbers), dtype="str"))
        rows += len(block.row_numbers)
        if rows >= most_rows:
            break
    if not frames:
        raise UserError("data.file.no_rows", file=path.name)
    return pd.concat(frames)


def require_column(path: Path, column: str, field: str) -> None:
    """Nothing, where the file has the column. Raises UserError where it lacks it, or cannot be read."""
    names = [str(name) for name in read_whole_table(path, 1).columns]
    if column not in names:
        raise missing_column(path, field, column, names)


def missing_column(path: Path, field: str, column: str, names: Sequence[str]) -> UserError:
    """The refusal for a column that the study names and the file lacks."""
    listed = ", ".join(names[:_LISTED_COLUMNS]) + (", …" if len(names) > _LISTED_COLUMNS else "")
    return UserError("data.column.missing", field=field, column=column, file=path.name, columns=listed)


def require_filled(frame: pd.DataFrame, column: str, field: str, path: Path, code: str = "data.cell.empty") -> None:
    """Nothing, where every cell of a column holds more than blanks. Raises UserError of `code` naming the first that
    does not."""
    empty = frame.index[frame[column].str.strip() == ""]
    if len(empty):
        raise UserError(code, field=field, column=column, file=path.name, row=int(empty[0]), count=len(empty))
