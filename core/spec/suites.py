"""Standard suites: named tasks of lm-eval that language models and endpoints are measured on beside the user's data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt, model_validator

from core.spec.base import SpecModel


class Suite(SpecModel):
    """One task (or group) of lm-eval, by its name there; what it says is told beside the decision and is no part of it.

    `limit` takes the first rows of each task only. `num_fewshot` null means the task's own number of examples.
    `chat_template` asks in the model's chat template. `include_path` is a folder of tasks of the user's own (YAML).
    `candidates` names who is measured; null means every language model and endpoint.
    """

    task: Annotated[str, Field(min_length=1)]
    limit: PositiveInt | None = None
    num_fewshot: Annotated[int, Field(ge=0)] | None = None
    chat_template: bool = False
    include_path: str | None = None
    candidates: Annotated[list[str], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_task(self) -> Suite:
        if "," in self.task or self.task != self.task.strip():
            raise ValueError(
                "task names one task of lm-eval, without commas or blanks at its ends; write one entry each"
            )
        return self
