"""A ChartSpec as inline SVG: no script, no style attribute, colours by class from the page's theme."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from core.charts import ChartSpec
from core.charts.spec import Axis, Band, Bar, Corner, Line, Point
from core.domain import Role
from core.i18n import translate
from core.report.model import text_of
from core.report.scale import Scale, make_scale, tick_labels, values_of

WIDTH, HEIGHT = 760.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 78.0, 20.0, 26.0, 54.0
_BAR_HEIGHT = 34.0
_BAR_LABELS = 250.0
_LETTER = 6.8  # mean width of a letter at 12 pixels; wide characters take the full 12
_LINE_HEIGHT = 14.0
_ROWS_AWAY = 7


def draw(spec: ChartSpec, language: str) -> str:
    """The chart as one `<svg>` element, its title inside; the empty string where there is nothing to draw."""
    if spec.empty is not None:
        return ""
    if spec.kind == "bars":
        return _bars(spec, language)
    return _plane(spec, language)


def _svg(spec: ChartSpec, language: str, height: float, parts: list[str]) -> str:
    title = escape(text_of(spec.title, language))
    size = f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" height="{height:.0f}"'
    return f'<svg {size} role="img" class="chart"><title>{title}</title>{"".join(parts)}</svg>'


def _text(x: float, y: float, words: str, classes: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class={quoteattr(classes)} text-anchor="{anchor}">{escape(words)}</text>'


def _segment(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def text_width(words: str) -> float:
    """About how wide the words are at 12 pixels."""
    return sum(12.0 if unicodedata.east_asian_width(letter) in "WF" else _LETTER for letter in words)


# --- scatter and lines ---


@dataclass
class _Labels:
    """Puts each label beside its mark, where it covers neither a mark nor another label."""

    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def reserve(self, x: float, y: float, width: float, height: float) -> None:
        self.taken.append((x, y, x + width, y + height))

    def reserve_line(self, places: list[tuple[float, float]]) -> None:
        """Keep labels off a line, as far as there is room elsewhere."""
        for (x1, y1), (x2, y2) in pairwise(places):
            steps = int(max(abs(x2 - x1), abs(y2 - y1)) // 10) + 1
            for step in range(steps + 1):
                self.reserve(x1 + (x2 - x1) * step / steps - 1, y1 + (y2 - y1) * step / steps - 1, 2, 2)

    def reserve_whiskers(self, point: Point, x: Scale, y: Scale) -> None:
        """Keep labels off a mark's intervals."""
        at_x, at_y = x.place(point.x), y.place(point.y)
        if point.x_low is not None and point.x_high is not None:
            left, right = x.place(point.x_low), x.place(point.x_high)
            self.reserve(left, at_y - 1, right - left, 2)
        if point.y_low is not None and point.y_high is not None:
            top, bottom = y.place(point.y_high), y.place(point.y_low)
            self.reserve(at_x - 1, top, 2, bottom - top)

    def put(self, x: float, y: float, words: str, classes: str) -> str:
        width = text_width(words) * 1.08  # the chosen one is bold
        sides = (x + 11, x - 11 - width)
        places = [(side, y + 4) for side in sides] + [(x - width / 2, y - 13), (x - width / 2, y + 22)]
        for row in range(_ROWS_AWAY):
            heights = (y - 10 - _LINE_HEIGHT * row, y + 19 + _LINE_HEIGHT * row)
            places += [(side, height) for height in heights for side in sides]
        inside = [place for place in places if place[0] >= _LEFT and place[0] + width <= WIDTH - 2] or places[:1]
        left, base = next((place for place in inside if self._free(*place, width)), inside[0])
        self.reserve(left, base - _LINE_HEIGHT + 3, width, _LINE_HEIGHT)
        return self._leader(x, y, left, base, width) + _text(left, base, words, classes)

    def put_in(self, left: float, top: float, width: float, height: float, words: str, classes: str) -> str:
        """Words within a region: at its right end, else further left, along its top or its bottom."""
        size = text_width(words)
        bases = (top + min(14.0, max(4.0, height - 4)), top + max(height - 6, 4.0))
        ends = [left + width - 6 - step for step in range(0, max(1, int(width - size - 12)), 8)]
        places = [(end - size, base) for base in bases for end in ends]
        start, base = next((place for place in places if self._free(place[0] - 4, place[1], size + 8)), places[0])
        self.reserve(start, base - _LINE_HEIGHT + 3, size, _LINE_HEIGHT)
        return _text(start + size, base, words, classes, "end")

    def _leader(self, x: float, y: float, left: float, base: float, width: float) -> str:
        """A thin line from a mark to a label that found room only further away."""
        above, below = base + 4 < y - _LINE_HEIGHT, base - _LINE_HEIGHT > y + _LINE_HEIGHT
        if not above and not below:
            return ""
        end = (min(max(x, left), left + width), base + 3 if above else base - _LINE_HEIGHT + 3)
        return _segment(x, y, *end, "grid")

    def _free(self, left: float, base: float, width: float) -> bool:
        top, bottom, right = base - _LINE_HEIGHT + 3, base + 3, left + width
        if top < _TOP - 12 or bottom > HEIGHT - _BOTTOM + 2:
            return False
        return not any(left < x2 and x1 < right and top < y2 and y1 < bottom for x1, y1, x2, y2 in self.taken)


