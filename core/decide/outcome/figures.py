"""The figures of a decision: sentences by code, qualities, latencies, costs, gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.domain import Gate
from core.i18n import Value, english
from core.jobs.results import FailureCause
from core.metrics.percentiles import Percentiles


@dataclass(frozen=True)
class Message:
    """A sentence by code, its values, and its English text."""

    code: str
    values: dict[str, Value]
    text: str


def message(code: str, **values: Value) -> Message:
    """The message of `code`, with its English sentence filled in. Raises KeyError where no catalogue has the code."""
    return Message(code, values, english(code, **values))


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval; `low` and `high` are null where the figure is not uncertain or not resampled."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Quality:
    """Mean score on the held-out rows with its interval; `n` counts the rows, `interval` says how it was made.

    With several `seeds` it is the mean over them, and `spread` says that the interval holds theirs too.
    """

    metric: str
    value: float
    low: float
    high: float
    n: int
    seeds: int = 1
    interval: Literal["wilson", "bootstrap"] = "bootstrap"

    @property
    def spread(self) -> Literal["rows", "rows and seeds"]:
        """Which spread the interval holds."""
        return "rows" if self.seeds == 1 else "rows and seeds"


@dataclass(frozen=True)
class ClassRecall:
    """How many test rows of one class are answered rightly. `few` says that there are too few to tell much."""

    label: str
    rows: int
    recall: Interval
    few: bool


@dataclass(frozen=True)
class SliceQuality:
    """The quality on the test rows of one slice, in the study's metric."""

    column: str
    value: str
    rows: int
    quality: Interval


@dataclass(frozen=True)
class SmallSlice:
    """A slice with too few test rows for an interval worth showing, and so without a figure."""

    column: str
    value: str
    rows: int


@dataclass(frozen=True)
class CutInputs:
    """How many of the test rows the model saw only the first `max_length` tokens of, or had no room for at all
    (`unfit`, which count as wrong)."""

    rows: int
    cut: int
    unfit: int
    max_length: int | None
    weighted_shares: tuple[float, float] | None = None

    @property
    def shares(self) -> tuple[float, float]:
        """The shares of the test rows that were cut, and that had no room, by their weights where they count
        differently."""
        if self.weighted_shares is not None:
            return self.weighted_shares
        return (self.cut / self.rows, self.unfit / self.rows) if self.rows else (0.0, 0.0)

    @property
    def share(self) -> float:
        """The share of test rows that the model did not see whole."""
        if self.weighted_shares is not None:
            return sum(self.weighted_shares)
        return (self.cut + self.unfit) / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Unanswered:
    """How many of the test rows have no usable answer: the endpoint failed or refused, the request did not fit, the
    answer is empty, or nothing can be read out of it. Each counts as wrong, with score 0."""

    count: int
    rows: int
    weighted_share: float | None = None

    @property
    def share(self) -> float:
        """The share of test rows without an answer, by their weights where they count differently."""
        if self.weighted_share is not None:
            return self.weighted_share
        return self.count / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class SeedQuality:
    """The quality of the model of one seed."""

    seed: int
    quality: float


@dataclass(frozen=True)
class Retained:
    """The share of the quality of the candidate `of` that is kept, from the paired ratio."""

    of: str
    share: Interval


@dataclass(frozen=True)
class Uncompressed:
    """What a candidate was before it was compressed: its figures, and `change`, the quality afterwards minus before.

    `better` says that it leaves no reason to serve the compressed form on this machine (`core.decide.variants`).
    """

    quality: Quality
    change: Interval
    p50_ms: float | None
    requests_per_second: float | None
    model_size_mib: float | None
    better: bool


@dataclass(frozen=True)
class Latency:
    """Latency percentiles of single requests, one at a time; p99 is null below 299 samples, p95 below 59.

    `source`: `timed` (a timing pass), `predictions` (imported with them), `mixture` (a hybrid, from its two paths).
    `probability_within_limit` is P(p95 <= limit), null without a limit or samples.
    """

    p50: float
    p95: float | None
    p99: float | None
    samples: int
    source: Literal["timed", "predictions", "mixture"]
    probability_within_limit: float | None = None


