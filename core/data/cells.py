"""Cells that must hold a figure or a date, with the row named where one does not."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import NamedTuple

import pandas as pd

from core.errors import UserError

_SECONDS = re.compile(r"\d{10}(\.\d+)?")
_MILLISECONDS = re.compile(r"\d{13}")
_MOST = 1e12  # beyond it a weight is a mistake, and sums of squares lose their last digits


def weights_of(frame: pd.DataFrame, column: str, file_name: str) -> list[float]:
    """The weight of each row, above 0. Raises UserError naming the first row without one.

    `frame` is indexed by the row numbers that the user sees.
    """
    weights = []
    for row, cell in zip(frame.index.tolist(), frame[column].tolist(), strict=True):
        text = str(cell).strip()
        weight = _number(text)
        if not 0.0 < weight <= _MOST:
            code = "data.weight.wrong" if text else "data.weight.blank"
            raise UserError(code, file=file_name, row=row, column=column, value=text)
        weights.append(weight)
    return weights


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def moments_of(frame: pd.DataFrame, column: str, file_name: str) -> list[float]:
    """The moment of each row in seconds since 1970, UTC. Raises UserError naming the first row without one, or
    without a time zone where others have one: hours would lie between what it means and what it is taken for."""
    moments, first = [], dict[bool, tuple[int, str]]()
    for row, cell in zip(frame.index.tolist(), frame[column].tolist(), strict=True):
        text = str(cell).strip()
        moment = _moment(text)
        if moment is None:
            code = "data.time.wrong" if text else "data.time.blank"
            raise UserError(code, file=file_name, row=row, column=column, value=text)
        moments.append(moment.seconds)
        first.setdefault(moment.zoned, (row, text))
    if len(first) > 1:
        (row, text), (other, zoned) = first[False], first[True]
        raise UserError(
            "data.time.zone_mixed", file=file_name, row=row, column=column, value=text, other=other, zoned=zoned
        )
    return moments


class _Moment(NamedTuple):
    """Seconds since 1970, and whether they are told whatever the zone."""

    seconds: float
    zoned: bool


def _moment(text: str) -> _Moment | None:
    """ISO 8601, or seconds or milliseconds since 1970. A date without a zone is taken as UTC.

    Dates such as 03/04/2026 are no guesswork of ours: a month taken for a day would move rows between the splits.
    """
    if _MILLISECONDS.fullmatch(text):
        return _Moment(int(text) / 1000.0, zoned=True)
    if _SECONDS.fullmatch(text):
        return _Moment(float(text), zoned=True)
    try:
        found = datetime.fromisoformat(text)
        zoned = found.tzinfo is not None
        return _Moment((found if zoned else found.replace(tzinfo=UTC)).astimezone(UTC).timestamp(), zoned)
    except (ValueError, OverflowError):
        return None
