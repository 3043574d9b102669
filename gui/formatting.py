"""How the window writes numbers: money with its currency and period, never more digits than the interval supports.

English groups thousands and leaves a no-break space before units; Chinese writes `91.8%` and counts in 万 and 亿.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from PySide6.QtCore import QDate, QLocale

from core.i18n import translate
from core.wording import CURRENCY_SIGNS

SPACE = "\u00a0"
MINUS = "\u2212"
INTERVAL_STEPS = 40
"""The last digit shown is worth at least this part of the interval's width: finer digits would be noise."""


def decimals_of_interval(low: float | None, high: float | None) -> int | None:
    """Digits after the point that an interval supports; null where there is no interval of some width."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return None
    return max(0, -math.ceil(math.log10((high - low) / INTERVAL_STEPS) - 1e-9))


def decimals_of_figures(value: float, figures: int) -> int:
    """Digits after the point that show `figures` significant ones."""
    if value == 0 or not math.isfinite(value):
        return 0
    return max(0, figures - 1 - math.floor(math.log10(abs(value)) + 1e-9))


@dataclass(frozen=True)
class Formats:
    """Figures as text in one language. Every method takes raw values: shares from 0 to 1, milliseconds, money."""

    language: str

    def number(self, value: float, decimals: int | None = None) -> str:
        """A number with grouped thousands; as many digits as it has (at most ten) where `decimals` is null."""
        if decimals is None:
            shown = float(f"{value:.10g}")
            decimals = min(12, _decimals_needed(shown))
        text = f"{abs(value):,.{decimals}f}"
        negative = value < 0 and any(digit in text for digit in "123456789")
        return f"{MINUS if negative else ''}{text}"

    def percent(self, share: float, low: float | None = None, high: float | None = None) -> str:
        """A share as a percentage, with the digits that its interval supports (three figures at most without one)."""
        decimals = decimals_of_interval(_hundredfold(low), _hundredfold(high))
        if decimals is None:
            decimals = min(1, _decimals_needed(round(share * 100, 1)))
        return f"{self.number(share * 100, min(decimals, 2))}{'' if self._chinese else SPACE}%"

    def points(self, difference: float, low: float | None = None, high: float | None = None) -> str:
        """A difference of two shares in percentage points, with its sign."""
        return self._words("gui_decide.points", points=self._signed_points(difference, low, high))

    def points_with_interval(self, difference: float, low: float, high: float) -> str:
        """A difference of two shares in percentage points with its interval."""
        ends = (self._signed_points(end, low, high) for end in (difference, low, high))
        return self._words("gui_decide.points.interval", **dict(zip(("points", "low", "high"), ends, strict=True)))

    def amount(self, value: float, currency: str, decimals: int) -> str:
        """Money with its currency's sign and so many decimals."""
        text = self.number(value, decimals)
        sign = MINUS if text.startswith(MINUS) else ""
        mark = CURRENCY_SIGNS.get(currency) or f"{currency}{SPACE}"
        return f"{sign}{mark}{text.removeprefix(MINUS)}"

    def money(self, value: float, currency: str, low: float | None = None, high: float | None = None) -> str:
        """Money with its currency's sign: whole from 10 on, cents from 1 on, two figures below; fewer where the
        interval supports fewer, but cents or none, never tenths."""
        return self.amount(value, currency, _money_decimals(value, low, high))

    def money_with_interval(self, value: float, currency: str, low: float, high: float) -> tuple[str, str]:
        """Money and its interval, with as many decimals each."""
        decimals = _money_decimals(value, low, high)
        ends = (self.amount(end, currency, decimals) for end in (low, high))
        return self.amount(value, currency, decimals), self.interval(*ends)

    def stated_money(self, value: float, currency: str) -> str:
        """Money as the user stated it, no digit lost."""
        needed = _decimals_needed(float(f"{value:.10g}"))
        return self.amount(value, currency, 2 if needed == 1 else needed)

    def money_a_month(self, value: float, currency: str, low: float | None = None, high: float | None = None) -> str:
        """Money with its period, a month; to the cent below ten."""
        small = abs(value) < 1 and decimals_of_interval(low, high) is None
        amount = self.amount(value, currency, 2 if abs(value) >= 0.005 else 0) if small else None
        return self._words("gui_decide.a_month", amount=amount or self.money(value, currency, low, high))

    def milliseconds(self, value: float) -> str:
        """A latency: three figures at most, in seconds from one second on."""
        if value >= 1000:
            seconds = value / 1000
            return f"{self.number(seconds, min(2, decimals_of_figures(seconds, 3)))}{SPACE}s"
        return f"{self.number(value, min(2, decimals_of_figures(value, 3 if value < 100 else 2)))}{SPACE}ms"

    def count(self, value: float) -> str:
        """A count as people say it: `400,000`, `3.0 M`; in Chinese `40 万`, `1.2 亿`."""
        steps = ((1e8, "亿"), (1e4, "万")) if self._chinese else ((1e9, "G"), (1e6, "M"))
        for size, unit in steps:
            if abs(value) >= size * 0.99995:
                scaled = value / size
                decimals = min(1 if not self._chinese or scaled % 1 > 0.05 else 0, decimals_of_figures(scaled, 3))
                return f"{self.number(scaled, decimals)}{SPACE}{unit}"
        if abs(value) >= 1000:
            value = float(f"{value:.4g}")
        return self.number(value, 0 if abs(value) >= 10 or float(value).is_integer() else 1)

    def months(self, value: float) -> str:
        """A span of months as people say it, years from three years on."""
        if value >= 36:
            years = value / 12
            return self._words("gui_decide.years", count=years, years=self.number(years, 0 if years >= 10 else 1))
        if value < 1:
            days = max(1, round(value * 30.4))
            return self._words("gui_decide.days", count=days, days=self.number(days, 0))
        shown = round(value, 0 if value >= 10 else 1)
        return self._words("gui_decide.months", count=shown, months=self.number(shown, _decimals_needed(shown)))

    def interval(self, low: str, high: str) -> str:
        """Two written figures as an interval; a unit or sign that both carry is written once at the end."""
        for unit in (f"{SPACE}%", "%", f"{SPACE}ms", f"{SPACE}s", f"{SPACE}M", f"{SPACE}万", f"{SPACE}亿"):
            if low.endswith(unit) and high.endswith(unit):
                low = low.removesuffix(unit)
                break
        return self._words("gui_decide.interval", low=low, high=high)

    def day(self, day: date) -> str:
        """A date, short: `24 Nov 2026`, `2026年11月24日`."""
        pattern = "yyyy年M月d日" if self._chinese else "d MMM yyyy"
        return QLocale(self.language).toString(QDate(day.year, day.month, day.day), pattern)

    def value(
        self, value: float, number_format: str, unit: str, low: float | None = None, high: float | None = None
    ) -> str:
        """A figure of a chart by its axis's format; the unit is the currency where the format is money."""
        if number_format == "percent":
            return self.percent(value, low, high)
        if number_format == "money":
            return self.money(value, unit, low, high)
        if number_format == "milliseconds":
            return self.milliseconds(value)
        if number_format == "count":
            return self.count(value)
        return self.number(value, min(6, decimals_of_figures(value, 4))) if value % 1 else self.number(value, 0)

    @property
    def _chinese(self) -> bool:
        return self.language == "zh_CN"

    def _signed_points(self, difference: float, low: float | None, high: float | None) -> str:
        decimals = decimals_of_interval(_hundredfold(low), _hundredfold(high))
        text = self.number(difference * 100, 1 if decimals is None else min(decimals, 2))
        return f"+{text}" if difference > 0 else text

    def _words(self, code: str, **values: str | int | float) -> str:
        return translate(self.language, code, **values)


def _money_decimals(value: float, low: float | None, high: float | None) -> int:
    supported = decimals_of_interval(low, high)
    if abs(value) >= 1:
        decimals = 0 if abs(value) >= 10 else 2
        decimals = decimals if supported is None else min(decimals, supported)
    elif supported is not None:
        decimals = min(supported, 8)
    else:
        decimals = max(2, _decimals_needed(float(f"{value:.2g}"))) if value else 0
    return 2 if decimals == 1 else decimals


def _hundredfold(value: float | None) -> float | None:
    return None if value is None else value * 100


def _decimals_needed(value: float) -> int:
    """Digits after the point that write the value in full, at most ten."""
    text = f"{value:.10f}".rstrip("0")
    return len(text.partition(".")[2])
