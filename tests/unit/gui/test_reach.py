"""What the study file can say, the window's forms can say too; what they leave out is listed here by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from core.spec import Study
from gui.app import Application
from gui.study_edits.shapes import MODELS
from gui.widgets.candidate_fields import stage_fields, step_fields
from gui.widgets.form import FieldForm

SOURCE_OF = {model.__name__: source for source, model in MODELS.items()}
LEFT_OUT = {
    "version": "the only one that there is",
    "data.file": "chosen by a dialog of its own",
    "data.split.group": "data.columns.group keeps rows together too",
    "task.checks.format.json_object": "one of the forms of an answer",
    "task.judge.model.hub.language_model": "a judge always answers in text",
    "task.judge.model.local.language_model": "a judge always answers in text",
    "suites.task": "told by the list of tasks",
    "candidates.compress.trim_vocabulary": "a step without figures",
    "candidates.compress.quantize": "a step without figures",
    "retrieval.encoder.language_model": "an encoder answers in no text",
    "retrieval.encoder.runtime": "an encoder is no GGUF file",
}


def models_in(annotation: Any) -> list[type[BaseModel]]:
    if get_origin(annotation) is Annotated:
        return models_in(get_args(annotation)[0])
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in models_in(part)]


def leaves(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """The paths of all that a study can say; below a candidate's model stands its source."""
    for name, info in model.model_fields.items():
        here = f"{path}.{name}".removeprefix(".")
        parts = models_in(info.annotation)
        for part in parts:
            source = SOURCE_OF.get(part.__name__) if here in ("candidates.model", "task.judge.model") else None
            yield from leaves(part, f"{here}.{source}" if source else here)
        if not parts:
            yield here


def test_every_part_of_the_study_file_has_a_field_in_the_window(application: Application) -> None:
    window = application.window
    judge = window.study_page.task.judge.section.form
    shown = {path for form in window.findChildren(FieldForm) if form is not judge for path in form.rows}
    shown |= {path.replace("candidate.", "task.judge.", 1) for path in judge.rows}
    for fields in (step_fields(), stage_fields()):
        shown |= {spec.path for specs in fields.values() for spec in specs}
    reached = {re.sub(r"^candidate\.", "candidates.", path) for path in shown}
    asked = {path.replace("profiles.price.", "profiles.") for path in leaves(Study)}
    # Which source a model has is one choice, whatever the source.
    asked = {path for path in asked if not path.endswith(".source") or path == "profiles.source"}
    assert asked - reached == set(LEFT_OUT)
