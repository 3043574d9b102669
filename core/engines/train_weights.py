"""How much each train row counts, where a training is weighted: for networks and for the floor alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.domain import FloatArray
from core.engines.prepared_weights import prepared_weights
from core.i18n import english
from core.metrics.effective import effective_rows
from core.spec import Train
from core.worker.context import JobContext


def row_weights(settings: Train, names: Sequence[str], context: JobContext) -> FloatArray | None:
    """The weights of the rows of these names, shape (rows,), their mean at 1; null where the training is not weighted
    or all are equal, which is the same training to the bit. Says what the rows are worth."""
    if not settings.weighted or not names:
        return None
    of_name = prepared_weights(context.input_folder("data"))
    own = np.array([of_name[name] for name in names], dtype=np.float64)
    if bool((own == own[0]).all()):
        context.log(english("train.log.weights_equal"))
        return None
    worth = effective_rows([str(row) for row in range(len(own))], own)
    context.log(english("train.log.weighted", rows=len(own), worth=round(worth)))
    return np.asarray(own / own.mean())
