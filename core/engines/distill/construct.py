"""A student made of some of its teacher's layers, narrower where asked, with all else of the teacher kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.engines.compress.narrow import Kept, largest_groups, largest_neurons, narrowed
from core.engines.compress.trim import trimmed, uses_of_texts
from core.engines.distill.influence import Batch, batch_of, layer_influence, most_influential, spread_rows
from core.engines.language.opening import open_language_model
from core.engines.models.starting import load_starting_model, load_tokenizer, longest_input, text_encoder
from core.errors import UserError
from core.i18n import english
from core.spec import TeacherLayers
from core.worker.context import JobContext

# Of a text, where the influence of layers is measured.
_MEASURED_TOKENS = 128


@dataclass(frozen=True, eq=False)
class ConstructedStudent:
    """A student in fp32 and the tokenizer that goes with it; `layers` are the teacher's that it is made of, `details`
    say how it was made."""

    model: Any
    tokenizer: Any
    layers: tuple[int, ...]
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
    chosen = chosen_layers(teacher, wanted, lambda: _batches(tokenizer, teacher, texts))
    details: dict[str, str | int | float | bool | None] = {"layers": told_layers(wanted, chosen)}
    widths = {"feed_forward": wanted.feed_forward, "heads": wanted.heads}
    details |= {name: number for name, number in widths.items() if number is not None}
    student = narrowed(teacher, _kept(teacher, wanted, chosen))
    if wanted.trim_vocabulary:
        student, tokenizer, details["vocabulary"] = trimmed(student, tokenizer, uses_of_texts(texts), teacher_folder)
    return ConstructedStudent(student, tokenizer, chosen, details)


def language_student_from_layers(
    teacher_source: Path, layers: TeacherLayers, batches: Callable[[Any], Sequence[Batch]] = lambda _tokenizer: ()
) -> tuple[Any, tuple[int, ...]]:
    """A causal language model in fp32 with the chosen layers of the one in the folder or GGUF file `teacher_source`,
    and which these are; `batches` gives rows as the teacher's tokenizer splits them, where influence is measured.

    Embeddings, output head (tied where the teacher's is) and generation config are the teacher's. Raises UserError as
    `student_from_layers` does.
    """
    opened = open_language_model(teacher_source)
    teacher = opened.model
    chosen = chosen_layers(teacher, layers, lambda: batches(opened.tokenizer))
    return narrowed(teacher, _kept(teacher, layers, chosen)), chosen


def chosen_layers(teacher: Any, wanted: TeacherLayers, batches: Callable[[], Sequence[Batch]]) -> tuple[int, ...]:
    """Which of the teacher's layers a student keeps; `batches` are asked for where influence is measured. Raises
    UserError as `layer_indices` does."""
    available = int(teacher.config.get_text_config().num_hidden_layers)
    spaced = layer_indices(available, wanted.layers)
    if wanted.chosen_by == "spacing" or not isinstance(wanted.layers, int):
        return spaced
    return most_influential(layer_influence(teacher, batches()), wanted.layers)


def told_layers(wanted: TeacherLayers, chosen: Sequence[int]) -> str:
    """What a result says of the layers: as the study names them, or which were found."""
    return str(wanted.layers) if wanted.chosen_by == "spacing" else str(list(chosen))


def tell_layers(wanted: TeacherLayers, chosen: Sequence[int], context: JobContext) -> None:
    """Say which layers were found, where the study names only how many."""
    if wanted.chosen_by == "influence":
        context.log(english("train.log.layers", layers=", ".join(str(layer) for layer in chosen)))


def _batches(tokenizer: Any, teacher: Any, texts: Sequence[str]) -> list[Batch]:
    some = [texts[row] for row in spread_rows(len(texts))]
    encoder = text_encoder(tokenizer, longest_input(teacher, tokenizer, _MEASURED_TOKENS))
    return [batch_of(encoder.batch([text])) for text in some]


def _kept(teacher: Any, wanted: TeacherLayers, chosen: tuple[int, ...]) -> Kept:
    neurons = None if wanted.feed_forward is None else largest_neurons(teacher, chosen, wanted.feed_forward)
    groups = None if wanted.heads is None else largest_groups(teacher, chosen, wanted.heads)
    return Kept(layers=chosen, neurons=neurons, groups=groups)
