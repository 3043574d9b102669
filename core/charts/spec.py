"""What a chart shows, without a colour or a pixel: the window and the report draw it, each in its own way.

All words are message codes with values (`core.decide.outcome.Message`), so that they can be translated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.decide.outcome import Message
from core.domain import Role

NumberFormat = Literal["percent", "money", "number", "milliseconds", "count"]


@dataclass(frozen=True)
class Axis:
    """One axis: its title, the unit of its values, how to write them, and which way is better."""

    title: Message
    unit: str
    format: NumberFormat
    better: Literal["low", "high"] | None = None
    log: bool = False
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Point:
    """One marked candidate. Interval ends are null where there is none. `excluded` is the reason why it may not be
    chosen: such a point stays, faded. `chosen` marks the recommended one. A `minor` one is a small mark without words,
    such as one training of several."""

    name: str
    label: Message
    role: Role | None
    x: float
    y: float
    y_low: float | None = None
    y_high: float | None = None
    x_low: float | None = None
    x_high: float | None = None
    excluded: Message | None = None
    chosen: bool = False
    on_front: bool = False
    minor: bool = False


@dataclass(frozen=True)
class Line:
    """One line through (x, y) rows. `kind` says what it stands for, and so how it is drawn.

    `step` lines hold their value until the next x.
    """

    name: str
    label: Message
    kind: Literal["pareto", "curve", "reference", "limit", "measured"]
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    role: Role | None = None
    y_lows: tuple[float, ...] = ()
    y_highs: tuple[float, ...] = ()


@dataclass(frozen=True)
class Band:
    """A region that a limit rules out, told in words where it bites. A null end reaches to the edge of the chart."""

    label: Message
    axis: Literal["x", "y"]
    low: float | None
    high: float | None
    state: Literal["bad", "warn", "good"] = "bad"


@dataclass(frozen=True)
class Corner:
    """The caption of the most attractive corner."""

    label: Message
    position: Literal["top_left", "top_right", "bottom_left", "bottom_right"]


@dataclass(frozen=True)
class Bar:
    """One row of a tornado: the outcome at the low and at the high end of an assumption."""

    name: str
    label: Message
    low: float
    high: float
    low_label: Message | None = None
    high_label: Message | None = None


@dataclass(frozen=True)
class ChartSpec:
    """One chart. `kind` tells the layout: `scatter`, `lines` or `bars` (horizontal, around `bar_origin`).

    `empty` says in one sentence what will stand here, where there is nothing to draw yet; it is null otherwise.
    """

    code: str
    kind: Literal["scatter", "lines", "bars"]
    title: Message
    x: Axis
    y: Axis
    points: tuple[Point, ...] = ()
    lines: tuple[Line, ...] = ()
    bands: tuple[Band, ...] = ()
    bars: tuple[Bar, ...] = ()
    bar_origin: float = 0.0
    corner: Corner | None = None
    empty: Message | None = None


@dataclass(frozen=True)
class ChartTable:
    """A chart as a table: column titles, and rows of names, words or numbers (null where there is no figure)."""

    columns: tuple[Message, ...]
    rows: tuple[tuple[Message | str | float | None, ...], ...]
