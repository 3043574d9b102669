"""What a model takes to answer some of the shared rows: requests, second ones, and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from core.decide.systems import SharedRows, System
from core.domain import FloatArray


@dataclass(frozen=True, eq=False)
class Answered:
    """Which rows one model answers: `asked`, shape (rows,), 1 where it is asked, and `stands`, 1 where its answer
    stands, which alone is asked for again where it fails its checks. Told apart by identity, so that the means below
    are taken once."""

    asked: FloatArray
    stands: FloatArray


@dataclass(frozen=True, eq=False)
class Usage:
    """What answering some rows takes, a mean over all rows: the share of rows answered, that of second requests with
    the seconds of a machine that these take, and the tokens of both, null where they were not measured. The shape is
    (1 + draws,), or (points,) on the points of a policy's curve."""

    share: FloatArray
    second: FloatArray
    second_seconds: FloatArray
    input_tokens: FloatArray | None
    output_tokens: FloatArray | None


@lru_cache(maxsize=4)
def everything(shared: SharedRows) -> Answered:
    """A model that answers every row."""
    all_rows = np.ones(len(shared.test.example_ids))
    return Answered(all_rows, all_rows)


@lru_cache(maxsize=512)
def usage_of(shared: SharedRows, system: System, answered: Answered) -> Usage:
    """What a system takes to answer those rows. Rows without a token count are taken to be as long as the others."""
    second, none = system.second, np.zeros(len(shared.weights))
    return Usage(
        share=shared.means(answered.asked),
        second=none if second is None else shared.means(answered.stands * second.asked),
        second_seconds=none if second is None else shared.means(answered.stands * second.seconds),
        input_tokens=_tokens(shared, system, answered, "input_tokens"),
        output_tokens=_tokens(shared, system, answered, "output_tokens"),
    )


def _tokens(
    shared: SharedRows, system: System, answered: Answered, name: Literal["input_tokens", "output_tokens"]
) -> FloatArray | None:
    """The tokens of both requests where the answer stands, of the first alone where another model's does."""
    whole: FloatArray | None = getattr(system.rows, name)
    if whole is None:
        return None
    first = None if system.second is None or system.second.first is None else getattr(system.second.first, name)
    taken = _filled(whole) if first is None else np.where(answered.stands > 0.0, _filled(whole), _filled(first))
    return shared.means(answered.asked * taken)


def usage_of_each(shared: SharedRows, system: System, answered: Sequence[Answered]) -> Usage:
    """What a system takes to answer each of several sets of rows, without draws: one figure for each set."""
    each = [usage_of(shared, system, rows) for rows in answered]

    def stacked(column: list[FloatArray]) -> FloatArray:
        return np.array([figures[0] for figures in column], dtype=np.float64)

    inputs = [usage.input_tokens for usage in each if usage.input_tokens is not None]
    outputs = [usage.output_tokens for usage in each if usage.output_tokens is not None]
    return Usage(
        share=stacked([usage.share for usage in each]),
        second=stacked([usage.second for usage in each]),
        second_seconds=stacked([usage.second_seconds for usage in each]),
        input_tokens=stacked(inputs) if len(inputs) == len(each) else None,
        output_tokens=stacked(outputs) if len(outputs) == len(each) else None,
    )


def _filled(column: FloatArray) -> FloatArray:
    known = np.isfinite(column)
    return column if known.all() else np.where(known, column, column[known].mean())
