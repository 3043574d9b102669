"""What a job hands back: the document of its `Finished` event, one model for each kind."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.domain import PolicyKind


class ResultModel(BaseModel):
    """A part of a result document: frozen, unknown keys refused, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Dropped(ResultModel):
    """Rows left out, with the reason as a message code of the catalogues (`data.dropped.…`)."""

    reason: str
    rows: int


class TimeSpan(ResultModel):
    """From when to when the rows of a split are (ISO 8601, UTC). `older_rows` of them are older: they came along with a
    newer row of their group."""

    split: Literal["train", "calibration", "test"]
    first: str
    last: str
    older_rows: int


class PrepareResult(ResultModel):
    """The dataset as prepared; the examples stand in `examples.jsonl` of the job's folder.

    `labels` are the classes in sorted order (empty for generation). Lengths are in characters.
    `weights` are those of all examples, in the order of the file, empty where every row counts alike. `spans` are the
    times of the splits where the rows were split by time.
    """

    rows_train: int
    rows_calibration: int
    rows_test: int
    dropped: tuple[Dropped, ...]
    labels: tuple[str, ...]
    groups: int
    duplicate_rows: int
    input_length_p50: float
    input_length_p95: float
    input_length_max: int
    label_entropy_bits: float | None
    seconds: float
    weights: tuple[float, ...] = ()
    spans: tuple[TimeSpan, ...] = ()


class RoundRecord(ResultModel):
    """One round of dynamic distillation: new rows trained on, held-out quality of old and new rows before and after
    (0 to 1), the teacher's on the new rows, and whether the round was kept."""

    round: int
    rows_new: int
    rows_replayed: int
    quality_old_before: float
    quality_old_after: float
    quality_new_before: float
    quality_new_after: float
    teacher_quality_new: float | None
    promoted: bool


class TrainResult(ResultModel):
    """A trained model; its files stand in `model/` of the job's folder.

    `device` is where it was trained. `resumed_steps` lists the steps at which a checkpoint was taken up again.
    `examples_per_second` excludes downtime. `truncated_share` is the share of train inputs cut at `max_length`.
    `technique` is how a teacher was used, `reason` the message code that says why (`train.reason.…`).
    """

    method: Literal["fine_tune", "distill"]
    device: str
    steps: int
    epochs: int
    final_loss: float | None
    parameters: int
    examples: int
    examples_per_second: float | None
    seconds: float
    resumed_steps: tuple[int, ...] = ()
    truncated_share: float = 0.0
    technique: str | None = None
    reason: str | None = None
    rounds: tuple[RoundRecord, ...] = ()
    details: dict[str, str | int | float | bool | None] = {}


class LabelResult(ResultModel):
    """What a language model said of the train rows; the answers stand in `answers.jsonl` of the job's folder.

    `bought` counts requests that this job sent, `kept` those that had been answered before. `unusable` rows got no
    complete answer or none of the labels. `soft_rows` have a distribution over the labels beside the answer.
    """

    rows: int
    bought: int
    kept: int
    unusable: int
    soft_rows: int
    input_tokens: int
    output_tokens: int
    agreement_with_targets: float | None
    seconds: float


class TrialRecord(ResultModel):
    """One trial of a sweep: its settings, and its figures on held-out train rows; null where it was stopped early."""

    number: int
    state: Literal["complete", "stopped early", "failed"]
    settings: dict[str, str | int | float | bool | None]
    quality: float | None
    requests_per_second: float | None
    p95_latency_ms: float | None
    model_size_mib: float | None
    feasible: bool
    seconds: float


class SweepResult(ResultModel):
    """A finished search; the chosen student stands in `model/` of the job's folder.

    Qualities are in `metric`, on the train rows that were held out of every trial. `chosen` is the number of a trial.
    """

    trials: tuple[TrialRecord, ...]
    chosen: int
    teacher_quality: float
    rows_held_out: int
    metric: Literal["accuracy", "macro_f1"] = "accuracy"
    seconds: float


class RungRecord(ResultModel):
    """One rung of a pruning ladder. Qualities are label agreement with the unpruned model, before and after recovery;
    `latency_ms` is the median of single requests."""

    removed_share: float
    parameters: int
    agreement_pruned: float
    agreement_recovered: float
    latency_ms: float


class CompressResult(ResultModel):
    """A compressed model; its files stand in `model/`. `label_agreement` is with the parent, on calibration rows."""

    steps: tuple[str, ...]
    parameters: int
    model_size_mib: float
    parent_size_mib: float
    label_agreement: float
    rows: int
    rungs: tuple[RungRecord, ...] = ()
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


