"""The job that distils a teacher into the floor: what it says where validation favours that, else the targets.

Regression on logits is how a shallow model best mimics a deep one (Ba and Caruana, "Do Deep Nets Really Need to be
Deep?", arXiv 1312.6184, section 2.2), and the limit of soft labels at a high temperature (Hinton and others, arXiv
1503.02531, section 2.1), so the temperature plays no part in terms; embeddings, which are few columns, learn the
teacher's distributions at the training's temperature. On some tasks the targets alone teach a linear model more: both
are fitted, and the one that answers more held-out train rows rightly is the floor. (The teacher itself was trained on
those rows, which favours what it teaches a little; the benchmark's test rows nobody has seen.)
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import Ridge

from core.domain import FloatArray, IntArray
from core.engines.baseline.choosing import TERMS, Details, Trial, as_shares, best_of, fit_and_save, tried
from core.engines.baseline.embedding_source import find_source
from core.engines.baseline.fitting import Fit, Planes, TrainMatrix, TrainRows, fit_targets
from core.engines.baseline.teaching import teaching_of
from core.engines.baseline.train import train_rows
from core.engines.baseline.trials import chosen, one_hot
from core.engines.distill.teacher_cache import LogProbabilities
from core.engines.train_weights import row_weights
from core.engines.unused_options import tell_unused
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import DistillParameters
from core.spec import BaselineModel
from core.worker.context import JobContext

# Rows have length √2. Banking77, MiniLM-L6's logits: 91.5 % with 0.25, 91.9 % with 0.5, 92.0 % with 1.
RIDGE = 1.0


def run(parameters: DistillParameters, context: JobContext) -> TrainResult:
    """Train the floor on its teacher's answers and on the targets; the better one stands in `model/`.

    The teacher's outputs are kept as for any student, so a job that was stopped goes on with them. Raises Stopped, and
    UserError where the rows do not fit the teacher, or there are no embeddings where they are needed.
    """
    begun = time.monotonic()
    settings, model = parameters.train, parameters.model
    if not isinstance(model, BaselineModel):
        raise TypeError("the job trains no baseline")
    examples = train_rows(context, parameters.part)
    teaching = teaching_of(parameters, examples, context)
    tell_unused(parameters, teaching.technique, context)
    weights = row_weights(settings, [example.example_id for example in examples], context)
    rows, outputs = replace(teaching.rows, weights=weights), teaching.outputs
    tried_terms: Details = {}

    def of_terms(train: TrainMatrix) -> Trial:
        fits = {
            "targets": fit_targets(train, settings.seed, context),
            "teacher": fit_logits(train, wanted_logits(outputs, rows, settings.alpha)),
        }
        trials = [tried(TERMS, train, fit, context, learnt_from=origin) for origin, fit in fits.items()]
        accuracies = dict(zip(fits, (trial.held_out.accuracy for trial in trials), strict=True))
        context.log(english("baseline.log.chosen", **as_shares(accuracies)))
        tried_terms.update({f"out_of_fold_accuracy_{origin}": value for origin, value in accuracies.items()})
        return best_of(trials)  # of two equal ones the simpler

    wanted = {"targets": one_hot(rows)}
    if settings.alpha > 0.0:
        wanted["teacher"] = wanted_shares(outputs, rows, settings.alpha, settings.temperature)
    choice, details = chosen(model, rows, find_source(parameters, context), of_terms, wanted, context)
    result = fit_and_save("distill", choice, begun, context, {**tried_terms, **details})
    if all(trial.origin["learnt_from"] == "targets" for trial, _ in choice.parts):
        return result.model_copy(update={"technique": "targets", "reason": "train.reason.floor_targets"})
    return result.model_copy(update={"technique": teaching.technique, "reason": teaching.reason})


def wanted_logits(outputs: LogProbabilities, rows: TrainRows, alpha: float) -> FloatArray:
    """alpha · the teacher's logits + (1 − alpha) · the targets', shape (rows, classes); each row's mean is 0.

    The targets are written as logits in which the right class leads by as much as the teacher's first choice does.
    """
    logits = np.asarray(outputs, dtype=np.float64)
    logits = logits - logits.mean(axis=1, keepdims=True)
    hard = one_hot(rows)
    hard -= 1.0 / logits.shape[1]
    lead = float(logits.max(axis=1).mean())
    return np.asarray(alpha * logits + (1.0 - alpha) * lead * hard)


def wanted_shares(outputs: LogProbabilities, rows: TrainRows, alpha: float, temperature: float) -> FloatArray:
    """alpha · the teacher's distribution at `temperature` + (1 − alpha) · the targets, shape (rows, classes)."""
    soft = softmax(np.asarray(outputs, dtype=np.float64) / temperature, axis=1)
    return np.asarray(alpha * soft + (1.0 - alpha) * one_hot(rows))


def fit_logits(train: TrainMatrix, wanted: FloatArray) -> Fit:
    """Ridge regression of every class's logit at once."""

    def fit(rows: IntArray) -> Planes:
        machine = Ridge(alpha=RIDGE, solver="sparse_cg", tol=1e-4)
        machine.fit(train.matrix[rows], wanted[rows], sample_weight=train.rows.weights_of(rows))
        iterations = 0 if machine.n_iter_ is None else int(np.max(machine.n_iter_))
        return Planes(
            np.ascontiguousarray(machine.coef_.T, dtype=np.float32),
            np.asarray(machine.intercept_, dtype=np.float32),
            np.arange(wanted.shape[1]),
            iterations,
        )

    return fit
