"""The job that distils a teacher into the floor: its logits by least squares, kept where validation favours them.

Regression on logits is how a shallow model best mimics a deep one (Ba and Caruana, "Do Deep Nets Really Need to be
Deep?", arXiv 1312.6184, section 2.2), and the limit of soft labels at a high temperature (Hinton and others, arXiv
1503.02531, section 2.1), so the temperature plays no part here. On some tasks the targets alone teach a linear model
more: both are fitted, and the one that answers more held-out train rows rightly is the floor. (The teacher itself was
trained on those rows, which favours what it teaches a little; the benchmark's test rows nobody has seen.)
"""

from __future__ import annotations

import time

import numpy as np
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
from core.worker.context import JobContext

OUTPUTS_FOLDER = "teacher_outputs"
# Rows have length √2. Banking77, MiniLM-L6's logits: 91.5 % with 0.25, 91.9 % with 0.5, 92.0 % with 1.
RIDGE = 1.0


def run(parameters: DistillParameters, context: JobContext) -> TrainResult:
    """Train the floor on its teacher's logits and on the targets; the better one stands in `model/`.

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
        "teacher": fit_logits(train, wanted_logits(outputs, train, settings.alpha)),
    }
    held_out = {name: out_of_fold(train, fit, context) for name, fit in fits.items()}
    accuracies = {name: held.accuracy for name, held in held_out.items()}
    chosen = max(fits, key=lambda name: accuracies[name] or 0.0)  # of two equal ones the simpler
    shares = {name: "–" if share is None else f"{share:.1%}" for name, share in accuracies.items()}
    context.log(english("baseline.log.chosen", targets=shares["targets"], teacher=shares["teacher"]))
    details = {
        "learnt_from": chosen,
        "out_of_fold_accuracy_targets": accuracies["targets"],
        "out_of_fold_accuracy_teacher": accuracies["teacher"],
    }
    return fit_and_save("distill", train, fits[chosen], held_out[chosen], begun, context, details)


def wanted_logits(outputs: LogProbabilities, train: TrainMatrix, alpha: float) -> FloatArray:
    """alpha · the teacher's logits + (1 − alpha) · the targets', shape (rows, classes); each row's mean is 0.

    The targets are written as logits in which the right class leads by as much as the teacher's first choice does.
    """
    logits = np.asarray(outputs, dtype=np.float64)
    logits = logits - logits.mean(axis=1, keepdims=True)
    hard = np.zeros(logits.shape)
    hard[np.arange(len(train.targets)), train.targets] = 1.0
    hard -= 1.0 / logits.shape[1]
    lead = float(logits.max(axis=1).mean())
    return np.asarray(alpha * logits + (1.0 - alpha) * lead * hard)


def fit_logits(train: TrainMatrix, wanted: FloatArray) -> Fit:
    """Ridge regression of every class's logit at once."""

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