def _plane(spec: ChartSpec, language: str) -> str:
    x = make_scale(spec.x, values_of(spec, "x"), _LEFT + 8, WIDTH - _RIGHT - 8)
    y = make_scale(spec.y, values_of(spec, "y"), HEIGHT - _BOTTOM, _TOP)
    labels = _Labels()
    for point in spec.points:
        labels.reserve(x.place(point.x) - 8, y.place(point.y) - 8, 16, 16)
        labels.reserve_whiskers(point, x, y)
    for line in spec.lines:
        labels.reserve_line([(x.place(own_x), y.place(own_y)) for own_x, own_y in zip(line.xs, line.ys, strict=True)])
    parts = _axes(spec, x, y, language)
    corner = [] if spec.corner is None else [_corner(spec.corner, labels, language)]
    parts += [_band(band, x, y, labels, language) for band in spec.bands] + corner
    parts += [_line(line, x, y) for line in spec.lines]
    parts += [_mark(point, x, y) for point in spec.points]
    for point in spec.points:
        if point.minor:
            continue
        words = text_of(point.label, language)
        if point.excluded is not None:
            words = translate(language, "words.of_each", name=words, figure=text_of(point.excluded, language))
        words = _shortened(words, 60)
        tone = f"label {point.role or 'other'}{' faded' if point.excluded else ''}{' chosen' if point.chosen else ''}"
        parts.append(labels.put(x.place(point.x), y.place(point.y), words, tone))
    for line in spec.lines:
        if line.kind != "pareto" and line.xs:
            end = (x.place(line.xs[-1]), y.place(line.ys[-1]))
            parts.append(
                labels.put(*end, _shortened(text_of(line.label, language), 48), f"label {line.role or 'other'}")
            )
    return _svg(spec, language, HEIGHT, parts)


def _shortened(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def _ticks(scale: Scale, axis: Axis, language: str, most: int = 6) -> list[tuple[float, str]]:
    """Where an axis has ticks, in pixels, and what they say."""
    ticks = scale.ticks(most)
    return [
        (scale.place(tick), text_of(label, language))
        for tick, label in zip(ticks, tick_labels(ticks, axis), strict=True)
    ]


def _axes(spec: ChartSpec, x: Scale, y: Scale, language: str) -> list[str]:
    bottom = HEIGHT - _BOTTOM
    parts = []
    for place, label in _ticks(y, spec.y, language):
        parts.append(_segment(_LEFT, place, WIDTH - _RIGHT, place, "grid"))
        parts.append(_text(_LEFT - 8, place + 4, label, "tick", "end"))
    for place, label in _ticks(x, spec.x, language):
        parts.append(_segment(place, bottom, place, bottom + 4, "axis"))
        parts.append(_text(place, bottom + 18, label, "tick", "middle"))
    parts.append(_segment(_LEFT, bottom, WIDTH - _RIGHT, bottom, "axis"))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 12, text_of(spec.x.title, language), "tick", "middle"))
    parts.append(_text(4, 13, text_of(spec.y.title, language), "tick"))
    return parts


def _band(band: Band, x: Scale, y: Scale, labels: _Labels, language: str) -> str:
    scale = x if band.axis == "x" else y
    low = scale.place(scale.low if band.low is None else band.low)
    high = scale.place(scale.high if band.high is None else band.high)
    start, size = min(low, high), abs(high - low)
    if band.axis == "x":
        box = (start, _TOP, size, HEIGHT - _BOTTOM - _TOP)
    else:
        box = (_LEFT, start, WIDTH - _RIGHT - _LEFT, size)
    words = labels.put_in(*box, text_of(band.label, language), f"label {band.state}")
    shape = f'<rect x="{box[0]:.1f}" y="{box[1]:.1f}" width="{box[2]:.1f}" height="{box[3]:.1f}"'
    return f'{shape} class="band {band.state}"/>{words}'


