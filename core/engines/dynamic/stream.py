"""The file of new examples as rows, in its order, without those on which models are judged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.data.dataset import group_keys, require_unchanged
from core.data.grouping import link_rows, normalise
from core.data.reading import read_table, require_filled
from core.errors import UserError
from core.jobs.specs import DataFile
from core.spec import Columns


@dataclass(frozen=True)
class StreamRow:
    """One new example. `target` is null where the file says nothing; `group` is the number of the rows linked to it."""

    name: str
    input: str
    target: str | None
    group: int

    @property
    def key(self) -> str:
        """What rows that say the same have in common."""
        return normalise(self.input)


@dataclass(frozen=True)
class Stream:
    """The usable rows; `dropped` stand among the rows on which models are judged, and are left out."""

    rows: tuple[StreamRow, ...]
    dropped: int

    @property
    def labelled(self) -> int:
        """How many rows have a target of their own."""
        return sum(row.target is not None for row in self.rows)


def read_stream(file: DataFile, columns: Columns, labels: Sequence[str], judged: Collection[str]) -> Stream:
    """The rows of the file whose normalised input is not among `judged`.

    The target column may be blank or missing. Raises UserError where the file has changed since the plan, an input is
    blank, a target is none of `labels`, or no row is left.
    """
    path = require_unchanged(file)
    groups = [] if columns.group is None else [columns.group]
    frame = read_table(path, {"data.columns.input": columns.input}, [columns.target, *groups])
    require_filled(frame, columns.input, "data.columns.input", path)
    inputs = frame[columns.input].tolist()
    keys = [normalise(text) for text in inputs]
    linked = link_rows([keys, *group_keys(frame, [name for name in groups if name in frame])])
    targets = _targets(frame[columns.target].str.strip().tolist() if columns.target in frame else [""] * len(inputs))
    rows = []
    for number, text, target, key, group in zip(frame.index, inputs, targets, keys, linked, strict=True):
        if target is not None and target not in labels:
            raise UserError("dynamic.label_unknown", file=path.name, row=int(number), label=target)
        if key not in judged:
            rows.append(StreamRow(f"stream-row-{number}", text, target, group))
    if not rows:
        raise UserError("dynamic.no_rows", file=path.name, count=len(inputs))
    return Stream(tuple(rows), len(inputs) - len(rows))


def _targets(cells: Sequence[str]) -> list[str | None]:
    return [cell or None for cell in cells]
