"""What a chart says in words: its axes' captions and the row of a point."""

from __future__ import annotations

from core.charts import Axis, ChartSpec, Point
from core.decide.outcome import Message
from gui.i18n import Translator


class ChartWords:
    """The words of charts in the language of a translator."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator

    def words(self, message: Message) -> str:
        """A message in the language in force."""
        return self._translator.stored(message.code, message.values, message.text)

    def caption(self, axis: Axis, *, vertical: bool) -> str:
        """What an axis shows, whether it is logarithmic, and which way is better."""
        title = self.words(axis.title)
        if axis.log:
            title = self._translator.tr("gui_decide.axis.log", title=title)
        if axis.better is None:
            return title
        code = f"gui_decide.axis.{'up' if vertical else 'across'}.{axis.better}"
        if axis.format == "money" and not vertical:
            code += ".money"
        template = "gui_decide.axis.better_after" if title.endswith((")", "）")) else "gui_decide.axis.better"
        return self._translator.tr(template, title=title, better=self._translator.tr(code))

    def row(self, spec: ChartSpec, point: Point) -> str:
        """A point's label, both figures with their intervals, and why it is excluded, a line each."""
        lines = [self.words(point.label)]
        for axis, value, low, high in (
            (spec.y, point.y, point.y_low, point.y_high),
            (spec.x, point.x, point.x_low, point.x_high),
        ):
            lines.append(f"{self.words(axis.title)}: {self._with_interval(axis, value, low, high)}")
        if point.excluded is not None:
            lines.append(self.words(point.excluded))
        return "\n".join(lines)

    def _with_interval(self, axis: Axis, value: float, low: float | None, high: float | None) -> str:
        formats = self._translator.formats
        text = formats.value(value, axis.format, axis.unit, low, high)
        if low is None or high is None:
            return text
        ends = [formats.value(end, axis.format, axis.unit, low, high) for end in (low, high)]
        return f"{text} ({formats.interval(*ends)})"
