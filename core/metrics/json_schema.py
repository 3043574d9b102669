"""Whether an answer is JSON that fits a schema. The library is loaded when the first schema is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import UserError
from core.lazy import load
from core.metrics.json_text import json_of

_FIELD = "task.json_schema"


class SchemaScorer:
    """1 for an answer that is JSON, fences and prose around it aside, and fits the schema; 0 for any other.

    `field` of the study file gave the schema. Raises UserError for what is no JSON schema, and for references outside
    it: nothing is ever fetched.
    """

    def __init__(self, schema: Mapping[str, Any], field: str = _FIELD) -> None:
        library: Any = load("jsonschema")
        kind = library.validators.validator_for(schema, default=library.Draft202012Validator)
        try:
            kind.check_schema(schema)
        except library.SchemaError as error:
            place = "/".join(str(part) for part in error.absolute_path) or "its root"
            raise UserError("metrics.schema_broken", field=field, place=place, problem=error.message[:200]) from error
        outside = next((reference for reference in _references(schema) if not reference.startswith("#")), None)
        if outside is not None:
            raise UserError("metrics.schema_reference", field=field, reference=outside)
        self._field = field
        self._validator = kind(schema, registry=load("referencing").Registry())
        self._unresolvable = load("referencing.exceptions").Unresolvable

    def __call__(self, output: str, target: str) -> float:
        """1 where the answer fits; the target does not matter. Raises UserError for a reference that leads nowhere."""
        try:
            return float(self._validator.is_valid(json_of(output)))
        except ValueError:
            return 0.0
        except self._unresolvable as error:
            raise UserError("metrics.schema_reference", field=self._field, reference=str(error.ref)) from error


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in ("$ref", "$dynamicRef") and isinstance(item, str):
                yield item
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
