"""Predictions files: each read under the standard column names, and several joined into one dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.data.cells import moments_of, weights_of
from core.data.dataset import (
    RawRows,
    context_columns,
    figure_columns,
    group_columns,
    group_keys,
    require_unchanged,
    slice_columns,
    slices_of,
    time_column,
)
from core.data.reading import missing_column, read_table, require_filled
from core.data.result_files import ResultFormat, read_result_file, result_format
from core.errors import UserError
from core.jobs.specs import DataFile, PrepareParameters
from core.spec import PredictionColumns, PredictionsModel

_STANDARD = PredictionColumns()


@dataclass(frozen=True)
class PredictionTable:
    """One predictions file: `frame` has its columns under the standard names, and the user's extra ones.

    `tool` says whose result file it is, null for a table.
    """

    file_name: str
    frame: pd.DataFrame
    tool: ResultFormat | None = None


def read_prediction_table(
    file: DataFile, model: PredictionsModel, metric: str, extra: Sequence[str] = ()
) -> PredictionTable:
    """The predictions of one file, with the `extra` columns where it has them; `metric` is the study's.

    Raises UserError for a missing or changed file, a missing column, blank inputs, and blank or repeated ids.
    """
    path = require_unchanged(file)
    tool = result_format(path, model.format)
    if tool is None:
        frame = _read_columns(path, model, extra)
    else:
        frame = read_result_file(path, tool, model, metric, extra)
        require_filled(frame, "input", "model.columns.input", path)
        if "output" not in frame and "score" not in frame:
            raise missing_column(path, "model.columns.output", "output", list(frame.columns))
    if "id" in frame:
        frame["id"] = frame["id"].str.strip()
        _require_unique_ids(frame, path.name)
    return PredictionTable(path.name, frame, tool)


def _read_columns(path: Path, model: PredictionsModel, extra: Sequence[str]) -> pd.DataFrame:
    names = model.columns.model_dump()
    standard = _STANDARD.model_dump()
    # A column that the user named is meant to be there; one of the standard names may be absent.
    required = {f"model.columns.{field}": column for field, column in names.items() if column != standard[field]}
    required["model.columns.input"] = names["input"]
    frame = read_table(path, required, [*names.values(), *extra])
    if names["output"] not in frame and names["score"] not in frame:
        raise missing_column(path, "model.columns.output", names["output"], list(frame.columns))
    require_filled(frame, names["input"], "model.columns.input", path)
    if names["id"] in frame:
        require_filled(frame, names["id"], "model.columns.id", path)
    return _under_standard_names(frame, names, extra)


def _under_standard_names(frame: pd.DataFrame, names: dict[str, str], extra: Sequence[str]) -> pd.DataFrame:
    columns = {column: frame[column] for column in extra if column in frame}
    columns |= {field: frame[column] for field, column in names.items() if column in frame}
    return pd.DataFrame(columns, index=frame.index)


def _require_unique_ids(frame: pd.DataFrame, file_name: str) -> None:
    repeated = frame.index[frame["id"].duplicated()]
    if len(repeated):
        row = int(repeated[0])
        raise UserError("data.predictions.id_repeated", file=file_name, row=row, id=str(frame["id"].loc[row]))


def occurrences(texts: Sequence[str]) -> list[tuple[str, int]]:
    """Each text with the number of times that it stood before, so that equal inputs stay apart and in order."""
    seen: Counter[str] = Counter()
    keys = []
    for text in texts:
        keys.append((text, seen[text]))
        seen[text] += 1
    return keys


def join_predictions(parameters: PrepareParameters) -> RawRows:
    """One dataset of the rows that all predictions files have: joined on `id` where each has one, else on `input`.

    Raises UserError where a file lacks rows of another, where targets disagree, or where a named column is in none.
    """
    extra = {
        **group_columns(parameters),
        **slice_columns(parameters),
        **figure_columns(parameters),
        **context_columns(parameters),
    }
    tables = [
        read_prediction_table(file, model, parameters.task.metric, list(extra.values()))
        for file, model in zip(parameters.predictions, parameters.prediction_columns, strict=True)
    ]
    for field, column in extra.items():
        if not any(column in table.frame for table in tables):
            raise UserError("data.predictions.column_in_none", field=field, column=column)
    by_id = all("id" in table.frame for table in tables)
    keys: list[list[Hashable]] = [
        list(table.frame["id"]) if by_id else list(occurrences(table.frame["input"].tolist())) for table in tables
    ]
    _require_same_rows(tables, keys, by_id=by_id)
    aligned = [
        table.frame.set_axis(pd.Index(own, tupleize_cols=False)).reindex(pd.Index(keys[0], tupleize_cols=False))
        for table, own in zip(tables, keys, strict=True)
    ]
    _require_same_inputs(tables, aligned)
    merged = _first_of_each_column(aligned)
    ids = merged["id"].tolist() if by_id else [f"row-{number}" for number in tables[0].frame.index]
    weight, time = parameters.columns.weight, time_column(parameters)
    rules = [*group_columns(parameters).values(), *(["group"] if "group" in merged else [])]
    return RawRows(
        ids=ids,
        inputs=merged["input"].tolist(),
        targets=_agreed_targets(tables, aligned),
        groups=group_keys(merged, rules),
        slices=slices_of(merged, parameters.columns.slice),
        splits=None,
        fields=slices_of(merged, list(context_columns(parameters).values())),
        pictures=[None] * len(ids),
        weights=None if weight is None else _figures(tables, aligned, weight, weights_of),
        moments=None if time is None else _figures(tables, aligned, time, moments_of),
    )


def _figures(
    tables: Sequence[PredictionTable],
    aligned: Sequence[pd.DataFrame],
    column: str,
    read: Callable[[pd.DataFrame, str, str], list[float]],
) -> list[float]:
    """A column of figures from the first file that has it, whose own row is named where a cell is none."""
    table, frame = next(pair for pair in zip(tables, aligned, strict=True) if column in pair[0].frame)
    read(table.frame, column, table.file_name)
    return read(frame, column, table.file_name)


def _require_same_rows(tables: Sequence[PredictionTable], keys: Sequence[Sequence[Hashable]], *, by_id: bool) -> None:
    for table, own in zip(tables, keys, strict=True):
        if not set(own) & set(keys[0]):
            code = "data.predictions.no_id_shared" if by_id else "data.predictions.no_input_shared"
            raise UserError(code, file=table.file_name, other=tables[0].file_name)
    union = set().union(*keys)
    for table, own in zip(tables, keys, strict=True):
        absent = len(union) - len(set(own))
        if absent:
            other, row = _first_beyond(own, tables, keys)
            raise UserError("data.predictions.rows_absent", file=table.file_name, count=absent, other=other, row=row)


def _first_beyond(
    own: Sequence[Hashable], tables: Sequence[PredictionTable], keys: Sequence[Sequence[Hashable]]
) -> tuple[str, int]:
    """The file and the row of the first key that is not among one's own."""
    known = set(own)
    return next(
        (table.file_name, int(table.frame.index[place]))
        for table, others in zip(tables, keys, strict=True)
        for place, key in enumerate(others)
        if key not in known
    )


