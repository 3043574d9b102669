"""Answered train rows that stand before a message, so that a language model sees how it is to answer.

They are part of the one message and no earlier turns: base models know no turns, some chat templates refuse or shorten
earlier answers, and the message stays the name under which an answer is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import Example, Split
from core.errors import UserError
from core.spec import FewShot, Task


@dataclass(frozen=True)
class Shots:
    """The examples of a task, the first ones first. `drawn` holds one more than are shown, where the data has it."""

    shown: int = 0
    drawn: tuple[Example, ...] = ()

    def before(self, example: Example) -> tuple[Example, ...]:
        """What stands before a message about `example`: never that row itself, nor one that is the same."""
        return tuple(one for one in self.drawn if one.group != example.group)[: self.shown]


NO_SHOTS = Shots()


def draw_shots(task: Task, examples: Sequence[Example]) -> Shots:
    """The examples that a task shows, drawn from the train rows: the same for the same data and seed, whoever is asked.

    Labels take turns in a classification, so that no label has two examples before each has one. No two examples are
    of one group. Raises UserError where train has too few rows, or no targets.
    """
    if task.few_shot is None:
        return NO_SHOTS
    train = [example for example in examples if example.split is Split.TRAIN]
    ranked = _ranked(task, task.few_shot, train)
    wanted = task.few_shot.examples
    if len(ranked) < wanted:
        raise UserError("language.few_shot_rows", wanted=wanted, found=len(ranked))
    if not all(example.target for example in ranked[: wanted + 1]):
        raise UserError("language.few_shot_targets")
    return Shots(wanted, tuple(ranked[: wanted + 1]))


def _ranked(task: Task, few_shot: FewShot, train: Sequence[Example]) -> list[Example]:
    """Train rows of different groups in the order in which they are drawn."""
    generator = np.random.default_rng(few_shot.seed)
    shuffled = [train[place] for place in generator.permutation(len(train)).tolist()]
    if task.kind == "classification":
        shuffled = _in_turns(shuffled)
    first_of_group: dict[str, Example] = {}
    for example in shuffled:
        first_of_group.setdefault(example.group, example)
    return list(first_of_group.values())


def _in_turns(examples: Sequence[Example]) -> list[Example]:
    """The examples with their labels taking turns; labels come in the order in which they first stand."""
    by_label: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_label[example.target].append(example)
    ranked = [(turn, place, one) for place, own in enumerate(by_label.values()) for turn, one in enumerate(own)]
    return [one for _, _, one in sorted(ranked, key=lambda entry: entry[:2])]
