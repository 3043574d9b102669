"""What a form shows for each field of a pydantic model: its kind from the type, its unit and scale from one table."""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from core.spec import KNOWN_PACKS


class FieldKind(Enum):
    """Which editor a field gets."""

    NUMBER = "number"
    INTEGER = "integer"
    TEXT = "text"
    CHOICE = "choice"
    FLAG = "flag"
    WORDS = "words"
    FACTS = "facts"
    PATH = "path"
    LONG_TEXT = "long_text"
    PAIRS = "pairs"
    JSON = "json"
    INTEGERS = "integers"
    NUMBERS = "numbers"
    LAYERS = "layers"
    LAYER_CHOICES = "layer_choices"
    WIDTHS = "widths"
    RANGE = "range"
    FLAGS = "flags"
    STEPS = "steps"
    STAGES = "stages"
    JUDGE = "judge"


@dataclass(frozen=True)
class Presentation:
    """How a field is shown: `unit` is a code `gui.unit.…`, `scale` what a stored value is multiplied with.

    `suggestions` are words offered for a list; where `closed`, no others can be added. A `wide` line takes the room of
    its unit too. `files` are the patterns of a file to choose; empty means a folder.
    """

    unit: str | None = None
    scale: float = 1.0
    suggestions: tuple[str, ...] = ()
    closed: bool = False
    wide: bool = False
    files: str = ""


@dataclass(frozen=True)
class FieldSpec:
    """One field of a form. Its label's code is `field.<path>`, its help's `field.<path>.help`."""

    path: str
    kind: FieldKind
    optional: bool
    choices: tuple[str, ...] = ()
    presentation: Presentation = field(default_factory=Presentation)


PRESENTATIONS: dict[str, Presentation] = {
    "criteria.cost.monthly_budget": Presentation("money_month"),
    "criteria.cost.monthly_requests": Presentation("requests_month"),
    "criteria.cost.horizon_months": Presentation("months"),
    "criteria.cost.value_per_success": Presentation("money_answer"),
    "criteria.service.p95_latency_ms": Presentation("milliseconds"),
    "criteria.service.time_to_first_token_ms": Presentation("milliseconds"),
    "criteria.service.time_per_output_token_ms": Presentation("milliseconds"),
    "criteria.service.min_quality": Presentation("percent", 100),
    "criteria.service.quality_margin": Presentation("points", 100),
    "criteria.compliance.data_classes": Presentation(suggestions=("personal", "health", "payment", "confidential")),
    "criteria.compliance.jurisdictions": Presentation(suggestions=("EU", "UK", "US", "CN")),
    "criteria.compliance.facts": Presentation(suggestions=("contract.dpa",)),
    "criteria.compliance.packs": Presentation(suggestions=KNOWN_PACKS, closed=True),
    "routing.folds": Presentation("folds"),
    "task.max_output_tokens": Presentation("tokens"),
    "task.few_shot.examples": Presentation("rows"),
    "data.split.test": Presentation("percent", 100),
    "data.split.calibration": Presentation("percent", 100),
}


def fields_of(model: type[BaseModel], prefix: str, only: tuple[str, ...] | None = None) -> list[FieldSpec]:
    """The fields of a model that a form can show, in declared order; nested models are left out."""
    specs = []
    for name, info in model.model_fields.items():
        kind, optional, choices = _kind_of(info.annotation)
        path = f"{prefix}.{name}" if prefix else name
        if kind is not None and (only is None or name in only):
            specs.append(FieldSpec(path, kind, optional, choices, PRESENTATIONS.get(path, Presentation())))
    return specs


def _kind_of(annotation: Any) -> tuple[FieldKind | None, bool, tuple[str, ...]]:
    optional = False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            members = [member for member in get_args(annotation) if member is not type(None)]
            optional = optional or type(None) in get_args(annotation)
            # Among named choices and free text the form offers the choices; the page may add others.
            named = [member for member in members if get_origin(member) is Literal]
            if len(members) != 1 and len(named) != 1:
                return None, optional, ()
            annotation = (named or members)[0]
        else:
            break
    if origin is Literal:
        return FieldKind.CHOICE, optional, tuple(str(choice) for choice in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return FieldKind.CHOICE, optional, tuple(member.value for member in annotation)
    if origin is list:
        return FieldKind.WORDS, optional, ()
    if origin is dict:
        return FieldKind.FACTS, optional, ()
    by_type = {bool: FieldKind.FLAG, int: FieldKind.INTEGER, float: FieldKind.NUMBER, str: FieldKind.TEXT}
    return by_type.get(annotation), optional, ()
