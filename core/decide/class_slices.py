"""How well a candidate answers parts of the test rows: each class, and each slice that the study names.

A mean hides rare classes. Their recall has Wilson's interval for as many rows as its rows are worth
(`core.metrics.effective`), which holds for a handful of rows and at 0 and 1, where resampling gives no width at all.
With several seeds it is widened to what the draws of rows and seeds reach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from core.decide.options import Option
from core.decide.outcome import CandidateDecision, ClassRecall, Decision, Interval, SliceQuality, SmallSlice
from core.decide.systems import SharedRows, System, shared_rows
from core.domain import BoolArray
from core.evidence import StudyEvidence
from core.metrics.bootstrap import percentile_interval
from core.metrics.effective import effective_rows
from core.metrics.proportions import wilson_interval
from core.metrics.quality import slice_masks
from core.metrics.seeds import estimate_within
from core.spec import Study

FEWEST_ROWS = 20
"""Below this a class says of itself that its figure means little, and a slice has none and is named with its rows."""


def with_classes_and_slices(
    evidence: StudyEvidence, study: Study, options: Sequence[Option], rows: Sequence[CandidateDecision]
) -> tuple[CandidateDecision, ...]:
    """The candidates' rows, in the order of their options, with their classes and slices."""
    if evidence.test is None:
        return tuple(rows)
    shared = shared_rows(evidence.test, study.task.counted_as)
    classes = study.task.kind == "classification"
    return tuple(
        row
        if option.system is None
        else replace(
            row,
            by_class=class_recalls(shared, option.system) if classes else (),
            by_slice=slice_qualities(shared, option.system),
        )
        for option, row in zip(options, rows, strict=True)
    )


@lru_cache(maxsize=128)
def class_recalls(shared: SharedRows, system: System) -> tuple[ClassRecall, ...]:
    """The share of right answers among the test rows of each class, the rarest class first.

    Empty where the rows have no targets.
    """
    targets = np.asarray(shared.test.targets, dtype=str)
    counts = Counter(target for target in shared.test.targets if target)
    found = []
    for label, rows in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        recall = _recall(shared, system, targets == label)
        found.append(ClassRecall(label, rows, recall, few=rows < FEWEST_ROWS))
    return tuple(found)


def _recall(shared: SharedRows, system: System, mask: BoolArray) -> Interval:
    draws = system.right.within(mask, shared.weights)
    value = float(draws[0])
    groups = [shared.test.groups[row] for row in np.flatnonzero(mask).tolist()]
    weights = shared.test.weights
    worth = effective_rows(groups, None if weights is None else weights[mask])
    low, high = wilson_interval(value * worth, worth)
    if len(system.right.runs) > 1 and len(draws) > 1:
        reach = percentile_interval(draws[1:])
        low, high = min(low, *reach), max(high, *reach)
    return Interval(value, min(low, value), max(high, value))


@lru_cache(maxsize=128)
def slice_qualities(shared: SharedRows, system: System) -> tuple[SliceQuality, ...]:
    """The quality on each slice with enough rows, in the order of columns and values."""
    found = []
    for (column, value), mask in slice_masks(shared.test.slices).items():
        rows = int(mask.sum())
        if rows < FEWEST_ROWS:
            continue
        estimate = estimate_within(system.seeded, mask, shared.test.groups, shared.weights)
        found.append(SliceQuality(column, value, rows, Interval(estimate.value, estimate.low, estimate.high)))
    return tuple(found)


def small_slices(evidence: StudyEvidence) -> tuple[SmallSlice, ...]:
    """The slices with too few rows for an interval worth showing, in the order of columns and values."""
    masks = {} if evidence.test is None else slice_masks(evidence.test.slices)
    counts = {part: int(mask.sum()) for part, mask in masks.items()}
    return tuple(SmallSlice(column, value, rows) for (column, value), rows in counts.items() if rows < FEWEST_ROWS)


def side_by_side(decision: Decision, most: int) -> list[str]:
    """The measured candidates to show beside each other where there is room for so many: the reference, what is chosen
    or leads, then the others in study order."""
    measured = [candidate.name for candidate in decision.candidates if candidate.state == "measured"]
    first = [name for name in (decision.reference, decision.candidate or decision.leading) if name in measured]
    return list(dict.fromkeys([*first, *measured]))[:most]
