"""Predictions measured elsewhere, matched to the dataset's examples and scored."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from core.data.joined import PredictionTable, occurrences, read_prediction_table
from core.domain import Example, Prediction, Split
from core.errors import UserError
from core.jobs.results import UnknownRows
from core.jobs.specs import DataFile
from core.metrics.label_sets import read_labels
from core.metrics.reasoning import split_reasoning
from core.metrics.scoring import kept_target, needs_target, row_scorer
from core.spec import PredictionsModel, Task

_MOST_SHOWN = 60
_TRUTH = {"true": 1.0, "false": 0.0}


def import_predictions(
    file: DataFile, model: PredictionsModel, examples: Sequence[Example], task: Task, *, judged: bool = False
) -> list[Prediction]:
    """The predictions of one file for the dataset's examples, in the examples' order.

    Rows are matched on `id` where the dataset has ids of the file, else on the exact input. `score` outranks `output`.
    Every test and calibration example has a prediction; train examples have one where the file does. With `judged` an
    output without a score gets 0 until it is scored. Raises UserError.
    """
    table = read_prediction_table(file, model, task.metric)
    places = _match(table, examples)
    absent = [
        example.example_id
        for example, place in zip(examples, places, strict=True)
        if place is None and example.split is not Split.TRAIN
    ]
    if absent:
        needed = sum(example.split is not Split.TRAIN for example in examples)
        raise UserError(
            "data.predictions.rows_missing", file=table.file_name, count=len(absent), rows=needed, first=absent[0]
        )
    reader = _RowReader(table, task, judged=judged)
    return [
        reader.prediction(example, place) for example, place in zip(examples, places, strict=True) if place is not None
    ]


def unknown_rows(
    file: DataFile, model: PredictionsModel, examples: Sequence[Example], task: Task
) -> UnknownRows | None:
    """What of a predictions file is left out because it belongs to no row of the data; null where all is used.

    A row of the train part belongs to the data like any other. Raises UserError as `import_predictions` does.
    """
    table = read_prediction_table(file, model, task.metric)
    used = set(_match(table, examples))
    left_out = [place for place in range(len(table.frame)) if place not in used]
    if not left_out:
        return None
    place = left_out[0]
    first = _cells(table.frame, "id" if "id" in table.frame else "input")[place]
    shown = first if len(first) <= _MOST_SHOWN else f"{first[: _MOST_SHOWN - 1]}…"
    return UnknownRows(count=len(left_out), first_row=int(table.frame.index[place]), first=shown)


def scored_elsewhere(file: DataFile, model: PredictionsModel, examples: Sequence[Example], task: Task) -> set[str]:
    """The ids of the examples whose row of a predictions file has a score of its own. Raises UserError."""
    table = read_prediction_table(file, model, task.metric)
    if "score" not in table.frame:
        return set()
    cells = _cells(table.frame, "score")
    places = _match(table, examples)
    return {
        example.example_id
        for example, place in zip(examples, places, strict=True)
        if place is not None and cells[place].strip()
    }


def _match(table: PredictionTable, examples: Sequence[Example]) -> list[int | None]:
    """Each example's row in the table: null where it has none.

    Other tools number rows by themselves, which says nothing of the ids of our data: there the inputs are asked first.
    """
    by_id, by_input = _by_id(table, examples), _by_input(table, examples)
    foreign = table.tool is not None and any(place is not None for place in by_input)
    if by_id is None or (foreign and not _same_inputs(table, examples, by_id)):
        return by_input
    return by_id


def _same_inputs(table: PredictionTable, examples: Sequence[Example], places: Sequence[int | None]) -> bool:
    inputs = table.frame["input"].tolist()
    return all(
        place is None or inputs[place].split() == example.input.split()
        for example, place in zip(examples, places, strict=True)
    )


def _by_id(table: PredictionTable, examples: Sequence[Example]) -> list[int | None] | None:
    """Null where the table has no id of the dataset."""
    if "id" not in table.frame:
        return None
    by_id = {own: place for place, own in enumerate(table.frame["id"])}
    places = [by_id.get(example.example_id) for example in examples]
    return places if any(place is not None for place in places) else None


def _by_input(table: PredictionTable, examples: Sequence[Example]) -> list[int | None]:
    inputs = table.frame["input"].tolist()
    by_input = {key: place for place, key in enumerate(occurrences(inputs))}
    places = []
    for text, occurrence in occurrences([example.input for example in examples]):
        only = by_input.get((text, 0)) if (text, 1) not in by_input else None
        places.append(by_input.get((text, occurrence), only))
    return places


class _RowReader:
    """Turns one row of a predictions file into a prediction."""

    def __init__(self, table: PredictionTable, task: Task, *, judged: bool) -> None:
        self._file = table.file_name
        self._rows: list[int] = table.frame.index.tolist()
        self._cells: dict[str, list[str]] = {str(name): _cells(table.frame, str(name)) for name in table.frame.columns}
        self._task = task
        self._score_output = row_scorer(task)
        self._judged = judged
        self._needs_target = needs_target(task)
        if self._score_output is None and not judged and "score" not in self._cells:
            raise UserError("data.predictions.score_needed", file=self._file, metric=task.metric)

    def prediction(self, example: Example, place: int) -> Prediction:
        """The prediction of one example. Raises UserError naming the row for a figure that cannot be."""
        target = self._cell("target", place).strip()
        if target and self._task.kind == "multi_label":
            target = kept_target(self._task, target, self._rows[place])
        if target and example.target and target != example.target:
            raise UserError("data.predictions.target_differs", file=self._file, row=self._rows[place])
        output = self._output(place)
        return Prediction(
            example_id=example.example_id,
            output=output,
            score=self._score(example, output, place),
            confidence=self._number("confidence", place, highest=1.0),
            input_tokens=self._whole("input_tokens", place),
            output_tokens=self._whole("output_tokens", place),
            latency_ms=self._number("latency_ms", place),
        )

    def _output(self, place: int) -> str | None:
        output = self._cells["output"][place] if "output" in self._cells else None
        if output is None or self._task.kind != "multi_label":
            return output
        if not output.strip():
            return None
        try:
            return read_labels(split_reasoning(output)[1], self._task.separator)
        except ValueError as error:
            raise UserError("data.predictions.no_labels", file=self._file, row=self._rows[place]) from error

    def _score(self, example: Example, output: str | None, place: int) -> float:
        given = self._number("score", place, highest=1.0)
        if given is not None:
            return given
        if self._judged and output is not None:
            return 0.0
        if output is None and "output" in self._cells and self._task.kind == "multi_label":
            return 0.0  # a blank answer names no label, not even "none of them"
        if output is None or self._score_output is None:
            raise UserError("data.predictions.score_blank", file=self._file, row=self._rows[place])
        if not example.target and self._needs_target:
            raise UserError("data.predictions.target_needed", file=self._file, row=self._rows[place])
        return self._score_output(output, example.target, self._rows[place])

    def _cell(self, column: str, place: int) -> str:
        return self._cells[column][place] if column in self._cells else ""

    def _number(self, column: str, place: int, highest: float = math.inf) -> float | None:
        text = self._cell(column, place).strip()
        if not text:
            return None
        try:
            value = _TRUTH[text.lower()] if text.lower() in _TRUTH else float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and 0.0 <= value <= highest:
            return value
        code = "data.predictions.share_wrong" if highest == 1.0 else "data.predictions.figure_wrong"
        raise UserError(code, file=self._file, row=self._rows[place], column=column, value=text)

    def _whole(self, column: str, place: int) -> int | None:
        value = self._number(column, place)
        return None if value is None else round(value)


def _cells(frame: pd.DataFrame, column: str) -> list[str]:
    cells: list[str] = frame[column].tolist()
    return cells