@dataclass(frozen=True)
class TokenLatency:
    """Milliseconds of a language model's single answers; a part is null where no answer has such a time."""

    time_to_first_token: Percentiles | None
    time_to_first_output_token: Percentiles | None
    time_per_output_token: Percentiles | None
    inter_token: Percentiles | None = None


@dataclass(frozen=True)
class RuntimeRow:
    """A local model under one runtime."""

    runtime: str
    p50_ms: float | None
    requests_per_second: float | None


@dataclass(frozen=True)
class LoadLimits:
    """What each request of a load test is held to, in milliseconds; null where there is no such limit."""

    latency: float | None = None
    time_to_first_token: float | None = None
    time_per_output_token: float | None = None


@dataclass(frozen=True)
class LoadLevel:
    """One level of a load test: clients of a closed loop, or arrivals a second (`rate`) of an open one.

    Latency and time to first token (null where nothing was streamed) count from the moment at which a request was due,
    warm-up excluded. `goodput` are answers per second that meet every limit that can be held against them, null where
    none can; `unapplied` names the others. `cut_off` requests were due and not sent before the time was up: with any,
    percentiles are bounds from below. Where more than half of the requests failed, a level is not `usable`: it has no
    rate, goodput or percentiles, for those of the few answers are not what the endpoint bears. `causes` are why
    requests failed, the most frequent first. `noisy` says that other programs kept this machine busy meanwhile.
    """

    loop: Literal["closed", "poisson", "constant"]
    concurrency: int
    rate: float | None
    requests_per_second: float | None
    goodput: float | None
    unapplied: tuple[str, ...]
    latency: Percentiles
    time_to_first_token: Percentiles | None
    answered: int
    failed: int
    causes: tuple[FailureCause, ...]
    usable: bool
    cut_off: int
    warm_up_requests: int
    output_tokens_per_second: float | None = None
    noisy: bool = False


@dataclass(frozen=True)
class LoadFigures:
    """A load test. The saturation point is the closed level whose successor serves less than 10 % more requests per
    second, null where the last one still gained; levels that are not usable have no part in it. `most_clients` are
    the most clients of a usable level. `unapplied` names the limits that some level knows nothing of."""

    runtime: str
    levels: tuple[LoadLevel, ...]
    saturation_concurrency: int | None
    saturation_requests_per_second: float | None
    saturation_output_tokens_per_second: float | None
    most_clients: int | None
    limits: LoadLimits
    unapplied: tuple[str, ...]
    best_goodput: float | None
    requests: int


@dataclass(frozen=True)
class CostPart:
    """One line of a monthly bill: `name` is a code of the catalogues (`decide.cost_part.…`)."""

    name: str
    monthly: float


@dataclass(frozen=True)
class CostFigures:
    """What a candidate costs. `one_off` is paid once, before the first request; null parts have a `reason`.

    `one_off_labels` is what of it was paid for a teacher's labels, null where none were asked for, and
    `one_off_judging` what a judge's verdicts cost, null where none judged; the latter is known of imported answers too.

    `replicas` counts machines (null for a vendor). `probability_within_budget` is P(monthly <= budget).
    """

    currency: str
    monthly: Interval | None
    per_million_requests: Interval | None
    per_success: Interval | None
    one_off: float | None
    one_off_labels: float | None = None
    one_off_judging: float | None = None
    parts: tuple[CostPart, ...] = ()
    replicas: int | None = None
    probability_within_budget: float | None = None
    reason: Message | None = None


@dataclass(frozen=True)
class GateResult:
    """One requirement against one candidate. `unknown` never counts as pass. `probability` is a chance constraint's."""

    gate: Gate
    state: Literal["pass", "fail", "unknown"]
    rule: str | None
    message: Message
    probability: float | None = None
