"""How much each prepared row counts, from the folder of the prepare job."""

from __future__ import annotations

from pathlib import Path

from core.data.examples import read_examples
from core.engines.finished_result import finished_result
from core.jobs.results import PrepareResult


def prepared_weights(folder: Path) -> dict[str, float]:
    """Each row's weight by its id. Raises ValueError where the data have none."""
    prepared = PrepareResult.model_validate(finished_result(folder))
    if not prepared.weights:
        raise ValueError(f"the data in {folder} have no weights")
    return {row.example_id: weight for row, weight in zip(read_examples(folder), prepared.weights, strict=True)}
