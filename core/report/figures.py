"""Numbers as text, alike in every language: no more digits than a reader can use, the unit beside each."""

from __future__ import annotations

import math

from core.wording import CURRENCY_SIGNS

_MEBIBYTES_PER_GIBIBYTE = 1024
_SURELY = 0.9995  # from here on, a chance with one decimal would read as certain


def percent(share: float) -> str:
    """A share from 0 to 1 as per cent with one decimal: 0.918 gives `91.8 %`."""
    return f"{_signed(share * 100, 1)} %"


def chance(share: float) -> str:
    """A chance from 0 to 1 as per cent with one decimal, never a bare 100 %: 0.9996 gives `> 99.9 %`."""
    return "> 99.9 %" if share >= _SURELY else percent(share)


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign: -0.019 gives `−1.9`."""
    text = _signed(difference * 100, 1)
    return text if difference < 0 else f"+{text}"


def number(value: float) -> str:
    """A number with three significant digits, and whole above 100: `0.0123`, `4.57`, `12,346`."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = _signed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: float) -> str:
    """A whole number with thousands separators."""
    return _signed(value, 0)


def money(value: float, currency: str) -> str:
    """An amount with its currency: two decimals from 1 to 1,000, whole above, three significant digits below."""
    size = abs(value)
    decimals = 0 if size >= 1000 or size == 0 else 2 if size >= 1 else 2 - math.floor(math.log10(size))
    amount = f"{size:,.{decimals}f}"
    sign = "−" if value < 0 and any(digit in amount for digit in "123456789") else ""
    symbol = CURRENCY_SIGNS.get(currency)
    return f"{sign}{symbol}{amount}" if symbol else f"{sign}{currency} {amount}"


def milliseconds(value: float) -> str:
    """A duration in milliseconds with three significant digits."""
    return f"{number(value)} ms"


def mebibytes(value: float) -> str:
    """A size in MiB, or in GiB above 10,000 MiB."""
    if value >= 10_000:
        return f"{number(value / _MEBIBYTES_PER_GIBIBYTE)} GiB"
    return f"{number(value)} MiB"


def interval(low: str, high: str) -> str:
    """An interval's ends in square brackets."""
    return f"[{low}, {high}]"


def _signed(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    negative = value < 0 and any(digit in text for digit in "123456789")
    return f"−{text}" if negative else text
