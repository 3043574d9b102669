"""The result document of a measured candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.domain import Example, Prediction, Split
from core.engines.benchmark.runtimes import Timings
from core.jobs.results import BenchmarkResult

_MIB = 2**20


def measured_result(
    predictions: Sequence[Prediction],
    examples: Sequence[Example],
    timings: Timings,
    parameters: int,
    weight_bytes: int,
    seconds: float,
) -> BenchmarkResult:
    """What was measured of a model on this machine; `examples` are the rows that it answered."""
    rows = Counter(example.split for example in examples)
    best = timings.runtimes[0]
    return BenchmarkResult(
        origin="measured",
        rows_test=rows[Split.TEST],
        rows_calibration=rows[Split.CALIBRATION],
        runtimes=timings.runtimes,
        peak_memory_mib=best.peak_memory_mib,
        model_size_mib=weight_bytes / _MIB,
        parameters=parameters,
        joules_per_request=timings.joules_per_request,
        energy_source="not measured" if timings.joules_per_request is None else "counter",
        output_tokens_per_second=best.output_tokens_per_second,
        unanswered=sum(not prediction.output for prediction in predictions),
        environment=timings.environment,
        seconds=seconds,
    )
