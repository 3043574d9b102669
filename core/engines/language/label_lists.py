"""Which labels a dataset has, and which of them an answer in text lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.domain import Example
from core.engines.language.label_text import LabelText
from core.metrics.label_sets import classes_of, names_in, written
from core.spec import Task

_PARTS = re.compile(r"[,;\n，；、]")


def label_names(task: Task, examples: Sequence[Example]) -> list[str]:
    """The labels of the dataset, sorted; none where answers are texts."""
    if task.kind == "multi_label":
        return classes_of([example.target for example in examples])
    return sorted({example.target for example in examples}) if task.kind == "classification" else []


class LabelLists:
    """The labels of a task, ready to be found in lists. Names that are no label of the task are left out."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._texts = LabelText(labels)

    def read(self, text: str) -> str | None:
        """The labels of an answer as they are kept: of the JSON list in it, else of its parts between commas,
        semicolons and line ends. Null where it is neither a list nor names a label: only an empty list says "none"."""
        try:
            return written(self._known(names_in(text)))
        except ValueError:
            found = self._known(_PARTS.split(text))
        return written(found) if found else None

    def _known(self, names: Sequence[str]) -> list[str]:
        return [label for name in names if (label := self._texts.label_of(name)) is not None]
