"""The fields of a study's task: which there are, which make sense, and the metrics to choose from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.metrics.plugins import installed_metrics
from core.spec import METRICS_OF_KIND, PLUGIN_PREFIX, FewShot, Task
from gui.study_edits.shapes import Document
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of

SCHEMA_FILE = FieldSpec(
    "task.json_schema", FieldKind.PATH, optional=True, presentation=Presentation(wide=True, files="*.json")
)
EXAMPLES, EXAMPLES_SEED = "task.few_shot.examples", "task.few_shot.seed"
UNOFFERED = ("judge",)
"""Metrics that this version computes from the scores of imported predictions only."""


def shown_of_task(task: Document, *, asked: bool) -> set[str]:
    """The task's fields that make sense; a schema that stands in the study itself is left to the study file."""
    schema = task.get("json_schema")
    shown = {
        "task.prompt": asked,
        "task.max_output_tokens": asked,
        "task.json_schema": not isinstance(schema, dict)
        and (schema is not None or task.get("metric") == "json_schema" or task.get("kind") == "extraction"),
        "task.separator": task.get("kind") == "multi_label",
        EXAMPLES: asked,
        EXAMPLES_SEED: asked and bool(task.get("few_shot")),
    }
    return {"task.kind", "task.metric", *(path for path, makes_sense in shown.items() if makes_sense)}


def task_specs() -> list[FieldSpec]:
    """The fields of the task's form, in order."""
    special: dict[str, dict[str, Any]] = {"task.prompt": {"kind": FieldKind.LONG_TEXT}, EXAMPLES: {"optional": True}}
    specs = [*fields_of(Task, "task"), SCHEMA_FILE, *fields_of(FewShot, "task.few_shot")]
    return [replace(spec, **special.get(spec.path, {})) for spec in specs]


def metrics_of(kind: str, chosen: str) -> tuple[str, ...]:
    """The metrics to choose from: Tercet's, those of installed packages, and a package's that the study names."""
    own = [f"{PLUGIN_PREFIX}{name}" for name in installed_metrics()]
    named = [chosen] if chosen.startswith(PLUGIN_PREFIX) and chosen not in own else []
    return (*(name for name in METRICS_OF_KIND.get(kind, ()) if name not in UNOFFERED), *own, *named)
