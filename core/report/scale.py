"""A chart axis: data to pixels and back to readable ticks, linear or logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.charts import ChartSpec
from core.charts.spec import Axis
from core.i18n import english
from core.report.figures import count, milliseconds, number, round_amounts
from core.report.model import Phrase

_PAD = 0.08


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] of the data to [start, end] in pixels, on a logarithmic axis where `log` is true."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def place(self, value: float) -> float:
        """The pixel of a data value; values outside the axis stay at its ends."""
        low, high, own = self._own(self.low), self._own(self.high), self._own(max(value, self.low))
        share = 0.5 if high == low else (own - low) / (high - low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def _own(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def ticks(self, most: int = 6) -> list[float]:
        """At most about `most` round values within the axis."""
        return _log_ticks(self.low, self.high, most) if self.log else _linear_ticks(self.low, self.high, most)


def make_scale(axis: Axis, values: list[float], start: float, end: float) -> Scale:
    """The scale that shows all finite `values`, padded, within the axis's own limits where it has some."""
    log = axis.log and all(value > 0 for value in values) and bool(values)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if log:
        factor = max((high / low) ** _PAD, 1.15)
        low, high = low / factor, high * factor
    else:
        pad = (high - low) * _PAD or abs(high) * _PAD or 0.5
        low, high = low - pad, high + pad
    low = low if axis.minimum is None or (log and axis.minimum <= 0) else max(low, axis.minimum)
    high = high if axis.maximum is None else min(high, axis.maximum)
    if high <= low:
        high = low * 1.1 if log else low + 1.0
    return Scale(low, high, start, end, log)


def values_of(spec: ChartSpec, axis: str) -> list[float]:
    """Every finite number that the chart must show on the axis `x` or `y`."""
    found: list[float | None] = []
    for point in spec.points:
        found += [point.x, point.x_low, point.x_high] if axis == "x" else [point.y, point.y_low, point.y_high]
    for line in spec.lines:
        found += line.xs if axis == "x" else (*line.ys, *line.y_lows, *line.y_highs)
    for band in spec.bands:
        if band.axis == axis:
            found += [band.low, band.high]
    return [value for value in found if value is not None and math.isfinite(value)]


def tick_labels(values: Sequence[float], axis: Axis) -> list[Phrase]:
    """The texts of an axis's ticks in its format; amounts all have as many decimals, but on a logarithmic axis."""
    if axis.format == "percent":
        return [english("words.percent", figure=number(round(value * 100, 6))) for value in values]
    if axis.format == "money":
        return [*round_amounts(values, axis.unit.partition("/")[0], alike=not axis.log)]
    if axis.format == "milliseconds":
        return [milliseconds(value) for value in values]
    return [count(value) if axis.format == "count" else number(value) for value in values]


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    raw = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(tick * step, 12) for tick in range(first, last + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [factor * 10.0**power for power in powers for factor in factors]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= most:
            break
    if len(ticks) >= 2:
        return ticks[:: max(1, math.ceil(len(ticks) / most))]
    return _linear_ticks(low, high, most)
