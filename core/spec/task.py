"""What is to be answered, on which data."""

from __future__ import annotations

import string
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from core.spec.base import OpenShare, Seed, SpecModel


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
    """Which column of the data holds what. `document` names the document that answers a row, for retrieval's recall."""

    input: str = "text"
    target: str = "target"
    group: str | None = None
    context: str | None = None
    image: str | None = None
    document: str | None = None
    slice: list[str] = Field(default=[])


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
