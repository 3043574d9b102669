"""What a job is told: a spec that completely determines the work.

`parameters` holds all that determines the result besides the inputs; `inputs` maps a part's name to the id of the job
whose result it is. The job id is the hash of both (`core.jobs.identity`), so a spec never names its candidate.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.domain import JobKind, PolicyKind
from core.spec import (
    BaselineModel,
    Checks,
    Columns,
    Encoder,
    EndpointModel,
    GgufModel,
    HubModel,
    Judge,
    LoadPlan,
    LocalModel,
    PredictionsModel,
    Prune,
    Quantize,
    SampleModel,
    SplitPlan,
    SweepModel,
    Task,
    TeacherLayers,
    Train,
    TrimVocabulary,
)

# A ready model whose weights lie on this machine, and one that answers wherever it runs.
LoadableModel = Annotated[HubModel | LocalModel | SampleModel | GgufModel, Field(discriminator="source")]
AnsweringModel = Annotated[
    HubModel | LocalModel | SampleModel | GgufModel | EndpointModel, Field(discriminator="source")
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataFile(_Part):
    """One file of the user's data: its absolute path (no part of the identity) and the SHA-256 of its bytes."""

    path: str
    sha256: str


class PredictionsFile(_Part):
    """One predictions file and its column names."""

    file: DataFile
    columns: PredictionsModel


class VendorPrice(_Part):
    """What an endpoint's vendor takes, in `currency`: per million tokens, or per million requests. No part of the
    identity: it caps what a job may spend and changes no answer."""

    currency: str
    per_million_input_tokens: float | None = None
    per_million_output_tokens: float | None = None
    per_million_requests: float | None = None

    def money(self, requests: float, input_tokens: float, output_tokens: float) -> float:
        """The price of so many requests with so many tokens in all."""
        return (
            requests * (self.per_million_requests or 0.0)
            + input_tokens * (self.per_million_input_tokens or 0.0)
            + output_tokens * (self.per_million_output_tokens or 0.0)
        ) / 1_000_000.0


class PrepareParameters(_Part):
    """Read, group duplicates, split. Inputs: none.

    Either `files` (keys train, calibration, test) or `file` with `split`; with neither, the dataset is made of the
    rows of `predictions`, joined on id, else on input, and split by `split` (all rows are test where it is null).
    `judged` says that predictions without a score get one later, `keep_context` that the context's cells are needed,
    `weigh_train` that a train file of its own has weights as well.
    """

    kind: Literal[JobKind.PREPARE] = JobKind.PREPARE
    task: Task
    file: DataFile | None = None
    files: dict[str, DataFile] = {}
    predictions: tuple[DataFile, ...] = ()
    prediction_columns: tuple[PredictionsModel, ...] = ()
    columns: Columns
    split: SplitPlan | None
    overlap: Literal["refuse", "drop"]
    needs_train: bool
    set_calibration_aside: bool
    judged: bool = False
    keep_context: bool = False
    weigh_train: bool = False


class ProfileParameters(_Part):
    """Say what the rows themselves allow: wrong labels, usable information, a learning curve. Inputs: `data`."""

    kind: Literal[JobKind.PROFILE] = JobKind.PROFILE
    metric: Literal["accuracy", "macro_f1"]


class TrainPart(_Part):
    """A part of the train rows: whole groups in the order that `seed` draws, until `share` of the rows are there, so
    that a smaller part lies within a larger one of the same seed (`core.data.train_part`)."""

    share: float
    seed: int


class FineTuneParameters(_Part):
    """Train on the targets. Inputs: `data`; `model` where the weights start from another job's result.

    `task` is given where a language model is trained. With `held_out_seed` the rows that a search of that seed judges
    its students by are not learnt, so that the teacher can be judged by them as well. A floor averages the token
    embeddings of the input `embeddings`, or of `embeddings_model` where no job made the teacher. `part` null means
    all train rows.
    """

    kind: Literal[JobKind.FINE_TUNE] = JobKind.FINE_TUNE
    model: LoadableModel | BaselineModel | None
    model_sha256: str | None = None
    task: Task | None = None
    train: Train
    held_out_seed: int | None = None
    embeddings_model: LoadableModel | None = None
    embeddings_sha256: str | None = None
    part: TrainPart | None = None


class DistillParameters(_Part):
    """Train a student on what its teacher says. Inputs: `data`; `teacher`, the job that made it, or `labels`, the job
    that asked it (a language model that labels); `model` where the student starts from another job's result.

    `model` null with no such input means: layers of the teacher, as `layers` says. `teacher_model` is given where the
    teacher is a ready model that no job made. `task` is given where a language model is trained. `stream` is the file
    of new examples of dynamic distillation, whose columns are `columns`; its rounds are judged by `metric`. `part` null
    means all train rows.
    """

    kind: Literal[JobKind.DISTILL] = JobKind.DISTILL
    model: LoadableModel | BaselineModel | None = None
    model_sha256: str | None = None
    layers: TeacherLayers | None = None
    teacher_model: LoadableModel | None = None
    teacher_sha256: str | None = None
    task: Task | None = None
    stream: DataFile | None = None
    columns: Columns | None = None
    metric: Literal["accuracy", "macro_f1"] = "accuracy"
    train: Train
    part: TrainPart | None = None


