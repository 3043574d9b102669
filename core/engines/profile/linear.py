"""The cheap family: multinomial logistic regression on the TF-IDF of words and pairs of words."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from core.domain import FloatArray, IntArray
from core.engines.baseline.features import word_terms

FAMILY = "tfidf_logistic_regression"
# Of `LogisticRegression`; on intents 3 to 30 differ by less than half a point.
INVERSE_REGULARISATION = 10.0
MAX_TERMS = 50_000
# Terms that one text alone has say nothing of the others; a handful of texts has few others.
_RARE_FROM_ROWS = 1_000
_MAX_ITERATIONS = 100
_TOLERANCE = 1e-3
_ABSENT_LOGIT = -30.0


def vectorizer_of(texts: Sequence[str]) -> TfidfVectorizer | None:
    """The vocabulary of some texts; null where they hold no word."""
    found = TfidfVectorizer(
        analyzer=word_terms,
        max_features=MAX_TERMS,
        min_df=2 if len(texts) >= _RARE_FROM_ROWS else 1,
        sublinear_tf=True,
        dtype=np.float64,
    )
    try:
        return found.fit(texts)
    except ValueError:  # scikit-learn's word for an empty vocabulary
        return None


class LinearModel:
    """A fitted model over `classes` classes, some of which it may never have seen."""

    def __init__(self, matrix: sparse.csr_matrix, targets: IntArray, classes: int) -> None:
        self._classes = classes
        self._known = np.unique(targets)
        self._model: LogisticRegression | None = None
        if len(self._known) < 2:
            return
        model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=_MAX_ITERATIONS, tol=_TOLERANCE)
        with warnings.catch_warnings(), threadpool_limits(1):
            # A fit that ends early is a little worse, and what it is used for is told with its error.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model = model.fit(matrix, targets)

    def logits(self, matrix: sparse.csr_matrix) -> FloatArray:
        """Logits, shape (rows, classes); a class that was never seen is as good as impossible."""
        logits = np.full((matrix.shape[0], self._classes), _ABSENT_LOGIT)
        if self._model is None:
            logits[:, self._known] = 0.0
            return logits
        decisions = np.asarray(self._model.decision_function(matrix), dtype=np.float64)
        if decisions.ndim == 1:  # scikit-learn gives the second of two classes alone
            decisions = np.column_stack([np.zeros_like(decisions), decisions])
        logits[:, self._known] = decisions
        return logits
