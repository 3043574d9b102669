"""The rows of a study before they are split, from the user's data files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from core.data.cells import moments_of, weights_of
from core.data.fingerprint import fingerprint
from core.data.pictures import pictures_of, pictures_sha256
from core.data.reading import read_table, require_filled
from core.domain import Picture, Split
from core.errors import UserError
from core.jobs.specs import DataFile, PrepareParameters
from core.spec import Columns

_ID = "id"
# No column of the user's can have this name.
_PICTURE = ("picture",)


@dataclass(frozen=True)
class RawRows:
    """Rows in the user's order, all lists aligned. `groups` has one list for each group column; a null links nothing.

    `splits` is null where the rows are still to be split. `fields` are the cells of `field_columns`. `weights` and
    `moments` (seconds since 1970) are null where no column holds them.
    """

    ids: list[str]
    inputs: list[str]
    targets: list[str]
    groups: list[list[str | None]]
    slices: list[tuple[tuple[str, str], ...]]
    splits: list[Split] | None
    fields: list[tuple[tuple[str, str], ...]]
    pictures: list[Picture | None]
    weights: list[float] | None = None
    moments: list[float] | None = None


def read_data_files(parameters: PrepareParameters) -> RawRows:
    """The rows of `file`, or of `files` with their splits: train, then calibration, then test.

    An `id` column names the rows where its cells are filled and unique; else row numbers do. Raises UserError.
    """
    _require_pictures_unchanged(parameters)
    if parameters.file is not None:
        frame = _read(parameters.file, parameters)
        rows = _rows(parameters, frame, [f"row-{number}" for number in frame.index], None)
        name = Path(parameters.file.path).name
        weight, time = parameters.columns.weight, time_column(parameters)
        return replace(
            rows,
            weights=None if weight is None else weights_of(frame, weight, name),
            moments=None if time is None else moments_of(frame, time, name),
        )
    frames = {split: _read(parameters.files[split], parameters, split) for split in Split if split in parameters.files}
    ids = [f"{split}-row-{number}" for split, frame in frames.items() for number in frame.index]
    splits = [split for split, frame in frames.items() for _ in range(len(frame))]
    rows = _rows(parameters, pd.concat(frames.values()), ids, splits)
    return rows if parameters.columns.weight is None else replace(rows, weights=_weights_by_split(parameters, frames))


def group_columns(parameters: PrepareParameters) -> dict[str, str]:
    """The columns whose equal cells keep rows together, by the study file's field that names them."""
    named = {"data.columns.group": parameters.columns.group}
    named["data.split.group"] = parameters.split.group if parameters.split else None
    return {field: column for field, column in named.items() if column is not None}


def slice_columns(parameters: PrepareParameters) -> dict[str, str]:
    """The columns that cut the test rows into slices, by the study file's field that names them."""
    return {f"data.columns.slice[{place}]": column for place, column in enumerate(parameters.columns.slice)}


def time_column(parameters: PrepareParameters) -> str | None:
    """The column that holds each row's date, null where rows are not split by time."""
    return None if parameters.split is None else parameters.split.time


def figure_columns(parameters: PrepareParameters) -> dict[str, str]:
    """The columns that hold weights and dates, by the study file's field that names them."""
    named = {"data.columns.weight": parameters.columns.weight, "data.split.time": time_column(parameters)}
    return {field: column for field, column in named.items() if column is not None}


def prompt_columns(parameters: PrepareParameters) -> dict[str, str]:
    """The columns that the task's prompt names, by the place in it."""
    return {f"task.prompt: {{{name}}}": name for name in parameters.task.prompt_columns}


def context_columns(parameters: PrepareParameters) -> dict[str, str]:
    """The column of the context, where it is needed, by the study file's field that names it."""
    column = parameters.columns.context if parameters.keep_context else None
    return {} if column is None else {"data.columns.context": column}


def field_columns(parameters: PrepareParameters) -> list[str]:
    """The columns whose cells an example carries: those of the prompt, the context's, and the one that names its
    document."""
    document = [] if parameters.columns.document is None else [parameters.columns.document]
    return list(dict.fromkeys([*parameters.task.prompt_columns, *context_columns(parameters).values(), *document]))


def picture_columns(parameters: PrepareParameters) -> dict[str, str]:
    """The column of the pictures, by the study file's field that names it."""
    column = parameters.columns.image
    return {} if column is None else {"data.columns.image": column}


def require_unchanged(file: DataFile) -> Path:
    """The path of a data file. Raises UserError where it is missing or has changed since the job was planned."""
    path = Path(file.path)
    if fingerprint(path).sha256 != file.sha256:
        raise UserError("data.file.changed", path=str(path))
    return path


