"""A chart's table as cells, in the language in force, its figures written as on the chart's axes."""

from __future__ import annotations

from core.charts import Axis, ChartSpec, chart_table
from core.decide.outcome import Message, message
from core.domain import Role
from core.i18n import Value
from gui.formatting import Formats
from gui.i18n import Translator
from gui.models.table import Cell

STATES = ("chosen", "front", "other")


def table_cells(spec: ChartSpec, translator: Translator) -> tuple[list[str], list[list[Cell]]]:
    """The titles and rows of `chart_table`; each cell keeps the raw value."""
    table = chart_table(spec)
    words = _words(spec, translator)
    axes = [_axis_of(column, spec) for column in table.columns]
    rows = [
        [_cell(value, axis, words, translator.formats) for value, axis in zip(row, axes, strict=True)]
        for row in table.rows
    ]
    return table_titles(spec, translator), rows


def table_titles(spec: ChartSpec, translator: Translator) -> list[str]:
    """The column titles in the language in force; an axis's title within one is translated too."""
    words = _words(spec, translator)
    titles = []
    for column in chart_table(spec).columns:
        values: dict[str, Value] = {
            name: words.get(value, value) if isinstance(value, str) else value for name, value in column.values.items()
        }
        titles.append(translator.stored(column.code, values, column.text))
    return titles


def _words(spec: ChartSpec, translator: Translator) -> dict[str, str]:
    """Every English text of the table with its words; the table itself holds English ones."""
    messages: list[Message] = [spec.x.title, spec.y.title]
    messages += [point.label for point in spec.points]
    messages += [line.label for line in spec.lines]
    messages += [bar.label for bar in spec.bars]
    messages += [point.excluded for point in spec.points if point.excluded is not None]
    messages += [message(f"charts.state.{state}") for state in STATES]
    words = {one.text: translator.stored(one.code, one.values, one.text) for one in messages}
    return words | {role.value: translator.tr(f"gui_decide.choice.{role.value}") for role in Role}


def _axis_of(column: Message, spec: ChartSpec) -> Axis | None:
    """The axis that a column's figures belong to; a tornado's outcomes are on the horizontal one."""
    for axis in (spec.x, spec.y):
        if axis.title.text in (column.text, column.values.get("title")):
            return axis
    return spec.x if spec.kind == "bars" else None


def _cell(value: str | float | None, axis: Axis | None, words: dict[str, str], formats: Formats) -> Cell:
    if value is None:
        return Cell("–", None, color="muted", number=True)
    if isinstance(value, str):
        return Cell(words.get(value, value), value)
    if axis is None:
        return Cell(formats.number(float(f"{value:.4g}")), value, number=True)
    return Cell(formats.value(value, axis.format, axis.unit), value, number=True, tip=formats.number(value))
