"""From which probability on a label is given, where a row may have any number of them.

With many labels, few of which a row has, a network that has not learnt for long holds none likelier than not, and would
answer every row by nothing. As of the floor (`baseline/multi_label`), one threshold serves all labels: the one with the
best micro F1 on rows that were not learnt. It is taken off the bias of the head, so that a label is given from one half
wherever the model runs: in an export, in fewer bits, and where it teaches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from core.data.examples import read_examples
from core.domain import BoolArray, FloatArray, Split
from core.engines.distill.observer import Observer
from core.engines.distill.rows import TrainingRows
from core.engines.distill.training_job import Material
from core.engines.models.starting import is_head, text_encoder
from core.i18n import english
from core.metrics.label_sets import best_threshold, labels_of, micro_f1
from core.worker.context import JobContext

_BATCH_ROWS = 64


class LabelThreshold(Observer):
    """Settles the threshold of a model's labels on some rows once it is trained. Its details then hold the probability
    that the model gave before from where on a label is given now; they are empty where its head has no bias."""

    def __init__(
        self, material: Material, inputs: Sequence[str], wanted: BoolArray, max_length: int, context: JobContext
    ) -> None:
        self._material, self._wanted, self._context = material, wanted, context
        self._encoder = text_encoder(material.tokenizer, max_length)
        self._tokens = self._encoder.encode(inputs)
        self._found: dict[str, float] = {}

    def details(self) -> dict[str, float]:
        """As the class says."""
        return self._found

    def after_training(self) -> None:
        """Move the bias."""
        model = self._material.model
        bias = _bias_of(model, len(self._material.labels))
        if bias is None:
            self._context.log(english("train.log.threshold_kept"), "warning")
            return
        logits = self._logits(model)
        threshold = best_threshold(logits, self._wanted)
        with torch.no_grad():
            bias -= threshold
        probability = 1.0 / (1.0 + math.exp(-threshold))
        self._found = {"threshold": probability}
        f1, before = (f"{micro_f1(logits >= at, self._wanted):.3f}" for at in (threshold, 0.0))
        rows = len(self._wanted)
        self._context.log(
            english("train.log.threshold", probability=f"{probability:.2f}", rows=rows, f1=f1, before=before)
        )

    def _logits(self, model: Any) -> FloatArray:
        place = next(model.parameters()).device
        found = np.zeros(self._wanted.shape)
        was_training = model.training
        model.eval()
        order = np.argsort(-self._tokens.lengths, kind="stable")
        for begin in range(0, len(order), _BATCH_ROWS):
            rows = order[begin : begin + _BATCH_ROWS]
            ids, mask = (torch.from_numpy(array).to(place) for array in self._tokens.padded(rows, self._encoder.pad_id))
            with torch.no_grad():
                found[rows] = model(input_ids=ids, attention_mask=mask).logits.cpu().double().numpy()
        model.train(was_training)
        return found


def label_threshold(
    material: Material, max_length: int, context: JobContext, learnt: TrainingRows | None = None
) -> LabelThreshold | None:
    """The threshold as the study's calibration rows settle it; where it has none, the rows that the targets were
    `learnt` of. Null without either: a student then goes by its teacher's, which stands at one half already."""
    held_out = [one for one in read_examples(context.input_folder("data")) if one.split is Split.CALIBRATION]
    if held_out:
        texts, targets = [one.input for one in held_out], [one.target for one in held_out]
    elif learnt is not None:
        texts, targets = list(learnt.inputs), list(learnt.targets)
    else:
        return None
    sets = [labels_of(target) for target in targets]
    wanted = np.array([[label in one for label in material.labels] for one in sets], dtype=np.bool_)
    return LabelThreshold(material, texts, wanted, max_length, context)


def _bias_of(model: Any, labels: int) -> torch.Tensor | None:
    """The bias of the last layer, which has an output for each label; null where it has none."""
    heads = [
        module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == labels and is_head(model, name)
    ]
    return None if not heads else heads[-1].bias