def _require_pictures_unchanged(parameters: PrepareParameters) -> None:
    column, planned = parameters.columns.image, parameters.pictures_sha256
    if column is None or planned is None:
        return
    files = {"": parameters.file} if parameters.file is not None else dict(parameters.files)
    if pictures_sha256({key: Path(file.path) for key, file in files.items()}, column) != planned:
        raise UserError("data.picture.changed", column=column)


def group_keys(frame: pd.DataFrame, columns: Sequence[str]) -> list[list[str | None]]:
    """The cells of each group column, null where blank."""
    return [[cell or None for cell in frame[column].str.strip()] for column in dict.fromkeys(columns)]


def group_values(parameters: PrepareParameters, rows: RawRows) -> list[tuple[tuple[str, str], ...]]:
    """Each row's filled cells of the group columns that the study names, as (column, value)."""
    columns = list(dict.fromkeys(group_columns(parameters).values()))
    if not columns:
        return [()] * len(rows.ids)
    # Rows that were joined have a column of their own after those.
    keys = zip(*rows.groups[: len(columns)], strict=True)
    return [tuple((column, cell) for column, cell in zip(columns, row, strict=True) if cell) for row in keys]


def slices_of(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[tuple[str, str], ...]]:
    """Each row's (column, value) pairs, blanks at the ends cut off."""
    if not columns:
        return [()] * len(frame)
    values = zip(*(frame[column].str.strip() for column in columns), strict=True)
    return [tuple(zip(columns, row, strict=True)) for row in values]


def _weights_by_split(parameters: PrepareParameters, frames: Mapping[Split, pd.DataFrame]) -> list[float]:
    """The weights of given files' rows; those of train only where a training asks, for its file may lack the column."""
    column, weights = parameters.columns.weight or "", list[float]()
    for split, frame in frames.items():
        name = Path(parameters.files[split].path).name
        unweighed = split is Split.TRAIN and not parameters.weigh_train
        weights += [1.0] * len(frame) if unweighed else weights_of(frame, column, name)
    return weights


def _read(file: DataFile, parameters: PrepareParameters, split: Split | None = None) -> pd.DataFrame:
    columns = parameters.columns
    required = {"data.columns.input": columns.input}
    may_lack_targets = _may_lack_targets(parameters)
    if not may_lack_targets:
        required["data.columns.target"] = columns.target
    path = require_unchanged(file)
    others = group_columns(parameters) | slice_columns(parameters) | prompt_columns(parameters)
    if columns.document is not None:
        others["data.columns.document"] = columns.document
    others |= {} if split is Split.TRAIN and not parameters.weigh_train else figure_columns(parameters)
    others |= context_columns(parameters)
    frame = read_table(path, required | others | picture_columns(parameters), [_ID, columns.target])
    if may_lack_targets and columns.target not in frame:
        frame[columns.target] = ""
    else:
        required["data.columns.target"] = columns.target
    for field, column in required.items():
        may_be_a_list = field == "data.columns.target" and parameters.task.kind == "multi_label"
        require_filled(frame, column, field, path, "data.cell.no_label_list" if may_be_a_list else "data.cell.empty")
    if columns.image is not None:
        cells = zip(frame.index.tolist(), frame[columns.image], strict=True)
        frame[_PICTURE] = pd.Series(pictures_of(cells, path), index=frame.index, dtype=object)
    return frame


def _may_lack_targets(parameters: PrepareParameters) -> bool:
    """Whether a file may have no column of targets: where the study names none, and neither scoring nor training needs
    any."""
    unnamed = parameters.columns.target == Columns.model_fields["target"].default
    return unnamed and not parameters.task.needs_targets and not parameters.needs_train


def _rows(parameters: PrepareParameters, frame: pd.DataFrame, ids: list[str], splits: list[Split] | None) -> RawRows:
    if _ID in frame and frame[_ID].notna().all():
        own = frame[_ID].str.strip()
        if (own != "").all() and own.is_unique:
            ids = own.tolist()
    return RawRows(
        ids=ids,
        inputs=frame[parameters.columns.input].tolist(),
        targets=frame[parameters.columns.target].str.strip().tolist(),
        groups=group_keys(frame, list(group_columns(parameters).values())),
        slices=slices_of(frame, parameters.columns.slice),
        splits=splits,
        fields=slices_of(frame, field_columns(parameters)),
        pictures=frame[_PICTURE].tolist() if _PICTURE in frame else [None] * len(ids),
    )
