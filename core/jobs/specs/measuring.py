"""What the jobs that measure candidates are told."""

from __future__ import annotations

from typing import Literal

from core.domain import JobKind, PolicyKind
from core.jobs.specs.parts import AnsweringModel, DataFile, Part, PredictionsFile, RetrievalUse, VendorPrice
from core.spec import Checks, Judge, LoadPlan, Task


class BenchmarkParameters(Part):
    """Predict calibration and test rows, time, weigh. Inputs: `data`; `model` where it is another job's result; `index`
    where the candidate is given passages, as `retrieval` says.

    Exactly one of the input `model`, `loadable` and `predictions` says what is measured. `price` is an endpoint's.
    `metric_package` is the package with its version behind a metric of the user's own, for another version may score
    otherwise. `judged` says that predictions without a score get one later. `quality_only` leaves out calibration rows
    and every timing.
    """

    kind: Literal[JobKind.BENCHMARK] = JobKind.BENCHMARK
    task: Task
    loadable: AnsweringModel | None = None
    model_sha256: str | None = None
    predictions: PredictionsFile | None = None
    price: VendorPrice | None = None
    retrieval: RetrievalUse | None = None
    metric_package: str | None = None
    judged: bool = False
    quality_only: bool = False


class CheckParameters(Part):
    """Check the answers of a benchmark, and ask once more where the checks say so. Inputs: `data`, `answers` (the
    benchmark); `model` where another job made it; `found` (the benchmark) and `index` where it was given passages.

    `task` is what the model was asked, with passages put in by `passages_prompt` (null for the usual one); `imported`
    answers have none. `price` is an endpoint's."""

    kind: Literal[JobKind.CHECK] = JobKind.CHECK
    task: Task
    checks: Checks
    context_column: str | None = None
    loadable: AnsweringModel | None = None
    model_sha256: str | None = None
    imported: bool = False
    passages_prompt: str | None = None
    price: VendorPrice | None = None


class JudgeParameters(Part):
    """Score the answers of a benchmark. Inputs: `data`, `answers` (the benchmark, or the check of its answers); `found`
    (the benchmark) and `index` where answers are held against the passages that were given.

    `judge` asks its model, whose weights' hash is `model_sha256`; without it words and numbers are held against the
    cells of `context_column` and the passages. With `pictures` the judge sees those of the rows. `predictions` is the
    file that the answers are from, whose own scores are kept. `price` is that of a judge behind an endpoint.
    """

    kind: Literal[JobKind.JUDGE] = JobKind.JUDGE
    task: Task
    judge: Judge | None = None
    model_sha256: str | None = None
    context_column: str | None = None
    pictures: bool = False
    predictions: PredictionsFile | None = None
    price: VendorPrice | None = None


class SuiteParameters(Part):
    """Measure a model on a task of lm-eval. Inputs: `model` where it is another job's result.

    `include` is a folder of tasks of the user's own with the hash of all files in it; `library` is lm-eval with its
    version, for another one may ask or score otherwise. `price` is an endpoint's.
    """

    kind: Literal[JobKind.SUITE] = JobKind.SUITE
    task: str
    limit: int | None = None
    num_fewshot: int | None = None
    chat_template: bool = False
    include: DataFile | None = None
    library: str
    loadable: AnsweringModel | None = None
    model_sha256: str | None = None
    price: VendorPrice | None = None


class LoadParameters(Part):
    """Test under load what a benchmark measured. Inputs: `data`, `benchmark`; `model` where it is another job's result.

    A model on this machine is tested under the runtime that the benchmark found best. `price` is an endpoint's.
    """

    kind: Literal[JobKind.LOAD] = JobKind.LOAD
    task: Task
    loadable: AnsweringModel | None = None
    model_sha256: str | None = None
    plan: LoadPlan
    price: VendorPrice | None = None


class RouteParameters(Part):
    """Fit and evaluate policies. Inputs: `data`, `teacher` and `student` (benchmark jobs)."""

    kind: Literal[JobKind.ROUTE] = JobKind.ROUTE
    task: Task
    policies: tuple[PolicyKind, ...]
    folds: int | None
    train_rows_usable: bool
