"""The job that distils a teacher into the floor: least squares on soft labels, kept where validation favours it.

Least squares on probabilities minimises the Brier score, a proper scoring rule whose best answer is the teacher's own
probabilities (Gneiting and Raftery, "Strictly Proper Scoring Rules", 2007, section 3.1). On some tasks the targets
alone teach a linear model more, for a teacher is nearly certain of rows that it was trained on: both are fitted, and
the one that answers more held-out train rows rightly is the floor.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import Ridge

from core.domain import FloatArray, IntArray
from core.engines.baseline.fitting import Fit, Planes, TrainMatrix, fit_targets, out_of_fold, train_matrix
from core.engines.baseline.train import fit_and_save, train_rows
from core.engines.distill.teacher_cache import LogProbabilities, teacher_log_probabilities
from core.engines.models.opening import open_classifier
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import DistillParameters
from core.model_files import fingerprint_weights
from core.spec import Train
from core.worker.context import JobContext

OUTPUTS_FOLDER = "teacher_outputs"
# Rows have length √2; 0.3 to 3 differ by less than half a point.
RIDGE = 1.0


def run(parameters: DistillParameters, context: JobContext) -> TrainResult:
    """Train the floor on its teacher's soft labels and on the targets; the better one stands in `model/`.

    The teacher's outputs are kept as for any student, so a job that was stopped goes on with them. Raises Stopped, and
    UserError where the rows do not fit the teacher.
    """
    begun = time.monotonic()
    settings = parameters.train
    folder = context.input_folder("teacher") / "model"
    teacher = open_classifier(folder)
    context.started(teacher.device)
    examples = train_rows(context)
    train = train_matrix(examples, teacher.labels, settings.seed, context)
    texts = [example.input for example in examples]
    outputs = teacher_log_probabilities(
        teacher, fingerprint_weights(folder), texts, context.folder / OUTPUTS_FOLDER, context
    )
    del teacher  # its memory is free for the fits
    fits = {
        "targets": fit_targets(train, settings.seed, context),
        "soft labels": fit_soft_labels(train, soft_labels(outputs, train, settings)),
    }
    held_out = {name: out_of_fold(train, fit, context) for name, fit in fits.items()}
    accuracies = {name: held.accuracy for name, held in held_out.items()}
    chosen = max(fits, key=lambda name: accuracies[name] or 0.0)  # of two equal ones the simpler
    shares = {name: "–" if share is None else f"{share:.1%}" for name, share in accuracies.items()}
    context.log(english("baseline.log.chosen", targets=shares["targets"], soft=shares["soft labels"]))
    details = {
        "learnt_from": chosen,
        "out_of_fold_accuracy_targets": accuracies["targets"],
        "out_of_fold_accuracy_soft_labels": accuracies["soft labels"],
    }
    return fit_and_save("distill", train, fits[chosen], held_out[chosen], begun, context, details)


def soft_labels(outputs: LogProbabilities, train: TrainMatrix, settings: Train) -> FloatArray:
    """alpha · the teacher's probabilities at the temperature + (1 − alpha) · the targets, shape (rows, classes)."""
    hard = np.zeros(outputs.shape)
    hard[np.arange(len(train.targets)), train.targets] = 1.0
    soft = softmax(np.asarray(outputs, dtype=np.float64) / settings.temperature, axis=1)
    return np.asarray(settings.alpha * soft + (1.0 - settings.alpha) * hard)


def fit_soft_labels(train: TrainMatrix, wanted: FloatArray) -> Fit:
    """Ridge regression of every class's soft label at once."""

    def fit(rows: IntArray) -> Planes:
        machine = Ridge(alpha=RIDGE, solver="sparse_cg", tol=1e-4)
        machine.fit(train.matrix[rows], wanted[rows])
        iterations = 0 if machine.n_iter_ is None else int(np.max(machine.n_iter_))
        return Planes(
            np.ascontiguousarray(machine.coef_.T, dtype=np.float32),
            np.asarray(machine.intercept_, dtype=np.float32),
            np.arange(wanted.shape[1]),
            iterations,
        )

    return fit
