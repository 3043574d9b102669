"""What is to be answered, on which data."""

from __future__ import annotations

import string
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from core.spec.base import OpenShare, Seed, SpecModel
from core.spec.checks import Checks
from core.spec.judging import Judge

METRICS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1"),
    "generation": ("exact_match", "numeric", "bleu", "rouge_l", "chrf", "json_schema", "judge", "groundedness"),
    "extraction": ("field_f1", "json_schema"),
    "multi_label": ("micro_f1", "macro_f1", "example_f1", "subset_accuracy"),
}
"""The metrics that Tercet brings for each kind of task, the most usual one first."""
PLUGIN_PREFIX = "plugin:"
"""What a metric of the user's own begins with; the name of its entry point follows."""
BuiltInMetric = Literal[
    "accuracy",
    "macro_f1",
    "exact_match",
    "numeric",
    "bleu",
    "rouge_l",
    "chrf",
    "json_schema",
    "field_f1",
    "micro_f1",
    "example_f1",
    "subset_accuracy",
    "judge",
    "groundedness",
]
WRITING_KINDS = ("generation", "extraction")
"""Kinds whose answers are texts that every model writes: none is a classifier."""
SCORED_LATER = ("judge", "groundedness")
"""Metrics whose scores a job of its own finds once the answers are there."""
TARGETLESS = ("json_schema", "groundedness")
"""Metrics that hold an answer against something else than a target."""
PluginMetric = Annotated[str, Field(pattern=rf"^{PLUGIN_PREFIX}\S.*$")]


class FewShot(SpecModel):
    """Answered rows of train that a language model is shown before it is asked. `examples` is how many."""

    examples: Annotated[int, Field(ge=1, le=100)]
    seed: Seed = 7


class Task(SpecModel):
    """What is to be answered and how an answer is scored.

    `prompt` is what a language model is asked, with column names in braces. An answer of a language model ends after
    `max_output_tokens`. `few_shot` shows it answered rows first, unless it was trained here. A metric `plugin:NAME` is
    that of an installed package (`core.metrics.plugins`). `json_schema` is a JSON schema, or the path of its file: what
    an answer must fit under the metric of that name, and what an extraction without a prompt asks for. `separator`
    parts the labels of a multi-label row where they are no JSON list. `judge` scores the answers of metric judge, and
    finds what the context supports under groundedness, which else goes by words and numbers (`core.metrics.grounding`).
    `checks` are what every answer must keep to.
    """

    kind: Literal["classification", "generation", "extraction", "multi_label"]
    metric: BuiltInMetric | PluginMetric
    prompt: str | None = None
    max_output_tokens: PositiveInt = 256
    few_shot: FewShot | None = None
    json_schema: str | dict[str, Any] | None = None
    separator: Annotated[str, Field(min_length=1, max_length=10)] | None = None
    judge: Judge | None = None
    checks: Checks | None = None

    @model_validator(mode="after")
    def _metric_fits_kind(self) -> Task:
        allowed = METRICS_OF_KIND[self.kind]
        if self.plugin is None and self.metric not in allowed:
            raise ValueError(f"metric {self.metric} does not fit kind {self.kind}; choose one of {', '.join(allowed)}")
        return self

    @model_validator(mode="after")
    def _options_fit_kind(self) -> Task:
        if self.metric == "json_schema" and self.json_schema is None:
            raise ValueError("json_schema is missing; give the schema, or the path of its file, that answers must fit")
        if self.json_schema is not None and self.metric != "json_schema" and self.kind != "extraction":
            raise ValueError("json_schema belongs to kind extraction and to metric json_schema; remove it")
        if self.separator is not None and self.kind != "multi_label":
            raise ValueError("separator belongs to kind multi_label; remove it")
        return self

    @model_validator(mode="after")
    def _checks_fit_kind(self) -> Task:
        if self.checks is not None and not self.writes:
            raise ValueError(
                f"checks belong to kinds whose answers are texts ({', '.join(WRITING_KINDS)}); remove them"
            )
        return self

    @model_validator(mode="after")
    def _judge_is_used(self) -> Task:
        if self.judge is not None and not self.scored_later:
            needing = " or ".join(SCORED_LATER)
            raise ValueError(f"judge is of no use to metric {self.metric}; choose {needing}, or remove judge")
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
    def counted_as(self) -> str:
        """The metric by the name that `core.metrics.quality` counts it under: the same word means two things where
        rows have one label and where they have any number."""
        return f"labels_{self.metric}" if self.kind == "multi_label" else self.metric

    @property
    def writes(self) -> bool:
        """Whether answers are texts that every model writes."""
        return self.kind in WRITING_KINDS

    @property
    def needs_targets(self) -> bool:
        """Whether an answer is scored by a target: a schema and a context are there without any."""
        return self.metric not in TARGETLESS

    @property
    def scored_later(self) -> bool:
        """Whether a job of its own scores the answers once they are there."""
        return self.metric in SCORED_LATER

    @property
    def plugin(self) -> str | None:
        """The name of the user's own metric; null where the metric is one of Tercet's."""
        return self.metric.removeprefix(PLUGIN_PREFIX) if self.metric.startswith(PLUGIN_PREFIX) else None

    @property
    def prompt_columns(self) -> tuple[str, ...]:
        """The columns that the prompt names, each once, in order. Raises ValueError for a brace without its match."""
        if self.prompt is None:
            return ()
        names = [name for _, name, _, _ in string.Formatter().parse(self.prompt) if name is not None]
        return tuple(dict.fromkeys(names))


class Columns(SpecModel):
    """Which column of the data holds what. `document` names the document that answers a row, for retrieval's recall.

    `weight` is how much each test and calibration row counts, above 0, where production traffic differs from the test
    mix; every share, mean and interval over those rows is weighted by it, while numbers of rows count rows and
    latencies are as timed. The entropy of the labels is then that of the test rows. A training's loss is weighted where
    that asks for it (`train.weighted`), for which the train rows need weights too.
    """

    input: str = "text"
    target: str = "target"
    group: str | None = None
    context: str | None = None
    image: str | None = None
    document: str | None = None
    slice: list[str] = Field(default=[])
    weight: str | None = None


class SplitPlan(SpecModel):
    """How one file is split. Shares are of all rows; `group` names a column whose rows stay together.

    `time` names a column of dates: the newest rows are then test, those before them calibration, the oldest train, and
    the seed decides nothing.
    """

    test: OpenShare = 0.2
    calibration: OpenShare = 0.2
    seed: Seed = 7
    group: str | None = None
    time: str | None = None

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
