"""The result document of a measured candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain import Example, Prediction, Split
from core.engines.benchmark.runtimes import Timings
from core.jobs.results import BenchmarkResult

_MIB = 2**20


@dataclass(frozen=True)
class Cut:
    """The places among the test rows of those that a classifier saw only the beginning of, and the most tokens that it
    sees."""

    places: tuple[int, ...]
    max_length: int


def measured_result(
    predictions: Sequence[Prediction],
    examples: Sequence[Example],
    timings: Timings | None,
    parameters: int,
    weight_bytes: int,
    seconds: float,
    cut: Cut | None = None,
) -> BenchmarkResult:
    """What was measured of a model on this machine; `examples` are the rows that it answered, in the order of its
    predictions. `timings` is null where only the quality was wanted, `cut` for a model that sees every input whole."""
    rows = Counter(example.split for example in examples)
    best = None if timings is None else timings.runtimes[0]
    joules = None if timings is None else timings.joules_per_request
    return BenchmarkResult(
        origin="measured",
        rows_test=rows[Split.TEST],
        rows_calibration=rows[Split.CALIBRATION],
        runtimes=() if timings is None else timings.runtimes,
        peak_memory_mib=None if best is None else best.peak_memory_mib,
        model_size_mib=weight_bytes / _MIB,
        parameters=parameters,
        joules_per_request=joules,
        energy_source="not measured" if joules is None else "counter",
        output_tokens_per_second=None if best is None else best.output_tokens_per_second,
        unanswered=sum(not prediction.output for prediction in predictions),
        environment=None if timings is None else timings.environment,
        seconds=seconds,
        max_length=None if cut is None else cut.max_length,
        cut_rows=0 if cut is None else len(cut.places),
        cut_places=() if cut is None else cut.places,
        unfit_rows=unfit_rows(predictions, examples),
    )


def unfit_rows(predictions: Sequence[Prediction], examples: Sequence[Example]) -> int:
    """How many test rows got no answer at all: on this machine those too long for the model's context."""
    return sum(
        prediction.output is None
        for prediction, example in zip(predictions, examples, strict=True)
        if example.split is Split.TEST
    )
