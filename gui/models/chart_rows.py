"""A chart's table as cells, in the language in force, its figures written as on the chart's axes."""

from __future__ import annotations

from core.charts import Axis, ChartSpec, chart_table
from core.decide.outcome import Message
from core.i18n import Value
from gui.i18n import Translator
from gui.models.table import Cell


def table_cells(spec: ChartSpec, translator: Translator) -> tuple[list[str], list[list[Cell]]]:
    """The titles and rows of `chart_table`; each cell keeps the raw value."""
    table = chart_table(spec)
    axes = [_axis_of(column, spec) for column in table.columns]
    rows = [[_cell(value, axis, translator) for value, axis in zip(row, axes, strict=True)] for row in table.rows]
    return table_titles(spec, translator), rows


def table_titles(spec: ChartSpec, translator: Translator) -> list[str]:
    """The column titles in the language in force; an axis's title within one is translated too."""
    words = {title.text: _told(title, translator) for title in (spec.x.title, spec.y.title)}
    titles = []
    for column in chart_table(spec).columns:
        values: dict[str, Value] = {
            name: words.get(value, value) if isinstance(value, str) else value for name, value in column.values.items()
        }
        titles.append(translator.stored(column.code, values, column.text))
    return titles


def _axis_of(column: Message, spec: ChartSpec) -> Axis | None:
    """The axis that a column's figures belong to; a tornado's outcomes are on the horizontal one."""
    for axis in (spec.x, spec.y):
        if axis.title.text in (column.text, column.values.get("title")):
            return axis
    return spec.x if spec.kind == "bars" else None


def _told(words: Message, translator: Translator) -> str:
    return translator.stored(words.code, words.values, words.text)


def _cell(value: Message | str | float | None, axis: Axis | None, translator: Translator) -> Cell:
    formats = translator.formats
    if value is None:
        return Cell("–", None, color="muted", number=True)
    if isinstance(value, str | Message):
        text = value if isinstance(value, str) else _told(value, translator)
        return Cell(text, text)
    if axis is None:
        return Cell(formats.number(float(f"{value:.4g}")), value, number=True)
    return Cell(formats.value(value, axis.format, axis.unit), value, number=True, tip=formats.number(value))
