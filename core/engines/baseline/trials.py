"""The kinds of features that a baseline's `kind` asks for, each as a trial on the targets or on a teacher's answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.domain import FloatArray, IntArray
from core.engines.baseline.choosing import EMBEDDINGS, Choice, Details, Trial, alone, best_of, choose, tried
from core.engines.baseline.embedding_source import read_embeddings
from core.engines.baseline.embeddings import POOLINGS, fit_embeddings
from core.engines.baseline.fitting import Fit, Planes, TrainMatrix, TrainRows, tell, term_matrix
from core.engines.baseline.soft_regression import fit_distributions
from core.errors import UserError
from core.i18n import english
from core.spec import BaselineModel
from core.worker.context import JobContext

# Of `LogisticRegression`; 10 and 100 differ by 0.1 points on Banking77.
INVERSE_REGULARISATION = 10.0
_ABSENT_LOGIT = -30.0

TermTrials = Callable[[TrainMatrix], Trial]


def chosen(
    model: BaselineModel,
    rows: TrainRows,
    source: Path | None,
    of_terms: TermTrials,
    wanted: dict[str, FloatArray],
    context: JobContext,
) -> tuple[Choice, Details]:
    """The floor of the kind that `model` asks for, by right answers on held-out train rows, and what was compared.

    `of_terms` tries TF-IDF; `wanted` are the distributions, shape (rows, classes), that embeddings may learn, by what
    they come from. Raises Stopped, and UserError where the kind needs embeddings and `source` is null.
    """
    if model.kind == "tfidf_linear":
        return alone(of_terms(term_matrix(rows, context))), {}
    if source is None:
        if model.kind == "embedding_linear":
            raise UserError("baseline.no_embeddings")
        context.log(english("baseline.log.no_embeddings"), "warning")
        return alone(of_terms(term_matrix(rows, context))), {}
    embeddings = _best_embeddings(rows, source, wanted, context)
    if model.kind == "embedding_linear":
        return alone(embeddings), {}
    return choose(of_terms(term_matrix(rows, context)), embeddings, context)


def _best_embeddings(rows: TrainRows, source: Path, wanted: dict[str, FloatArray], context: JobContext) -> Trial:
    """The way of averaging, and of learning, that answers the most held-out rows rightly."""
    tell(context, "phase.embed", 0, len(POOLINGS))
    tokenizer, table = read_embeddings(source)
    trials = []
    for step, pooling in enumerate(POOLINGS):
        features = fit_embeddings(tokenizer, table, rows.texts, pooling)
        train = TrainMatrix(rows, features, features.transform(rows.texts))
        tell(context, "phase.embed", step + 1, len(POOLINGS))
        if not np.any(train.matrix):
            raise UserError("baseline.no_text")
        trials += [
            tried(EMBEDDINGS, train, fit_shares(train, shares, context), context, pooling=pooling, learnt_from=origin)
            for origin, shares in wanted.items()
        ]
    return best_of(trials)


def fit_shares(train: TrainMatrix, wanted: FloatArray, context: JobContext) -> Fit:
    """Multinomial logistic regression on distributions, shape (rows, classes)."""

    def fit(rows: IntArray) -> Planes:
        # A class without a share in these rows would be pushed away without end.
        seen = np.flatnonzero(wanted[rows].sum(axis=0) > 0.0)
        matrix = np.asarray(train.matrix[rows], dtype=np.float32)
        found = fit_distributions(
            matrix, wanted[np.ix_(rows, seen)], INVERSE_REGULARISATION, train.rows.weights_of(rows)
        )
        if not found.converged:
            context.log(english("baseline.log.not_converged", iterations=found.iterations), "warning")
        coefficients = np.zeros((matrix.shape[1], wanted.shape[1]), dtype=np.float32)
        intercepts = np.full(wanted.shape[1], _ABSENT_LOGIT, dtype=np.float32)
        coefficients[:, seen], intercepts[seen] = found.coefficients, found.intercepts
        return Planes(coefficients, intercepts, np.arange(wanted.shape[1]), found.iterations)

    return fit


def one_hot(rows: TrainRows) -> FloatArray:
    """The targets as distributions, shape (rows, classes)."""
    shares = np.zeros((len(rows.targets), len(rows.labels)))
    shares[np.arange(len(rows.targets)), rows.targets] = 1.0
    return shares
