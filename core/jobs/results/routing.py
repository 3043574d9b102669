"""What routing a hybrid hands back."""

from __future__ import annotations

from pydantic import Field

from core.domain import PolicyKind
from core.jobs.results.base import ResultModel


class PolicyScores(ResultModel):
    """One policy's out-of-sample scores of the test rows, in the order of `example_ids` of the route result.

    `priority`: the higher, the sooner a row goes to the teacher; each row was scored by a policy that never saw its
    group. `fold`: which fold scored it (all 0 where the policy was fitted on other splits only). `score_seconds`:
    measured seconds to score one request. `fitted_rows`: usable rows that a fold's policy was fitted on, at least.
    `threshold_rows_priority`: priorities of the rows on which a threshold may be tuned where folds is 0 (else empty);
    they belong to the rows of `tuning_example_ids` in the route result.
    `model`: the policy fitted on all usable rows, ready to serve, as plain JSON.
    """

    kind: PolicyKind
    priority: tuple[float, ...]
    fold: tuple[int, ...]
    tuning_priority: tuple[float, ...] = ()
    fitted_rows: int
    score_seconds: float
    model: dict[str, object] = Field(default_factory=dict)


class RouteResult(ResultModel):
    """Policies of one hybrid, scored out of sample; curves, verdicts and thresholds are derived when deciding, because
    they depend on prices. `omitted` maps a policy that could not be fitted to a message code (`routing.omitted.…`)."""

    folds: int
    example_ids: tuple[str, ...]
    tuning_example_ids: tuple[str, ...] = ()
    policies: tuple[PolicyScores, ...]
    length_priority: tuple[float, ...]
    omitted: dict[str, str] = Field(default_factory=dict)
    seconds: float
