"""How quality grows with the number of train rows, and how far that can be told beyond the last measured size.

An inverse power law with an offset, quality(n) = a − b · n^(−c) (Hestness et al., "Deep learning scaling is
predictable, empirically", 2017, arXiv 1712.00409; Viering and Loog, "The shape of learning curves", IEEE TPAMI 45,
2023). For each exponent on a grid a and b are a least-squares line, so that the fit needs no start and always ends.

The error of an extrapolation has two parts: what the test rows leave open, from refitting on resamples of them, and how
wrong the law itself was where it can be checked: fitted without the largest size, it is held against what was measured
there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.domain import FloatArray

FEWEST_SIZES = 4
_EXPONENTS = np.geomspace(0.05, 2.0, 60)


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """quality(n) = ceiling − factor · n^(−exponent), one law for each row of what it was fitted to: shapes (laws,)."""

    ceiling: FloatArray
    factor: FloatArray
    exponent: FloatArray

    def at(self, rows: float) -> FloatArray:
        """The quality at so many train rows, shape (laws,), within 0 and 1."""
        return np.asarray(np.clip(self.ceiling - self.factor * rows**-self.exponent, 0.0, 1.0))


@dataclass(frozen=True)
class HeldOutSize:
    """The law fitted to all sizes but the largest, `rows`, beside the quality measured there."""

    rows: int
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """Predicted minus measured."""
        return self.predicted - self.measured


@dataclass(frozen=True)
class Expected:
    """The quality expected at so many train rows, with its 95 % interval."""

    rows: int
    value: float
    low: float
    high: float


def fit_power_law(rows: FloatArray, qualities: FloatArray) -> PowerLaw:
    """The law nearest to each curve; `rows` has the shape (sizes,), `qualities` (laws, sizes).

    Quality never falls with more rows and never passes 1. Raises ValueError where there are fewer than 3 sizes.
    """
    if len(rows) < 3:
        raise ValueError("a law of three numbers needs three sizes")
    fits = [_line(rows**-exponent, qualities) for exponent in _EXPONENTS.tolist()]
    errors = np.stack([error for _, _, error in fits])
    best = errors.argmin(axis=0)
    laws = np.arange(len(qualities))
    ceilings, factors = (np.stack([fit[part] for fit in fits])[best, laws] for part in (0, 1))
    return PowerLaw(ceilings, factors, _EXPONENTS[best])


def _line(x: FloatArray, qualities: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The ceilings, factors and squared errors of quality = ceiling − factor · x, with factor >= 0 and ceiling <= 1."""
    centred = x - x.mean()
    factor = np.maximum(-(qualities @ centred) / (centred @ centred), 0.0)
    ceiling = qualities.mean(axis=1) + factor * x.mean()
    over = ceiling > 1.0
    factor = np.where(over, np.maximum(((1.0 - qualities) @ x) / (x @ x), 0.0), factor)
    ceiling = np.where(over, 1.0, ceiling)
    error = np.square(qualities - (ceiling[:, None] - factor[:, None] * x)).sum(axis=1)
    return ceiling, factor, error


def held_out_size(rows: FloatArray, qualities: FloatArray) -> HeldOutSize:
    """How well the law tells the largest size from the smaller ones; both of shape (sizes,)."""
    law = fit_power_law(rows[:-1], qualities[None, :-1])
    return HeldOutSize(int(rows[-1]), float(law.at(float(rows[-1]))[0]), float(qualities[-1]))


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """The law through all sizes, moved to pass through the largest one, which is measured, and the same on resamples.

    `shift` is how far it was moved, `error` that of the law on the held-out largest size, `drawn_last` the qualities
    there on each resample.
    """

    law: PowerLaw
    laws: PowerLaw
    last: float
    shift: float
    drawn_last: FloatArray
    error: float

    def at(self, wanted: int) -> Expected:
        """The quality at `wanted` train rows. Half the interval is the root of the sum of squares of what resampling
        leaves open and of the law's error on the held-out largest size."""
        value = float(self.law.at(wanted)[0]) + self.shift
        draws = self.drawn_last + self.laws.at(wanted) - self.laws.at(self.last)
        low, high = np.quantile(draws, [0.025, 0.975])
        half = float(np.hypot((high - low) / 2, self.error))
        value = min(max(value, 0.0), 1.0)
        return Expected(wanted, value, max(0.0, value - half), min(1.0, value + half))


def extrapolate(rows: FloatArray, qualities: FloatArray, resampled: FloatArray) -> Extrapolation:
    """The law beyond the largest size: `qualities`, shape (sizes,), and the same on resamples of the test rows, shape
    (resamples, sizes)."""
    last = float(rows[-1])
    law, laws = fit_power_law(rows, qualities[None]), fit_power_law(rows, resampled)
    shift = float(qualities[-1] - law.at(last)[0])
    return Extrapolation(law, laws, last, shift, resampled[:, -1], held_out_size(rows, qualities).error)


def expected_at(rows: FloatArray, qualities: FloatArray, resampled: FloatArray, wanted: int) -> Expected:
    """The quality at `wanted` train rows; the rest is as for `extrapolate`."""
    return extrapolate(rows, qualities, resampled).at(wanted)