class LatencySamples(ResultModel):
    """Milliseconds of single requests, one at a time, warm-up excluded, in the order of the timing pass."""

    milliseconds: tuple[float, ...]
    warm_up_requests: int


class TokenTimes(ResultModel):
    """Milliseconds of the tokens of single answers, from the moment of sending to the first token that is not empty and
    to the first one after the reasoning; (last − first) ÷ (tokens − 1) of each answer; and the gaps between tokens (of
    an endpoint: between its chunks) of all answers together."""

    time_to_first_token_ms: tuple[float, ...] = ()
    time_to_first_output_token_ms: tuple[float, ...] = ()
    time_per_output_token_ms: tuple[float, ...] = ()
    inter_token_ms: tuple[float, ...] = ()


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


class IndexResult(ResultModel):
    """An index over documents; its files stand in `index/` of the job's folder.

    Sizes are of files, in MiB: `index_mib` of the whole index, `embeddings_mib` of the embeddings in it, and
    `encoder_mib` of the encoder's weights. `cut_passages` are longer than the encoder reads. `skipped_files` of the
    folder are of no kind that is read.
    """

    documents: int
    passages: int
    words: int
    index_mib: float
    embeddings_mib: float
    encoder_mib: float
    cut_passages: int
    skipped_files: int
    resumed_passages: int = 0
    device: str
    seconds: float


class RetrievalFigures(ResultModel):
    """What retrieval found for the test rows. `milliseconds` are of each row's search, one at a time.

    `ranks` are the places, from 1, of the first right passage among those that were found, 0 where there was none, for
    the rows whose right passage can be told: by the `document` that the data names, or by the `answer`, the target's
    words in a passage. `unknown_documents` counts named documents that the index does not have, `leaked_rows` the test
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
    unknown_documents: int = 0
    leaked_rows: int = 0


class BenchmarkResult(ResultModel):
    """A candidate as measured. Predictions for the calibration and test rows stand in `predictions.jsonl` of the job's
    folder (and `train` rows too where the candidate is imported) and were sent as events.

    `runtimes[0]` is the best one, whose figures stand for the candidate; empty where nothing was timed (imported).
    `energy_source` "not measured" goes with a null figure. Sizes count weight files only.
    `cut_rows` counts test rows that are longer than the `max_length` tokens that the model sees (null without such a
    limit), `unfit_rows` those that a language model on this machine did not answer because they do not fit into its
    context; both are null where nobody knows.
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
    unfit_rows: int | None = None


class SuspectRow(ResultModel):
    """A test row whose label is probably wrong: the label that it has and the one that the model would give, with the
    calibrated probabilities of both."""

    example_id: str
    target: str
    suggested: str
    confidence: float
    target_probability: float


class LabelNoise(ResultModel):
    """The estimated share of wrong labels among the test rows with its 95 % interval (`core.metrics.label_noise`).

    Of the `surest_rows`, `disagreeing_rows` carry another label than the model's. `suspected` rows are those that
    confident learning suspects, no more than the interval's upper end allows; `suspects` are the surest of them.
    """

    rate: float
    low: float
    high: float
    rows: int
    surest_rows: int
    disagreeing_rows: int
    suspected: int
    suspects: tuple[SuspectRow, ...]


class UsableInformation(ResultModel):
    """V-usable information of the text about the label on the test rows, in bits, with its 95 % interval; `label_bits`
    is what there is to know."""

    bits: float
    low: float
    high: float
    label_bits: float
    rows: int


class SizeQuality(ResultModel):
    """The quality of the family on the test rows after learning from so many train rows, with its 95 % interval."""

    rows: int
    quality: float
    low: float
    high: float


class ExpectedQuality(ResultModel):
    """The quality expected at so many train rows, with its 95 % interval."""

    rows: int
    quality: float
    low: float
    high: float


class HeldOutQuality(ResultModel):
    """The largest size as the law tells it from the smaller ones, and as it was measured."""

    rows: int
    predicted: float
    measured: float


class LearningCurve(ResultModel):
    """Quality by train rows, ascending, and what a power law lets expect of more (`core.metrics.learning_curve`)."""

    metric: Literal["accuracy", "macro_f1"]
    sizes: tuple[SizeQuality, ...]
    held_out: HeldOutQuality
    expected: tuple[ExpectedQuality, ...]