def _require_same_inputs(tables: Sequence[PredictionTable], aligned: Sequence[pd.DataFrame]) -> None:
    """One id stands for one input: files of different data would else be joined without a word."""
    first = aligned[0]["input"].str.split().str.join(" ")
    for table, frame in zip(tables, aligned, strict=True):
        differing = (frame["input"].str.split().str.join(" ") != first).to_numpy()
        if differing.any():
            row = int(tables[0].frame.index[int(differing.argmax())])
            # Tools write the prompt, which each model may have had in a form of its own.
            code = "inputs_differ" if table.tool is None and tables[0].tool is None else "prompts_differ"
            raise UserError(
                f"data.predictions.{code}", file=table.file_name, first=tables[0].file_name, row=row,
                count=int(differing.sum()),
            )  # fmt: skip


def _first_of_each_column(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns: dict[str, pd.Series[str]] = {}
    for frame in frames:
        for name in frame.columns:
            columns.setdefault(name, frame[name])
    return pd.DataFrame(columns, index=frames[0].index)


def _agreed_targets(tables: Sequence[PredictionTable], aligned: Sequence[pd.DataFrame]) -> list[str]:
    """Each row's target, from the first file that gives one; blank where none does."""
    agreed = [""] * len(aligned[0])
    given_by = [""] * len(agreed)
    for table, frame in zip(tables, aligned, strict=True):
        if "target" not in frame:
            continue
        for place, target in enumerate(frame["target"].str.strip()):
            if not target:
                continue
            if agreed[place] and agreed[place] != target:
                row = int(tables[0].frame.index[place])
                first = tables[0].file_name
                raise UserError(
                    "data.predictions.targets_disagree",
                    file=table.file_name,
                    other=given_by[place],
                    row=row,
                    first=first,
                )
            agreed[place], given_by[place] = target, table.file_name
    return agreed