def _corner(corner: Corner, labels: _Labels, language: str) -> str:
    words = text_of(corner.label, language)
    top, left = corner.position.startswith("top"), corner.position.endswith("left")
    y = _TOP + 6 if top else HEIGHT - _BOTTOM - 8
    x = _LEFT + 6 if left else WIDTH - _RIGHT - 6
    labels.reserve(x if left else x - text_width(words), y - 12, text_width(words), 15)
    return _text(x, y, words, "label good", "start" if left else "end")


def _line(line: Line, x: Scale, y: Scale) -> str:
    places = [(x.place(own_x), y.place(own_y)) for own_x, own_y in zip(line.xs, line.ys, strict=True)]
    area = ""
    if line.y_lows and line.y_highs:
        upper = [(x.place(own_x), y.place(high)) for own_x, high in zip(line.xs, line.y_highs, strict=True)]
        lower = [(x.place(own_x), y.place(low)) for own_x, low in zip(line.xs, line.y_lows, strict=True)]
        area = f'<polygon points="{_pairs(upper + lower[::-1])}" class="area {line.role or "other"}"/>'
    return f'{area}<polyline points="{_pairs(places)}" class="line {line.kind} {line.role or "other"}"/>'


def _pairs(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _mark(point: Point, x: Scale, y: Scale) -> str:
    place_x, place_y = x.place(point.x), y.place(point.y)
    classes = f"mark {point.role or 'other'}{' faded' if point.excluded or point.minor else ''}"
    if point.minor:
        return f'<circle cx="{place_x:.1f}" cy="{place_y:.1f}" r="3" class="{classes}"/>'
    parts = []
    if point.y_low is not None and point.y_high is not None:
        parts.append(_segment(place_x, y.place(point.y_low), place_x, y.place(point.y_high), f"whisker {classes}"))
    if point.x_low is not None and point.x_high is not None:
        parts.append(_segment(x.place(point.x_low), place_y, x.place(point.x_high), place_y, f"whisker {classes}"))
    if point.chosen:
        parts.append(f'<circle cx="{place_x:.1f}" cy="{place_y:.1f}" r="12" class="ring"/>')
    parts.append(_shape(point.role, place_x, place_y, classes))
    return "".join(parts)


def _shape(role: Role | None, x: float, y: float, classes: str) -> str:
    """The role's symbol: a square for a teacher, a disc for a student, a diamond for a hybrid."""
    if role is Role.TEACHER:
        return f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" class="{classes}"/>'
    if role is Role.HYBRID:
        corners = _pairs([(x, y - 8), (x + 8, y), (x, y + 8), (x - 8, y)])
        return f'<polygon points="{corners}" class="{classes}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6.5" class="{classes}"/>'


# --- horizontal bars ---


def _bars(spec: ChartSpec, language: str) -> str:
    height = _TOP + _BAR_HEIGHT * len(spec.bars) + _BOTTOM
    values = [end for bar in spec.bars for end in (bar.low, bar.high) if math.isfinite(end)] + [spec.bar_origin]
    x = make_scale(spec.x, values, _BAR_LABELS, WIDTH - _RIGHT - 30)
    bottom = height - _BOTTOM
    parts = []
    for place, label in _ticks(x, spec.x, language, 5):
        parts.append(_segment(place, _TOP, place, bottom, "grid"))
        parts.append(_text(place, bottom + 18, label, "tick", "middle"))
    for row, bar in enumerate(spec.bars):
        parts.append(_bar(bar, x, spec.bar_origin, _TOP + _BAR_HEIGHT * row, language))
    parts.append(_segment(x.place(spec.bar_origin), _TOP, x.place(spec.bar_origin), bottom, "axis"))
    title = text_of(spec.x.title, language)
    parts.append(_text((_BAR_LABELS + WIDTH - _RIGHT) / 2, height - 12, title, "tick", "middle"))
    return _svg(spec, language, height, parts)


def _bar(bar: Bar, x: Scale, origin: float, top: float, language: str) -> str:
    middle = top + _BAR_HEIGHT / 2
    words = _shortened(text_of(bar.label, language), 34)
    parts = [_text(_BAR_LABELS - 10, middle + 4, words, "label other", "end")]
    for value, classes in ((bar.low, "bar low"), (bar.high, "bar high")):
        left, right = sorted((x.place(origin), x.place(value)))
        box = f'x="{left:.1f}" y="{middle - 8:.1f}" width="{max(right - left, 1):.1f}" height="16"'
        parts.append(f'<rect {box} class="{classes}"/>')
    for value, label in ((bar.low, bar.low_label), (bar.high, bar.high_label)):
        if label is not None:
            before = value < origin
            at = x.place(value) + (-4 if before else 4)
            parts.append(_text(at, middle + 4, text_of(label, language), "tick", "end" if before else "start"))
    return "".join(parts)
