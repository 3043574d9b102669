"""What a search asks of its students, whatever they are: classifiers (`classifiers`), language models (`writers`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from core.domain import IntArray
from core.engines.part_context import PartContext
from core.engines.sweep.figures import Figures, Turns
from core.engines.sweep.judge import Ends
from core.engines.sweep.space import Setting, Settings
from core.jobs.results import TrainResult
from core.jobs.specs import SweepParameters


class Split(Protocol):
    """The train rows of a search by number: `learnt` by every training, `held_out` from all of them to judge by.

    `teacher_quality` is the teacher's on the held-out rows, 0 to 1, in `metric`.
    """

    @property
    def learnt(self) -> IntArray:
        """What a trial learns, ascending."""

    @property
    def held_out(self) -> IntArray:
        """What it is judged by, ascending."""

    @property
    def all_rows(self) -> IntArray:
        """What the chosen student learns."""

    @property
    def metric(self) -> str:
        """The metric of all qualities."""

    @property
    def teacher_quality(self) -> float:
        """The teacher's; where it has learnt those rows itself, that of the same training without them."""


class Students(Protocol):
    """Makes and measures the students of one search. `parameters` are the search's, as far as they fit the teacher."""

    parameters: SweepParameters

    @property
    def data(self) -> Split:
        """The rows."""

    def train(self, settings: Settings, chosen: IntArray, ends: Ends | None, context: PartContext) -> TrainResult:
        """Train the student of `settings` on the rows `chosen`; its model stands in `model/` of the part's folder.

        `ends` hears the qualities after each epoch and says whether that was the last one; without it nothing is held
        against the held-out rows. Raises EndedEarly, Stopped, and UserError where the loss is not finite or memory does
        not reach. A killed training goes on from its checkpoint, and a finished one is not trained again.
        """

    def measure(self, folder: Path, quantize: str, turns: Turns, tell: Callable[[], None]) -> Figures:
        """The figures of the student trained in `folder`, in the form `quantize`, timed in as many turns as `turns`
        says; `tell` is called between the steps and may raise. Raises UserError where an export answers differently."""

    def write(self, folder: Path, quantize: str, tell: Callable[[], None]) -> Path:
        """The folder of the student trained in `folder` in the form `quantize`, which is no plain one. Raises as
        `measure` does."""

    def shown(self, settings: Settings, quantize: str | None) -> Mapping[str, Setting]:
        """The settings as a trial's record shows them; `quantize` null where it did not come to that."""
