"""Students of a search that name a class: layers of a trained classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.domain import IntArray
from core.engines.compress.narrow import largest_neurons
from core.engines.compress.prune_anatomy import FAMILIES
from core.engines.distill.construct import layer_indices
from core.engines.distill.training_job import MODEL_FOLDER
from core.engines.models.starting import load_weights
from core.engines.part_context import PartContext
from core.engines.sweep.figures import Figures, Turns
from core.engines.sweep.judge import Ends
from core.engines.sweep.measure import Student, measure, write_quantised
from core.engines.sweep.rows import SearchRows, search_rows
from core.engines.sweep.space import Setting, Settings
from core.engines.sweep.trial import train_student
from core.jobs.results import TrainResult
from core.jobs.specs import SweepParameters
from core.spec import SweepModel
from core.worker.context import JobContext


class ClassifierStudents:
    """Satisfies `students.Students` for the classifier in the folder `teacher`.

    Raises Stopped, and UserError where the space asks for what the teacher does not have.
    """

    data: SearchRows

    def __init__(self, teacher: Path, parameters: SweepParameters, context: JobContext) -> None:
        model, _ = load_weights(teacher)
        self.parameters = fitting_widths(parameters, model)
        check_space(self.parameters, model)
        self._teacher = teacher
        # A metric of the user's own orders no search.
        metric = "macro_f1" if parameters.task.metric == "macro_f1" else "accuracy"
        self.data = search_rows(teacher, parameters.train.seed, metric, context)

    def train(self, settings: Settings, chosen: IntArray, ends: Ends | None, context: PartContext) -> TrainResult:
        """As the protocol says."""
        return train_student(self._teacher, settings, self.parameters, self.data, chosen, ends, context)

    def measure(self, folder: Path, quantize: str, turns: Turns, tell: Callable[[], None]) -> Figures:
        """As the protocol says."""
        return measure(self._student(folder), quantize, self.data.judged_on, turns(None), tell)

    def write(self, folder: Path, quantize: str, tell: Callable[[], None]) -> Path:
        """As the protocol says."""
        out = folder / quantize
        write_quantised(self._student(folder), quantize, out, self.data.judged_on.inputs, tell)
        return out

    def shown(self, settings: Settings, quantize: str | None) -> Mapping[str, Setting]:
        """As the protocol says."""
        return settings.document(quantize)

    def _student(self, folder: Path) -> Student:
        return Student(folder / MODEL_FOLDER, self.data.part(self.data.learnt).inputs, folder)


def fitting_widths(parameters: SweepParameters, teacher: Any) -> SweepParameters:
    """The parameters without widths that the study did not ask for and the teacher does not have."""
    space = parameters.space
    if space.feed_forward != SweepModel.model_fields["feed_forward"].default:
        return parameters
    neurons = int(getattr(teacher.config, "intermediate_size", 0) or 0)
    known = teacher.config.model_type in FAMILIES
    widths = [width for width in space.feed_forward if width is None or (known and (not neurons or width < neurons))]
    return parameters.model_copy(update={"space": space.model_copy(update={"feed_forward": widths})})


def check_space(parameters: SweepParameters, teacher: Any) -> None:
    """Raises UserError for layers or widths that the teacher does not have, before any is trained."""
    for layers in parameters.space.layers:
        layer_indices(int(teacher.config.num_hidden_layers), layers)
    for width in parameters.space.feed_forward:
        if width is not None:
            largest_neurons(teacher, (0,), width)
