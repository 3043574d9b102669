"""Who teaches a round: the teacher as it was, or refreshed on the targets of new rows; never the student.

A teacher with its student's weights says what the student says anyway: the soft loss is 0, its gradient too, and
nothing of the new rows is learnt however many there are. So the teacher's weights come from the teacher's own folder
alone, and equal weights are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from core.engines.device import choose_device
from core.engines.distill.fit_check import check_teacher_fit
from core.engines.distill.hard_labels import LEARNING_RATE
from core.engines.distill.label_losses import hard_objective
from core.engines.distill.rows import TrainingRows
from core.engines.distill.teacher_cache import LogProbabilities, teacher_log_probabilities
from core.engines.distill.training_job import (
    MODEL_FOLDER,
    Material,
    begin,
    finished_before,
    run_training,
    tokenized,
)
from core.engines.models import open_classifier
from core.engines.models.starting import load_starting_model, load_tokenizer
from core.engines.part_context import PartContext
from core.engines.random_state import seed_all
from core.errors import UserError
from core.model_files import fingerprint_weights
from core.spec import Train
from core.worker.context import JobContext


@dataclass(frozen=True)
class Teacher:
    """A teacher's model folder; `labels` are the student's, in whose order it answers."""

    folder: Path
    labels: tuple[str, ...]

    def log_probabilities(self, inputs: Sequence[str], cache: Path, context: JobContext) -> LogProbabilities:
        """Its outputs, float32, shape (rows, classes), kept in the folder `cache`. Raises Stopped, and UserError where
        its labels are not the student's."""
        check_teacher_fit(self.folder, choose_device(), context)
        classifier = open_classifier(self.folder)
        if sorted(classifier.labels) != sorted(self.labels):
            raise UserError("dynamic.labels_differ")
        outputs = teacher_log_probabilities(classifier, fingerprint_weights(self.folder), inputs, cache, context)
        return outputs[:, [classifier.labels.index(label) for label in self.labels]]

    def choices(self, inputs: Sequence[str], cache: Path, context: JobContext) -> list[str]:
        """The label that it gives each text. Raises as `log_probabilities` does."""
        if not inputs:
            return []
        return [self.labels[place] for place in self.log_probabilities(inputs, cache, context).argmax(axis=1)]


def check_apart(teacher: Path, student: Path) -> None:
    """Raises UserError where teacher and student have the same weights."""
    if same_weights(teacher, student):
        raise UserError("dynamic.teacher_is_student", path=str(teacher))


def same_weights(first: Path, second: Path) -> bool:
    """Whether two model folders hold the same tensors, whatever their files are called; false where one holds none."""
    one, other = _tensors(first), _tensors(second)
    return bool(one) and one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found |= load_file(file)
    return found


def refreshed(teacher: Teacher, rows: TrainingRows, settings: Train, context: PartContext) -> Path:
    """The folder of a new teacher: the old one's weights, trained on the targets of `rows`. Raises Stopped, UserError.

    A killed training goes on from its checkpoint, and a finished one is not trained again.
    """
    if finished_before(context) is None:
        plain = settings.model_copy(update={"lora": None})
        attempt = begin(context)
        seed_all(plain.seed)
        model, fresh = load_starting_model(teacher.folder, teacher.labels)
        sha256 = fingerprint_weights(teacher.folder)
        material = Material(model, load_tokenizer(teacher.folder), teacher.labels, sha256, fresh)
        tokens = tokenized(material, rows, plain.max_length, context)
        objective = hard_objective(rows.label_indices(teacher.labels))
        rate = plain.learning_rate or LEARNING_RATE
        run_training("fine_tune", material, tokens, plain, rate, objective, attempt, context)
    return context.folder / MODEL_FOLDER
