"""The JSON schema of a task, read from its file and checked when a study is planned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.i18n import english
from core.metrics.json_schema import SchemaScorer
from core.spec import Study
from core.study_file import resolve_path


def with_schema_read(study: Study, base: Path) -> Study:
    """The study with the schema itself in place of its file, so that its content is part of every job's identity.

    Raises UserError for a file that is missing or no JSON object, and for what is no JSON schema.
    """
    task, checks = study.task, study.task.checks
    if task.json_schema is not None:
        task = task.model_copy(update={"json_schema": _checked(task.json_schema, base, "task.json_schema")})
    if checks is not None and checks.format is not None and checks.format.json_schema is not None:
        schema = _checked(checks.format.json_schema, base, "task.checks.format.json_schema")
        form = checks.format.model_copy(update={"json_schema": schema})
        task = task.model_copy(update={"checks": checks.model_copy(update={"format": form})})
    return study if task is study.task else study.model_copy(update={"task": task})


def _checked(given: str | dict[str, Any], base: Path, field: str) -> dict[str, Any]:
    schema = _read(resolve_path(base, given), field) if isinstance(given, str) else given
    SchemaScorer(schema, field)
    return schema


def _read(path: Path, field: str) -> dict[str, Any]:
    try:
        schema = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError("study.schema_missing", field=field, path=str(path)) from error
    except ValueError as error:
        raise UserError("study.schema_unreadable", field=field, path=str(path), problem=str(error)) from error
    if not isinstance(schema, dict):
        raise UserError(
            "study.schema_unreadable", field=field, path=str(path), problem=english("study.schema_no_object")
        )
    return schema
