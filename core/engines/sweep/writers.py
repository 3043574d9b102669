"""Students of a search that write texts: layers of a language model, trained on its next tokens or on its text."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from core.domain import IntArray
from core.engines.compress.describe import card_of
from core.engines.compress.quantize_language import check_cache
from core.engines.device import choose_device
from core.engines.distill.causal_model import check_apart, true_vocabulary
from core.engines.distill.causal_rows import CausalRows
from core.engines.distill.fit_check import check_language_fit
from core.engines.distill.tempering import Temperatures
from core.engines.distill.token_cache import TokenCache, teacher_tokens
from core.engines.distill.training_job import MODEL_FOLDER
from core.engines.language.answers import read_answers
from core.engines.language.kept_generator import kept_generator
from core.engines.language.local import open_generator
from core.engines.language.opening import OpenedLanguageModel, open_language_model
from core.engines.models.starting import longest_input
from core.engines.models.weights import resolve
from core.engines.models.writing import save_transformers_model
from core.engines.part_context import PartContext
from core.engines.sweep.classifiers import check_space, fitting_widths
from core.engines.sweep.figures import PLAIN, Figures, Turns
from core.engines.sweep.judge import Ends
from core.engines.sweep.rows import OUTPUTS_FOLDER, REFERENCE, UNPACKED_FOLDER
from core.engines.sweep.space import Setting, Settings
from core.engines.sweep.writing_forms import speed_of, write_quantised
from core.engines.sweep.writing_trial import Lessons, train_writer
from core.engines.sweep.written_rows import WrittenRows, answered, with_shots, written_rows
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import SweepParameters
from core.model_files import file_sha256, is_gguf_file, weight_bytes
from core.worker.context import JobContext, Stopped

_MIB = 2**20
_OF_A_TEACHER = ("temperature", "alpha")


class Writers:
    """Satisfies `students.Students` for a language model."""

    def __init__(self, parameters: SweepParameters, lessons: Lessons, data: WrittenRows, context: JobContext) -> None:
        self.parameters, self.data = parameters, data
        self._lessons, self._context = lessons, context

    def train(self, settings: Settings, chosen: IntArray, ends: Ends | None, context: PartContext) -> TrainResult:
        """As the protocol says; after an epoch it is judged by how many of the held-out rows' tokens it would write."""
        return train_writer(self._lessons, settings, self.parameters, self.data, chosen, ends, context)

    def measure(self, folder: Path, quantize: str, turns: Turns, tell: Callable[[], None]) -> Figures:
        """As the protocol says; quality is that of its answers by the task's metric."""
        source = folder / MODEL_FOLDER if quantize == PLAIN else self.write(folder, quantize, tell)
        generator = open_generator(source, partial(_stop_when_asked, self._context))
        written = answered(generator, self.parameters.task, self.data.asked, lambda rows: tell())
        speed = speed_of(generator, self.parameters.task, self.data.asked, turns(written.output_tokens), tell)
        figures = Figures(written.quality, speed, weight_bytes(source) / _MIB, written.output_tokens)
        if quantize != PLAIN:
            shutil.rmtree(source)
        return figures

    def write(self, folder: Path, quantize: str, tell: Callable[[], None]) -> Path:
        """As the protocol says."""
        compared = self.data.rows.part(self.data.held_out).plain()
        return write_quantised(folder, quantize, compared, self._context, tell)

    def shown(self, settings: Settings, quantize: str | None) -> Mapping[str, Setting]:
        """As the protocol says: the vocabulary stays, and a student of texts has neither temperature nor weight."""
        left_out = {"trim_vocabulary", *(() if self._lessons.outputs is not None else _OF_A_TEACHER)}
        return {name: value for name, value in settings.document(quantize).items() if name not in left_out}


def open_writers(parameters: SweepParameters, context: JobContext) -> Writers:
    """The students of a search, with the teacher's quality on the held-out rows and its outputs, each made once.

    Raises Stopped, and UserError where the space asks for what the teacher does not have, or rows are too few.
    """
    teacher, folder = _teacher(parameters, context), context.input_folder("data")
    opened = _opened(teacher, context)
    check_apart(opened.model, torch.device("cpu"))
    texts = _texts(context)
    parameters = _fitting(parameters, opened.model, in_text=texts is not None)
    check_space(parameters, opened.model)
    if set(parameters.space.quantize) != {PLAIN}:
        check_cache(teacher)
    train, task = parameters.train, parameters.task
    longest = longest_input(opened.model, opened.tokenizer, train.max_length)
    data = written_rows(folder, train.seed, task, opened.model, opened.tokenizer, longest, texts)
    sha256 = file_sha256(teacher) if is_gguf_file(teacher) else opened.sha256
    vocabulary = true_vocabulary(opened.tokenizer, opened.model)
    lessons = Lessons(opened.source, opened.tokenizer, sha256, longest, vocabulary)
    del opened
    data = data.judged_by(_teacher_quality(parameters, teacher, lessons.teacher, data, context))
    if texts is not None or parameters.space.alpha[1] == 0.0:
        return Writers(parameters, lessons, data, context)
    outputs = _outputs(parameters, lessons, data.rows, context)
    temperatures = Temperatures(*parameters.space.temperature)
    return Writers(parameters, lessons.with_outputs(outputs, temperatures), data, context)


