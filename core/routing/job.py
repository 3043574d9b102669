"""The `route` job: fits the policies of a hybrid and scores its test rows out of sample.

Curves, thresholds and verdicts are derived when deciding (`core.routing.evaluate`), because they depend on prices.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from core.data.examples import read_examples
from core.data.predictions import read_predictions
from core.domain import FloatArray, IntArray, PolicyKind
from core.jobs.results import PolicyScores, RouteResult
from core.jobs.specs import RouteParameters
from core.routing.cascade import cascade_priority, fit_cascade
from core.routing.policy import CascadePolicy, RouterPolicy
from core.routing.router import analyse, fit_router, router_priority
from core.routing.rows import DEFAULT_FOLDS, Pass, UsableRows, cross_fitting_passes, folds_to_use, usable_rows
from core.worker.context import JobContext, Stopped

MINIMUM_FITTED_ROWS = 20
"""Below this a fitted policy is noise; it is left out, with that reason."""
_TIMED_REQUESTS = 100


class _Policy(Protocol):
    def document(self) -> dict[str, object]: ...


Policy = TypeVar("Policy", bound=_Policy)


class _Fitting(Protocol[Policy]):
    """How one kind of policy is fitted on rows, by their indices, and asked about others."""

    def fit(self, rows: IntArray) -> Policy: ...

    def score(self, policy: Policy, rows: IntArray) -> FloatArray: ...

    def ask(self, policy: Policy, row: int) -> float: ...


class _CascadeFitting:
    def __init__(self, rows: UsableRows) -> None:
        self._rows = rows

    def fit(self, rows: IntArray) -> CascadePolicy:
        groups = [self._rows.groups[row] for row in rows.tolist()]
        return fit_cascade(self._rows.confidence[rows], self._rows.student_scores[rows], groups)

    def score(self, policy: CascadePolicy, rows: IntArray) -> FloatArray:
        return cascade_priority(policy, self._rows.confidence[rows])

    def ask(self, policy: CascadePolicy, row: int) -> float:
        confidence = float(self._rows.confidence[row])
        return policy.priority(None if np.isnan(confidence) else confidence)


class _RouterFitting:
    def __init__(self, rows: UsableRows) -> None:
        self._inputs = [example.input for example in rows.examples]
        self._texts = analyse(self._inputs)
        self._gain = rows.teacher_scores - rows.student_scores

    def fit(self, rows: IntArray) -> RouterPolicy:
        return fit_router(self._texts, self._gain, rows)

    def score(self, policy: RouterPolicy, rows: IntArray) -> FloatArray:
        return router_priority(policy, self._texts, rows)

    def ask(self, policy: RouterPolicy, row: int) -> float:
        return policy.priority(self._inputs[row])


@dataclass(frozen=True, eq=False)
class _Plan:
    """Which rows are fitted on and scored: `passes` score the test rows, `tuning_passes` the rows `tuning`.

    Policies to serve are fitted on all rows.
    """

    rows: UsableRows
    folds: int
    tuning: IntArray
    passes: list[Pass]
    tuning_passes: list[Pass]

    @property
    def steps(self) -> int:
        """Fits of one policy."""
        return len(self.passes) + len(self.tuning_passes) + 1


class _Progress:
    """Says after each fit how far the job is, and stops it there when asked."""

    def __init__(self, context: JobContext, total_steps: int) -> None:
        self._context, self._total, self._done, self._since = context, total_steps, 0, time.monotonic()

    def step(self) -> None:
        if self._context.should_stop():
            raise Stopped
        self._done += 1
        left = (time.monotonic() - self._since) / self._done * (self._total - self._done)
        self._context.progress("phase.route_fit", self._done, self._total, left)


def run(parameters: RouteParameters, context: JobContext) -> RouteResult:
    """Every policy of the parameters that can be fitted, scored on the test rows; the others with their reason.

    Raises UserError (routing.no_shared_rows) where teacher and student answered no test row in common, and Stopped.
    """
    since = time.monotonic()
    context.started("cpu")
    context.progress("phase.route_read", 0, 1)
    rows = usable_rows(
        read_examples(context.input_folder("data")),
        read_predictions(context.input_folder("teacher")),
        read_predictions(context.input_folder("student")),
        train_rows_usable=parameters.train_rows_usable,
    )
    plan = _plan(rows, parameters.folds)
    omitted = {kind: code for kind in parameters.policies if (code := _reason_to_omit(kind, plan)) is not None}
    fitted = [kind for kind in dict.fromkeys(parameters.policies) if kind not in omitted]
    progress = _Progress(context, plan.steps * len(fitted))
    policies = tuple(_scored(kind, plan, progress) for kind in fitted)
    return RouteResult(
        folds=plan.folds,
        example_ids=tuple(rows.examples[row].example_id for row in rows.test.tolist()),
        tuning_example_ids=tuple(rows.examples[row].example_id for row in plan.tuning.tolist()),
        policies=policies,
        length_priority=tuple(float(len(rows.examples[row].input)) for row in rows.test.tolist()),
        omitted={kind.value: code for kind, code in omitted.items()},
        seconds=time.monotonic() - since,
    )


def _plan(rows: UsableRows, asked_folds: int | None) -> _Plan:
    folds = folds_to_use(asked_folds, rows)
    passes: list[Pass] = []
    if folds > 0:
        passes = cross_fitting_passes(rows.groups, rows.test, rows.other, folds)
    # A single group makes a single fold, on which no threshold could be tuned: the other splits must serve.
    if folds > 0 and (len(passes) > 1 or len(rows.other) == 0):
        return _Plan(rows, len(passes), np.empty(0, dtype=np.int64), passes, [])
    # Thresholds are tuned on the fitted rows themselves, so their priorities too must come from fits without them.
    tuning_passes = cross_fitting_passes(rows.groups, rows.other, np.empty(0, dtype=np.int64), DEFAULT_FOLDS)
    return _Plan(rows, 0, rows.other, [Pass(fit=rows.other, score=rows.test)], tuning_passes)


def _reason_to_omit(kind: PolicyKind, plan: _Plan) -> str | None:
    """The message code that says why a policy cannot be fitted; null where it can."""
    usable = np.ones(len(plan.rows.examples), dtype=np.bool_)
    if kind is PolicyKind.CASCADE:
        usable = ~np.isnan(plan.rows.confidence)
        if not usable.any():
            return "routing.omitted.no_confidence"
    elif not any(plan.rows.examples[row].input.strip() for row in plan.rows.test.tolist()):
        return "routing.omitted.no_input_text"
    if plan.folds == 0 and len(plan.rows.other) == 0:
        return "routing.omitted.no_fitting_rows"
    fewest = min(int(usable[part.fit].sum()) for part in (*plan.passes, *plan.tuning_passes))
    return "routing.omitted.too_few_rows" if fewest < MINIMUM_FITTED_ROWS else None


def _scored(kind: PolicyKind, plan: _Plan, progress: _Progress) -> PolicyScores:
    match kind:
        case PolicyKind.CASCADE:
            return _cross_fitted(kind, _CascadeFitting(plan.rows), plan, progress)
        case PolicyKind.ROUTER:
            return _cross_fitted(kind, _RouterFitting(plan.rows), plan, progress)


def _cross_fitted(kind: PolicyKind, fitting: _Fitting[Policy], plan: _Plan, progress: _Progress) -> PolicyScores:
    """One policy: its out-of-sample priorities, and itself fitted on all usable rows."""
    priority, fold = np.full(len(plan.rows.examples), np.nan), np.zeros(len(plan.rows.examples), dtype=np.int64)
    for passes in (plan.passes, plan.tuning_passes):
        for number, part in enumerate(passes):
            priority[part.score] = fitting.score(fitting.fit(part.fit), part.score)
            fold[part.score] = number
            progress.step()
    served = fitting.fit(np.arange(len(plan.rows.examples)))
    progress.step()
    return PolicyScores(
        kind=kind,
        priority=tuple(priority[plan.rows.test].tolist()),
        fold=tuple(fold[plan.rows.test].tolist()),
        tuning_priority=tuple(priority[plan.tuning].tolist()),
        fitted_rows=min(len(part.fit) for part in plan.passes),
        score_seconds=_seconds_of_a_request(fitting, served, plan.rows.test),
        model=served.document(),
    )


def _seconds_of_a_request(fitting: _Fitting[Policy], policy: Policy, rows: IntArray) -> float:
    """The median seconds that the served policy takes for one request, over some of the rows."""
    seconds = []
    for row in rows[:_TIMED_REQUESTS].tolist():
        since = time.perf_counter()
        fitting.ask(policy, row)
        seconds.append(time.perf_counter() - since)
    return statistics.median(seconds)
