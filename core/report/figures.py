"""Numbers as text: no more digits than a reader can use, the unit beside each. What a language writes in a way of its
own, such as per cent, is a sentence that the report tells in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.i18n import Sentence, english
from core.wording import CURRENCY_SIGNS

_MEBIBYTES_PER_GIBIBYTE = 1024
_SURELY = 0.9995  # from here on, a chance with one decimal would read as certain


def percent(share: float) -> Sentence:
    """A share from 0 to 1 as per cent with one decimal: 0.918 gives `91.8 %`."""
    return english("words.percent", figure=_signed(share * 100, 1))


def chance(share: float) -> Sentence:
    """A chance from 0 to 1 as per cent with one decimal, never a bare 100 %: 0.9996 gives `> 99.9 %`."""
    return english("words.more_than", figure=percent(0.999)) if share >= _SURELY else percent(share)


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
    return amount(value, currency, decimals)


def round_amounts(values: Sequence[float], currency: str, *, alike: bool) -> list[str]:
    """Round amounts in full: whole, or with two decimals at least; all with as many where they are to be `alike`."""
    needed = [len(f"{value:.12f}".rstrip("0").partition(".")[2]) for value in values]
    most = max(needed, default=0)
    decimals = [most if alike else own for own in needed]
    return [amount(value, currency, max(own, 2) if own else 0) for value, own in zip(values, decimals, strict=True)]


def amount(value: float, currency: str, decimals: int) -> str:
    """An amount with its currency and so many decimals."""
    text = f"{abs(value):,.{decimals}f}"
    sign = "−" if value < 0 and any(digit in text for digit in "123456789") else ""
    symbol = CURRENCY_SIGNS.get(currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{currency} {text}"


def milliseconds(value: float) -> str:
    """A duration in milliseconds with three significant digits."""
    return f"{number(value)} ms"


def mebibytes(value: float) -> str:
    """A size in MiB, or in GiB above 10,000 MiB."""
    if value >= 10_000:
        return f"{number(value / _MEBIBYTES_PER_GIBIBYTE)} GiB"
    return f"{number(value)} MiB"


def interval(low: str, high: str) -> Sentence:
    """An interval's ends in square brackets."""
    return english("words.interval", low=low, high=high)


def _signed(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    negative = value < 0 and any(digit in text for digit in "123456789")
    return f"−{text}" if negative else text
