"""Records of other tools' result files as rows: what the format itself tells, and what the study's columns may name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from core.data.formats import as_text, clean
from core.data.reading import missing_column
from core.errors import UserError
from core.spec import PredictionColumns

_STANDARD = PredictionColumns()
# What a user's own data may hold under the standard name, where the format tells nothing of it.
_FOUND_BY_NAME = ("target", "group")


@dataclass(frozen=True)
class ResultRow:
    """One record. `number` is its line, or its place in the file's list, from 1.

    `cells` hold what the format tells, by the standard column names. `fields` are the user's data (nested ones as
    `outer.inner`) and the tool's own figures, which `model.columns`, groups and slices may name.
    """

    number: int
    cells: dict[str, str]
    fields: dict[str, Any] = field(default_factory=dict)


def flattened(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, and those one level below as `outer.inner`."""
    below = {f"{outer}.{inner}": value for outer, held in fields.items() for inner, value in _pairs(held)}
    return {**below, **fields}


def _pairs(held: Any) -> Iterator[tuple[str, Any]]:
    return iter(held.items() if isinstance(held, dict) else ())


def result_frame(
    path: Path, rows: Sequence[ResultRow], columns: PredictionColumns, extra: Sequence[str]
) -> pd.DataFrame:
    """The rows under the standard column names, with the `extra` fields where they have them.

    Columns without any cell are left out, and so are ids that some row lacks. Raises UserError for a column that the
    study names and no row has.
    """
    if not rows:
        raise UserError("data.results.none", file=path.name)
    standard = _STANDARD.model_dump()
    known = dict.fromkeys(name for row in rows for name in row.fields)
    cells: dict[str, list[str]] = {
        name: [clean(as_text(row.fields.get(name))) for row in rows] for name in extra if name in known
    }
    for name, column in columns.model_dump().items():
        if column != standard[name]:
            if column not in known:
                raise missing_column(path, f"model.columns.{name}", column, list(known))
            own = [as_text(row.fields.get(column)) for row in rows]
        else:
            own = [_cell(row, name) for row in rows]
        wanted = all(own) if name == "id" else any(own)
        if wanted or name == "input":
            cells[name] = [clean(text) for text in own]
    return pd.DataFrame(cells, index=pd.Index([row.number for row in rows]), dtype="str")


def _cell(row: ResultRow, name: str) -> str:
    found = row.cells.get(name, "")
    return found or (as_text(row.fields.get(name)) if name in _FOUND_BY_NAME else "")
