"""What jobs that measure candidates hand back."""

from __future__ import annotations

from typing import Literal

from core.jobs.results.base import ResultModel


class LatencySamples(ResultModel):
    """Milliseconds of single requests, one at a time, warm-up excluded, in the order of the timing pass."""

    milliseconds: tuple[float, ...]
    warm_up_requests: int


class TokenTimes(ResultModel):
    """Milliseconds of the tokens of single answers, from the moment of sending to the first token that is not empty and
    to the first one after the reasoning; (last − first) ÷ (tokens − 1) of each answer, without reasoning that an
    endpoint hides; and the gaps between tokens (of an endpoint: between its chunks, which may hold several) of all
    answers together. `further_untimed` counts answers whose further tokens were not timed, such as those in one chunk.
    """

    time_to_first_token_ms: tuple[float, ...] = ()
    time_to_first_output_token_ms: tuple[float, ...] = ()
    time_per_output_token_ms: tuple[float, ...] = ()
    inter_token_ms: tuple[float, ...] = ()
    further_untimed: int = 0


class PeakMemory(ResultModel):
    """The most memory held in each phase, in MiB, by the marks of the kernel or of the GPU's allocator: while the model
    was loaded, and while it answered. `gpu_reserved_mib` is what the allocator took from the GPU, `gpu_process_mib`
    what the driver counted for the process; null where the model does not run on one."""

    loading_mib: float
    answering_mib: float
    gpu_reserved_mib: float | None = None
    gpu_process_mib: float | None = None


class RuntimeFigures(ResultModel):
    """A model timed under one runtime: one request at a time, then batches of 32. Tokens are of language models that
    write, with those of their reasoning."""

    runtime: str
    latency: LatencySamples
    requests_per_second: float | None
    peak_memory_mib: float | None = None
    memory: PeakMemory | None = None
    output_tokens_per_second: float | None = None
    tokens: TokenTimes | None = None


class Environment(ResultModel):
    """Where and how noisily a timing was taken."""

    machine: str
    device: str
    cores: int
    load_average: float | None
    timing_coefficient_of_variation: float | None
    noisy: bool


class RetrievalFigures(ResultModel):
    """What retrieval found for the test rows. `milliseconds` are of each row's search, one at a time.

    `ranks` are the places, from 1, of the first right passage among those that were found, 0 where there was none, for
    the rows whose right passage can be told: by the `document` that the data names, or by the `answer`, the target's
    words in a passage. Those stand at `rank_places` among the test rows, null where nobody noted it.
    `unknown_documents` counts named documents that the index does not have, `leaked_rows` the test
    rows whose input and target stand as a document of their own.
    """

    method: Literal["hybrid", "bm25", "embeddings"]
    top_k: int
    documents: int
    passages: int
    index_mib: float
    embeddings_mib: float
    encoder_mib: float
    milliseconds: tuple[float, ...]
    right_by: Literal["document", "answer"] | None
    ranks: tuple[int, ...]
    rank_places: tuple[int, ...] | None = None
    unknown_documents: int = 0
    leaked_rows: int = 0


class UnknownRows(ResultModel):
    """Rows of a predictions file that belong to no row of the data, and were left out: how many, and the first one's
    place in the file with its id, or its input where the file has no ids."""

    count: int
    first_row: int
    first: str


class BenchmarkResult(ResultModel):
    """A candidate as measured. Predictions for the calibration and test rows stand in `predictions.jsonl` of the job's
    folder (and `train` rows too where the candidate is imported) and were sent as events.

    `runtimes[0]` is the best one, whose figures stand for the candidate; empty where nothing was timed (imported).
    `energy_source` "not measured" goes with a null figure. Sizes count weight files only.
    `cut_rows` counts test rows that are longer than the `max_length` tokens that the model sees (null without such a
    limit) and stand at `cut_places` among them (null where only their number is known), `unfit_rows` those that a
    language model on this machine did not answer because they do not fit into its context; all are null where nobody
    knows. With `row_choices` each imported answer is one of its own row's choices.
    `unknown_rows` is null where all rows of an imported file are used.
    """

    origin: Literal["measured", "imported"]
    rows_test: int
    rows_calibration: int
    runtimes: tuple[RuntimeFigures, ...]
    peak_memory_mib: float | None
    model_size_mib: float | None
    parameters: int | None
    joules_per_request: float | None
    energy_source: Literal["counter", "estimate", "not measured"]
    output_tokens_per_second: float | None = None
    unanswered: int = 0
    environment: Environment | None
    retrieval: RetrievalFigures | None = None
    seconds: float
    max_length: int | None = None
    cut_rows: int | None = None
    cut_places: tuple[int, ...] | None = None
    unfit_rows: int | None = None
    row_choices: bool = False
    unknown_rows: UnknownRows | None = None


class FailureCause(ResultModel):
    """Why requests of a load test failed, and how many by that cause: the endpoint was `busy` (429), answered with
    another `status`, not in time (`words` are the seconds), could not be reached, or its answer was `broken`."""

    kind: Literal["busy", "status", "timeout", "unreachable", "broken"]
    status: int | None
    words: str
    count: int


class LoadStep(ResultModel):
    """One level of a load test. In a closed loop `concurrency` clients ask, each its next request when its last one is
    answered; in an open one requests come `rate` a second, and `concurrency` can be under way.

    `latency_ms` are of the answered requests, from the moment at which each was due. `cut_off_ms` are waits of requests
    that were due and not sent before the time was up: bounds from below. `time_to_first_token_ms` has a place for each
    of `latency_ms`, from the same moment, null where no token came by itself; it is null where nothing was streamed.
    `time_per_output_token_ms` likewise, (last − first) ÷ (tokens − 1) of each answer.
    `requests_per_second` are answers over `seconds`. The first `warm_up_requests` are in none of these figures.
    `causes` are why the `failed` ones failed, the most frequent first; empty where that was not kept.
    `output_tokens_per_second` are those of the answers that `requests_per_second` counts, by the server's count, null
    where that is not known of each. `foreign_share` is how much of this machine's processor other programs used (null
    where that cannot be told), and `noisy` says that it was too much.
    """

    loop: Literal["closed", "poisson", "constant"]
    concurrency: int
    rate: float | None
    requests_per_second: float
    latency_ms: tuple[float, ...]
    time_to_first_token_ms: tuple[float | None, ...] | None = None
    time_per_output_token_ms: tuple[float | None, ...] | None = None
    cut_off_ms: tuple[float, ...] = ()
    failed: int
    causes: tuple[FailureCause, ...] = ()
    warm_up_requests: int
    seconds: float
    output_tokens_per_second: float | None = None
    foreign_share: float | None = None
    noisy: bool = False

    @property
    def mostly_failed(self) -> bool:
        """Whether more than half of the requests failed: the times of the others are not what the endpoint bears."""
        return self.failed > len(self.latency_ms)


class LoadResult(ResultModel):
    """A candidate under load: the closed loop's levels, then the open loop's. `requests` counts all that were sent."""

    runtime: str
    device: str
    steps: tuple[LoadStep, ...]
    requests: int
    seconds: float


class SuiteMetric(ResultModel):
    """One figure of a task of lm-eval, or of a task within a group: its standard error and number of rows as lm-eval
    tells them. `filter` is how answers were read."""

    task: str
    metric: str
    filter: str
    value: float
    standard_error: float | None
    rows: int | None
    num_fewshot: int | None


class SuiteResult(ResultModel):
    """What lm-eval measured of a model on a task."""

    task: str
    metrics: tuple[SuiteMetric, ...]
    limit: int | None
    library: str
    device: str
    seconds: float
