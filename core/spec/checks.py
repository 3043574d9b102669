"""What every answer must keep to, whatever it is worth by the metric."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from core.spec.base import Share, SpecModel

NonEmpty = Annotated[str, Field(min_length=1)]


class FormatCheck(SpecModel):
    """The form of an answer, one of four: all of it matches `regex`, it is a JSON object, it fits a JSON schema (given,
    or the path of its file), or it is one of `labels`."""

    regex: NonEmpty | None = None
    json_object: bool = False
    json_schema: NonEmpty | dict[str, Any] | None = None
    labels: Annotated[list[NonEmpty], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> FormatCheck:
        given = [self.regex is not None, self.json_object, self.json_schema is not None, self.labels is not None]
        if sum(given) != 1:
            raise ValueError("format needs exactly one of regex, json_object, json_schema and labels")
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as error:
                raise ValueError(f"regex is no regular expression ({error}); correct it") from None
        return self


class CitationCheck(SpecModel):
    """Citations such as [2] must be numbers of the context's passages, and what stands in quotation marks must stand in
    the context, where `quotes` says so. With `required` an answer without any citation fails too."""

    required: bool = False
    quotes: bool = True


class GroundednessCheck(SpecModel):
    """At least this share of an answer's sentences must be supported by the context (`core.metrics.grounding`)."""

    at_least: Share = 0.7


class Checks(SpecModel):
    """Checks of each answer. With `re_ask` one that fails is asked for once more, with what is wrong in the message;
    the second answer takes its place where it passes."""

    format: FormatCheck | None = None
    citations: CitationCheck | None = None
    groundedness: GroundednessCheck | None = None
    re_ask: bool = False

    @model_validator(mode="after")
    def _checks_something(self) -> Checks:
        if self.format is None and self.citations is None and self.groundedness is None:
            raise ValueError("checks checks nothing; give format, citations or groundedness, or remove it")
        return self

    @property
    def need_context(self) -> bool:
        """Whether answers are held against the context."""
        return self.citations is not None or self.groundedness is not None
