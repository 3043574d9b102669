"""The file of new examples as rows, in its order, without those on which models are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.data.dataset import group_keys, require_unchanged
from core.data.grouping import link_rows, normalise
from core.data.reading import read_table, require_filled
from core.domain import Example
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


@dataclass(frozen=True)
class JudgedRows:
    """The rows on which models are judged: their normalised inputs, and the cells of the study's group column."""

    keys: frozenset[str]
    groups: frozenset[str] = frozenset()


def judged_rows(judging: Sequence[Example], group_column: str | None) -> JudgedRows:
    """What tells the rows of a stream that are these, or of their groups; a null column tells no groups."""
    groups = (dict(example.group_values).get(group_column or "", "") for example in judging)
    return JudgedRows(frozenset(normalise(example.input) for example in judging), frozenset(groups) - {""})


def read_stream(file: DataFile, columns: Columns, labels: Sequence[str], judged: JudgedRows) -> Stream:
    """The rows of the file that nothing links to `judged`: neither what they say nor their group, nor a row of the file
    that says the same as they or is of their group.

    The target column may be blank or missing. Raises UserError where the file has changed since the plan, an input is
    blank, a target is none of `labels`, or no row is left.
    """
    path = require_unchanged(file)
    groups = [] if columns.group is None else [columns.group]
    frame = read_table(path, {"data.columns.input": columns.input}, [columns.target, *groups])
    require_filled(frame, columns.input, "data.columns.input", path)
    inputs = frame[columns.input].tolist()
    keys = [normalise(text) for text in inputs]
    owners = group_keys(frame, [name for name in groups if name in frame])
    linked = link_rows([keys, *owners])
    barred = _barred(linked, keys, owners, judged)
    targets = _targets(frame[columns.target].str.strip().tolist() if columns.target in frame else [""] * len(inputs))
    rows = []
    for number, text, target, group in zip(frame.index, inputs, targets, linked, strict=True):
        if target is not None and target not in labels:
            raise UserError("dynamic.label_unknown", file=path.name, row=int(number), label=target)
        if group not in barred:
            rows.append(StreamRow(f"stream-row-{number}", text, target, group))
    if not rows:
        raise UserError("dynamic.no_rows", file=path.name, count=len(inputs))
    return Stream(tuple(rows), len(inputs) - len(rows))


def _barred(
    linked: Sequence[int], keys: Sequence[str], owners: Sequence[Sequence[str | None]], judged: JudgedRows
) -> set[int]:
    """The numbers of the linked rows one of which is judged."""
    barred = {group for group, key in zip(linked, keys, strict=True) if key in judged.keys}
    for cells in owners:
        barred |= {group for group, cell in zip(linked, cells, strict=True) if cell in judged.groups}
    return barred


def _targets(cells: Sequence[str]) -> list[str | None]:
    return [cell or None for cell in cells]
