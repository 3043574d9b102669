"""The scale of a chart's axis: its range, readable ticks ($0.10, $0.30, $1), and the words for them.

Pure functions. Coordinates of a log axis are base-10 logarithms; ticks are told in the axis's own values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.charts import Axis, ChartSpec
from gui.formatting import Formats, decimals_of_figures

MAX_TICKS = 6
MIN_TICKS = 3
PADDING = 0.06
"""Room beyond the outermost mark, and beyond an end of the axis, as a part of the range: enough for half a mark, and
half the words of a tick, which pyqtgraph hides where they reach beyond the axis."""
TICK_ROOM = 0.04
"""How near to an end of the axis a tick is hidden; an end that bounds the values is farther from it."""
LIMIT_ROOM = 0.12
"""Room beyond a limit at the edge of the picture, enough for its words."""
LIMIT_REACH = 1.5
"""A limit farther from the marks than this many ranges stays out of the picture; it bites nobody there."""


@dataclass(frozen=True)
class Scale:
    """The visible range of one axis in coordinates, and its ticks in values, ascending."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def coordinate(self, value: float) -> float:
        """Where a value lies on the axis; on a log axis, what is not above 0 lies at the lower end."""
        if not self.log:
            return value
        return math.log10(value) if value > 0 else self.low


def scale_of(axis: Axis, values: Sequence[float], limits: Sequence[float] = (), max_ticks: int = MAX_TICKS) -> Scale:
    """The scale that shows all `values`, and those `limits` that are near enough to matter."""
    log = axis.log and any(value > 0 for value in values)
    spots = [math.log10(value) if log else value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = (min(spots), max(spots)) if spots else (0.0, 1.0)
    shown: list[float] = []
    for limit in limits:
        if not log or limit > 0:
            spot = math.log10(limit) if log else limit
            if (
                low - LIMIT_REACH * _width(low, high, axis, log)
                <= spot
                <= high + LIMIT_REACH * _width(low, high, axis, log)
            ):
                low, high = min(low, spot), max(high, spot)
                shown.append(spot)
    width = _width(low, high, axis, log)
    middle = (low + high) / 2
    low, high = min(low, middle - width / 2), max(high, middle + width / 2)
    at_low, at_high = (any(abs(end - limit) < 1e-12 for limit in shown) for end in (low, high))
    room = high - low
    low, high = low - (LIMIT_ROOM if at_low else PADDING) * room, high + (LIMIT_ROOM if at_high else PADDING) * room
    if not log and axis.minimum is not None and axis.minimum > low:
        low = axis.minimum - PADDING * (high - axis.minimum)
    if not log and axis.maximum is not None and axis.maximum < high:
        high = axis.maximum + PADDING * (axis.maximum - low)
    ticks = log_ticks(10**low, 10**high, max_ticks) if log else linear_ticks(low, high, max_ticks)
    least = -math.inf if axis.minimum is None else axis.minimum
    most = math.inf if axis.maximum is None else axis.maximum
    ticks = tuple(tick for tick in ticks if least <= tick <= most)
    return Scale(low, high, _with_words(ticks, low, high, log), log)


def _with_words(ticks: tuple[float, ...], low: float, high: float, log: bool) -> tuple[float, ...]:
    """The ticks that keep their words; pyqtgraph hides those that reach beyond the axis, and leaves a bare line."""
    room = TICK_ROOM * (high - low)
    kept = tuple(tick for tick in ticks if low + room <= (math.log10(tick) if log else tick) <= high - room)
    return kept if len(kept) > 1 else ticks


def linear_ticks(low: float, high: float, most: int = MAX_TICKS) -> tuple[float, ...]:
    """Round values 1, 2 or 5 × 10ⁿ apart within the range, as many as fit."""
    if high <= low:
        return (low,)
    exponent = math.floor(math.log10((high - low) / most)) - 1
    while True:
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first + 1 <= most:
                return tuple(round(index * step, 12) for index in range(first, last + 1))
        exponent += 1


def log_ticks(low: float, high: float, most: int = MAX_TICKS) -> tuple[float, ...]:
    """Readable values within the range of a log axis: 1, 10, 100; or 1, 3, 10; or 1, 2, 5; else round steps."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    best: tuple[float, ...] = ()
    for mantissas in ((1,), (1, 3), (1, 2, 5)):
        values = [float(f"{mantissa}e{decade}") for decade in decades for mantissa in mantissas]
        inside = tuple(value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9))
        if len(best) < MIN_TICKS and len(inside) <= most:
            best = inside
    if len(best) >= MIN_TICKS:
        return best
    whole = [float(f"1e{decade}") for decade in decades]
    whole = [value for value in whole if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    if len(whole) > most:
        return tuple(whole[:: math.ceil(len(whole) / most)])
    return tuple(tick for tick in linear_ticks(low, high, most) if tick > 0) or best


def tick_texts(axis: Axis, ticks: Sequence[float], formats: Formats) -> list[str]:
    """The words of the ticks, all with as many digits as the finest needs."""
    if axis.format == "percent":
        decimals = _shared_decimals([tick * 100 for tick in ticks])
        gap = "" if formats.language == "zh_CN" else "\u00a0"
        return [f"{formats.number(tick * 100, decimals)}{gap}%" for tick in ticks]
    if axis.format == "money":
        near = not axis.log or (bool(ticks) and 0 < max(ticks) < 10 * min(ticks))
        groups = [ticks] * len(ticks) if near else [[tick] for tick in ticks]
        return [_money_tick(tick, group, axis.unit, formats) for tick, group in zip(ticks, groups, strict=True)]
    if axis.format == "number":
        decimals = _shared_decimals(ticks)
        return [formats.number(tick, decimals) for tick in ticks]
    return [formats.value(tick, axis.format, axis.unit) for tick in ticks]


def _money_tick(tick: float, near: Sequence[float], currency: str, formats: Formats) -> str:
    """A round amount with as many decimals as the ticks near it: none, as many as money has, or as tell them apart."""
    decimals = max(_shared_decimals(near), *(decimals_of_figures(one, 1) for one in near if one), 0)
    return formats.amount(tick, currency, max(2, decimals) if decimals else 0)


def _shared_decimals(values: Sequence[float]) -> int:
    return max((len(f"{value:.6f}".rstrip("0").partition(".")[2]) for value in values), default=0)


def _width(low: float, high: float, axis: Axis, log: bool) -> float:
    """The range to show at least, so that one mark alone, or marks close together, are not torn apart."""
    least = 0.5 if log else 0.04 if axis.format == "percent" else abs(high) * 0.1 or 1.0
    return max(high - low, least)


def values_of(spec: ChartSpec, which: str) -> list[float]:
    """Every value that the x or y axis of a scatter or line chart must show: marks, intervals and lines."""
    found: list[float] = []
    for point in spec.points:
        ends = (point.x, point.x_low, point.x_high) if which == "x" else (point.y, point.y_low, point.y_high)
        found += [value for value in ends if value is not None]
    for line in spec.lines:
        if line.kind != "limit":
            found += line.xs if which == "x" else (*line.ys, *line.y_lows, *line.y_highs)
    return [value for value in found if math.isfinite(value)]


def limits_of(spec: ChartSpec, which: str) -> list[float]:
    """The ends of the bands on one axis, and the heights of the lines that are limits."""
    ends = [end for band in spec.bands if band.axis == which for end in (band.low, band.high)]
    if which == "y":
        ends += [height for line in spec.lines if line.kind == "limit" for height in line.ys]
    return [end for end in ends if end is not None]
