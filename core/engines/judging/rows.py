"""The answers of a judge job with their examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain import Example, Prediction
from core.jobs.specs import JudgeParameters
from core.lazy import load


@dataclass(frozen=True)
class JudgedRow:
    """One answer to score; `given` says that its score is that of its file."""

    example: Example
    prediction: Prediction
    given: bool = False

    @property
    def answered(self) -> bool:
        """Whether there is anything to judge."""
        return self.prediction.output is not None and bool(self.prediction.output.strip())


def judged_rows(
    parameters: JudgeParameters, examples: Sequence[Example], predictions: Sequence[Prediction]
) -> list[JudgedRow]:
    """Each prediction with its example. Raises UserError where the file that gives scores cannot be read."""
    by_id = {example.example_id: example for example in examples}
    given = _given_ids(parameters, examples)
    return [JudgedRow(by_id[one.example_id], one, one.example_id in given) for one in predictions]


def _given_ids(parameters: JudgeParameters, examples: Sequence[Example]) -> set[str]:
    """The examples whose file gives a score of their own."""
    if parameters.predictions is None:
        return set()
    source = parameters.predictions
    scored: set[str] = load("core.data.imported").scored_elsewhere(
        source.file, source.columns, examples, parameters.task
    )
    return scored
