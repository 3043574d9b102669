"""The JSON schema of a task, read from its file and checked when a study is planned."""

from __future__ import annotations

import json
from pathlib import Path

from core.errors import UserError
from core.metrics.json_schema import SchemaScorer
from core.spec import Study
from core.study_file import resolve_path


def with_schema_read(study: Study, base: Path) -> Study:
    """The study with the schema itself in place of its file, so that its content is part of every job's identity.

    Raises UserError for a file that is missing or no JSON object, and for what is no JSON schema.
    """
    given = study.task.json_schema
    if given is None:
        return study
    schema = _read(resolve_path(base, given)) if isinstance(given, str) else given
    SchemaScorer(schema)
    return study.model_copy(update={"task": study.task.model_copy(update={"json_schema": schema})})


def _read(path: Path) -> dict[str, object]:
    try:
        schema = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError("study.schema_missing", field="task.json_schema", path=str(path)) from error
    except ValueError as error:
        raise UserError(
            "study.schema_unreadable", field="task.json_schema", path=str(path), problem=str(error)
        ) from error
    if not isinstance(schema, dict):
        raise UserError("study.schema_unreadable", field="task.json_schema", path=str(path), problem="no JSON object")
    return schema
