"""The prepared dataset on disk: `examples.jsonl` in the folder of a prepare job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.data.jsonl import read_rows, write_rows
from core.domain import Example, Picture, Split

FILE_NAME = "examples.jsonl"


def write_examples(folder: Path, examples: Sequence[Example]) -> Path:
    """Write all examples and return the file's path. Raises UserError (disk.full)."""
    path = folder / FILE_NAME
    write_rows(path, examples, _encode)
    return path


def read_examples(folder: Path) -> list[Example]:
    """All examples of a prepare job's folder, in the order in which they were written."""
    return list(read_rows(folder / FILE_NAME, _decode))


def _encode(example: Example) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": example.example_id,
        "split": example.split.value,
        "group": example.group,
        "input": example.input,
        "target": example.target,
        "slices": [list(part) for part in example.slices],
        "fields": [list(part) for part in example.fields],
    }
    if example.picture is not None:
        document["picture"] = [example.picture.place, example.picture.sha256]
    if example.group_values:
        document["group_values"] = [list(part) for part in example.group_values]
    return document


def _decode(document: dict[str, Any]) -> Example:
    return Example(
        example_id=document["id"],
        split=Split(document["split"]),
        group=document["group"],
        input=document["input"],
        target=document["target"],
        slices=tuple((column, value) for column, value in document["slices"]),
        # Files written before prompts were have none.
        fields=tuple((column, value) for column, value in document.get("fields", ())),
        picture=Picture(*document["picture"]) if "picture" in document else None,
        group_values=tuple((column, value) for column, value in document.get("group_values", ())),
    )