class ProfileResult(ResultModel):
    """What the data itself allows, found with a model of the cheap `family`; parts are null where rows are too few.

    `rows` were each answered by a model that had not seen them.
    """

    family: Literal["tfidf_logistic_regression"]
    rows: int
    rows_test: int
    label_noise: LabelNoise | None
    usable_information: UsableInformation | None
    learning_curve: LearningCurve | None
    seconds: float


class CheckCount(ResultModel):
    """How many answers failed one check, and how many still do after the second request."""

    check: Literal["format", "citations", "groundedness"]
    failed: int
    remaining: int


class CheckResult(ResultModel):
    """What the checks of a benchmark's answers found; they stand as they are afterwards in `predictions.jsonl` of the
    job's folder, and what was wrong in `checks.jsonl`.

    `rows` are the test rows with an answer: `failed` ones do not pass every check, `re_asked` ones were asked again,
    and `corrected` ones pass then, so that the second answer stands. Second requests are of all rows measured;
    `second_ms` are the milliseconds of those of test rows. Scores are means over `rows`, before and after, null where a
    job of its own scores later.
    """

    rows: int
    failed: int
    re_asked: int
    corrected: int
    by_check: tuple[CheckCount, ...]
    second_requests: int = 0
    second_input_tokens: int = 0
    second_output_tokens: int = 0
    second_ms: tuple[float, ...] = ()
    score_before: float | None = None
    score_after: float | None = None
    seconds: float


class JudgeResult(ResultModel):
    """How the answers of a benchmark were scored; they stand with their scores in `predictions.jsonl` of the job's
    folder.

    `method`: `reference` and `pairwise` are a judge's, in both orders; `sentences` asks it about each sentence, and
    `words` asks nobody. `rows` were scored here; `given` have the score of their file, and `unanswered` have no answer
    and score 0. `disagreements` of `both_orders` rows got another verdict in the other order, whose means are
    `first_order` (the reference stands first) and `second_order`. Of `verdicts` so many are `unreadable`, and
    `unreadable_rows` have none at all and score 0. `bought` verdicts were asked for by this job, `kept` ones before;
    tokens are of both. On `exact_rows` whose target is short the judge and an exact match say the same in
    `exact_agreements`.
    """

    method: Literal["reference", "pairwise", "sentences", "words"]
    judge: str | None
    scale: int | None
    rows: int
    given: int
    unanswered: int
    both_orders: int = 0
    disagreements: int = 0
    first_order: float | None = None
    second_order: float | None = None
    verdicts: int = 0
    unreadable: int = 0
    unreadable_rows: int = 0
    bought: int = 0
    kept: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    exact_rows: int = 0
    exact_agreements: int = 0
    seconds: float


class LoadStep(ResultModel):
    """One level of a load test. In a closed loop `concurrency` clients ask, each its next request when its last one is
    answered; in an open one requests come `rate` a second, and `concurrency` can be under way.

    `latency_ms` are of the answered requests, from the moment at which each was due. `cut_off_ms` are waits of requests
    that were due and not sent before the time was up: bounds from below. `requests_per_second` are answers over
    `seconds`. The first `warm_up_requests` are in none of these figures.
    """

    loop: Literal["closed", "poisson", "constant"]
    concurrency: int
    rate: float | None
    requests_per_second: float
    latency_ms: tuple[float, ...]
    cut_off_ms: tuple[float, ...] = ()
    failed: int
    warm_up_requests: int
    seconds: float


class LoadResult(ResultModel):
    """A candidate under load: the closed loop's levels, then the open loop's. `requests` counts all that were sent."""

    runtime: str
    device: str
    steps: tuple[LoadStep, ...]
    requests: int
    seconds: float


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
    model: dict[str, object] = {}


class RouteResult(ResultModel):
    """Policies of one hybrid, scored out of sample; curves, verdicts and thresholds are derived when deciding, because
    they depend on prices. `omitted` maps a policy that could not be fitted to a message code (`routing.omitted.…`)."""

    folds: int
    example_ids: tuple[str, ...]
    tuning_example_ids: tuple[str, ...] = ()
    policies: tuple[PolicyScores, ...]
    length_priority: tuple[float, ...]
    omitted: dict[str, str] = {}
    seconds: float


Result = (
    PrepareResult
    | ProfileResult
    | TrainResult
    | LabelResult
    | SweepResult
    | CompressResult
    | IndexResult
    | BenchmarkResult
    | CheckResult
    | JudgeResult
    | LoadResult
    | SuiteResult
    | RouteResult
)