def _teacher(parameters: SweepParameters, context: JobContext) -> Path:
    """The folder or GGUF file of the teacher."""
    if parameters.teacher_model is not None:
        return resolve(parameters.teacher_model, parameters.teacher_sha256)
    return context.input_folder("teacher") / MODEL_FOLDER


def _opened(teacher: Path, context: JobContext) -> OpenedLanguageModel:
    """The teacher, on the CPU, of a folder: a GGUF file's weights are unpacked into one beside the trials, for that
    takes longer than a short training, and every student begins with them."""
    if not is_gguf_file(teacher):
        return open_language_model(teacher)
    folder = context.folder / UNPACKED_FOLDER
    if not folder.is_dir():
        opened = open_language_model(teacher)
        card = card_of(teacher, opened.model, opened.tokenizer, "transformers")
        save_transformers_model(folder, opened.model, opened.tokenizer, card)
    return open_language_model(folder)


def _texts(context: JobContext) -> dict[str, str] | None:
    """What the teacher wrote, by the example's id, where the students are to learn that; else null."""
    if "labels" not in context.spec.inputs:
        return None
    answers = read_answers(context.input_folder("labels"))
    left_out = len(answers.unusable)
    line = english("train.log.answers", rows=len(answers.rows), left_out=left_out, soft=0)
    context.log(line, "warning" if left_out else "info")
    return {name: row.text for name, row in answers.rows.items()}


def _fitting(parameters: SweepParameters, teacher: Any, *, in_text: bool) -> SweepParameters:
    """The parameters without what the study did not ask for and a language model does not have: a trimmed vocabulary,
    other widths, and, for students of a text, a range of what it has no use for."""
    parameters = fitting_widths(parameters, teacher)
    pinned: dict[str, Any] = {"trim_vocabulary": [False]}
    if in_text:
        pinned |= {"temperature": (1.0, 1.0), "alpha": (1.0, 1.0)}
    return parameters.model_copy(update={"space": parameters.space.model_copy(update=pinned)})


def _teacher_quality(
    parameters: SweepParameters, teacher: Path, folder: Path, data: WrittenRows, context: JobContext
) -> float:
    """The teacher's quality on the held-out rows, or that of the same training without them; its answers are kept under
    the name of its own file or folder, and asked of the model in `folder`."""
    task, asked, total = parameters.task, list(data.asked), len(data.asked)
    if REFERENCE in context.spec.inputs:
        teacher = folder = context.input_folder(REFERENCE) / MODEL_FOLDER
    if parameters.teacher_task is not None:
        task = parameters.teacher_task
        asked = with_shots(asked, task, context.input_folder("data"))

    def on_rows(rows: int) -> None:
        context.progress("phase.score", rows, total)
        _stop_when_asked(context)

    context.progress("phase.score", 0, total)
    generator = open_generator(folder, partial(_stop_when_asked, context))
    with kept_generator(generator, teacher, context) as kept:
        return answered(kept, task, asked, on_rows).quality


def _outputs(parameters: SweepParameters, lessons: Lessons, rows: CausalRows, context: JobContext) -> TokenCache:
    """The teacher's next tokens on all rows, kept for every temperature of the search."""
    device = choose_device()

    def opened() -> Any:
        check_language_fit(lessons.teacher, device, context)
        model: OpenedLanguageModel = open_language_model(lessons.teacher, device)
        return model.model

    cache = teacher_tokens(
        opened,
        (lessons.sha256, device.precision),
        rows,
        parameters.train.top_k,
        lessons.vocabulary,
        Temperatures(*parameters.space.temperature),
        device,
        context.folder / OUTPUTS_FOLDER,
        context,
    )
    context.log(english("causal.log.cache", tokens=int(rows.completion_lengths.sum()), bytes=cache.bytes_per_token))
    return cache


def _stop_when_asked(context: JobContext) -> None:
    if context.should_stop():
        raise Stopped
