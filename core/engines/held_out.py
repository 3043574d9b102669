"""Rows that are kept out of a training to judge it by, and how good a model is on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.data.examples import read_examples
from core.domain import IntArray, Split
from core.engines.baseline.folds import stratified_folds
from core.engines.compress.parity import answer_all
from core.engines.device import Device
from core.engines.distill.rows import TrainingRows
from core.engines.models.protocol import Classifier
from core.engines.models.tokenization import TokenRows
from core.metrics.quality import quality_of

# One row in so many is held out.
HELD_OUT_FOLDS = 5
# A search judges by them after every epoch of every training. At 2,000 rows the standard error of an accuracy of 0.9 is
# 0.7 points; what is beyond serves better to learn from.
HELD_OUT_AT_MOST = 2000
# Every student writes an answer to each of them, which takes a language model seconds where a classifier takes none.
# At 256 rows the standard error of a share of 0.8 is 2.5 points.
WRITTEN_AT_MOST = 256
_BATCH_ROWS = 64


@dataclass(frozen=True)
class HeldOut:
    """Texts with the labels that are right for them; `metric` is accuracy or macro_f1."""

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    metric: str = "accuracy"

    def quality(self, outputs: Sequence[str]) -> float:
        """The metric of these answers, 0 to 1."""
        scores = np.array([float(a == b) for a, b in zip(outputs, self.targets, strict=True)])
        return float(quality_of(self.metric, scores, outputs, self.targets))

    def quality_of(self, classifier: Classifier, tell: Callable[[], None] = lambda: None) -> float:
        """The metric of a classifier's most probable labels, 0 to 1; `tell` is called between batches and may raise."""
        chosen = answer_all(classifier, self.inputs, lambda rows: tell()).argmax(axis=1)
        return self.quality([classifier.labels[place] for place in chosen])


def held_out_rows(targets: Sequence[str], groups: Sequence[str], seed: int) -> IntArray:
    """Numbers of the rows to hold out, about a fifth, ascending.

    A group never spans both parts, and each class keeps a group to train on; the same rows and seed give the same part.
    """
    classes = {label: place for place, label in enumerate(sorted(set(targets)))}
    folds = stratified_folds(
        np.array([classes[target] for target in targets], dtype=np.int64), groups, HELD_OUT_FOLDS, seed
    )
    return np.flatnonzero(folds == 0).astype(np.int64)


def held_out_part(rows: TrainingRows, held_out: IntArray, metric: str) -> HeldOut:
    """Some of the train rows by their numbers, to judge by."""
    chosen = rows.part([int(row) for row in held_out])
    return HeldOut(chosen.inputs, chosen.targets, metric)


def rows_to_judge_by(data_folder: Path, seed: int, *, written: bool = False) -> IntArray:
    """Numbers of the train rows of a prepared dataset that a search of this seed holds out, ascending.

    As `held_out_rows`, but no more than `HELD_OUT_AT_MOST`, or `WRITTEN_AT_MOST` where answers are `written` texts,
    which are no classes.
    """
    examples = [one for one in read_examples(data_folder) if one.split is Split.TRAIN]
    groups = [example.group for example in examples]
    held_out = held_out_rows(["" if written else example.target for example in examples], groups, seed)
    return _at_most(held_out, groups, seed, WRITTEN_AT_MOST if written else HELD_OUT_AT_MOST)


def _at_most(held_out: IntArray, groups: Sequence[str], seed: int, most: int = HELD_OUT_AT_MOST) -> IntArray:
    """No more of these rows than `most`, ascending: whole groups in random order, as many as fit.

    Where none fits it is the smallest one. Depends on its arguments alone.
    """
    if len(held_out) <= most:
        return held_out
    members: dict[str, list[int]] = {}
    for row in held_out:
        members.setdefault(groups[row], []).append(int(row))
    names = list(members)
    chosen: list[int] = []
    for place in np.random.default_rng(seed).permutation(len(names)):
        if len(chosen) + len(members[names[place]]) <= most:
            chosen += members[names[place]]
    smallest = min(names, key=lambda name: len(members[name]))
    return np.array(sorted(chosen or members[smallest]), dtype=np.int64)


def best_labels(model: Any, tokens: TokenRows, pad_id: int, device: Device) -> IntArray:
    """The place of the most probable class of each row, shape (rows,), of a model that is being trained.

    Nothing random is drawn, and the model is in the mode that it was in.
    """
    training = bool(model.training)
    order = np.argsort(-tokens.lengths, kind="stable")
    found = np.zeros(len(order), dtype=np.int64)
    model.eval()
    for begin in range(0, len(order), _BATCH_ROWS):
        rows = order[begin : begin + _BATCH_ROWS]
        ids, mask = (torch.from_numpy(array).to(device.torch_device) for array in tokens.padded(rows, pad_id))
        with torch.inference_mode(), device.autocast():
            found[rows] = model(input_ids=ids, attention_mask=mask).logits.argmax(dim=-1).cpu().numpy()
    model.train(training)
    return found
