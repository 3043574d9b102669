"""A student made of some of its teacher's layers, narrower where asked, with all else of the teacher kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.engines.compress.narrow import Kept, largest_groups, largest_neurons, narrowed
from core.engines.compress.trim import trimmed, uses_of_texts
from core.engines.language.opening import open_language_model
from core.engines.models.starting import load_starting_model, load_tokenizer
from core.errors import UserError
from core.spec import TeacherLayers


@dataclass(frozen=True, eq=False)
class ConstructedStudent:
    """A student in fp32 and the tokenizer that goes with it; `details` say how it was made."""

    model: Any
    tokenizer: Any
    details: dict[str, str | int | float | bool | None]


def layer_indices(available: int, layers: int | Sequence[int]) -> tuple[int, ...]:
    """Which of the `available` layers to keep: a number means evenly spaced, the first and the last among them.

    One layer means the first. Raises UserError for more layers than there are, an index that does not exist, or one
    that stands twice.
    """
    if isinstance(layers, int):
        if layers > available:
            raise UserError("train.layers_too_many", layers=layers, available=available)
        if layers == 1:
            return (0,)
        # Rounded half up in whole numbers, so that the choice is the same everywhere.
        return tuple((2 * index * (available - 1) + layers - 1) // (2 * (layers - 1)) for index in range(layers))
    for index in layers:
        if index >= available:
            raise UserError("train.layers_index", index=index, last=available - 1)
    if len(set(layers)) != len(layers):
        raise UserError("train.layers_twice", layers=", ".join(str(index) for index in layers))
    return tuple(layers)


def student_from_layers(
    teacher_folder: Path,
    labels: Sequence[str],
    wanted: TeacherLayers,
    texts: Sequence[str] = (),
    *,
    several: bool = False,
) -> ConstructedStudent:
    """A student with the chosen layers of the teacher in `teacher_folder`, its embeddings and its head.

    Where `wanted` says so its neurons and heads are those with the largest weights (`compress.narrow`), and its
    vocabulary is what `texts` use. `several` says that a text may have any number of the labels. The saved folder
    reloads with plain `from_pretrained`. Raises UserError where the teacher has no stack of layers to choose from, or
    cannot be narrowed as asked.
    """
    teacher, _ = load_starting_model(teacher_folder, labels, several=several)
    tokenizer = load_tokenizer(teacher_folder)
    details: dict[str, str | int | float | bool | None] = {"layers": str(wanted.layers)}
    widths = {"feed_forward": wanted.feed_forward, "heads": wanted.heads}
    details |= {name: number for name, number in widths.items() if number is not None}
    student = narrowed(teacher, _kept(teacher, wanted))
    if wanted.trim_vocabulary:
        student, tokenizer, details["vocabulary"] = trimmed(student, tokenizer, uses_of_texts(texts), teacher_folder)
    return ConstructedStudent(student, tokenizer, details)


def language_student_from_layers(teacher_source: Path, layers: TeacherLayers) -> Any:
    """A causal language model in fp32 with the chosen layers of the one in the folder or GGUF file `teacher_source`.

    Embeddings, output head (tied where the teacher's is) and generation config are the teacher's. Raises UserError as
    `student_from_layers` does.
    """
    teacher = open_language_model(teacher_source).model
    return narrowed(teacher, _kept(teacher, layers))


def _kept(teacher: Any, wanted: TeacherLayers) -> Kept:
    chosen = layer_indices(int(teacher.config.num_hidden_layers), wanted.layers)
    neurons = None if wanted.feed_forward is None else largest_neurons(teacher, chosen, wanted.feed_forward)
    groups = None if wanted.heads is None else largest_groups(teacher, chosen, wanted.heads)
    return Kept(layers=chosen, neurons=neurons, groups=groups)
