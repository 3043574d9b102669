"""The train rows of a prepared dataset, or a part of them for a learning curve: parts of one seed are nested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.data.examples import read_examples
from core.domain import Example, IntArray, Split
from core.jobs.specs import TrainPart


def train_examples(data_folder: Path, part: TrainPart | None = None) -> list[Example]:
    """The train split of a prepare job's folder in dataset order, all of it or a part; empty where there is none."""
    examples = [example for example in read_examples(data_folder) if example.split is Split.TRAIN]
    if part is None or not examples:
        return examples
    chosen = part_of_rows([example.group for example in examples], part.share, part.seed)
    return [examples[row] for row in chosen.tolist()]


def part_of_rows(groups: Sequence[str], share: float, seed: int) -> IntArray:
    """The numbers of the rows of a part, ascending; `groups` are those of all train rows.

    Groups stay whole, so that duplicates of a row do not pass for further rows: they come in a drawn order until at
    least `share` of the rows are there. With one seed a smaller part lies within each larger one.
    """
    names, group_of_row = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    order = np.random.default_rng(seed % 2**32).permutation(len(names))
    filled = np.cumsum(np.bincount(group_of_row, minlength=len(names))[order])
    wanted = max(1, round(share * len(groups)))
    chosen = order[: int(np.searchsorted(filled, wanted)) + 1]
    return np.flatnonzero(np.isin(group_of_row, chosen)).astype(np.int64)
