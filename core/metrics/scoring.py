"""The scorer of a task's rows: one of Tercet's metrics, or the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.errors import UserError
from core.metrics.fields import field_f1
from core.metrics.json_schema import SchemaScorer
from core.metrics.label_sets import example_f1, read_labels, subset_accuracy
from core.metrics.plugins import PluginScorer
from core.metrics.text import TextScorer, text_scorer
from core.spec import Task

RowScorer = Callable[[str, str, str | int], float]
"""(output, target, name of the row for messages) -> score from 0 to 1. Raises UserError where it cannot be."""


def row_scorer(task: Task) -> RowScorer | None:
    """The scorer of a task's metric; null for one that needs a judge. Raises UserError for a plugin that is not there
    or cannot be used."""
    if task.plugin is not None:
        return PluginScorer(task.plugin)
    if task.metric == "field_f1":
        return _fields
    if task.kind == "multi_label":
        return _of_any_row(subset_accuracy if task.metric == "subset_accuracy" else example_f1)
    if task.metric == "json_schema":
        return _of_any_row(SchemaScorer(_schema(task)))
    scorer = text_scorer(task.metric)
    return None if scorer is None else _of_any_row(scorer)


def needs_target(task: Task) -> bool:
    """Whether an answer is scored against a target."""
    return task.metric != "json_schema"


def kept_target(task: Task, target: str, row: str | int) -> str:
    """A target as it is kept: sets of labels in one form, everything else as it is. Raises UserError for one that the
    metric cannot score against."""
    if task.metric == "field_f1":
        _fields("{}", target, row)
    if task.kind != "multi_label":
        return target
    try:
        return read_labels(target, task.separator)
    except ValueError as error:
        raise UserError("data.target.no_labels", row=row) from error


def label_scorer(task: Task) -> RowScorer:
    """The scorer of a classifier's labels: 1 for the right one, unless the metric is the user's own."""
    return PluginScorer(task.plugin) if task.plugin is not None else _same


def _of_any_row(scorer: TextScorer) -> RowScorer:
    def scored(output: str, target: str, row: str | int) -> float:
        return scorer(output, target)

    return scored


def _schema(task: Task) -> dict[str, Any]:
    if not isinstance(task.json_schema, dict):
        raise ValueError("the schema's file is read when a study is planned")
    return task.json_schema


def _fields(output: str, target: str, row: str | int) -> float:
    try:
        return field_f1(output, target)
    except ValueError as error:
        raise UserError("data.target.no_fields", row=row) from error


def _same(output: str, target: str, row: str | int) -> float:
    return float(output == target)
