"""Reading and writing study files: YAML or JSON in, a checked `Study` out, one clear sentence for what is wrong."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.errors import UserError
from core.i18n import english
from core.spec import Study
from core.study_checks import check_study

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class LoadedStudy:
    """A study with the folder that its relative paths refer to and the text that it was read from."""

    study: Study
    base: Path
    text: str


class _StrictLoader(yaml.SafeLoader):
    """PyYAML lets a later key win silently; a study file may not name a key twice."""

    path = ""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (str, int, float, bool)) and key in seen:
                raise UserError("study.key_twice", path=self.path, key=str(key), line=key_node.start_mark.line + 1)
            seen.add(str(key) if isinstance(key, list | dict) else key)
        return super().construct_mapping(node, deep)


def load_study(path: Path) -> LoadedStudy:
    """The checked study of a YAML or JSON file. Raises UserError naming the field or line, and the remedy."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UserError("study.file_missing", path=str(path)) from error
    except IsADirectoryError as error:
        raise UserError("study.file_is_folder", path=str(path)) from error
    except UnicodeDecodeError as error:
        raise UserError("study.not_text", path=str(path)) from error
    return LoadedStudy(parse_study(text, path.name), path.resolve().parent, text)


def parse_study(text: str, name: str) -> Study:
    """The checked study of a YAML or JSON text; `name` is the file's name for messages. Raises UserError."""
    try:
        document = yaml.load(text, type("_Loader", (_StrictLoader,), {"path": name}))  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(
            "study.yaml_broken", path=name, line=line, problem=error.problem or english("study.yaml_unreadable")
        ) from error
    except yaml.YAMLError as error:
        raise UserError("study.yaml_broken", path=name, line=1, problem=" ".join(str(error).split())) from error
    if not isinstance(document, Mapping):
        raise UserError("study.not_a_mapping", path=name)
    return validate_study(document)


def validate_study(document: Mapping[Any, Any]) -> Study:
    """The checked study of a parsed document. Raises UserError naming the first wrong field."""
    try:
        study = Study.model_validate(document)
    except ValidationError as error:
        raise describe(error, document) from error
    check_study(study)
    return study


def dump_study(study: Study) -> str:
    """The study as YAML text, defaults left out; `load_study` reads it back equal."""
    document = study.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def resolve_path(base: Path, text: str) -> Path:
    """The absolute path of a path in a study: `${NAME}` filled from the environment, relative to the study's folder.

    Raises UserError for a variable that is not set.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise UserError("study.variable_missing", name=name, path=text)
        return os.environ[name]

    filled = Path(_VARIABLE.sub(value, text)).expanduser()
    return filled if filled.is_absolute() else (base / filled).resolve()


def describe(error: ValidationError, document: Any) -> UserError:
    """The one sentence for a validation error: the field's path and the remedy."""
    details = _nearest_branch(error.errors(include_url=False, include_context=True), document)
    first = next((detail for detail in details if detail["type"] == "extra_forbidden"), details[0])
    field = _walk(first, document)[0]
    kind = first["type"]
    if kind == "extra_forbidden":
        return _unknown_key(first, field)
    if kind == "missing":
        return UserError("study.key_missing", field=field)
    if kind == "too_short" and first.get("input") in ([], ()):
        return UserError("study.list_empty", field=field)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        context = first.get("ctx", {})
        tag = str(context.get("discriminator", "kind")).strip("'")
        expected = context.get("expected_tags")
        if expected is None:
            return UserError("study.key_missing", field=f"{field}.{tag}")
        return UserError("study.choice_wrong", field=f"{field}.{tag}", allowed=str(expected).replace("'", ""))
    message = first["msg"].removeprefix("Value error, ")
    given = first.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) else ""
    # Checks of the study's own say behind a semicolon what to do.
    code = "study.value_told" if "; " in message else "study.value_wrong"
    return UserError(code, field=field, problem=message[:1].lower() + message[1:] + shown)


def _nearest_branch(details: list[ErrorDetails], document: Any) -> list[ErrorDetails]:
    """The errors of the union member that the document comes nearest to: the one with the fewest errors, of these one
    that takes what kind of value is given."""
    branches: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for detail in details:
        branches.setdefault(_walk(detail, document)[1], []).append(detail)
    return min(branches.values(), key=lambda errors: (len(errors), errors[0]["type"].endswith("_type")))


def _walk(detail: ErrorDetails, document: Any) -> tuple[str, tuple[str, ...]]:
    """The dotted path as the user wrote it, and the union tags of pydantic's location that are left out of it."""
    parts: list[str] = []
    tags: list[str] = []
    here = document
    location = detail["loc"]
    for index, piece in enumerate(location):
        last = index == len(location) - 1
        if isinstance(piece, int) and isinstance(here, list) and piece < len(here):
            parts.append(f"[{piece}]")
            here = here[piece]
        elif isinstance(here, Mapping) and piece in here:
            parts.append(f".{piece}")
            here = here[piece]
        elif last and detail["type"] in ("missing", "extra_forbidden"):
            parts.append(f".{piece}")
        else:
            tags.append(str(piece))
    return "".join(parts).removeprefix(".") or "the study", tuple(tags)


def _unknown_key(detail: ErrorDetails, field: str) -> UserError:
    *path, key = detail["loc"]
    keys = _keys_at(path)
    near = difflib.get_close_matches(str(key), keys, n=1)
    if near:
        return UserError("study.key_unknown_near", field=field, near=near[0])
    return UserError("study.key_unknown", field=field, keys=", ".join(keys))


def _keys_at(path: Sequence[int | str]) -> list[str]:
    """The keys that may stand at a place of a study file, in their order there."""
    models: list[type[BaseModel]] = [Study]
    for piece in path:
        fields = [
            model.model_fields[piece] for model in models if isinstance(piece, str) and piece in model.model_fields
        ]
        # A place in a list is no field, nor is the word by which pydantic tells one model of several.
        inner = [part for field in fields for part in _models_in(field.annotation)]
        tagged = [
            model
            for model in models
            if any(piece in get_args(field.annotation) for field in model.model_fields.values())
        ]
        models = inner or tagged or models
    return list(dict.fromkeys(key for model in models for key in model.model_fields))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
