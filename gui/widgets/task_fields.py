"""The fields of a study's task: which there are, which make sense, and the metrics to choose from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.metrics.plugins import installed_metrics
from core.spec import METRICS_OF_KIND, PLUGIN_PREFIX, SCORED_LATER, FewShot, Judge, Task
from gui.study_edits.shapes import Document, defaults_of
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of

SCHEMA_FILE = FieldSpec(
    "task.json_schema", FieldKind.PATH, optional=True, presentation=Presentation(wide=True, files="*.json")
)
EXAMPLES, EXAMPLES_SEED = "task.few_shot.examples", "task.few_shot.seed"
JUDGE_MODEL = FieldSpec("task.judge.model", FieldKind.JUDGE, optional=True)
JUDGE_PROFILE = "task.judge.profile"
JUDGE_FIELDS = ("mode", "scale", "prompt", "text_only", "max_output_tokens", "profile")


def shown_of_task(task: Document, *, asked: bool, pictured: bool) -> set[str]:
    """The task's fields that make sense where something is `asked` in words, beside pictures or not; a schema that
    stands in the study itself is left to the study file."""
    schema, judge = task.get("json_schema"), task.get("judge") or {}
    judged = bool(judge) and task.get("metric") == "judge"
    shown = {
        "task.prompt": asked,
        "task.max_output_tokens": asked,
        "task.json_schema": not isinstance(schema, dict)
        and (schema is not None or task.get("metric") == "json_schema" or task.get("kind") == "extraction"),
        "task.separator": task.get("kind") == "multi_label",
        EXAMPLES: asked,
        EXAMPLES_SEED: asked and bool(task.get("few_shot")),
        JUDGE_MODEL.path: task.get("metric") in SCORED_LATER,
        "task.judge.mode": judged,
        "task.judge.scale": judged and judge.get("mode") == "reference",
        "task.judge.prompt": bool(judge),
        "task.judge.max_output_tokens": bool(judge),
        JUDGE_PROFILE: bool(judge),
        "task.judge.text_only": bool(judge) and (pictured or bool(judge.get("text_only"))),
    }
    return {"task.kind", "task.metric", *(path for path, makes_sense in shown.items() if makes_sense)}


def task_specs() -> list[FieldSpec]:
    """The fields of the task's form, in order."""
    long_text = {"kind": FieldKind.LONG_TEXT}
    special: dict[str, dict[str, Any]] = {
        "task.prompt": long_text,
        "task.judge.prompt": long_text,
        EXAMPLES: {"optional": True},
        "task.judge.max_output_tokens": {"presentation": Presentation("tokens")},
        JUDGE_PROFILE: {"kind": FieldKind.CHOICE},
    }
    judge = [JUDGE_MODEL, *fields_of(Judge, "task.judge", JUDGE_FIELDS)]
    specs = [*fields_of(Task, "task"), SCHEMA_FILE, *fields_of(FewShot, "task.few_shot"), *judge]
    return [replace(spec, **special.get(spec.path, {})) for spec in specs]


def metrics_of(kind: str, chosen: str) -> tuple[str, ...]:
    """The metrics to choose from: Tercet's, those of installed packages, and a package's that the study names."""
    own = [f"{PLUGIN_PREFIX}{name}" for name in installed_metrics()]
    named = [chosen] if chosen.startswith(PLUGIN_PREFIX) and chosen not in own else []
    return (*METRICS_OF_KIND.get(kind, ()), *own, *named)


def judged_by(task: Document, model: Document | None) -> Document | None:
    """The task's judge with another model; null for nobody."""
    return None if model is None else {**defaults_of(Judge), **(task.get("judge") or {}), "model": model}