class LabelParameters(_Part):
    """A language model answers the train rows. Inputs: `data`; `model` where it is another job's result.

    `reasoning` says whether the text to learn keeps what the model thought before its answer. `price` is an endpoint's.
    """

    kind: Literal[JobKind.LABEL] = JobKind.LABEL
    task: Task
    loadable: AnsweringModel | None = None
    model_sha256: str | None = None
    reasoning: Literal["keep", "strip"] = "strip"
    price: VendorPrice | None = None


class SweepLimits(_Part):
    """What the criteria ask of a student: milliseconds, a share, and seconds of machine time that a request may take
    within the monthly budget; null where they ask nothing."""

    p95_latency_ms: float | None = None
    min_quality: float | None = None
    machine_seconds_per_request: float | None = None


class SweepParameters(_Part):
    """Search for the best student. Inputs: `data`, `teacher`; `reference`, the teacher trained without the rows that
    students are judged by, where a training on the targets made the teacher. `train` holds what all trials share.

    A language model may teach as it is (`teacher_model`, with no input `teacher`), and be asked with examples before a
    message (`teacher_task`, null where it is asked as its students are). With the input `labels`, the job that asked
    it, students learn its text.
    """

    kind: Literal[JobKind.SWEEP] = JobKind.SWEEP
    task: Task
    space: SweepModel
    limits: SweepLimits
    train: Train
    teacher_model: LoadableModel | None = None
    teacher_sha256: str | None = None
    teacher_task: Task | None = None


class CompressParameters(_Part):
    """Apply `steps` in order to the model of the input `model`, or to `loadable`. Inputs: `data`, `model`; `teacher`,
    or a ready `teacher_model`, where another model than the unpruned one teaches the recovery after pruning."""

    kind: Literal[JobKind.COMPRESS] = JobKind.COMPRESS
    loadable: LoadableModel | None = None
    model_sha256: str | None = None
    task: Task | None = None
    steps: tuple[Prune | TrimVocabulary | Quantize, ...]
    teacher_model: LoadableModel | None = None
    teacher_sha256: str | None = None


class DocumentSource(_Part):
    """The user's documents: a folder or a file, and the SHA-256 of all names and bytes in it. Of a table each row is a
    document, with its text in `column` and its name in `id_column`."""

    path: str
    sha256: str
    column: str | None = None
    id_column: str | None = None


class IndexParameters(_Part):
    """Cut documents into passages and index them. Inputs: none. Without an `encoder` there are no embeddings."""

    kind: Literal[JobKind.INDEX] = JobKind.INDEX
    documents: DocumentSource
    chunk_words: int
    overlap_words: int
    encoder: Encoder | None = None
    encoder_sha256: str | None = None
    passage_prefix: str = ""


class RetrievalUse(_Part):
    """How passages are found in an index and put into a message; null for the usual `prompt`. `document_column` holds
    the name of the document that answers a row, where the data tells it; a passage has at most `chunk_words`."""

    method: Literal["hybrid", "bm25", "embeddings"]
    top_k: int
    chunk_words: int
    encoder: Encoder | None = None
    encoder_sha256: str | None = None
    query_prefix: str = ""
    prompt: str | None = None
    document_column: str | None = None


class BenchmarkParameters(_Part):
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


class CheckParameters(_Part):
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


class JudgeParameters(_Part):
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


class SuiteParameters(_Part):
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


class LoadParameters(_Part):
    """Test under load what a benchmark measured. Inputs: `data`, `benchmark`; `model` where it is another job's result.

    A model on this machine is tested under the runtime that the benchmark found best. `price` is an endpoint's.
    """

    kind: Literal[JobKind.LOAD] = JobKind.LOAD
    task: Task
    loadable: AnsweringModel | None = None
    model_sha256: str | None = None
    plan: LoadPlan
    price: VendorPrice | None = None


class RouteParameters(_Part):
    """Fit and evaluate policies. Inputs: `data`, `teacher` and `student` (benchmark jobs)."""

    kind: Literal[JobKind.ROUTE] = JobKind.ROUTE
    task: Task
    policies: tuple[PolicyKind, ...]
    folds: int | None
    train_rows_usable: bool


Parameters = Annotated[
    PrepareParameters
    | ProfileParameters
    | FineTuneParameters
    | DistillParameters
    | LabelParameters
    | SweepParameters
    | CompressParameters
    | BenchmarkParameters
    | CheckParameters
    | JudgeParameters
    | LoadParameters
    | RouteParameters
    | IndexParameters
    | SuiteParameters,
    Field(discriminator="kind"),
]


class JobSpec(BaseModel):
    """The document `spec.json` of a job's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_id: str
    parameters: Parameters
    inputs: dict[str, str] = {}

    @property
    def kind(self) -> JobKind:
        """The kind of work."""
        return self.parameters.kind
